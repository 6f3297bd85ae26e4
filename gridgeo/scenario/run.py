"""Scenarios run: the edits applied one by one, and the coverage after them, followed rather than begun anew."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridgeo.coverage import (
    Coverage,
    add_station,
    assess_coverage,
    change_gates,
    move_station,
    remove_station,
    shut_streets,
)
from gridgeo.coverage.model import Question
from gridgeo.errors import InputError
from gridgeo.network import DEFAULT_MAX_ACCESS_M, Person, build_network
from gridgeo.plan import Plan
from gridgeo.redraw import Outcome, apply_edit
from gridgeo.scenario.model import Scenario, require_plan

DEFAULT_CUTOFFS_M = (300.0, 500.0)
"""Five and ten minutes' circles as GB 50180-2018 is usually quoted."""


class Assessed(Protocol):
    """A plan with its coverage: a `ScenarioResult`, or a `gridgeo.Assessment`."""

    @property
    def plan(self) -> Plan:
        """The plan."""

    @property
    def coverages(self) -> tuple[Coverage, ...]:
        """Its coverage, one for each cutoff."""


@dataclass(frozen=True, eq=False)
class ScenarioResult:
    """What came of a scenario.

    Parameters
    ----------
    scenario : Scenario
        The scenario.
    plan : Plan
        The plan with its edits.
    coverages : tuple of Coverage
        One for each cutoff.
    outcomes : tuple of Outcome
        What each edit did.
    """

    scenario: Scenario
    plan: Plan
    coverages: tuple[Coverage, ...]
    outcomes: tuple[Outcome, ...] = ()

    @property
    def name(self) -> str:
        """What the scenario is called."""
        return self.scenario.name


def run_scenario(
    plan: Plan,
    scenario: Scenario,
    *,
    cutoffs_m: tuple[float, ...] = DEFAULT_CUTOFFS_M,
    cutoffs_min: tuple[float, ...] | None = None,
    person: Person | str | None = None,
    service: str | None = None,
    at: str | None = None,
    max_access_m: float = DEFAULT_MAX_ACCESS_M,
    base: Assessed | None = None,
) -> ScenarioResult:
    """Run a scenario on a plan.

    Parameters
    ----------
    plan : Plan
        The plan; it stays as it is.
    scenario : Scenario
        The edits. One without edits gives the base to compare with.
    cutoffs_m : tuple of float, optional
        Walking distances in metres, inclusive.
    cutoffs_min, person, service, at : optional
        Minutes instead of metres, who walks, what for and when: see `gridgeo.assess_coverage`. With one of them the
        coverage is worked out anew rather than followed.
    max_access_m : float, optional
        How far a household or station may lie from its street, in metres.
    base : ScenarioResult or Assessment, optional
        The plan's coverage, if known: then only what changes is worked out, with the same result.

    Returns
    -------
    ScenarioResult
        The plan with the edits in its log, and its coverage.

    Raises
    ------
    InputError
        If the scenario is for another plan, or an edit cannot be done; the error says which.
    MissingDataError
        If the plan lacks streets, households or stations.
    """
    require_plan(plan, scenario)
    after, outcomes = apply_scenario(plan, scenario, who=scenario.name)
    asked: dict[str, Any] = {"cutoff_min": cutoffs_min, "person": person, "service": service, "at": at}
    if any(value is not None for value in asked.values()):
        coverage = assess_fresh(after, cutoffs_m, max_access_m=max_access_m, **asked)
    else:
        known = _usable(base, plan, cutoffs_m, max_access_m)
        coverage = update_coverage(known or assess_fresh(plan, cutoffs_m, max_access_m=max_access_m), plan, after)
    return ScenarioResult(scenario, after, tuple(coverage.at(cutoff) for cutoff in coverage.cutoffs_m), outcomes)


def apply_scenario(plan: Plan, scenario: Scenario, *, who: str = "") -> tuple[Plan, tuple[Outcome, ...]]:
    """Make the edits of a scenario: all of them, or none.

    Parameters
    ----------
    plan : Plan
        The plan; it stays as it is.
    scenario : Scenario
        The edits.
    who : str, optional
        Who makes them, for the log.

    Returns
    -------
    plan : Plan
        The plan with the edits in its log.
    outcomes : tuple of Outcome
        What each did.

    Raises
    ------
    InputError
        If the scenario is for another plan, or an edit cannot be done; the error says which.
    """
    require_plan(plan, scenario)
    outcomes: list[Outcome] = []
    for number, edit in enumerate(scenario.edits, start=1):
        try:
            outcomes.append(apply_edit(outcomes[-1].plan if outcomes else plan, edit, who=who))
        except InputError as error:
            raise InputError("scenario_edit_refused", name=scenario.name, number=number, detail=error) from error
    return (outcomes[-1].plan if outcomes else plan), tuple(outcomes)


def assess_fresh(
    plan: Plan,
    cutoffs_m: tuple[float, ...],
    *,
    max_access_m: float = DEFAULT_MAX_ACCESS_M,
    **asked: Any,  # noqa: ANN401 (passed on)
) -> Coverage:
    """Assess a plan's coverage from scratch.

    Parameters
    ----------
    plan : Plan
        The plan.
    cutoffs_m : tuple of float
        Walking distances in metres.
    max_access_m : float, optional
        How far a household or station may lie from its street, in metres.
    **asked : object
        Who walks, what for and when: see `gridgeo.assess_coverage`.

    Returns
    -------
    Coverage
        Its open stations' coverage, decided by the first cutoff.

    Raises
    ------
    MissingDataError
        If the plan lacks streets, households or stations.
    """
    plan.require("streets", "households", "stations")
    network = build_network(plan.streets, barriers=plan.barriers, gates=plan.gates, max_access_m=max_access_m)
    return assess_coverage(network, plan.households, plan.open_stations, cutoff_m=tuple(cutoffs_m), **asked)


def update_coverage(coverage: Coverage, before: Plan, after: Plan) -> Coverage:
    """Bring the coverage of one plan to that of the plan after edits.

    Parameters
    ----------
    coverage : Coverage
        The coverage of `before`.
    before, after : Plan
        The plan before and after edits, an undo or a redo.

    Returns
    -------
    Coverage
        What `assess_fresh` finds for `after`, asked the same and decided by the same cutoff. Stations, gates and closed
        streets are followed step by step; new streets, reopened streets and barriers make a fresh start, and so does
        a coverage that was asked for a person, a service or a time.
    """
    shut = _shut(before.streets, after.streets)
    switched = _switched(before.gates, after.gates)
    if coverage.asked != Question() or shut is None or switched is None or after.barriers is not before.barriers:
        return _ask_again(coverage, after)
    if shut:
        coverage = shut_streets(coverage, shut)
    if switched:
        coverage = change_gates(coverage, switched)
    coverage = _follow_stations(coverage, before.open_stations, after.open_stations)
    return replace(coverage, source=after.households)


def _ask_again(coverage: Coverage, plan: Plan) -> Coverage:
    """Ask a coverage's question of another plan."""
    asked, place = coverage.asked, coverage.cutoffs_m.index(coverage.cutoff_m)
    minutes = tuple(round(cutoff / asked.pace.speed_m_per_min, 9) for cutoff in coverage.cutoffs_m)
    fresh = assess_fresh(
        plan,
        coverage.cutoffs_m,
        max_access_m=coverage.network.max_access_m,
        cutoff_min=minutes if coverage.network.timed else None,
        person=asked.person,
        service=asked.service,
        at=asked.at,
    )
    return fresh.at(fresh.cutoffs_m[place])


def _usable(base: Assessed | None, plan: Plan, cutoffs_m: tuple[float, ...], max_access_m: float) -> Coverage | None:
    """Return the base's coverage if it is of this plan and answers this question."""
    if base is None or base.plan is not plan:
        return None
    known = base.coverages[0]
    same = known.cutoffs_m == tuple(map(float, cutoffs_m)) and known.asked == Question()
    return known if same and known.network.max_access_m == max_access_m else None


def _shut(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame) -> list[str] | None:
    """Return the streets that were closed; None when streets changed in another way."""
    if after is before:
        return []
    same_rows = len(before) == len(after) and before["street_id"].equals(after["street_id"])
    if not same_rows or not _same_shapes(before, after):
        return None
    now, was = after["walkable"].to_numpy(dtype=bool), before["walkable"].to_numpy(dtype=bool)
    return None if (now & ~was).any() else list(after["street_id"][was & ~now])


def _switched(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame) -> dict[str, bool] | None:
    """Return the gates that were opened or closed; None when gates changed in another way."""
    if after is before:
        return {}
    if len(before) != len(after) or not before["gate_id"].equals(after["gate_id"]):
        return None
    if not before["hours"].equals(after["hours"]) or not _same_shapes(before, after):
        return None
    differs = (before["open"] != after["open"]).to_numpy(dtype=bool)
    return dict(zip(after["gate_id"][differs], after["open"][differs].astype(bool), strict=True))


def _same_shapes(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame) -> bool:
    one, two = before.geometry.to_numpy(), after.geometry.to_numpy()
    return bool(np.asarray(shapely.equals_identical(one, two)).all())


def _follow_stations(coverage: Coverage, before: gpd.GeoDataFrame, after: gpd.GeoDataFrame) -> Coverage:
    if after is before:
        return coverage
    old, new = pd.Index(before["station_id"]), pd.Index(after["station_id"])
    for station in old[~old.isin(new)]:
        coverage = remove_station(coverage, station)
    place = old.get_indexer(new)
    for row in np.flatnonzero(~_same_rows(before, after, place)):
        follow = add_station if place[row] < 0 else move_station
        coverage = follow(coverage, after.iloc[[row]])
    return coverage


def _same_rows(
    before: gpd.GeoDataFrame, after: gpd.GeoDataFrame, place: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Tell which rows after are the same as the rows in given places before; a place below zero is none."""
    known = np.flatnonzero(place >= 0)
    same = np.zeros(len(after), dtype=bool)
    if list(before.columns) != list(after.columns):
        return same
    one, two = (each.to_numpy() for each in (before.geometry, after.geometry))
    same[known] = np.asarray(shapely.equals_identical(one[place[known]], two[known]))
    for column in after.columns.drop(after.geometry.name):
        was, now = (each[column].to_numpy(dtype=object) for each in (before, after))
        was, now = was[place[known]], now[known]
        same[known] &= (was == now) | (pd.isna(was) & pd.isna(now))
    return same
