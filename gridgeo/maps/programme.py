"""The map of a programme's report: where each rule fails."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import geopandas as gpd
import shapely

from gridgeo.maps import frame_map, map_layers, palette
from gridgeo.maps.document import PlanMap
from gridgeo.maps.features import Field, Look, MapLayer, both, encode_geometry, place_labels, to_degrees
from gridgeo.plan import Name
from gridgeo.programmes import ProgrammeReport, Verdict
from gridgeo.programmes.model import worded
from gridgeo.texts import LANGUAGES, text

_KINDS = ("points", "lines", "polygons")
_DIMENSIONS = dict(enumerate(_KINDS))
_MOST_LABELS = 60


def programme_map(report: ProgrammeReport, *, rules: Iterable[str] | None = None, lang: str | None = None) -> PlanMap:
    """Draw a plan and the places that fail a programme's rules.

    Parameters
    ----------
    report : ProgrammeReport
        The report.
    rules : iterable of str, optional
        Show only the places of these rules; without it those of every rule are in the map, and of the first rule that
        fails they are visible at first.
    lang : {'zh', 'en'}, optional
        The language the page opens in.

    Returns
    -------
    folium.Map
        The map.

    Raises
    ------
    MissingDataError
        If the plan has nothing to draw.
    """
    failing = [verdict for verdict in report.verdicts if verdict.answer is not None and len(verdict.answer.places)]
    wanted = None if rules is None else set(rules)
    chosen = [verdict for verdict in failing if wanted is None or verdict.rule.rule in wanted]
    first = chosen[0].rule.rule if chosen else ""
    layers = [
        layer
        for verdict in chosen
        for layer in place_layers(verdict, shown=wanted is not None or verdict.rule.rule == first)
    ]
    # Areas at the bottom, points on top: a shop must not hide under the grid that it fails.
    layers.sort(key=lambda layer: _KINDS[::-1].index(layer.kind))
    ground = [_quiet(layer) for layer in map_layers(report.plan) if layer.layer_id != "households"]
    frame = frame_map(report.plan, figures=_figures(report), lang=lang)
    title = report.programme.title
    frame["title"] = {"zh": f"{frame['place']['zh']}：{title.zh}", "en": f"{frame['place']['en']}: {title.en}"}
    frame["groups"] = {**frame["groups"], "results": both("group.failing")}
    return PlanMap([*ground, *layers], frame)


def _quiet(layer: MapLayer) -> MapLayer:
    """Leave out the names of many stations: here one looks for what fails, and a click still tells them."""
    many = layer.layer_id == "stations" and len(list(layer.labels or ())) > _MOST_LABELS // 2
    return replace(layer, labels=None) if many else layer


def place_layers(verdict: Verdict, *, shown: bool = True) -> list[MapLayer]:
    """Make the layers of the places that fail a rule: one each of points, lines and areas.

    Parameters
    ----------
    verdict : Verdict
        The rule's verdict.
    shown : bool, optional
        Whether they are visible at first.

    Returns
    -------
    list of MapLayer
        Those that have features.
    """
    if verdict.answer is None:
        return []
    places = verdict.answer.places
    places = places[places.geometry.notna() & ~places.geometry.is_empty]
    dimension = shapely.get_dimensions(places.geometry.to_numpy())
    kinds = [kind for number, kind in _DIMENSIONS.items() if (dimension == number).any()]
    parts = {kind: places[dimension == _KINDS.index(kind)].reset_index(drop=True) for kind in kinds}
    return [_place_layer(verdict, kind, part, shown=shown) for kind, part in parts.items()]


def _place_layer(verdict: Verdict, kind: Any, places: gpd.GeoDataFrame, *, shown: bool) -> MapLayer:  # noqa: ANN401
    name = _words(verdict.rule.name)
    labelled = kind == "polygons" and len(places) <= _MOST_LABELS
    what = {layer: _words(worded("layer", layer)) for layer in places["layer"].unique()}
    return MapLayer(
        layer_id=f"rule-{verdict.rule.rule}-{kind}",
        name=name,
        group="results",
        kind=kind,
        geometry=encode_geometry(to_degrees(places)),
        looks=(Look(name=name, style=_STYLES[kind]),),
        look_of=[0] * len(places),
        titles=places["name"],
        labels=places["name"] if labelled else None,
        label_at=place_labels(places)[0] if labelled else None,
        label_style={"colour": "#9a3f00", "size": 13, "weight": 700, "rank": 3} if labelled else {},
        fields=(
            Field(name=both("field.kind"), values=places["layer"], codes=what),
            Field(name=both("field.households"), values=places["households"]),
            Field(name=both("field.value"), values=places["value"], digits=1),
        ),
        shown=shown,
    )


_STYLES: dict[str, palette.Style] = {
    "points": {
        "shape": "triangle",
        "fill": palette.VERMILION,
        "stroke": palette.PAPER,
        "weight": 0.8,
        "radius": [8, 8],
    },
    "lines": {"stroke": palette.VERMILION, "weight": 3.5},
    "polygons": palette.GAP,
}


def _figures(report: ProgrammeReport) -> dict[str, Any]:
    """Put what a leader reads first beside the map: how many rules are met, are not, cannot be judged."""
    rules = len(report.verdicts)
    estimated = bool(report.plan.households["estimated"].any())
    headline = [
        {
            "name": {lang: text(f"programmes.figure.{state}", lang) for lang in LANGUAGES},
            "value": count,
            "note": {lang: text("programmes.figure.of", lang, count=rules) for lang in LANGUAGES},
            "share": False,
            "estimated": estimated,
        }
        for state, count in report.counts.items()
    ]
    notes = [_words(note) for note in (report.programme.title, *report.plan.info.notes)]
    return {"headline": headline, "tables": [], "gaps": [], "basis": None, "notes": notes}


def _words(name: Name) -> dict[str, str]:
    return {"zh": name.zh, "en": name.en}
