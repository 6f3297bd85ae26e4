"""OpenStreetMap extracts (.osm.pbf, .osm) into the layers of a plan.

The pass over the file is made by `gridgeo.readers.osm_pass` in a child process; here its rows become layers. Ways are
never cut, so nodes that two streets share stay shared: that is where the network joins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS, Transformer
from shapely.geometry.base import BaseGeometry

from gridgeo.crs import metric_crs, to_metric
from gridgeo.errors import InputError
from gridgeo.readers.bounded import Box, read_osm_tables
from gridgeo.readers.sniff import refusal
from gridgeo.schema import LAYERS, complete_layer, empty_layer

MARGIN_M = 1000.0
"""How far beyond the boundary streets are read: further than any usual cutoff, so a path may leave and return."""

_LAYERS = ("streets", "barriers", "gates", "buildings", "landuse", "places")
_WGS84 = CRS.from_epsg(4326)
_TYPES = {"n": "node", "w": "way", "r": "relation"}


@dataclass(frozen=True)
class OsmLayers:
    """What an OSM extract holds, as layers of a plan.

    Parameters
    ----------
    streets, barriers, gates, buildings, landuse, places : GeoDataFrame
        The layers as `gridgeo.schema.LAYERS` says, in one metric system. Ids are the OSM type and number
        (``way/123``). An area mapped twice, as a way and as a relation, comes twice, as OSM has it.
    crs : pyproj.CRS
        Their system.
    cut : int
        How many of the streets run through nodes that the extract lacks, and are drawn without these.
    """

    streets: gpd.GeoDataFrame
    barriers: gpd.GeoDataFrame
    gates: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame
    landuse: gpd.GeoDataFrame
    places: gpd.GeoDataFrame
    crs: CRS
    cut: int = 0

    def layers(self) -> dict[str, gpd.GeoDataFrame]:
        """Return the layers by name, as `gridgeo.make_plan` takes them.

        Returns
        -------
        dict
            Layer name → GeoDataFrame.
        """
        return {name: getattr(self, name) for name in _LAYERS}


def read_osm(
    path: str | Path,
    *,
    boundary: gpd.GeoDataFrame | gpd.GeoSeries | None = None,
    crs: object = None,
    margin_m: float = MARGIN_M,
) -> OsmLayers:
    """Read an OpenStreetMap extract into the layers of a plan.

    Parameters
    ----------
    path : str or Path
        A ``.osm.pbf`` or ``.osm`` file; which of the two is told by its content.
    boundary : GeoDataFrame or GeoSeries, optional
        The district, in any system it states. Only what touches the ground within `margin_m` of it is kept, in whole.
    crs : object, optional
        The metric system of the result; by default `gridgeo.crs.metric_crs` of the district, or of the streets.
    margin_m : float
        How far beyond the boundary to read, in metres.

    Returns
    -------
    OsmLayers
        Streets (with ``walkable`` as `gridgeo.readers.walkable` says), barriers, gates, buildings, land use and named
        places, each sorted by id.

    Raises
    ------
    FileError
        If there is no such file, or it is not a sound OSM file: damaged, hostile, too large or too slow to read.
    InputError
        If the boundary is empty or the margin is no number of metres from zero.
    CRSError
        If the boundary states no system, or `crs` is not in metres.
    """
    path = Path(path)
    if not (np.isfinite(margin_m) and margin_m >= 0):
        raise InputError("bad_margin", value=margin_m)
    ground, target = _ground(boundary, crs, margin_m)
    tables, cut = read_osm_tables(path, box=_degrees(ground, target))
    if target is None:
        target = _own_crs(tables, path)
    layers = {name: _frame(name, tables[name], target, ground) for name in _LAYERS}
    return OsmLayers(**layers, crs=target, cut=cut)


def read_osm_streets(path: str | Path, *, crs: object = None) -> gpd.GeoDataFrame:
    """Read the streets of an OpenStreetMap extract alone, where nothing else of it is wanted: one quick pass.

    Parameters
    ----------
    path : str or Path
        A ``.osm.pbf`` or ``.osm`` file.
    crs : object, optional
        The metric system of the result; by default `gridgeo.crs.metric_crs` of where most of the streets are.

    Returns
    -------
    GeoDataFrame
        The layer ``streets`` that `read_osm` reads with the rest, sorted by id.

    Raises
    ------
    FileError
        If there is no such file, or it is not a sound OSM file, or holds no street.
    CRSError
        If `crs` is not in metres.
    """
    path = Path(path)
    tables, _ = read_osm_tables(path, streets_only=True)
    own = _own_crs(tables, path)
    return _frame("streets", tables["streets"], own if crs is None else CRS.from_user_input(crs), None)


def _ground(boundary: gpd.GeoDataFrame | gpd.GeoSeries | None, crs: object, margin_m: float) -> tuple[Any, CRS | None]:
    """Return the ground to read as one polygon in metres, or None, and the metric system if already known."""
    target = None if crs is None else CRS.from_user_input(crs)
    if boundary is None:
        return None, target
    metric = to_metric(boundary, target, layer="boundary")
    area = shapely.union_all(metric.geometry.to_numpy())
    if area is None or area.is_empty or area.area == 0:
        raise InputError("empty_district")
    return shapely.buffer(area, margin_m), CRS.from_user_input(metric.crs)


def _degrees(ground: BaseGeometry | None, crs: CRS | None) -> Box | None:
    """Return a box in degrees around the ground, a little wider than needed; None for everywhere."""
    if ground is None or crs is None:
        return None
    west, south, east, north = Transformer.from_crs(crs, _WGS84, always_xy=True).transform_bounds(*ground.bounds)
    return (west - 1e-4, south - 1e-4, east + 1e-4, north + 1e-4)


def _own_crs(tables: Mapping[str, pd.DataFrame], path: Path) -> CRS:
    """Choose the metric system by where most of the file lies; a far-off node must not move it."""
    shapes = np.concatenate([table["geometry"].to_numpy(dtype=object) for table in tables.values()])
    if len(shapes) == 0:
        raise refusal(path, "nothing_in_osm")
    bounds = shapely.bounds(shapes)
    lon, lat = np.median((bounds[:, :2] + bounds[:, 2:]) / 2, axis=0)
    return metric_crs(float(lon), float(lat))


def _frame(name: str, table: pd.DataFrame, crs: CRS, ground: BaseGeometry | None) -> gpd.GeoDataFrame:
    """Make a layer in metres of what touches the ground, sorted by id."""
    if len(table) == 0:
        return empty_layer(name, crs)
    table = table.sort_values(["kind", "number"], kind="stable", ignore_index=True)
    known = table["kind"].map(_TYPES) + "/" + table["number"].astype("str")
    # A closed way may be a line (a wall) and an area (a pond) of one layer at once.
    known = known.where(~known.duplicated(), known + "/area")
    columns = table.drop(columns=["kind", "number", "geometry"])
    columns.insert(0, LAYERS[name].id_column, known)
    frame = gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(table["geometry"].to_numpy(dtype=object), crs=_WGS84))
    frame = to_metric(frame, crs, layer=name)
    if ground is not None:
        shapely.prepare(ground)
        frame = frame[shapely.intersects(ground, frame.geometry.to_numpy())]
    return complete_layer(name, frame)
