"""Edits saved to a plan file: one writer at a time, in one step, nobody's change overwritten unseen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from gridgeo.errors import PlanError
from gridgeo.plan import Plan
from gridgeo.redraw.changes import read_changes
from gridgeo.redraw.history import log_head, require_current, source_record
from gridgeo.store import Head, Touched, hold_lock, read_head, read_log, read_plan, save_records, write_plan


def save_edits(plan: Plan, path: str | Path) -> None:
    """Save an edited plan to the file it came from, unless somebody else has changed that meanwhile.

    Only the rows that the edits touch are written, in one transaction. The whole file is written, and put in place in
    one step, when the plan's layers were exchanged past the log, or the file is not as gridgeo leaves it.

    Parameters
    ----------
    plan : Plan
        The plan.
    path : str or Path
        The file.

    Raises
    ------
    PlanError
        If the file's log is not the beginning of the plan's: the other's change is shown. If the file holds another
        plan than the one that this came from. It stays as it is.
    FileError
        If the file cannot be read or written; it stays as it is.
    """
    with hold_lock(path):
        head = read_head(path)
        if head.rev > len(plan.edits) or head.seal != _seal(plan, head.rev):
            _refuse_stale(plan, path)
        if head.base is not None and head.base not in plan.bases:
            raise PlanError("plan_exchanged", file=Path(path).name)
        _save(plan, path, head)


def edit_file(path: str | Path, work: Callable[[Plan], Plan], *, seen: str | None = None) -> Plan:
    """Read a plan file, change the plan and save it, with nobody else in between.

    Parameters
    ----------
    path : str or Path
        The file.
    work : callable
        Takes the plan and gives the one to save; what it raises leaves the file as it is.
    seen : str, optional
        The head of the log that the change was decided on.

    Returns
    -------
    Plan
        The plan as saved.

    Raises
    ------
    PlanError
        If the file is no plan, or has moved on since `seen`.
    FileError
        If the file cannot be read or written; it stays as it is.
    """
    with hold_lock(path):
        before = read_plan(path)
        require_current(before, seen)
        after = work(before)
        if log_head(after) != log_head(before):
            _save(after, path, read_head(path))
    return after


def _save(plan: Plan, path: str | Path, head: Head) -> None:
    """Write the rows that differ from the file in this state; the whole plan where rows alone will not do."""
    if head.base != plan.bases[-1] or not save_records(plan, path, _find_touched(plan, head.rev), head):
        write_plan(plan, path)


def _find_touched(plan: Plan, known: int) -> dict[str, Touched]:
    """Say what the records after the first `known` touch, in the places rows have at the end.

    A row before the first that came or went keeps its place throughout; those behind it are written anew anyway.
    """
    touched: dict[str, Touched] = {}
    for record in plan.edits[known:]:
        for change in read_changes(source_record(record, plan.edits).changes):
            mine = touched.setdefault(change.layer, Touched())
            if change.before is None or change.after is None:
                mine.tail = change.row if mine.tail is None else min(mine.tail, change.row)
            else:
                mine.cells.setdefault(change.row, set()).update(change.after)
    return touched


def _seal(plan: Plan, rev: int) -> str:
    return plan.edits[rev - 1].seal if rev else ""


def _refuse_stale(plan: Plan, path: str | Path) -> None:
    """Show what somebody else has done to the file since the plan parted from it."""
    stored = read_log(path)
    shared = 0
    for one, other in zip(stored, plan.edits, strict=False):
        if one != other:
            break
        shared += 1
    require_current(replace(plan, edits=stored), stored[shared - 1].seal if shared else "")
