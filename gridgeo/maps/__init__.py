"""Maps of a plan and of what was found: for the app, and as one HTML file that opens without a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import geopandas as gpd

from gridgeo.errors import MissingDataError
from gridgeo.maps.circles import circle_layer
from gridgeo.maps.document import PlanMap, write_map
from gridgeo.maps.features import MapLayer, both, to_degrees
from gridgeo.maps.figures import figures_data, headline_figures, level_table
from gridgeo.maps.ground import area_layers, ground_layers
from gridgeo.maps.kept import keep
from gridgeo.maps.results import Show, gap_layer, gate_layer, household_layer, service_area_layer, station_layer
from gridgeo.plan import Plan
from gridgeo.texts import LANGUAGES, catalogue

if TYPE_CHECKING:
    from gridgeo.coverage import Coverage

__all__ = ["coverage_map", "headline_figures", "level_table", "map_layers", "work_map", "write_map"]

_BOUNDING = ("units", "blocks", "households", "stations", "streets")


def coverage_map(
    plan: Plan,
    coverage: Coverage | Sequence[Coverage] = (),
    *,
    gaps: gpd.GeoDataFrame | None = None,
    service_areas: gpd.GeoDataFrame | None = None,
    show: Show = "cutoffs",
    radius_m: float | None = None,
    lang: str | None = None,
) -> PlanMap:
    """Draw a plan and who in it can walk to a station.

    Parameters
    ----------
    plan : Plan
        The plan. Its streets and buildings are the base map.
    coverage : Coverage or sequence of Coverage
        Coverage of the plan's households: one is shown at all its cutoffs, several each at its own. Without any, the
        plan alone is drawn.
    gaps : GeoDataFrame, optional
        What `gridgeo.find_gaps` returned.
    service_areas : GeoDataFrame, optional
        What `gridgeo.service_areas` returned.
    show : {'cutoffs', 'paper', 'overlap'}
        What households are told apart by: the least cutoff that reaches them; walking against the straight-line radius
        that paper plans draw; or how many stations they reach.
    radius_m : float, optional
        That radius in metres; the cutoff when left out.
    lang : {'zh', 'en'}, optional
        The language the page opens in; by default the reader's browser decides. Both are in the page.

    Returns
    -------
    folium.Map
        The map, with everything it needs inside it: `write_map` makes it a file.

    Raises
    ------
    MissingDataError
        If the plan has nothing to draw.
    ValueError
        If gridgeo does not speak `lang`.
    """
    if lang is not None and lang not in LANGUAGES:
        raise ValueError(f"lang is one of {LANGUAGES}, not {lang!r}")
    coverages = _in_order(coverage)
    layers = map_layers(plan, coverages, gaps=gaps, service_areas=service_areas, show=show, radius_m=radius_m)
    return PlanMap(layers, frame_map(plan, figures=figures_data(plan, coverages, gaps), lang=lang))


def work_map(plan: Plan, layers: Sequence[MapLayer], *, lang: str | None = None) -> PlanMap:
    """Put layers together to a map that people work on, without figures beside it.

    Parameters
    ----------
    plan : Plan
        The plan.
    layers : sequence of MapLayer
        The layers, bottom first; see `gridgeo.maps.editing`.
    lang : {'zh', 'en'}, optional
        The language a file of it opens in; by default the reader's browser decides.

    Returns
    -------
    folium.Map
        The map.

    Raises
    ------
    MissingDataError
        If the plan has nothing to draw.
    """
    figures: dict[str, Any] = {"headline": [], "tables": [], "gaps": [], "basis": None, "notes": []}
    return PlanMap(layers, frame_map(plan, figures=figures, lang=lang))


def frame_map(plan: Plan, *, figures: dict[str, Any], lang: str | None = None) -> dict[str, Any]:
    """Give everything that stands around a map.

    Parameters
    ----------
    plan : Plan
        The plan.
    figures : dict
        What `gridgeo.maps.figures.figures_data` returned.
    lang : {'zh', 'en'}, optional
        The language the page opens in.

    Returns
    -------
    dict
        ``title``, ``place``, ``bounds``, ``attribution``, ``figures``, ``groups``, ``words`` and ``lang``.

    Raises
    ------
    MissingDataError
        If the plan has nothing to draw.
    """
    return {
        "title": {name: both("title", place=getattr(plan.info.name, name))[name] for name in LANGUAGES},
        "place": {"zh": plan.info.name.zh, "en": plan.info.name.en},
        "bounds": keep("bounds", lambda: _bounds(plan), *(getattr(plan, name) for name in _BOUNDING)),
        "attribution": plan.info.attribution,
        "figures": figures,
        "groups": {group: both(f"group.{group}") for group in ("results", "areas", "ground")},
        "words": catalogue("maps")["ui"],
        "lang": lang,
    }


def map_layers(
    plan: Plan,
    coverage: Coverage | Sequence[Coverage] = (),
    *,
    gaps: gpd.GeoDataFrame | None = None,
    service_areas: gpd.GeoDataFrame | None = None,
    show: Show = "cutoffs",
    radius_m: float | None = None,
) -> list[MapLayer]:
    """Make the layers of a map, bottom first.

    Parameters
    ----------
    plan, coverage, gaps, service_areas, show, radius_m
        As in `coverage_map`.

    Returns
    -------
    list of MapLayer
        Only those that have features.
    """
    coverages = _in_order(coverage)
    made = [
        *ground_layers(plan),
        service_area_layer(service_areas, plan),
        *area_layers(plan),
        circle_layer(coverages[0], radius_m or coverages[0].cutoff_m) if show == "paper" and coverages else None,
        gap_layer(gaps, plan, coverages[0] if coverages else None),
        household_layer(plan, coverages, show=show, radius_m=radius_m),
        gate_layer(plan),
        station_layer(plan),
    ]
    return [layer for layer in made if layer is not None]


def _in_order(coverage: Coverage | Sequence[Coverage]) -> list[Coverage]:
    """One coverage stands for all its cutoffs, several for one each; the shortest first."""
    if isinstance(coverage, Sequence):
        return sorted(coverage, key=lambda each: float(each.cutoff_m))
    return [coverage.at(cutoff) for cutoff in sorted(coverage.cutoffs_m)]


def _bounds(plan: Plan) -> list[list[float]]:
    """Give the corners of what matters: the district, else whatever the plan holds."""
    for name in _BOUNDING:
        layer = getattr(plan, name)
        if len(layer):
            west, south, east, north = (float(value) for value in to_degrees(layer).total_bounds)
            return [[south, west], [north, east]]
    raise MissingDataError("missing_layer", layer="units")
