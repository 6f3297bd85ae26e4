"""Edits saved to a plan file: one writer at a time, the whole file in one step, nobody's change overwritten unseen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from gridgeo.plan import Plan
from gridgeo.redraw.history import log_head, require_current
from gridgeo.store import hold_lock, read_log, read_plan, write_plan


def save_edits(plan: Plan, path: str | Path) -> None:
    """Save an edited plan over the file it came from, unless somebody else has changed that meanwhile.

    Parameters
    ----------
    plan : Plan
        The plan.
    path : str or Path
        The file.

    Raises
    ------
    PlanError
        If the file's log is not the beginning of the plan's: the other's change is shown, the file stays as it is.
    FileError
        If the file cannot be read or written; it stays as it is.
    """
    with hold_lock(path):
        stored = read_log(path)
        if stored != plan.edits[: len(stored)]:
            shared = 0
            for one, other in zip(stored, plan.edits, strict=False):
                if one != other:
                    break
                shared += 1
            require_current(replace(plan, edits=stored), stored[shared - 1].seal if shared else "")
        write_plan(plan, path)


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
            write_plan(after, path)
    return after
