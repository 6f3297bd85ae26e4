"""Scenarios run beside the plan as it is, and what they change: computed once and kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from app.state.cache import KEPT, living
from app.state.settings import Walking, read_settings
from app.state.workspace import State
from gridgeo.coverage import Coverage
from gridgeo.maps import work_map
from gridgeo.maps.document import PlanMap
from gridgeo.maps.editing import change_layers, whatif_layers
from gridgeo.maps.kept import keep
from gridgeo.scenario import Comparison, Scenario, ScenarioResult, compare, run_scenario

_TODAY = Scenario("–")


def comparison(path: Path, state: State, scenarios: tuple[Scenario, ...], cutoffs_m: tuple[float, ...]) -> Comparison:
    """Compare scenarios with the plan as it is.

    Parameters
    ----------
    path : Path
        The plan file.
    state : State
        The plan at this moment.
    scenarios : tuple of Scenario
        The scenarios.
    cutoffs_m : tuple of float
        Walking distances in metres.

    Returns
    -------
    Comparison
        What `gridgeo.scenario.compare` found; shared, so never changed.
    """
    base, *results = run_all(path, state, scenarios, cutoffs_m)
    return keep("comparison", lambda: compare(base, *results), base, *results)


def comparison_maps(
    path: Path, state: State, scenarios: tuple[Scenario, ...], cutoffs_m: tuple[float, ...], cutoff_m: float, show: str
) -> list[dict[str, Any]]:
    """Compile the maps of scenarios side by side.

    Parameters
    ----------
    path, state, scenarios, cutoffs_m
        As for `comparison`.
    cutoff_m : float
        The cutoff whose changes are drawn.
    show : {'changes', 'coverage'}
        What each scenario changes; or who is covered, the plan as it is first.

    Returns
    -------
    list of dict
        What `gridgeo.maps.PlanMap.component_data` returns, one a map.
    """
    base, *results = run_all(path, state, scenarios, cutoffs_m)
    if show == "coverage":
        return [keep("coverage map", partial(_drawn, coverage_page, each), each) for each in (base, *results)]
    known = base.coverages[0].at(cutoff_m)
    return [
        keep(f"change map {cutoff_m}", partial(_drawn, change_page, known, each), base, each, state.plan)
        for each in results
    ]


def shown_band(scenario: Scenario) -> tuple[float, float] | None:
    """Return the band of households that a scenario's grids are drawn with.

    Parameters
    ----------
    scenario : Scenario
        The scenario.

    Returns
    -------
    tuple of float or None
        None where the scenario leaves the grids alone: then they are not drawn.
    """
    redrawn = any("block" in edit.kind or "grid" in edit.kind for edit in scenario.edits)
    return read_settings().households_per_grid if redrawn else None


def run_all(
    path: Path, state: State, scenarios: tuple[Scenario, ...], cutoffs_m: tuple[float, ...]
) -> list[ScenarioResult]:
    """Run the plan as it is, and scenarios, under the settings; what `comparison` compares."""
    walking = read_settings().walking()
    return [_run(str(path), state.number, each, cutoffs_m, walking, state) for each in (_TODAY, *scenarios)]


def coverage_page(found: ScenarioResult, lang: str | None = None) -> PlanMap:
    """Draw who is covered in a scenario."""
    coverages = sorted(found.coverages, key=lambda each: each.cutoff_m)
    band = shown_band(found.scenario)
    return work_map(found.plan, whatif_layers(found.plan, coverages, households_per_grid=band), lang=lang)


def change_page(base: Coverage, found: ScenarioResult, lang: str | None = None) -> PlanMap:
    """Draw what a scenario changes."""
    changed = found.coverages[0].at(base.cutoff_m)
    layers = change_layers(found.plan, base, changed, households_per_grid=shown_band(found.scenario))
    return work_map(found.plan, layers, lang=lang)


# The number of the plan's state is part of the key; the state itself is only handed on.
@st.cache_resource(max_entries=KEPT, show_spinner=False, hash_funcs={Scenario: repr})
def _run(
    path: str,
    number: int,  # noqa: ARG001
    scenario: Scenario,
    cutoffs_m: tuple[float, ...],
    walking: Walking,
    _state: State,
) -> ScenarioResult:
    known = living(Path(path)).coverage(_state, cutoffs_m=cutoffs_m)
    base = ScenarioResult(_TODAY, _state.plan, tuple(known.at(cutoff) for cutoff in cutoffs_m))
    asked: dict[str, Any] = {"person": walking.walker, "max_access_m": walking.max_access_m}
    return run_scenario(_state.plan, scenario, cutoffs_m=cutoffs_m, base=base, **asked)


def _drawn(make: Callable[..., PlanMap], *values: object) -> dict[str, Any]:
    return make(*values).component_data()
