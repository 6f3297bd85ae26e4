"""What-if in the app: a draft scenario that the server keeps, followed from change to change."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import streamlit as st

from app.parts.component import Event, take_events
from app.parts.live import perform
from app.state import cache
from app.state.drafts import keep_scenario, list_scenarios, scenario_key
from app.state.settings import Walking, read_settings
from app.state.sign_in import reader, require_planner
from app.state.workspace import Workspace
from gridgeo.coverage import Coverage
from gridgeo.errors import InputError
from gridgeo.maps.features import from_degrees
from gridgeo.plan import Plan
from gridgeo.redraw import Edit, apply_edit, make_edit
from gridgeo.scenario import Scenario, ScenarioResult, plan_key, run_scenario, update_coverage
from gridgeo.texts import text

MAP = "whatif"
ITEM = "whatif_item"
NAME = "whatif_name"
MOST_STAGES = 30
"""How many changes are taken back without working the rest out again."""

_NAMED = ("station", "gate", "street")


@dataclass(frozen=True, eq=False)
class Stage:
    """A scenario after one change.

    Parameters
    ----------
    scenario : Scenario
        The scenario.
    plan : Plan
        The plan with its edits.
    coverage : Coverage
        Who can walk then.
    """

    scenario: Scenario
    plan: Plan
    coverage: Coverage


class Draft:
    """A scenario that is worked on. It is the same for every tab, and its file is written with every change.

    Parameters
    ----------
    work : Workspace
        The living plan.
    key : str
        The scenario's key.
    scenario : Scenario
        The scenario as it stands in its file.
    """

    def __init__(self, work: Workspace, key: str, scenario: Scenario) -> None:
        self.work, self.key = work, key
        self._lock = threading.RLock()
        self._base: Plan | None = None
        self._asked: tuple[tuple[float, ...], Walking] | None = None
        self._stages: list[Stage] = []
        self._undone: list[Stage] = []
        self._scenario = scenario

    @property
    def mark(self) -> str:
        """A word that is another one after every change of the scenario or the plan."""
        return f"{self.work.mark} {hash(repr(self._scenario))}"

    def now(self) -> Stage:
        """Return the scenario as it is, on the plan as it is.

        Returns
        -------
        Stage
            The stage.

        Raises
        ------
        GridgeoError
            If the scenario does not fit the plan any more.
        """
        with self._lock:
            state, settings = self.work.current(), read_settings()
            cutoffs, walking = settings.cutoffs_m, settings.walking()
            if self._base is not state.plan or self._asked != (cutoffs, walking):
                known = self.work.coverage(state, cutoffs_m=cutoffs)
                base = ScenarioResult(Scenario("–"), state.plan, tuple(known.at(each) for each in cutoffs))
                asked: dict[str, Any] = {"person": walking.walker, "max_access_m": walking.max_access_m}
                run = run_scenario(state.plan, self._scenario, cutoffs_m=cutoffs, base=base, **asked)
                self._base, self._undone, self._asked = state.plan, [], (cutoffs, walking)
                self._stages = [Stage(self._scenario, run.plan, run.coverages[0])]
            return self._stages[-1]

    def change(self, edit: Edit) -> None:
        """Add an edit, or let it take the place of an earlier one of the same thing.

        Parameters
        ----------
        edit : Edit
            The edit.

        Raises
        ------
        GridgeoError
            If it cannot be made or kept.
        """
        with self._lock:
            before = self.now()
            after = apply_edit(before.plan, edit).plan
            scenario = replace(before.scenario, edits=merge_edit(before.scenario.edits, edit))
            self._put(Stage(scenario, after, update_coverage(before.coverage, before.plan, after)))
            self._undone = []

    def step(self, kind: str) -> None:
        """Take the last change back, or do it again.

        Parameters
        ----------
        kind : {'undo', 'redo'}
            Which.

        Raises
        ------
        InputError
            If there is none.
        """
        with self._lock:
            self.now()
            if kind == "undo" and len(self._stages) > 1:
                self._undone.append(self._stages.pop())
                self._put(self._stages.pop())
            elif kind == "undo" and self._scenario.edits:
                # What was before is not kept: the last edit goes, and the rest runs again.
                self._scenario = replace(self._scenario, edits=self._scenario.edits[:-1])
                keep_scenario(self.work, self._scenario, key=self.key)
                self._base = None
            elif kind == "redo" and self._undone:
                self._put(self._undone.pop())
            else:
                raise InputError(f"nothing_to_{kind}")

    @property
    def steps(self) -> tuple[int, int]:
        """How many changes can be taken back and done again."""
        first = self._stages[0].scenario if self._stages else self._scenario
        return max(len(self._stages) - 1, 0) + len(first.edits), len(self._undone)

    def _put(self, stage: Stage) -> None:
        keep_scenario(self.work, stage.scenario, key=self.key)
        self._stages = [*self._stages, stage][-MOST_STAGES:]
        self._scenario = stage.scenario


_drafts: dict[tuple[Path, str], Draft] = {}
_opening = threading.Lock()


def open_draft(work: Workspace, key: str) -> Draft:
    """Return the draft of a scenario: the same one for everybody in this process.

    Parameters
    ----------
    work : Workspace
        The living plan.
    key : str
        The scenario's key.

    Returns
    -------
    Draft
        The draft.

    Raises
    ------
    InputError
        If there is no such scenario.
    """
    with _opening:
        known = list_scenarios(work)
        if key not in known:
            _drafts.pop((work.target, key), None)
            raise InputError("unknown_scenario", value=key)
        return _drafts.setdefault((work.target, key), Draft(work, key, known[key]))


def new_scenario(path: Path, name: str) -> None:
    """Begin a scenario and turn to it.

    Parameters
    ----------
    path : Path
        The plan file.
    name : str
        What it is called.

    Raises
    ------
    GridgeoError
        If the name is empty or taken, or it cannot be kept.
    """
    require_planner()
    work, name = cache.living(path), name.strip()
    if not name:
        raise InputError("scenario_unnamed")
    if scenario_key(name) in list_scenarios(work):
        raise InputError("scenarios_of_one_name", value=name)
    st.query_params["scenario"] = keep_scenario(work, Scenario(name, (), plan_key(work.current().plan)))
    st.session_state[NAME] = ""


def hear_map(draft: Draft) -> None:
    """Do what the reader did on the map since the page was last drawn.

    Parameters
    ----------
    draft : Draft
        The scenario worked on.
    """
    for event in take_events(MAP):
        if "pick" in event:
            st.session_state[ITEM] = (event["pick"]["layer"], event["pick"]["key"])
        elif "step" in event:
            perform(draft.step, event["step"])
        elif "drag" in event or "place" in event:
            perform(_set_station, draft, event)


def change(draft: Draft, edit: Edit) -> None:
    """Make a change that a button asks for.

    Parameters
    ----------
    draft : Draft
        The scenario.
    edit : Edit
        The edit.

    Raises
    ------
    GridgeoError
        If it cannot be made.
    """
    require_planner()
    draft.change(edit)


def apply_draft(draft: Draft) -> str:
    """Make a scenario's edits in the plan itself.

    Parameters
    ----------
    draft : Draft
        The scenario.

    Returns
    -------
    str
        What to tell the reader.

    Raises
    ------
    GridgeoError
        If an edit cannot be made; then none is.
    """
    require_planner()
    scenario = draft.now().scenario
    draft.work.apply_all(scenario.edits, who=reader().name)
    # What the plan now holds need not be done again.
    keep_scenario(draft.work, replace(scenario, edits=()), key=draft.key)
    _drafts.pop((draft.work.target, draft.key), None)
    return text("whatif_page.applied", count=len(scenario.edits), name=scenario.name)


def merge_edit(edits: tuple[Edit, ...], edit: Edit) -> tuple[Edit, ...]:
    """Add an edit to a scenario; of several moves, openings or closings of one thing only the outcome stays.

    Parameters
    ----------
    edits : tuple of Edit
        The scenario's edits.
    edit : Edit
        The next one.

    Returns
    -------
    tuple of Edit
        The edits, with the same effect.
    """
    what, verb = _thing(edit), edit.kind.split("_")[0]
    mine = [old for old in edits if what is not None and _thing(old) == what]
    kinds = [old.kind.split("_")[0] for old in mine]
    if verb == "move" and mine and kinds[-1] in ("add", "move"):
        moved = make_edit(mine[-1].kind, {**dict(mine[-1].values), "at": edit.get("at")})
        return tuple(moved if old is mine[-1] else old for old in edits)
    if verb == "remove" and "add" in kinds:
        return tuple(old for old in edits if old not in mine)
    if verb in ("open", "close") and mine and kinds[-1] in ("open", "close"):
        return tuple(old for old in edits if old is not mine[-1])
    return (*edits, edit)


def _thing(edit: Edit) -> tuple[str, str] | None:
    """Return what a scenario's edit is about: a station, a gate or a street."""
    return next(((name, str(edit.get(name))) for name in _NAMED if edit.get(name) and name in edit.kind), None)


def _set_station(draft: Draft, event: Event) -> None:
    plan = draft.now().plan
    to = event["drag"]["to"] if "drag" in event else event["place"]
    at = from_degrees([to], plan.crs)[0]
    if "drag" in event:
        change(draft, make_edit("move_station", station=event["drag"]["key"], at=at))
        st.session_state[ITEM] = ("stations", event["drag"]["key"])
        return
    known = set(plan.stations["station_id"])
    number = next(number for number in range(1, len(known) + 2) if f"NEW{number}" not in known)
    change(
        draft,
        make_edit("add_station", station=f"NEW{number}", at=at, name=text("whatif_page.new_station", number=number)),
    )
    st.session_state[ITEM] = ("stations", f"NEW{number}")


def covered_households(coverage: Coverage, cutoff_m: float) -> int:
    """Count the households covered at a cutoff.

    Parameters
    ----------
    coverage : Coverage
        The coverage.
    cutoff_m : float
        One of its cutoffs.

    Returns
    -------
    int
        Households.
    """
    held: Any = coverage.source["households"].to_numpy()
    return int(held[coverage.at(cutoff_m).covered].sum())
