"""OpenStreetMap extracts (.osm.pbf, .osm) into the layers of a plan.

Ways are never cut, so nodes that two streets share stay shared: that is where the network joins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import shapely
from osmium import osm
from osmium.filter import EmptyTagFilter
from pyproj import CRS, Transformer
from shapely.geometry.base import BaseGeometry

from gridgeo.crs import metric_crs, to_metric
from gridgeo.errors import FileError, InputError
from gridgeo.readers import osm_tags as read
from gridgeo.readers.walkable import is_open, is_walkable, street_class
from gridgeo.schema import LAYERS, complete_layer, empty_layer
from gridgeo.texts import text

MARGIN_M = 1000.0
"""How far beyond the boundary streets are read: further than any usual cutoff, so a path may leave and return."""

_LAYERS = ("streets", "barriers", "gates", "buildings", "landuse", "places")
_WGS84 = CRS.from_epsg(4326)
_TYPES = {"n": "node", "w": "way", "r": "relation"}

Box = tuple[float, float, float, float]


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
    """

    streets: gpd.GeoDataFrame
    barriers: gpd.GeoDataFrame
    gates: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame
    landuse: gpd.GeoDataFrame
    places: gpd.GeoDataFrame
    crs: CRS

    def layers(self) -> dict[str, gpd.GeoDataFrame]:
        """Return the layers by name, as `gridgeo.make_plan` takes them.

        Returns
        -------
        dict
            Layer name → GeoDataFrame.
        """
        return {name: getattr(self, name) for name in _LAYERS}


@dataclass
class _Table:
    """Rows of one layer while the file is read."""

    rows: list[tuple[str, int, dict[str, object]]] = field(default_factory=list)
    shapes: list[BaseGeometry] = field(default_factory=list)

    def add(self, item: osm.Node | osm.Way | osm.Area, shape: BaseGeometry, **values: object) -> None:
        kind, number = _identity(item)
        self.rows.append((kind, number, values))
        self.shapes.append(shape)


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
        If there is no such file, or it is not a sound OSM file.
    InputError
        If the boundary is empty or the margin is no number of metres from zero.
    CRSError
        If the boundary states no system, or `crs` is not in metres.
    """
    path = Path(path)
    if not (np.isfinite(margin_m) and margin_m >= 0):
        raise InputError("bad_margin", value=margin_m)
    ground, target = _ground(boundary, crs, margin_m)
    tables = _read_tables(path, _degrees(ground, target))
    if target is None:
        target = _own_crs(tables, path)
    layers = {name: _frame(name, table, target, ground) for name, table in tables.items()}
    return OsmLayers(**layers, crs=target)


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


def _degrees(ground: BaseGeometry | None, crs: CRS | None) -> Box:
    """Return a box in degrees around the ground, a little wider than needed."""
    if ground is None or crs is None:
        return (-180.0, -90.0, 180.0, 90.0)
    west, south, east, north = Transformer.from_crs(crs, _WGS84, always_xy=True).transform_bounds(*ground.bounds)
    return (west - 1e-4, south - 1e-4, east + 1e-4, north + 1e-4)


def _read_tables(path: Path, box: Box) -> dict[str, _Table]:
    tables = {name: _Table() for name in _LAYERS}
    takers: dict[str, Callable[[dict[str, _Table], Any, Mapping[str, str], Box], None]] = {
        "n": _take_node,
        "w": _take_way,
        "a": _take_area,
    }
    try:
        source = osmium.io.File(str(path), _file_format(path))
        for item in osmium.FileProcessor(source).with_areas().with_filter(EmptyTagFilter()):
            take = takers.get(item.type_str())
            if take is not None:
                take(tables, item, {tag.k: tag.v for tag in item.tags}, box)
    except (RuntimeError, UnicodeDecodeError) as error:
        raise FileError("unreadable_file", file=path.name, detail=_reason(error)) from error
    return tables


def _file_format(path: Path) -> str:
    """Tell PBF from XML by content: a name promises nothing."""
    if not path.is_file():
        raise FileError("missing_file", file=path)
    try:
        with path.open("rb") as file:
            head = file.read(2048)
    except OSError as error:
        raise FileError("unreadable_file", file=path.name, detail=error.strerror or error) from error
    if b"OSMHeader" in head[:64]:
        return "pbf"
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") and b"<osm" in head:
        if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
            raise FileError("unreadable_file", file=path.name, detail=text("readers.entity"))
        return "osm"
    raise FileError("unreadable_file", file=path.name, detail=text("readers.not_osm"))


def _reason(error: Exception) -> str:
    """Return the first line of a library's own words, without the path it may hold."""
    return str(error).splitlines()[0].split(" in file")[0][:120] if str(error) else type(error).__name__


def _take_node(tables: dict[str, _Table], node: osm.Node, tags: Mapping[str, str], box: Box) -> None:
    if not node.location.valid():
        return
    lon, lat = node.location.lon, node.location.lat
    if not (box[0] <= lon <= box[2] and box[1] <= lat <= box[3]):
        return
    point = shapely.Point(lon, lat)
    if tags.get("barrier") in read.GATES:
        hours = tags.get("opening_hours")
        tables["gates"].add(node, point, name=read.name_of(tags), open=is_open(tags), hours=hours)
    kind = read.place_kind(tags)
    if kind is not None:
        tables["places"].add(node, point, name=read.name_of(tags), place_kind=kind)


def _take_way(tables: dict[str, _Table], way: osm.Way, tags: Mapping[str, str], box: Box) -> None:
    kind, barrier = street_class(tags), read.line_barrier(tags)
    if kind is None and barrier is None:
        return
    line = _line(way, box)
    if line is None:
        return
    if kind is not None:
        tables["streets"].add(
            way,
            line,
            name=read.name_of(tags),
            street_class=kind,
            walkable=is_walkable(tags),
            bridge=read.is_set(tags, "bridge"),
            tunnel=read.is_set(tags, "tunnel"),
            layer=read.parse_number(tags.get("layer")) or 0.0,
        )
    if barrier is not None:
        tables["barriers"].add(way, line, barrier_kind=barrier, name=read.name_of(tags))


def _line(way: osm.Way, box: Box) -> BaseGeometry | None:
    """Draw a way through its known nodes; where nodes are missing from the extract it is in several parts."""
    runs: list[list[tuple[float, float]]] = [[]]
    for node in way.nodes:
        if not node.location.valid():
            runs.append([])
            continue
        at = (node.location.lon, node.location.lat)
        if not runs[-1] or runs[-1][-1] != at:
            runs[-1].append(at)
    parts = [run for run in runs if len(run) > 1]
    if not parts:
        return None
    line = shapely.LineString(parts[0]) if len(parts) == 1 else shapely.MultiLineString(parts)
    return line if _touches(line.bounds, box) else None


def _take_area(tables: dict[str, _Table], area: osm.Area, tags: Mapping[str, str], box: Box) -> None:
    building, landuse = read.building_kind(tags), read.landuse_kind(tags)
    water, place = read.is_water_area(tags), read.place_kind(tags)
    if building is None and landuse is None and place is None and not water:
        return
    shape = _polygon(area)
    if shape is None or not _touches(shape.bounds, box):
        return
    name = read.name_of(tags)
    if building is not None:
        levels, estimated = read.levels_of(tags)
        tables["buildings"].add(area, shape, name=name, building_kind=building, levels=levels, estimated=estimated)
    if landuse is not None:
        tables["landuse"].add(area, shape, name=name, landuse_kind=landuse)
    if water:
        tables["barriers"].add(area, shape, barrier_kind="water", name=name)
    if place is not None:
        tables["places"].add(area, shape.point_on_surface(), name=name, place_kind=place)


def _polygon(area: osm.Area) -> BaseGeometry | None:
    """Return an assembled area, repaired where its rings cross themselves."""
    polygons = [
        shapely.Polygon(_ring(outer), [_ring(inner) for inner in area.inner_rings(outer)])
        for outer in area.outer_rings()
    ]
    if not polygons:
        return None
    shape: BaseGeometry = polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)
    if not shape.is_valid:
        shape = shapely.make_valid(shape, method="structure", keep_collapsed=False)
    return None if shape.is_empty or shape.geom_type not in {"Polygon", "MultiPolygon"} else shape


def _ring(ring: osm.NodeRefList) -> list[tuple[float, float]]:
    return [(node.lon, node.lat) for node in ring]


def _identity(item: osm.Node | osm.Way | osm.Area) -> tuple[str, int]:
    if isinstance(item, osm.Area):
        return ("w" if item.from_way() else "r"), int(item.orig_id())
    return str(item.type_str()), int(item.id)


def _touches(bounds: Box, box: Box) -> bool:
    return bounds[0] <= box[2] and bounds[2] >= box[0] and bounds[1] <= box[3] and bounds[3] >= box[1]


def _own_crs(tables: Mapping[str, _Table], path: Path) -> CRS:
    """Choose the metric system by where most of the file lies; a far-off node must not move it."""
    shapes = [shape for name in _LAYERS for shape in tables[name].shapes]
    if not shapes:
        raise FileError("unreadable_file", file=path.name, detail=text("readers.nothing_in_osm"))
    bounds = shapely.bounds(np.array(shapes, dtype=object))
    lon, lat = np.median((bounds[:, :2] + bounds[:, 2:]) / 2, axis=0)
    return metric_crs(float(lon), float(lat))


def _frame(name: str, table: _Table, crs: CRS, ground: BaseGeometry | None) -> gpd.GeoDataFrame:
    """Make a layer in metres of what touches the ground, sorted by id."""
    if not table.rows:
        return empty_layer(name, crs)
    order = sorted(range(len(table.rows)), key=lambda row: table.rows[row][:2])
    records = list(_records(name, table, order))
    shapes = np.array([table.shapes[row] for row in order], dtype=object)
    frame = gpd.GeoDataFrame(pd.DataFrame.from_records(records), geometry=gpd.GeoSeries(shapes, crs=_WGS84))
    frame = to_metric(frame, crs, layer=name)
    if ground is not None:
        shapely.prepare(ground)
        frame = frame[shapely.intersects(ground, frame.geometry.to_numpy())]
    return complete_layer(name, frame)


def _records(name: str, table: _Table, order: list[int]) -> Iterator[dict[str, object]]:
    id_column = LAYERS[name].id_column
    used: set[str] = set()
    for row in order:
        kind, number, values = table.rows[row]
        known = f"{_TYPES[kind]}/{number}"
        # A closed way may be a line (a wall) and an area (a pond) of one layer at once.
        known = f"{known}/area" if known in used else known
        used.add(known)
        yield {id_column: known, **values}
