"""What is computed once and kept: plans, assessments, maps. The one place that caches."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import streamlit as st

from gridgeo.assessment import DEFAULT_CUTOFFS_M, Assessment, assess_plan
from gridgeo.coverage import Coverage, assess_coverage
from gridgeo.errors import FileError
from gridgeo.gaps import find_gaps
from gridgeo.maps import coverage_map, write_map
from gridgeo.maps.results import Show
from gridgeo.plan import Plan
from gridgeo.readers import bundled_places, bundled_plan_path
from gridgeo.service_area import service_areas
from gridgeo.store import read_plan
from gridgeo.texts import using_language

KEPT = 16
"""How many results of one kind are kept; the least lately used goes first."""


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


def assess(path: Path, cutoffs_m: tuple[float, ...]) -> Assessment:
    """Assess a plan file at some cutoffs; a changed file is read anew.

    Parameters
    ----------
    path : Path
        The plan file.
    cutoffs_m : tuple of float
        Walking distances in metres, the shortest first.

    Returns
    -------
    Assessment
        What was found; shared by all readers, so never changed.

    Raises
    ------
    GridgeoError
        If the plan cannot be read, or lacks what the work needs.
    """
    return _assess(str(path), _stamp(path), cutoffs_m)


@dataclass(frozen=True)
class Asked:
    """One question about a plan.

    Parameters
    ----------
    cutoff_m : float
        Walking distance in metres.
    person, service, at : str or None
        Who walks, to which service, at what time of the week; see `gridgeo.assess_coverage`.
    """

    cutoff_m: float
    person: str | None = None
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
    return _answer(str(path), _stamp(path), asked)


def answer_map(path: Path, asked: Asked, show: Show) -> dict[str, Any]:
    """Compile the map of an answer for the app's map component.

    Parameters
    ----------
    path, asked
        As for `answer`.
    show : {'cutoffs', 'paper', 'overlap'}
        What households are told apart by.

    Returns
    -------
    dict
        What `gridgeo.maps.PlanMap.component_data` returns; shared, so never changed.
    """
    return _answer_map(str(path), _stamp(path), asked, show)


def map_data(path: Path, cutoffs_m: tuple[float, ...]) -> dict[str, Any]:
    """Compile the map of an assessment for the app's map component.

    Parameters
    ----------
    path, cutoffs_m
        As for `assess`.

    Returns
    -------
    dict
        What `gridgeo.maps.PlanMap.component_data` returns; shared, so never changed.
    """
    return _map_data(str(path), _stamp(path), cutoffs_m)


def map_file(path: Path, cutoffs_m: tuple[float, ...], lang: str) -> bytes:
    """Write the map of an assessment as one offline HTML file.

    Parameters
    ----------
    path, cutoffs_m
        As for `assess`.
    lang : {'zh', 'en'}
        The language it opens in.

    Returns
    -------
    bytes
        The file's content.
    """
    return _map_file(str(path), _stamp(path), cutoffs_m, lang)


def _stamp(path: Path) -> tuple[int, int]:
    """Tell one state of a file from another."""
    try:
        found = path.stat()
    except OSError as error:
        raise FileError("missing_file", file=path.name) from error
    return found.st_mtime_ns, found.st_size


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _divided(path: str, stamp: tuple[int, int]) -> Plan:  # noqa: ARG001 - the stamp is part of the cache's key
    """Read a plan and give it blocks and grids, whatever the cutoff."""
    # Grids are named when they are made, and readers of both languages share them: the offices' language it is.
    with using_language("zh"):
        return assess_plan(read_plan(Path(path))).plan


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _assess(path: str, stamp: tuple[int, int], cutoffs_m: tuple[float, ...]) -> Assessment:
    return assess_plan(_divided(path, stamp), cutoffs_m=cutoffs_m)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _answer(path: str, stamp: tuple[int, int], asked: Asked) -> Answer:
    base = _assess(path, stamp, DEFAULT_CUTOFFS_M)
    coverage = assess_coverage(
        base.network,
        base.plan.households,
        base.plan.open_stations,
        cutoff_m=asked.cutoff_m,
        person=asked.person,
        service=asked.service,
        at=asked.at,
    )
    areas = service_areas(coverage.network, coverage.stations, cutoffs_m=(asked.cutoff_m,))
    return Answer(base.plan, coverage, find_gaps(coverage, base.plan), areas)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _answer_map(path: str, stamp: tuple[int, int], asked: Asked, show: Show) -> dict[str, Any]:
    found = _answer(path, stamp, asked)
    page = coverage_map(found.plan, [found.coverage], gaps=found.gaps, service_areas=found.service_areas, show=show)
    return page.component_data()


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _map_data(path: str, stamp: tuple[int, int], cutoffs_m: tuple[float, ...]) -> dict[str, Any]:
    found = _assess(path, stamp, cutoffs_m)
    page = coverage_map(found.plan, found.coverages, gaps=found.gaps, service_areas=found.service_areas)
    return page.component_data()


@st.cache_data(max_entries=KEPT, show_spinner=False)
def _map_file(path: str, stamp: tuple[int, int], cutoffs_m: tuple[float, ...], lang: str) -> bytes:
    found = _assess(path, stamp, cutoffs_m)
    page = coverage_map(found.plan, found.coverages, gaps=found.gaps, service_areas=found.service_areas, lang=lang)
    with tempfile.TemporaryDirectory() as folder:
        return write_map(page, Path(folder) / "map.html").read_bytes()
