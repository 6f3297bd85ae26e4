"""A plan's history: edits written into its log, taken back, done again, and replayed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pandas as pd

from gridgeo.edit_log import EditRecord, require_sound, seal_record
from gridgeo.errors import InputError, PlanError
from gridgeo.plan import Plan
from gridgeo.redraw.attempt import Outcome, try_edit
from gridgeo.redraw.changes import apply_changes, read_changes, reverse_changes, write_changes
from gridgeo.redraw.edits import Edit, describe_edit, is_plain, recall_edit
from gridgeo.redraw.ground import carry_ground
from gridgeo.texts import text

_LONGEST_NAME = 200


@dataclass(frozen=True)
class _Said:
    """A record as an error words it: in the language of whoever reads the error."""

    record: EditRecord
    log: tuple[EditRecord, ...]

    def __str__(self) -> str:
        return describe_record(self.record, self.log)


def apply_edit(
    plan: Plan, edit: Edit, *, who: str = "", time: datetime | None = None, seen: str | None = None
) -> Outcome:
    """Apply an edit and write it into the log.

    Parameters
    ----------
    plan : Plan
        The plan; it stays as it is.
    edit : Edit
        The edit.
    who : str, optional
        Who does it.
    time : datetime, optional
        When; now when left out.
    seen : str, optional
        The log's head (see `log_head`) that the planner saw when deciding on the edit. When the plan has moved on
        since, the edit is refused and the other's change shown.

    Returns
    -------
    Outcome
        The plan afterwards, its log one record longer.

    Raises
    ------
    InputError
        If the edit cannot be done; nothing is changed.
    PlanError
        If it is stale.
    """
    require_current(plan, seen)
    outcome = try_edit(plan, edit)
    written = write_changes(outcome.changes)
    return replace(outcome, plan=_log(plan, outcome.plan, who, time, edit.kind, edit.as_json(), written))


def undo_edits(plan: Plan, n: int = 1, *, who: str = "", time: datetime | None = None, seen: str | None = None) -> Plan:
    """Take the last edits back.

    Parameters
    ----------
    plan : Plan
        The plan; it stays as it is.
    n : int, optional
        How many.
    who, time, seen
        As for `apply_edit`.

    Returns
    -------
    Plan
        The plan as it was before them, to the last bit; its log says that they were taken back.

    Raises
    ------
    InputError
        If there are not that many.
    PlanError
        If the log was altered, or does not fit the plan.
    """
    return _step(plan, n, "undo", who, time, seen)


def redo_edits(plan: Plan, n: int = 1, *, who: str = "", time: datetime | None = None, seen: str | None = None) -> Plan:
    """Do edits again that were taken back, the last one taken back first.

    Parameters
    ----------
    plan : Plan
        The plan; it stays as it is.
    n : int, optional
        How many.
    who, time, seen
        As for `apply_edit`.

    Returns
    -------
    Plan
        The plan with them.

    Raises
    ------
    InputError
        If there are not that many: a new edit ends what could be done again.
    PlanError
        If the log was altered, or does not fit the plan.
    """
    return _step(plan, n, "redo", who, time, seen)


def find_done(log: Iterable[EditRecord]) -> tuple[list[int], list[int]]:
    """Tell which edits of a log stand.

    Parameters
    ----------
    log : iterable of EditRecord
        The log.

    Returns
    -------
    done : list of int
        The records that stand, in order: what an undo takes back is the last.
    undone : list of int
        The records taken back: what a redo does again is the last.
    """
    done: list[int] = []
    undone: list[int] = []
    for record in log:
        if record.kind == "undo":
            undone.append(done.pop())
        elif record.kind == "redo":
            done.append(undone.pop())
        else:
            done.append(record.rev)
            undone.clear()
    return done, undone


def log_head(plan: Plan) -> str:
    """Return what tells a plan's state from any other state of it.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    str
        The seal of the last record; empty before the first.
    """
    return plan.edits[-1].seal if plan.edits else ""


def require_current(plan: Plan, seen: str | None) -> None:
    """Refuse an edit that was decided on an older state of the plan.

    Parameters
    ----------
    plan : Plan
        The plan as it is now.
    seen : str or None
        The head of the log that the planner saw; None when not said.

    Raises
    ------
    PlanError
        If the plan has moved on since; the error's faults are the changes made by others.
    """
    if seen is None or seen == log_head(plan):
        return
    seals = ["", *(record.seal for record in plan.edits)]
    since = plan.edits[seals.index(seen) :] if seen in seals else plan.edits
    last = since[-1] if since else None
    if last is None:
        raise PlanError("stale_unknown")
    said = _Said(last, plan.edits)
    raise PlanError("stale_edit", count=len(since), who=last.who or "–", time=last.time, what=said)


def describe_record(record: EditRecord, log: tuple[EditRecord, ...]) -> str:
    """Say in a sentence what a record did.

    Parameters
    ----------
    record : EditRecord
        The record.
    log : tuple of EditRecord
        The log it stands in.

    Returns
    -------
    str
        The sentence, in the current language.
    """
    if record.kind not in ("undo", "redo"):
        return describe_edit(recall_edit(json.loads(record.edit)))
    rev = int(json.loads(record.edit)["rev"])
    return text(f"edits.{record.kind}", rev=rev, what=describe_record(log[rev - 1], log))


def tabulate_log(plan: Plan) -> pd.DataFrame:
    """Put the log into a table.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    DataFrame
        ``rev``, ``time``, ``who``, ``kind``, ``what`` (a sentence), ``rows`` (how many rows it changed), ``stands``
        (whether its change is in the plan), ``seal``; one row a record, in order.

    Raises
    ------
    PlanError
        If the log was altered; the error says which record.
    """
    require_sound(plan.edits)
    done = set(find_done(plan.edits)[0])
    rows = [
        {
            "rev": record.rev,
            "time": record.time,
            "who": record.who,
            "kind": record.kind,
            "what": describe_record(record, plan.edits),
            "rows": len(read_changes(source_record(record, plan.edits).changes)),
            "stands": record.rev in done,
            "seal": record.seal,
        }
        for record in plan.edits
    ]
    columns = ["rev", "time", "who", "kind", "what", "rows", "stands", "seal"]
    return pd.DataFrame(rows, columns=columns)


def base_plan(plan: Plan) -> Plan:
    """Return the plan before its first edit.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    Plan
        The base, with an empty log.

    Raises
    ------
    PlanError
        If the log was altered, or does not fit the plan: then something was changed past the log.
    """
    return plan_at(plan, 0)


def plan_at(plan: Plan, rev: int) -> Plan:
    """Return the plan as it was after a record of its log.

    Parameters
    ----------
    plan : Plan
        The plan.
    rev : int
        The record's number; 0 for the plan before the first.

    Returns
    -------
    Plan
        The plan at that time, with the log up to there.

    Raises
    ------
    InputError
        If the log has no such record.
    PlanError
        If the log was altered, or does not fit the plan: then something was changed past the log.
    """
    if not 0 <= rev <= len(plan.edits):
        raise InputError("unknown_rev", value=rev, count=len(plan.edits))
    require_sound(plan.edits)
    now, then = find_done(plan.edits)[0], find_done(plan.edits[:rev])[0]
    shared = next((place for place, pair in enumerate(zip(now, then, strict=False)) if pair[0] != pair[1]), None)
    shared = min(len(now), len(then)) if shared is None else shared
    done = plan
    for each in reversed(now[shared:]):
        done = apply_changes(done, reverse_changes(read_changes(plan.edits[each - 1].changes)), rev=each)
    for each in then[shared:]:
        done = apply_changes(done, read_changes(plan.edits[each - 1].changes), rev=each)
    return _with_log(done, done, plan.edits[:rev])


def replay_log(base: Plan, log: tuple[EditRecord, ...]) -> Plan:
    """Do everything a log says on the plan it began with.

    Parameters
    ----------
    base : Plan
        The plan before the first record, with an empty log.
    log : tuple of EditRecord
        The log.

    Returns
    -------
    Plan
        The plan with the log.

    Raises
    ------
    InputError
        If the base has a log of its own.
    PlanError
        If the log was altered, or does not fit the base.
    """
    if base.edits:
        raise InputError("replay_on_edited")
    require_sound(log)
    plan = base
    for record in log:
        changes = read_changes(source_record(record, log).changes)
        plan = apply_changes(plan, reverse_changes(changes) if record.kind == "undo" else changes, rev=record.rev)
    return _with_log(plan, plan, log)


def _step(plan: Plan, n: int, kind: str, who: str, time: datetime | None, seen: str | None) -> Plan:
    require_current(plan, seen)
    if n < 1:
        raise InputError("bad_steps", value=n)
    require_sound(plan.edits)
    done, undone = find_done(plan.edits)
    stack = done if kind == "undo" else undone
    if not stack:
        raise InputError(f"nothing_to_{kind}")
    if n > len(stack):
        raise InputError(f"too_many_to_{kind}", value=n, count=len(stack))
    for rev in reversed(stack[-n:]):
        changes = read_changes(plan.edits[rev - 1].changes)
        after = apply_changes(plan, reverse_changes(changes) if kind == "undo" else changes, rev=rev)
        plan = _log(plan, after, who, time, kind, json.dumps({"rev": rev}), "")
    return plan


def source_record(record: EditRecord, log: tuple[EditRecord, ...]) -> EditRecord:
    """Return the record that holds what a record changed: itself, or the one it takes back or does again.

    Parameters
    ----------
    record : EditRecord
        The record.
    log : tuple of EditRecord
        The log it stands in.

    Returns
    -------
    EditRecord
        The record with the changes.
    """
    return log[int(json.loads(record.edit)["rev"]) - 1] if record.kind in ("undo", "redo") else record


def _log(before: Plan, after: Plan, who: str, time: datetime | None, kind: str, edit: str, changes: str) -> Plan:
    stamp = (time or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    name = "".join(each if is_plain(each, turning=False) else " " for each in who[:_LONGEST_NAME]).strip()
    record = seal_record(
        log_head(before), rev=len(before.edits) + 1, time=stamp, who=name, kind=kind, edit=edit, changes=changes
    )
    return _with_log(after, after, (*before.edits, record))


def _with_log(plan: Plan, ground_of: Plan, log: tuple[EditRecord, ...]) -> Plan:
    logged = replace(plan, edits=log)
    carry_ground(ground_of, logged)
    return logged
