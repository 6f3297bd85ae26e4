"""The log of a plan: every change in order, who and when, what it was before and after, each record sealed to the last.

A log only grows: an undo is a record too. A record's seal is the SHA-256 of the seal before it and of the SHA-256 of
everything the record says, so a record that was changed, left out or put in by hand shows, and which one it was.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import cached_property

from gridgeo.errors import Fault, PlanError


@dataclass(frozen=True)
class EditRecord:
    """One line of the log.

    Parameters
    ----------
    rev : int
        Its number, from 1.
    time : str
        When, in UTC: ``2026-11-21T08:30:00Z``.
    who : str
        Who did it; empty when not said.
    kind : str
        The edit's kind, or ``undo`` or ``redo``.
    edit : str
        The edit as JSON; of an undo or redo ``{"rev": …}``, the record it takes back or does again.
    changes : str
        What it changed, row by row with the values before and after, as JSON; empty for an undo or redo, which change
        what the record they name changed.
    seal : str
        The hash that chains it to the record before.
    """

    rev: int
    time: str
    who: str
    kind: str
    edit: str
    changes: str
    seal: str

    @cached_property
    def digest(self) -> str:
        """The hash of what the record says, in hexadecimal; worked out once, since a record never changes."""
        return _hash(json.dumps(_said(self), ensure_ascii=False, separators=(",", ":")))


def seal_record(before: str, *, rev: int, time: str, who: str, kind: str, edit: str, changes: str) -> EditRecord:
    """Make the next record of a log.

    Parameters
    ----------
    before : str
        The seal of the record before; empty for the first.
    rev, time, who, kind, edit, changes
        See `EditRecord`.

    Returns
    -------
    EditRecord
        The record with its seal.
    """
    record = EditRecord(rev, time, who, kind, edit, changes, "")
    return replace(record, seal=_hash(before + record.digest))


def require_sound(log: tuple[EditRecord, ...]) -> None:
    """Refuse a log that was altered.

    Parameters
    ----------
    log : tuple of EditRecord
        The log.

    Raises
    ------
    PlanError
        If a record is not what it was when it was written, or one is missing; the error says which.
    """
    for fault in check_log(log):
        raise PlanError(fault.key, rev=fault.row)


def check_log(log: tuple[EditRecord, ...]) -> list[Fault]:
    """Name the first record of a log that is not what was written; whatever follows hangs on it.

    Parameters
    ----------
    log : tuple of EditRecord
        The log.

    Returns
    -------
    list of Fault
        At most one; empty when the log is whole.
    """
    before = ""
    for expected, record in enumerate(log, start=1):
        if record.rev != expected or record.seal != _hash(before + record.digest):
            return [Fault(key="log_altered", layer="edits", row=expected, values={"rev": expected})]
        before = record.seal
    return []


def _said(record: EditRecord) -> tuple[object, ...]:
    return record.rev, record.time, record.who, record.kind, record.edit, record.changes


def _hash(said: str) -> str:
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()
