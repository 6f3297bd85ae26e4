"""One pass over an OpenStreetMap extract, inside the child process of `gridgeo.readers.bounded`.

Only what a pass needs is loaded here, no tables of pandas and no projection: starting the child is what a small file
waits for. What was taken goes to the parent as Arrow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import osmium
import pyarrow as pa
import shapely
from osmium import osm
from osmium.filter import EmptyTagFilter, EntityFilter, KeyFilter
from pyarrow import feather
from shapely.geometry.base import BaseGeometry

from gridgeo.errors import FileError
from gridgeo.readers import osm_tags as read
from gridgeo.readers.sniff import refusal
from gridgeo.readers.walkable import is_open, is_walkable, street_class

Box = tuple[float, float, float, float]
"""West, south, east and north in degrees."""

_EVERYWHERE: Box = (-180.0, -90.0, 180.0, 90.0)

MOST_NODES = 100_000
"""The most nodes that one way may have: OSM itself allows 2,000."""

_STREET_FIELDS = {
    "name": pa.string(),
    "street_class": pa.string(),
    "walkable": pa.bool_(),
    "bridge": pa.bool_(),
    "tunnel": pa.bool_(),
    "layer": pa.float64(),
}
FIELDS: dict[str, dict[str, pa.DataType]] = {
    "streets": _STREET_FIELDS,
    "barriers": {"barrier_kind": pa.string(), "name": pa.string()},
    "gates": {"name": pa.string(), "open": pa.bool_(), "hours": pa.string()},
    "buildings": {
        "name": pa.string(),
        "building_kind": pa.string(),
        "levels": pa.float64(),
        "estimated": pa.bool_(),
    },
    "landuse": {"name": pa.string(), "landuse_kind": pa.string()},
    "places": {"name": pa.string(), "place_kind": pa.string()},
}
"""Layer → what a pass takes of it."""

_UNDEFINED = 2**31 - 1  # how a node that the extract lacks is marked


@dataclass
class Table:
    """Rows of one layer while the file is read.

    Parameters
    ----------
    kinds : list of str
        ``n``, ``w`` or ``r``: the type of OSM element each row comes from.
    numbers : list of int
        Its OSM number.
    values : list of dict
        The layer's columns.
    shapes : list of Geometry or str
        Its geometry in degrees; as hexadecimal WKB where it was drawn so.
    cut : int
        How many of them run through nodes that the extract lacks, and are drawn without these.
    """

    kinds: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    values: list[dict[str, object]] = field(default_factory=list)
    shapes: list[BaseGeometry | str] = field(default_factory=list)
    cut: int = 0

    def add(self, item: osm.Node | osm.Way | osm.Area, shape: BaseGeometry | str, **values: object) -> None:
        """Add a row.

        Parameters
        ----------
        item : osmium Node, Way or Area
            What it comes from.
        shape : Geometry or str
            Its geometry.
        **values : object
            Its columns.
        """
        kind, number = _identity(item)
        self.kinds.append(kind)
        self.numbers.append(number)
        self.values.append(values)
        self.shapes.append(shape)


Tables = dict[str, Table]


def leave_tables(path: Path, folder: Path, *, box: Box | None = None, streets_only: bool = False) -> int:
    """Read an extract and leave each layer in a folder.

    Parameters
    ----------
    path : Path
        A ``.osm.pbf`` or ``.osm`` file; which of the two is told by its content.
    folder : Path
        ``LAYER.feather`` is put there: ``kind``, ``number``, the layer's columns, ``geometry`` as WKB in degrees.
    box : tuple of float, optional
        What to read, in degrees; whatever touches it is taken in whole. Everything when left out.
    streets_only : bool
        Whether nothing but the streets is wanted, everywhere: one quick pass.

    Returns
    -------
    int
        How many streets run through nodes that the extract lacks, and are drawn without these.

    Raises
    ------
    FileError
        If it is not a sound OSM file, or holds what cannot be.
    """
    try:
        source = osmium.io.File(str(path), _file_format(path))
        tables = (
            {"streets": _take_streets(path, source)} if streets_only else _take_all(path, source, box or _EVERYWHERE)
        )
    except (RuntimeError, UnicodeDecodeError) as error:
        raise FileError("unreadable_file", file=path.name, detail=_reason(error)) from error
    for name, table in tables.items():
        feather.write_feather(_as_arrow(name, table), str(folder / f"{name}.feather"), compression="uncompressed")
    return tables["streets"].cut


def _as_arrow(name: str, table: Table) -> pa.Table:
    columns = {
        column: pa.array([row[column] for row in table.values], type=kind) for column, kind in FIELDS[name].items()
    }
    drawn = [bytes.fromhex(shape) if isinstance(shape, str) else shapely.to_wkb(shape) for shape in table.shapes]
    return pa.table(
        {
            "kind": pa.array(table.kinds, type=pa.string()),
            "number": pa.array(table.numbers, type=pa.int64()),
            **columns,
            "geometry": pa.array(drawn, type=pa.binary()),
        }
    )


def _file_format(path: Path) -> str:
    with path.open("rb") as file:
        return "pbf" if b"OSMHeader" in file.read(64) else "osm"


def _reason(error: Exception) -> str:
    """Return the first line of a library's own words, without the path it may hold."""
    return str(error).splitlines()[0].split(" in file")[0][:120] if str(error) else type(error).__name__


def _take_all(path: Path, source: osmium.io.File, box: Box) -> Tables:
    tables = {name: Table() for name in FIELDS}
    takers: dict[str, Callable[[Path, Tables, Any, Mapping[str, str], Box], None]] = {
        "n": _take_node,
        "w": _take_way,
        "a": _take_area,
    }
    for item in osmium.FileProcessor(source).with_areas().with_filter(EmptyTagFilter()):
        take = takers.get(item.type_str())
        if take is not None:
            take(path, tables, item, {tag.k: tag.v for tag in item.tags}, box)
    return tables


def _take_streets(path: Path, source: osmium.io.File) -> Table:
    table, draw = Table(), osmium.geom.WKBFactory()
    ways = osmium.FileProcessor(source, osm.NODE | osm.WAY).with_locations()
    for way in ways.with_filter(EntityFilter(osm.WAY)).with_filter(KeyFilter("highway")):
        if not isinstance(way, osm.Way):
            continue
        tags = {tag.k: tag.v for tag in way.tags}
        kind = street_class(tags)
        shape = None if kind is None else _draw(path, draw, way)
        if kind is not None and shape is not None:
            table.add(way, shape, **_street(tags, kind))
            table.cut += not isinstance(shape, str)
    return table


def _take_node(path: Path, tables: Tables, node: osm.Node, tags: Mapping[str, str], box: Box) -> None:
    _require_on_earth(path, node.id, node.location)
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


def _take_way(path: Path, tables: Tables, way: osm.Way, tags: Mapping[str, str], box: Box) -> None:
    kind, barrier = street_class(tags), read.line_barrier(tags)
    if kind is None and barrier is None:
        _require_short(path, way)
        for node in way.nodes:  # osmium, which makes areas of such ways, passes over nodes that lie nowhere
            _require_on_earth(path, node.ref, node.location)
        return
    line = _line(path, way, box)
    if line is None:
        return
    if kind is not None:
        tables["streets"].add(way, line, **_street(tags, kind))
        tables["streets"].cut += _is_cut(way)
    if barrier is not None:
        tables["barriers"].add(way, line, barrier_kind=barrier, name=read.name_of(tags))


def _street(tags: Mapping[str, str], kind: str) -> dict[str, object]:
    return {
        "name": read.name_of(tags),
        "street_class": kind,
        "walkable": is_walkable(tags),
        "bridge": read.is_set(tags, "bridge"),
        "tunnel": read.is_set(tags, "tunnel"),
        "layer": read.parse_number(tags.get("layer")) or 0.0,
    }


def _line(path: Path, way: osm.Way, box: Box) -> BaseGeometry | None:
    """Draw a way through its known nodes; where nodes are missing from the extract it is in several parts."""
    _require_short(path, way)
    runs: list[list[tuple[float, float]]] = [[]]
    for node in way.nodes:
        if not node.location.valid():
            _require_on_earth(path, node.ref, node.location)
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


def _take_area(_path: Path, tables: Tables, area: osm.Area, tags: Mapping[str, str], box: Box) -> None:
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


def _draw(path: Path, factory: osmium.geom.WKBFactory, way: osm.Way) -> BaseGeometry | str | None:
    """Draw a way at once where all its nodes are known, and through those that are where not."""
    if len(way.nodes) <= MOST_NODES:
        try:
            return str(factory.create_linestring(way))
        except (osmium.InvalidLocationError, RuntimeError):
            pass
    return _line(path, way, _EVERYWHERE)


def _is_cut(way: osm.Way) -> bool:
    return not all(node.location.valid() for node in way.nodes)


def _require_short(path: Path, way: osm.Way) -> None:
    """Refuse a way that nobody draws."""
    if len(way.nodes) > MOST_NODES:
        raise refusal(path, "osm_nodes", way=way.id, count=len(way.nodes), most=MOST_NODES)


def _require_on_earth(path: Path, number: int, at: osm.Location) -> None:
    """Tell a node that the extract lacks, which is usual at its border, from one that lies nowhere on earth."""
    if not at.valid() and _UNDEFINED not in (at.x, at.y):
        where = f"{at.lon_without_check():.7g}, {at.lat_without_check():.7g}"
        raise refusal(path, "osm_nowhere", node=number, at=where)
