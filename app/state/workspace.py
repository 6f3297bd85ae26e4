"""The living plan: one a plan file and process, shared by every session and tab, saved with every edit.

An edit is made under a lock on the plan as it is now, so none is lost whoever makes it. What the planner saw when they
decided travels along: an edit that touches nothing changed since is made all the same; one that does is refused, and
the other's change shown.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from app.state.folders import edit_path
from app.state.settings import Walking, read_settings
from app.state.touched import UNKNOWN, Items, name_items, require_apart
from gridgeo.assessment import DEFAULT_CUTOFFS_M, divide_plan
from gridgeo.coverage import Coverage
from gridgeo.edit_log import EditRecord
from gridgeo.errors import FileError, GridgeoError, PlanError
from gridgeo.plan import Plan
from gridgeo.redraw import (
    Edit,
    Outcome,
    apply_edit,
    log_head,
    redo_edits,
    require_current,
    save_edits,
    undo_edits,
)
from gridgeo.scenario import assess_fresh, update_coverage
from gridgeo.store import hold_lock, read_plan, write_plan
from gridgeo.texts import using_language


@dataclass(frozen=True, eq=False)
class State:
    """The plan at one moment. It never changes; a page works on the one it got.

    Parameters
    ----------
    number : int
        Counts up with every change, in this process.
    plan : Plan
        The plan, with blocks and grids.
    """

    number: int
    plan: Plan

    @property
    def head(self) -> str:
        """The log's head: what an edit decided on this state gives as ``seen``."""
        return log_head(self.plan)


class Workspace:
    """The living plan of one file. Get it from `open_workspace`.

    Parameters
    ----------
    source : Path
        The file that was opened.
    target : Path
        Where edits are saved: the file itself, or the user's copy of it.
    """

    def __init__(self, source: Path, target: Path) -> None:
        self.source = source
        self.target = target
        self._lock = threading.RLock()
        self._state: State | None = None
        self._stamp: tuple[int, int] | None = None
        self._stored = False
        self._touched: dict[str, Items] = {}
        self._walked: tuple[Plan, Coverage] | None = None
        self._asked: tuple[tuple[float, ...], Walking] | None = None

    @property
    def is_copy(self) -> bool:
        """Whether edits go to a copy, because the file belongs to the installation or cannot be written."""
        return self.source != self.target

    @property
    def holds_unsaved(self) -> bool:
        """Whether a plan is held that is not in its file any more: see `rescue`."""
        return self._state is not None and _stamp(self.target) != self._stamp

    @property
    def mark(self) -> str:
        """A word that is another one after every change; nothing is read for it, and nobody waited for."""
        number = self._state.number if self._state else 0
        return str(number) if self._lies() == self._stamp else f"{number}+"

    def current(self) -> State:
        """Return the plan as it is now; what another program wrote into the file is read first.

        Returns
        -------
        State
            The plan.

        Raises
        ------
        GridgeoError
            If the file is gone or cannot be read. What this process holds is kept: see `rescue`.
        """
        with self._lock:
            stamp = self._lies()
            if stamp is None:
                if self._state is None:
                    raise FileError("missing_file", file=self.source.name)
                raise FileError("plan_gone", file=self.target.name)
            if self._state is None or stamp != self._stamp:
                self._read(stamp)
            return self._known()

    def apply(self, edit: Edit, *, seen: str | None = None, who: str = "") -> Outcome:
        """Make an edit on the plan as it is now and save it at once.

        Parameters
        ----------
        edit : Edit
            The edit.
        seen : str, optional
            `State.head` of the state the planner decided on.
        who : str, optional
            Who makes it.

        Returns
        -------
        Outcome
            What it did.

        Raises
        ------
        InputError
            If it cannot be done.
        PlanError
            If it touches what somebody else changed since.
        FileError
            If it cannot be saved. Whatever is raised, the plan is as it was.
        """
        with self._lock:
            before = self.current().plan
            if seen is not None and seen != log_head(before):
                require_apart(before, edit, seen, self._touched)
            outcome = apply_edit(before, edit, who=who)
            self._save(outcome.plan)
            self._touched[log_head(outcome.plan)] = name_items(before, outcome.changes)
            return outcome

    def apply_all(self, edits: Iterable[Edit], *, seen: str | None = None, who: str = "") -> Plan:
        """Make several edits, all of them or none, and save once.

        Parameters
        ----------
        edits : iterable of Edit
            The edits, for example a scenario's.
        seen, who
            As for `apply`; stale is refused.

        Returns
        -------
        Plan
            The plan afterwards.

        Raises
        ------
        GridgeoError
            As for `apply`.
        """
        with self._lock:
            plan = self.current().plan
            require_current(plan, seen)
            touched = {}
            for edit in edits:
                outcome = apply_edit(plan, edit, who=who)
                touched[log_head(outcome.plan)] = name_items(plan, outcome.changes)
                plan = outcome.plan
            self._save(plan)
            self._touched |= touched
            return plan

    def undo(self, n: int = 1, *, seen: str | None = None, who: str = "") -> Plan:
        """Take the last edits back and save.

        Parameters
        ----------
        n : int, optional
            How many.
        seen, who
            As for `apply`; since the last edit may be another's, any change since is shown first.

        Returns
        -------
        Plan
            The plan afterwards.

        Raises
        ------
        GridgeoError
            As for `apply`; also when there is nothing to take back.
        """
        return self._step(undo_edits, n, seen, who)

    def redo(self, n: int = 1, *, seen: str | None = None, who: str = "") -> Plan:
        """Do edits again that were taken back, and save.

        Parameters
        ----------
        n, seen, who
            As for `undo`.

        Returns
        -------
        Plan
            The plan afterwards.

        Raises
        ------
        GridgeoError
            As for `undo`.
        """
        return self._step(redo_edits, n, seen, who)

    def replace(self, plan: Plan, *, seen: str | None = None) -> State:
        """Exchange the whole plan, for a change that is no edit: a layer imported, blocks cut anew.

        Parameters
        ----------
        plan : Plan
            The plan from now on, made from the one that was seen.
        seen : str, optional
            As for `apply`; stale is refused.

        Returns
        -------
        State
            The plan as it is now.

        Raises
        ------
        GridgeoError
            If it is stale or cannot be saved.
        """
        with self._lock:
            require_current(self.current().plan, seen)
            self._write(plan)
            self._take(_divided(plan))
            return self._known()

    def coverage(self, state: State | None = None, *, cutoffs_m: tuple[float, ...] = DEFAULT_CUTOFFS_M) -> Coverage:
        """Return who can walk to an open station, as the settings say that people walk; followed from state to state.

        Parameters
        ----------
        state : State, optional
            The state; the current one when left out.
        cutoffs_m : tuple of float, optional
            Walking distances in metres; the first decides.

        Returns
        -------
        Coverage
            What a fresh assessment of that plan finds.

        Raises
        ------
        GridgeoError
            If the plan lacks streets, households or stations.
        """
        with self._lock:
            plan, walking = (state or self.current()).plan, read_settings().walking()
            known, asked = self._walked, (tuple(map(float, cutoffs_m)), walking)
            if known is None or self._asked != asked:
                found = assess_fresh(plan, cutoffs_m, person=walking.walker, max_access_m=walking.max_access_m)
            else:
                found = known[1] if known[0] is plan else update_coverage(known[1], known[0], plan)
            self._walked, self._asked = (plan, found), asked
            return found

    def rescue(self) -> Path:
        """Write the plan again that this process holds, after its file was deleted or damaged.

        Returns
        -------
        Path
            The file: where the plan was, or beside it when something else lies there now.

        Raises
        ------
        FileError
            If it cannot be written.
        """
        with self._lock:
            plan = self._known().plan
            if _stamp(self.target) is None:
                self._write(plan)
                return self.target
            beside = self.target.with_name(f"{self.target.stem}-rescued.gpkg")
            write_plan(plan, beside)
            return beside

    def _lies(self) -> tuple[int, int] | None:
        """Return the stamp of the file that holds the plan; None when it is gone."""
        return _stamp(self.target) or (None if self._stored else _stamp(self.source))

    def _known(self) -> State:
        if self._state is None:
            raise FileError("missing_file", file=self.source.name)
        return self._state

    def _read(self, stamp: tuple[int, int]) -> None:
        self._stored = _stamp(self.target) is not None
        read = read_plan(self.target if self._stored else self.source)
        plan = _divided(read)
        # A plan cut into grids here is not yet in its file; the first edit writes it there whole.
        self._stored = self._stored and plan is read
        self._take(plan, stamp)

    def _take(self, plan: Plan, stamp: tuple[int, int] | None = None) -> None:
        self._state = State(self._state.number + 1 if self._state else 1, plan)
        self._stamp = stamp or _stamp(self.target)

    def _write(self, plan: Plan) -> None:
        try:
            self.target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError("unwritable_file", file=self.target.name, detail=error.strerror) from error
        with hold_lock(self.target):
            write_plan(plan, self.target)
        self._stored = True
        self._stamp = _stamp(self.target)

    def _save(self, plan: Plan) -> None:
        if not self._stored:
            self._write(self._known().plan)
        try:
            save_edits(plan, self.target)
        except PlanError:
            # Another process wrote since the file was looked at: look again before the next edit.
            self._stamp = None
            raise
        self._take(plan)

    def _step(self, step: Callable[..., Plan], n: int, seen: str | None, who: str) -> Plan:
        with self._lock:
            before = self.current().plan
            plan = step(before, n, seen=seen, who=who)
            self._save(plan)
            for record in plan.edits[len(before.edits) :]:
                self._touched[record.seal] = self._touched_by_source(record, plan)
            return plan

    def _touched_by_source(self, record: EditRecord, plan: Plan) -> Items:
        """Return what an undo or redo touched: what the record touched that it takes back or does again."""
        source = plan.edits[int(json.loads(record.edit)["rev"]) - 1]
        return self._touched.get(source.seal, UNKNOWN)


_open: dict[Path, Workspace] = {}
_opening = threading.Lock()


def open_workspace(path: Path) -> Workspace:
    """Return the living plan of a file: the same one for everybody in this process.

    Parameters
    ----------
    path : Path
        The plan file.

    Returns
    -------
    Workspace
        Its workspace; the file is read when `Workspace.current` is first asked.
    """
    source = path.resolve()
    with _opening:
        if source not in _open:
            _open[source] = Workspace(source, edit_path(source))
        return _open[source]


def _stamp(path: Path) -> tuple[int, int] | None:
    """Tell one state of a file from another; None when it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _divided(plan: Plan) -> Plan:
    """Give a plan blocks and grids if it has none and can have them."""
    if len(plan.blocks) and len(plan.grids):
        return plan
    try:
        # Grids are named when they are made, and readers of both languages share them: the offices' language it is.
        with using_language("zh"):
            return divide_plan(plan, households_per_grid=read_settings().households_per_grid)[0]
    except GridgeoError:
        # A plan that lacks a layer still opens: its pages say what to add.
        return plan
