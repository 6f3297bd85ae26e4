"""An edit tried on a plan: checked, then applied, or refused with a sentence."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

from gridgeo.errors import InputError
from gridgeo.plan import Plan
from gridgeo.redraw import grids, places, rebalance, split
from gridgeo.redraw.changes import Change, apply_changes
from gridgeo.redraw.edits import VOCABULARY, Edit
from gridgeo.redraw.ground import find_ground

FAR_M = 20_000.0
"""What lies farther than this from the district is misplaced: nobody walks there."""

_WORK: MappingProxyType[str, Callable[[Plan, Edit], grids.Draft]] = MappingProxyType(
    {
        "move_blocks": grids.move_blocks,
        "split_grid": split.split_grid,
        "merge_grids": grids.merge_grids,
        "new_grid": grids.make_grid,
        "set_grid_kind": grids.set_grid,
        "lock_grid": grids.set_grid,
        "rename_grid": grids.set_grid,
        "staff_grid": grids.set_grid,
        "renumber_grids": grids.renumber_grids,
        "rebalance_grids": rebalance.rebalance_grids,
        **{kind: places.edit_station for kind in VOCABULARY if kind.endswith("_station")},
        **{kind: places.edit_gate for kind in VOCABULARY if kind.endswith("_gate")},
        **{kind: places.edit_street for kind in VOCABULARY if kind.endswith("_street")},
        **{kind: places.edit_barrier for kind in VOCABULARY if kind.endswith("_barrier")},
        "set_households": places.set_households,
    }
)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of an edit.

    Parameters
    ----------
    plan : Plan
        The plan afterwards.
    edit : Edit
        The edit.
    changes : tuple of Change
        The rows it changed.
    offers : tuple of Edit
        Further edits that a planner may want next: where a piece that a split cut off could go.
    """

    plan: Plan
    edit: Edit
    changes: tuple[Change, ...]
    offers: tuple[Edit, ...] = ()


def try_edit(plan: Plan, edit: Edit) -> Outcome:
    """Apply an edit without writing it into the log.

    Parameters
    ----------
    plan : Plan
        The plan; it stays as it is.
    edit : Edit
        The edit.

    Returns
    -------
    Outcome
        The plan afterwards and what changed.

    Raises
    ------
    InputError
        If the edit names what does not exist, lies far away, cannot be done, or changes nothing.
    """
    find_ground(plan)
    _require_near(plan, edit)
    draft = _WORK[edit.kind](plan, edit)
    if not draft.changes:
        raise InputError("edit_changes_nothing", edit=edit)
    return Outcome(apply_changes(plan, draft.changes), edit, draft.changes, draft.offers)


def _require_near(plan: Plan, edit: Edit) -> None:
    """Refuse points far from the district: degrees perhaps, or metres of another zone."""
    points = [edit.get("at")] if edit.get("at") else edit.get("line") or ()
    if len(points) == 0 or len(plan.units) == 0:
        return
    west, south, east, north = plan.units.total_bounds
    for x, y in points:
        away = math.hypot(max(west - x, 0, x - east), max(south - y, 0, y - north))
        if away > FAR_M:
            middle = f"{(west + east) / 2:.0f}, {(south + north) / 2:.0f}"
            raise InputError("edit_far_away", value=f"{x:.10g}, {y:.10g}", km=f"{away / 1000:,.0f}", middle=middle)
