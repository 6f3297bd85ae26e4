"""What is computed once of a plan and kept: assessments, answers, maps; see also `comparisons` and `programmes`."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import streamlit as st

from app.state.public import public_map
from app.state.settings import Walking, read_settings
from app.state.workspace import State, Workspace, open_workspace
from gridgeo.assessment import DEFAULT_CUTOFFS_M, Assessment, assess_plan
from gridgeo.coverage import Coverage
from gridgeo.maps import coverage_map, work_map, write_map
from gridgeo.maps.document import PlanMap
from gridgeo.maps.editing import redraw_layers
from gridgeo.maps.results import Show
from gridgeo.plan import Plan
from gridgeo.readers import bundled_places, bundled_plan_path
from gridgeo.redraw import Finding, judge_plan
from gridgeo.redraw.ground import find_ground

KEPT = 16
"""How many results of one kind are kept; the least lately used goes first."""


def living(path: Path) -> Workspace:
    """Return the living plan of a file: edits go through it, and every page shows its current state.

    Parameters
    ----------
    path : Path
        The plan file.

    Returns
    -------
    Workspace
        The same one for all readers.
    """
    return open_workspace(path)


def plan_path(given: str | None) -> Path:
    """Return the plan file the app shows.

    Parameters
    ----------
    given : str or None
        The file the app was started with; the bundled default place when None.

    Returns
    -------
    Path
        The file.
    """
    return Path(given) if given else bundled_plan_path(bundled_places()[0])


def assess(path: Path, cutoffs_m: tuple[float, ...], minutes: float | None = None) -> Assessment:
    """Assess a plan file at some cutoffs; a changed file is read anew.

    Parameters
    ----------
    path : Path
        The plan file.
    cutoffs_m : tuple of float
        Walking distances in metres, the shortest first.
    minutes : float, optional
        A walking time instead: of the person of the settings, of an adult where that is nobody.

    Returns
    -------
    Assessment
        What was found; shared by all readers, so never changed.

    Raises
    ------
    GridgeoError
        If the plan cannot be read, or lacks what the work needs.
    """
    state = living(path).current()
    return _assess(str(path), state.number, cutoffs_m, minutes, _walking(minutes), state)


@dataclass(frozen=True)
class Asked:
    """One question about a plan.

    Parameters
    ----------
    cutoff_m : float
        Walking distance in metres.
    walking : Walking
        Who walks, how fast, and from how far off the street.
    cutoff_min : float or None
        Walking time in minutes instead.
    service, at : str or None
        To which service, at what time of the week; see `gridgeo.assess_coverage`.
    """

    cutoff_m: float
    walking: Walking
    cutoff_min: float | None = None
    service: str | None = None
    at: str | None = None


@dataclass(frozen=True)
class Answer:
    """What a question found.

    Parameters
    ----------
    plan : Plan
        The plan.
    coverage : Coverage
        Who can walk.
    gaps, service_areas : GeoDataFrame
        As `gridgeo.find_gaps` and `gridgeo.service_areas` give them.
    """

    plan: Plan
    coverage: Coverage
    gaps: gpd.GeoDataFrame
    service_areas: gpd.GeoDataFrame


def answer(path: Path, asked: Asked) -> Answer:
    """Answer one question about a plan file.

    Parameters
    ----------
    path : Path
        The plan file.
    asked : Asked
        The question.

    Returns
    -------
    Answer
        Shared by all readers, so never changed.

    Raises
    ------
    GridgeoError
        If the plan cannot be read, or the question cannot be answered.
    """
    return _answer(str(path), (state := living(path).current()).number, asked, state)


def answer_map(path: Path, asked: Asked, show: Show, *, public: bool = False) -> dict[str, Any]:
    """Compile the map of an answer for the app's map component.

    Parameters
    ----------
    path, asked
        As for `answer`.
    show : {'cutoffs', 'paper', 'overlap'}
        What households are told apart by.
    public : bool
        Whether without single households and small counts, for viewers.

    Returns
    -------
    dict
        What `gridgeo.maps.PlanMap.component_data` returns; shared, so never changed.
    """
    return _answer_map(str(path), (state := living(path).current()).number, asked, show, public, state)


def answer_file(path: Path, asked: Asked, show: Show, lang: str, *, public: bool = False) -> bytes:
    """Write the map of an answer as one offline HTML file.

    Parameters
    ----------
    path, asked, show, public
        As for `answer_map`.
    lang : {'zh', 'en'}
        The language it opens in.

    Returns
    -------
    bytes
        The file's content.
    """
    found = answer(path, asked)
    return written(_answer_page(found, show, public=public, lang=lang))


def redraw_map(path: Path, state: State, band: tuple[float, float]) -> dict[str, Any]:
    """Compile the map that grids are redrawn on.

    Parameters
    ----------
    path : Path
        The plan file.
    state : State
        The plan at this moment.
    band : tuple of float
        The households a grid may hold.

    Returns
    -------
    dict
        What `gridgeo.maps.PlanMap.component_data` returns; shared, so never changed.
    """
    return _redraw_map(str(path), state.number, band, state)


def findings(path: Path, state: State, band: tuple[float, float]) -> list[Finding]:
    """Judge the grids of a plan.

    Parameters
    ----------
    path, state, band
        As for `redraw_map`.

    Returns
    -------
    list of Finding
        What `gridgeo.redraw.judge_plan` found; shared, so never changed.
    """
    return _findings(str(path), state.number, band, state)


def map_data(
    path: Path, cutoffs_m: tuple[float, ...], minutes: float | None = None, *, public: bool = False
) -> dict[str, Any]:
    """Compile the map of an assessment for the app's map component.

    Parameters
    ----------
    path, cutoffs_m, minutes
        As for `assess`.
    public : bool
        Whether without single households and small counts, for viewers.

    Returns
    -------
    dict
        What `gridgeo.maps.PlanMap.component_data` returns; shared, so never changed.
    """
    state = living(path).current()
    return _map_data(str(path), state.number, cutoffs_m, minutes, _walking(minutes), public, state)


def map_file(
    path: Path, cutoffs_m: tuple[float, ...], minutes: float | None, lang: str, *, public: bool = False
) -> bytes:
    """Write the map of an assessment as one offline HTML file.

    Parameters
    ----------
    path, cutoffs_m, minutes
        As for `assess`.
    lang : {'zh', 'en'}
        The language it opens in.
    public : bool
        As for `map_data`.

    Returns
    -------
    bytes
        The file's content.
    """
    return written(_page(assess(path, cutoffs_m, minutes), public=public, lang=lang))


def _walking(minutes: float | None) -> Walking:
    """Say who walks on the overview: time passes for somebody, distance for nobody in particular."""
    usual = read_settings()
    return usual.walking("adult" if minutes is not None and usual.person == "any" else None)


# The number of the plan's state is part of each key; the state itself is only handed on.


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _assess(
    path: str, number: int, cutoffs_m: tuple[float, ...], minutes: float | None, walking: Walking, _state: State
) -> Assessment:
    how: dict[str, Any] = {"cutoffs_m": cutoffs_m, "person": walking.walker, "max_access_m": walking.max_access_m}
    if minutes is None:
        return assess_plan(_state.plan, **how)
    # The network is the same for everybody who walks: it is built once.
    base = _assess(path, number, DEFAULT_CUTOFFS_M, None, Walking(max_access_m=walking.max_access_m), _state)
    return assess_plan(base.plan, **how, cutoffs_min=(minutes,), network=base.network)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _answer(path: str, number: int, asked: Asked, _state: State) -> Answer:
    # The network is the same for everybody who walks: it is built once.
    base = _assess(path, number, DEFAULT_CUTOFFS_M, None, Walking(max_access_m=asked.walking.max_access_m), _state)
    found = assess_plan(
        base.plan,
        cutoffs_m=(asked.cutoff_m,),
        cutoffs_min=None if asked.cutoff_min is None else (asked.cutoff_min,),
        person=asked.walking.walker,
        service=asked.service,
        at=asked.at,
        network=base.network,
    )
    return Answer(base.plan, found.coverages[0], found.gaps, found.service_areas)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _answer_map(path: str, number: int, asked: Asked, show: Show, public: bool, _state: State) -> dict[str, Any]:  # noqa: FBT001
    return _answer_page(_answer(path, number, asked, _state), show, public=public).component_data()


def _answer_page(found: Answer, show: Show, *, public: bool, lang: str | None = None) -> PlanMap:
    page = coverage_map(
        found.plan, [found.coverage], gaps=found.gaps, service_areas=found.service_areas, show=show, lang=lang
    )
    return public_map(page) if public else page


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _map_data(
    path: str,
    number: int,
    cutoffs_m: tuple[float, ...],
    minutes: float | None,
    walking: Walking,
    public: bool,  # noqa: FBT001
    _state: State,
) -> dict[str, Any]:
    return _page(_assess(path, number, cutoffs_m, minutes, walking, _state), public=public).component_data()


def _page(found: Assessment, *, public: bool, lang: str | None = None) -> PlanMap:
    page = coverage_map(found.plan, found.coverages, gaps=found.gaps, service_areas=found.service_areas, lang=lang)
    return public_map(page) if public else page


def written(page: PlanMap) -> bytes:
    """Write a map as one offline HTML file."""
    with tempfile.TemporaryDirectory() as folder:
        return write_map(page, Path(folder) / "map.html").read_bytes()


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _redraw_map(path: str, number: int, band: tuple[float, float], _state: State) -> dict[str, Any]:  # noqa: ARG001
    data = work_map(_state.plan, redraw_layers(_state.plan, households_per_grid=band)).component_data()
    # Worked out once for a plan's blocks: here rather than in the reader's first edit.
    _ = find_ground(_state.plan).outline
    return data


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _findings(path: str, number: int, band: tuple[float, float], _state: State) -> list[Finding]:  # noqa: ARG001
    return judge_plan(_state.plan, households_per_grid=band)
