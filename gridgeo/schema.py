"""What a plan's layers hold: their columns, types and geometries, and the check that names every fault at once.

The checks are our own rather than a schema library's: see ``docs/adr/0005-own-schema-checks.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pandas.api import types

from gridgeo.errors import Fault, InputError

ColumnType = Literal["text", "count", "number", "bool"]
GeometryKind = Literal["point", "line", "polygon"]

STREET_CLASSES = (
    "motorway", "motorway_link", "trunk", "trunk_link", "primary", "primary_link", "secondary", "secondary_link",
    "tertiary", "tertiary_link", "unclassified", "residential", "living_street", "service", "pedestrian", "track",
    "busway", "road", "footway", "cycleway", "path", "steps", "bridleway", "corridor", "elevator", "platform",
)  # fmt: skip
"""Classes of streets: the values of OSM's ``highway`` key, strongest first."""

BARRIER_KINDS = ("wall", "railway", "water", "expressway")
"""What a walk cannot cross except at an open gate, a bridge or a tunnel."""

GRID_KINDS = ("general", "dedicated")
"""综合网格 and 专属网格."""

_GEOMETRY_TYPES: dict[str, tuple[str, ...]] = {
    "point": ("Point",),
    "line": ("LineString", "MultiLineString"),
    "polygon": ("Polygon", "MultiPolygon"),
}


@dataclass(frozen=True)
class Column:
    """One column of a layer.

    Parameters
    ----------
    name : str
        Its name.
    kind : {'text', 'count', 'number', 'bool'}
        What it holds; a count is a whole number from zero.
    required : bool
        Whether a layer without it, or with an empty cell in it, is refused.
    default : object
        What an absent optional column is filled with.
    allowed : tuple of str
        The only values it may hold; empty for any.
    minimum : float, optional
        The least value it may hold.
    """

    name: str
    kind: ColumnType
    required: bool = False
    default: object = None
    allowed: tuple[str, ...] = ()
    minimum: float | None = None


@dataclass(frozen=True)
class Layer:
    """The form of one layer.

    Parameters
    ----------
    name : str
        The layer's name in a plan.
    geometry : tuple of {'point', 'line', 'polygon'}
        The geometries it may hold; empty for a plain table.
    columns : tuple of Column
        Its columns, the identifier first.
    """

    name: str
    geometry: tuple[GeometryKind, ...]
    columns: tuple[Column, ...]

    @property
    def id_column(self) -> str:
        """The column that names each row once."""
        return self.columns[0].name

    def column_names(self) -> list[str]:
        """Return the names of the layer's columns.

        Returns
        -------
        list of str
            In the layer's order, without the geometry.
        """
        return [column.name for column in self.columns]


def _id(name: str) -> Column:
    return Column(name, "text", required=True)


def _people(name: str) -> Column:
    return Column(name, "count", default=0, minimum=0)


LAYERS: MappingProxyType[str, Layer] = MappingProxyType(
    {
        layer.name: layer
        for layer in (
            Layer(
                "units",
                ("polygon",),
                (
                    _id("unit_id"),
                    Column("name", "text"),
                    Column("level", "text", required=True),
                    Column("parent_id", "text"),
                    Column("code", "text"),
                    Column("population", "number", minimum=0),
                    Column("estimated", "bool", default=False),
                    Column("source", "text"),
                ),
            ),
            Layer(
                "streets",
                ("line",),
                (
                    _id("street_id"),
                    Column("name", "text"),
                    Column("street_class", "text", required=True, allowed=STREET_CLASSES),
                    Column("walkable", "bool", default=True),
                    Column("bridge", "bool", default=False),
                    Column("tunnel", "bool", default=False),
                    Column("layer", "number", default=0),
                ),
            ),
            Layer(
                "barriers",
                ("line", "polygon"),
                (
                    _id("barrier_id"),
                    Column("barrier_kind", "text", required=True, allowed=BARRIER_KINDS),
                    Column("name", "text"),
                ),
            ),
            Layer(
                "gates",
                ("point",),
                (
                    _id("gate_id"),
                    Column("name", "text"),
                    Column("open", "bool", default=True),
                    Column("hours", "text"),
                ),
            ),
            Layer(
                "buildings",
                ("polygon",),
                (
                    _id("building_id"),
                    Column("name", "text"),
                    Column("building_kind", "text"),
                    Column("levels", "number", minimum=0),
                    Column("estimated", "bool", default=False),
                ),
            ),
            Layer(
                "landuse",
                ("polygon",),
                (
                    _id("landuse_id"),
                    Column("name", "text"),
                    Column("landuse_kind", "text"),
                ),
            ),
            Layer(
                "places",
                ("point",),
                (
                    _id("place_id"),
                    Column("name", "text"),
                    Column("place_kind", "text"),
                ),
            ),
            Layer(
                "blocks",
                ("polygon",),
                (
                    _id("block_id"),
                    Column("community_id", "text"),
                    Column("grid_id", "text"),
                ),
            ),
            Layer(
                "grids",
                ("polygon",),
                (
                    _id("grid_id"),
                    Column("code", "text"),
                    Column("name", "text"),
                    Column("community_id", "text"),
                    Column("grid_kind", "text", default="general", allowed=GRID_KINDS),
                    Column("locked", "bool", default=False),
                    Column("staff", "text"),
                ),
            ),
            Layer(
                "households",
                ("point",),
                (
                    _id("household_id"),
                    Column("households", "count", required=True, minimum=0),
                    Column("persons", "number", minimum=0),
                    _people("elderly"),
                    _people("children"),
                    _people("disabled"),
                    _people("low_income"),
                    Column("estimated", "bool", default=False),
                ),
            ),
            Layer(
                "stations",
                ("point",),
                (
                    _id("station_id"),
                    Column("name", "text"),
                    Column("station_kind", "text"),
                    Column("level", "text"),
                    Column("services", "text"),
                    Column("capacity", "number", minimum=0),
                    Column("service_radius_m", "number", minimum=0),
                    Column("hours", "text"),
                    Column("open", "bool", default=True),
                    Column("estimated", "bool", default=False),
                    Column("source", "text"),
                ),
            ),
        )
    }
)
"""The layers of a plan by name, in the order they are written. See design.md §2; `buildings`, `landuse` and `places`
are the map's ground and the source of footprints, compounds and real public points."""


def empty_layer(name: str, crs: object) -> gpd.GeoDataFrame:
    """Return a layer without rows, with all its columns.

    Parameters
    ----------
    name : str
        One of `LAYERS`.
    crs : object
        Its coordinate reference system.

    Returns
    -------
    GeoDataFrame
        No rows, the layer's columns and a geometry.
    """
    return complete_layer(name, gpd.GeoDataFrame({"geometry": []}, geometry="geometry", crs=crs))


def complete_layer(name: str, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Fill a layer's absent optional columns and set every column's type.

    Parameters
    ----------
    name : str
        One of `LAYERS`.
    frame : GeoDataFrame
        The layer; further columns are kept behind its own.

    Returns
    -------
    GeoDataFrame
        The layer's columns in order, then the further ones, then the geometry; rows numbered from 0. Text is of
        dtype ``str``, counts ``int64``, numbers ``float64``, flags ``bool``. The input is not changed.
    """
    data: dict[str, object] = {}
    for column in LAYERS[name].columns:
        values = frame[column.name].reset_index(drop=True) if column.name in frame else None
        data[column.name] = _typed(column, values, len(frame))
    for extra in frame.columns.drop(frame.geometry.name):
        data.setdefault(extra, frame[extra].reset_index(drop=True))
    geometry = frame.geometry.reset_index(drop=True)
    return gpd.GeoDataFrame(data, geometry=geometry.to_numpy(), crs=frame.crs)


def check_layer(name: str, frame: gpd.GeoDataFrame, *, file: str | None = None) -> list[Fault]:
    """Name everything that is wrong with a layer.

    Parameters
    ----------
    name : str
        One of `LAYERS`.
    frame : GeoDataFrame
        The layer as it came.
    file : str, optional
        The file it came from, for the faults.

    Returns
    -------
    list of Fault
        Every fault, row by row within each column; empty when the layer can be used.
    """
    layer = LAYERS[name]
    if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name is None:
        return [Fault(key="not_geographic_frame", layer=name, file=file)]
    faults = list(_geometry_faults(layer, frame, file))
    for column in layer.columns:
        if column.name in frame:
            faults += _column_faults(layer, column, frame[column.name].reset_index(drop=True), file)
        elif column.required:
            faults.append(Fault(key="missing_column", layer=name, file=file, column=column.name))
    return faults


def require_layer(name: str, frame: gpd.GeoDataFrame, *, file: str | None = None) -> gpd.GeoDataFrame:
    """Return a layer complete and typed, or refuse it with every fault named.

    Parameters
    ----------
    name : str
        One of `LAYERS`.
    frame : GeoDataFrame
        The layer as it came.
    file : str, optional
        The file it came from, for the faults.

    Returns
    -------
    GeoDataFrame
        What `complete_layer` makes of it.

    Raises
    ------
    InputError
        If anything is wrong with it; the error's ``faults`` name everything.
    """
    faults = check_layer(name, frame, file=file)
    if faults:
        raise InputError("faults_in_layer", faults=faults, layer=name, count=len(faults))
    return complete_layer(name, frame)


def _typed(column: Column, values: pd.Series | None, length: int) -> object:
    if values is None:
        values = pd.Series([column.default] * length, dtype="object")
    elif column.default is not None:
        values = values.astype("object").where(values.notna(), column.default)
    match column.kind:
        case "text":
            return values.astype("str").where(values.notna(), None).astype("str")
        case "count":
            return pd.to_numeric(values).astype("int64")
        case "number":
            return pd.to_numeric(values).astype("float64")
        case "bool":
            return values.astype("bool")


def _column_faults(layer: Layer, column: Column, values: pd.Series, file: str | None) -> Iterator[Fault]:
    def fault(key: str, row: object, **extra: object) -> Fault:
        at = int(str(row))
        return Fault(
            key=key,
            layer=layer.name,
            file=file,
            row=at + 1,
            column=column.name,
            value=values[at],
            values=extra,
        )

    present = values.notna()
    if column.required:
        blank = ~present | (values.astype("str").str.strip() == "") if column.kind == "text" else ~present
        yield from (fault("missing_value", row) for row in np.flatnonzero(blank))
    if column.name == layer.id_column:
        repeated = values.astype("str").duplicated() & present
        yield from (fault("duplicate_id", row) for row in np.flatnonzero(repeated))
    if column.kind in ("count", "number"):
        numbers = pd.to_numeric(values, errors="coerce").astype("float64")
        not_number = present & numbers.isna()
        if column.kind == "count":
            not_number |= np.isfinite(numbers) & (numbers != np.floor(numbers))
        wanted = "a whole number" if column.kind == "count" else "a number"
        yield from (fault("wrong_type", row, wanted=wanted) for row in np.flatnonzero(not_number))
        yield from (fault("not_finite", row) for row in np.flatnonzero(np.isinf(numbers)))
        if column.minimum is not None:
            low = np.isfinite(numbers) & (numbers < column.minimum)
            yield from (fault("negative_value", row) for row in np.flatnonzero(low))
    if column.kind == "bool" and not types.is_bool_dtype(values):
        not_flag = present & ~values.isin([True, False, 0, 1])
        yield from (fault("wrong_type", row, wanted="true or false") for row in np.flatnonzero(not_flag))
    if column.allowed:
        unknown = present & ~values.isin(column.allowed)
        allowed = ", ".join(column.allowed)
        yield from (fault("unknown_value", row, allowed=allowed) for row in np.flatnonzero(unknown))


def _geometry_faults(layer: Layer, frame: gpd.GeoDataFrame, file: str | None) -> Iterator[Fault]:
    geometry = np.asarray(frame.geometry.array)
    allowed = [kind for name in layer.geometry for kind in _GEOMETRY_TYPES[name]]
    empty = shapely.is_missing(geometry) | shapely.is_empty(geometry)
    ids = [int(shapely.GeometryType[kind.upper()]) for kind in allowed]
    strange = ~empty & ~np.isin(shapely.get_type_id(geometry), ids)
    # The bounds pass over a single NaN among sound vertices, so every coordinate is looked at.
    coordinates, owner = shapely.get_coordinates(geometry, return_index=True)
    unfinished = np.zeros(len(geometry), dtype=bool)
    unfinished[owner[~np.isfinite(coordinates).all(axis=1)]] = True
    invalid = np.zeros(len(geometry), dtype=bool)
    asked = ~empty & ~strange & ~unfinished
    invalid[asked] = ~shapely.is_valid(geometry[asked])
    for row in np.flatnonzero(empty | strange | unfinished | invalid):
        at = {"layer": layer.name, "file": file, "row": int(row) + 1}
        if empty[row]:
            yield Fault(key="empty_geometry", **at)  # type: ignore[arg-type]
        elif strange[row]:
            values = {"wanted": " / ".join(allowed)}
            yield Fault(key="wrong_geometry", value=geometry[row].geom_type, values=values, **at)  # type: ignore[arg-type]
        elif unfinished[row]:
            yield Fault(key="bad_coordinate", **at)  # type: ignore[arg-type]
        else:
            yield Fault(key="broken_geometry", value=shapely.is_valid_reason(geometry[row]), **at)  # type: ignore[arg-type]
