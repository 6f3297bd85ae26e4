"""A layer of a map as data: its geometry in degrees, its looks, and what to say of each feature.

The page that draws it is ``gridgeo/web``; nothing here or there builds markup from a user's words.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import CRS, Transformer

from gridgeo.texts import LANGUAGES, text

Words = dict[str, str]
"""One text in every language."""

MOST_DETAILED = 20_000
"""Up to so many features of a layer carry what their cards say; of more, only places and looks travel."""

MOST_SIZE = 255
"""The size of the largest symbol."""

_UNITS_PER_DEGREE = 1e7  # one unit is about a centimetre, and a degree of longitude fits 32 bits
_DEGREES = {4326, 4490}
_PLAIN = {str, int, bool, type(None)}
_METRES_PER_DEGREE = 111_320.0  # of longitude on the equator


def both(key: str, /, **values: object) -> Words:
    """Give one text of the catalogue in every language.

    Parameters
    ----------
    key : str
        Entry of ``texts/maps.toml``.
    **values : object
        Its placeholders; a value that is itself in every language is filled in per language.

    Returns
    -------
    dict
        Language → sentence.
    """
    filled = {
        lang: {name: value[lang] if isinstance(value, dict) else value for name, value in values.items()}
        for lang in LANGUAGES
    }
    return {lang: text(f"maps.{key}", lang, **filled[lang]) for lang in LANGUAGES}


def in_every_language(word: Callable[[str], str]) -> Words:
    """Give what a function says in every language.

    Parameters
    ----------
    word : callable
        Takes a language, gives a text.

    Returns
    -------
    dict
        Language → text.
    """
    return {lang: word(lang) for lang in LANGUAGES}


@dataclass(frozen=True, kw_only=True)
class Look:
    """One entry of the legend: what it means and how it is drawn.

    Parameters
    ----------
    name : dict
        Language → meaning.
    style : dict
        ``fill``, ``fillOpacity``, ``hatch``, ``stroke``, ``weight``, ``dash``, ``shape``, ``radius``, ``grows`` as
        ``web/symbols.js`` reads them.
    """

    name: Words
    style: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Field:
    """One thing to say of each feature of a layer.

    Parameters
    ----------
    name : dict
        Language → what it is.
    values : iterable
        One value a feature: number, text, flag, or None where there is nothing to say.
    unit : dict, optional
        Language → unit.
    digits : int
        Decimals to show.
    codes : dict, optional
        Value → language → meaning, for coded values.
    estimated : bool
        Whether the values are estimates; the card then says so.
    """

    name: Words
    values: Iterable[Any]
    unit: Words | None = None
    digits: int = 0
    codes: Mapping[str, Words] | None = None
    estimated: bool = False


@dataclass(frozen=True, kw_only=True)
class MapLayer:
    """One layer of a map.

    Parameters
    ----------
    layer_id : str
        Its name for scripts.
    name : dict
        Language → its name for people.
    group : {'results', 'areas', 'ground'}
        Under which heading the legend lists it.
    kind : {'points', 'lines', 'polygons'}
        What it is made of.
    geometry : dict
        What `encode_geometry` returns.
    looks : tuple of Look
        Its legend.
    look_of : iterable of int
        Which entry of `looks` each feature has.
    titles, labels : iterable of str, optional
        The heading of each feature's card, and its text on the map.
    label_at : iterable of (lat, lon), optional
        Where the labels of lines and polygons stand.
    label_room : iterable of float, optional
        How far each label may reach to either side, in degrees of longitude; a label that would reach farther is left
        out until the reader comes nearer.
    label_style : dict
        ``colour``, ``size``, ``weight``, ``dy``, and ``rank``: the lower, the sooner it gets its place.
    fields : tuple of Field
        What each feature's card says.
    sizes : iterable of int, optional
        The symbol's area, 0 to `MOST_SIZE`.
    keys : iterable of str, optional
        What each feature is called in the plan, for layers that people choose from.
    shown, estimated, legend, hover : bool
        Whether it is visible at first, rests on estimates, is listed, and shows cards.
    """

    layer_id: str
    name: Words
    group: Literal["results", "areas", "ground"]
    kind: Literal["points", "lines", "polygons"]
    geometry: Mapping[str, Any]
    looks: tuple[Look, ...]
    look_of: Iterable[int]
    titles: Iterable[str | Words | None] | None = None
    labels: Iterable[str | Words | None] | None = None
    label_at: Iterable[Sequence[float]] | None = None
    label_room: Iterable[float] | None = None
    label_style: Mapping[str, Any] = field(default_factory=dict)
    fields: tuple[Field, ...] = ()
    sizes: Iterable[int] | None = None
    keys: Iterable[str] | None = None
    shown: bool = True
    estimated: bool = False
    legend: bool = True
    hover: bool = True

    @cached_property
    def data(self) -> dict[str, Any]:
        """The layer as plain JSON values, with a ``version`` that changes whenever anything in it does."""
        plain: dict[str, Any] = {
            "id": self.layer_id,
            "name": self.name,
            "group": self.group,
            "kind": self.kind,
            "geometry": dict(self.geometry),
            "looks": [{"name": look.name, "style": dict(look.style)} for look in self.looks],
            "lookOf": _small(self.look_of),
            "titles": _plain(self.titles),
            "labels": _plain(self.labels),
            "labelAt": _plain(self.label_at),
            "labelRoom": None if self.label_room is None else _plain(self.label_room, digits=7),
            "labelStyle": dict(self.label_style),
            "fields": [_field_data(each) for each in self.fields],
            "sizes": None if self.sizes is None else _small(self.sizes),
            "keys": _plain(self.keys),
            "shown": self.shown,
            "estimated": self.estimated,
            "legend": self.legend,
            "hover": self.hover,
        }
        digest = hashlib.sha256(json.dumps(plain, ensure_ascii=False).encode()).hexdigest()
        return {**plain, "version": digest[:16]}


def to_degrees(frame: gpd.GeoDataFrame | gpd.GeoSeries) -> gpd.GeoSeries:
    """Bring a layer to the degrees that web maps use.

    Parameters
    ----------
    frame : GeoDataFrame or GeoSeries
        The layer in metres.

    Returns
    -------
    GeoSeries
        Its geometry in degrees. CGCS2000 is shown as it is: it agrees with WGS 84 within about a metre, and
        `gridgeo.crs.to_metric` took the one for the other on the way in, so a feature comes out where it went in.
    """
    geometry: gpd.GeoSeries = frame.geometry
    return geometry.to_crs(_degrees_of(CRS.from_user_input(geometry.crs)))


def encode_points(frame: gpd.GeoDataFrame) -> dict[str, Any]:
    """Pack very many points in metres for the page: as `encode_geometry` of `to_degrees`, without a shape for each.

    Parameters
    ----------
    frame : GeoDataFrame of Point
        The layer in metres.

    Returns
    -------
    dict
        ``lonlat`` as `encode_geometry` gives it.
    """
    crs = CRS.from_user_input(frame.crs)
    xy = shapely.get_coordinates(frame.geometry.to_numpy())
    into = Transformer.from_crs(crs, _degrees_of(crs), always_xy=True)
    return {"lonlat": _pack(np.column_stack(into.transform(xy[:, 0], xy[:, 1])))}


def _degrees_of(crs: CRS) -> CRS:
    own = crs.geodetic_crs
    return own if own is not None and own.to_epsg() in _DEGREES else CRS.from_epsg(4326)


def from_degrees(places: Sequence[Sequence[float]], crs: CRS) -> list[tuple[float, float]]:
    """Bring places from a web map into a plan's metres: the way back of `to_degrees`.

    Parameters
    ----------
    places : sequence of (longitude, latitude)
        In degrees.
    crs : pyproj.CRS
        The plan's system.

    Returns
    -------
    list of (x, y)
        In metres.
    """
    points = gpd.GeoSeries([shapely.Point(place) for place in places], crs=_degrees_of(crs)).to_crs(crs)
    return [(float(point.x), float(point.y)) for point in points]


def encode_geometry(geometry: gpd.GeoSeries) -> dict[str, Any]:
    """Pack geometry in degrees for the page.

    Parameters
    ----------
    geometry : GeoSeries, length n
        Points, lines or polygons (or multi) in degrees.

    Returns
    -------
    dict
        ``lonlat``: base64 of little-endian 32-bit integers, 1e-7 degree each, longitude and latitude in turn;
        ``parts``: vertices of each line or ring; ``features``: lines or rings of each feature. A point layer has only
        ``lonlat``.
    """
    shapes = np.asarray(geometry.array, dtype=object)
    if len(shapes) and (shapely.get_type_id(shapes) == shapely.GeometryType.POINT).all():
        return {"lonlat": _pack(shapely.get_coordinates(shapes))}
    pieces, owner = shapely.get_parts(shapes, return_index=True)
    areal = shapely.get_dimensions(pieces) == 2  # noqa: PLR2004 - two dimensions: a polygon
    if areal.any():
        pieces, ring_owner = shapely.get_rings(pieces[areal], return_index=True)
        owner = owner[areal][ring_owner]
    lonlat, part = shapely.get_coordinates(pieces, return_index=True)
    return {
        "lonlat": _pack(lonlat),
        "parts": np.bincount(part, minlength=len(pieces)).tolist() if len(pieces) else [],
        "features": np.bincount(owner, minlength=len(shapes)).tolist() if len(shapes) else [],
    }


def place_labels(areas: gpd.GeoDataFrame) -> tuple[list[list[float]], list[float]]:
    """Find where an area's name is best written, and how much room it has there.

    Parameters
    ----------
    areas : GeoDataFrame of polygons
        The areas in metres.

    Returns
    -------
    places : list of [latitude, longitude]
        The centre of the largest circle within each area, in degrees.
    room : list of float
        That circle's radius, in degrees of longitude.
    """
    shapes = np.asarray(areas.geometry.array, dtype=object)
    if len(shapes) == 0:
        return [], []
    circles = shapely.maximum_inscribed_circle(shapes, tolerance=1.0)
    degrees = to_degrees(gpd.GeoSeries(shapely.get_point(circles, 0), crs=areas.crs))
    places = [[round(lat, 6), round(lon, 6)] for lat, lon in zip(degrees.y, degrees.x, strict=True)]
    metres_per_degree = _METRES_PER_DEGREE * np.cos(np.radians(degrees.y.to_numpy()))
    return places, (shapely.length(circles) / metres_per_degree).tolist()


def _small(numbers: Iterable[int]) -> list[int] | str:
    """Write whole numbers below 256: as a list that people can read, as base64 of bytes where there are many."""
    values = np.fromiter(numbers, dtype=np.uint8)
    return base64.b64encode(values.tobytes()).decode("ascii") if len(values) > MOST_DETAILED else values.tolist()


def _pack(lonlat: npt.NDArray[np.float64]) -> str:
    whole = np.rint(lonlat * _UNITS_PER_DEGREE).astype("<i4")
    return base64.b64encode(whole.tobytes()).decode("ascii")


def _field_data(each: Field) -> dict[str, Any]:
    return {
        "name": each.name,
        "values": _plain(each.values, digits=each.digits),
        "unit": each.unit,
        "digits": each.digits,
        "codes": dict(each.codes) if each.codes else None,
        "estimated": each.estimated,
    }


def _plain(values: Any, digits: int = 4) -> list[Any] | None:  # noqa: ANN401 - any column of a table
    """Turn a column into JSON values: nothing for what is missing or endless, since JSON knows neither."""
    if values is None:
        return None
    # A column's own list is made at once; asked for one by one, each of its cells costs some ten times as much.
    cells = values.tolist() if isinstance(values, pd.Series) else list(values)
    # Most columns hold words and whole numbers only, and are JSON as they are.
    return cells if set(map(type, cells)) <= _PLAIN else [_plain_value(value, digits) for value in cells]


def _plain_value(value: Any, digits: int) -> Any:  # noqa: ANN401 - any cell of a table
    plain = value
    if isinstance(value, (list, tuple, np.ndarray)):
        plain = [_plain_value(item, 7) for item in value]
    elif isinstance(value, (bool, np.bool_)):
        plain = bool(value)
    elif isinstance(value, (int, np.integer)):
        plain = int(value)
    elif isinstance(value, (float, np.floating)):
        plain = round(float(value), digits) if np.isfinite(value) else None
    elif not isinstance(value, (str, dict)):
        plain = None if pd.isna(value) else str(value)
    return plain
