"""Redraw: planners' edits as data, tried, logged, taken back, done again and replayed."""

from gridgeo.redraw.assign import bound_blocks
from gridgeo.redraw.attempt import Outcome, try_edit
from gridgeo.redraw.changes import Change, apply_changes, reverse_changes
from gridgeo.redraw.edits import VOCABULARY, Edit, describe_edit, make_edit, read_edit
from gridgeo.redraw.history import (
    apply_edit,
    base_plan,
    describe_record,
    find_done,
    log_head,
    plan_at,
    redo_edits,
    replay_log,
    require_current,
    tabulate_log,
    undo_edits,
)
from gridgeo.redraw.lineage import cross_grids, list_handover
from gridgeo.redraw.referee import Finding, judge_plan
from gridgeo.redraw.repairs import find_breaks, suggest_repairs
from gridgeo.redraw.saving import edit_file, save_edits

__all__ = [
    "VOCABULARY",
    "Change",
    "Edit",
    "Finding",
    "Outcome",
    "apply_changes",
    "apply_edit",
    "base_plan",
    "bound_blocks",
    "cross_grids",
    "describe_edit",
    "describe_record",
    "edit_file",
    "find_breaks",
    "find_done",
    "judge_plan",
    "list_handover",
    "log_head",
    "make_edit",
    "plan_at",
    "read_edit",
    "redo_edits",
    "replay_log",
    "require_current",
    "reverse_changes",
    "save_edits",
    "suggest_repairs",
    "tabulate_log",
    "try_edit",
    "undo_edits",
]
