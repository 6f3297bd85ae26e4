"""The streets of an OpenStreetMap extract alone, where nothing else of it is wanted: one quick pass."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import osmium
import shapely
from osmium import osm
from osmium.filter import EntityFilter, KeyFilter
from pyproj import CRS

from gridgeo.crs import metric_crs, to_metric
from gridgeo.errors import FileError
from gridgeo.readers import osm_tags as read
from gridgeo.readers.osm import _file_format, _line, _reason
from gridgeo.readers.walkable import is_walkable, street_class
from gridgeo.schema import complete_layer
from gridgeo.texts import text

_WGS84 = CRS.from_epsg(4326)
_EVERYWHERE = (-180.0, -90.0, 180.0, 90.0)


def read_osm_streets(path: str | Path, *, crs: object = None) -> gpd.GeoDataFrame:
    """Read the streets of an OpenStreetMap extract.

    Parameters
    ----------
    path : str or Path
        A ``.osm.pbf`` or ``.osm`` file.
    crs : object, optional
        The metric system of the result; by default `gridgeo.crs.metric_crs` of where most of the streets are.

    Returns
    -------
    GeoDataFrame
        The layer ``streets`` that `gridgeo.readers.read_osm` reads with the rest, sorted by id.

    Raises
    ------
    FileError
        If there is no such file, or it is not a sound OSM file, or holds no street.
    CRSError
        If `crs` is not in metres.
    """
    path = Path(path)
    numbers: list[int] = []
    shapes: list[object] = []
    rows: dict[str, list[object]] = {
        name: [] for name in ("name", "street_class", "walkable", "bridge", "tunnel", "layer")
    }
    draw = osmium.geom.WKBFactory()
    try:
        source = osmium.io.File(str(path), _file_format(path))
        ways = osmium.FileProcessor(source, osm.NODE | osm.WAY).with_locations()
        for way in ways.with_filter(EntityFilter(osm.WAY)).with_filter(KeyFilter("highway")):
            if not isinstance(way, osm.Way):
                continue
            tags = {tag.k: tag.v for tag in way.tags}
            kind = street_class(tags)
            shape = None if kind is None else _draw(draw, way)
            if shape is None:
                continue
            numbers.append(way.id)
            shapes.append(shape)
            rows["name"].append(read.name_of(tags))
            rows["street_class"].append(kind)
            rows["walkable"].append(is_walkable(tags))
            rows["bridge"].append(read.is_set(tags, "bridge"))
            rows["tunnel"].append(read.is_set(tags, "tunnel"))
            rows["layer"].append(read.parse_number(tags.get("layer")) or 0.0)
    except (RuntimeError, UnicodeDecodeError) as error:
        raise FileError("unreadable_file", file=path.name, detail=_reason(error)) from error
    if not numbers:
        raise FileError("unreadable_file", file=path.name, detail=text("readers.nothing_in_osm"))
    geometry = np.array(shapes, dtype=object)
    drawn = np.array([isinstance(shape, str) for shape in shapes], dtype=bool)
    geometry[drawn] = shapely.from_wkb(geometry[drawn])
    order = np.argsort(np.array(numbers), kind="stable")
    frame = gpd.GeoDataFrame(
        {"street_id": [f"way/{number}" for number in numbers], **rows}, geometry=gpd.GeoSeries(geometry, crs=_WGS84)
    ).iloc[order]
    if crs is None:
        bounds = shapely.bounds(geometry)
        lon, lat = np.median((bounds[:, :2] + bounds[:, 2:]) / 2, axis=0)
        crs = metric_crs(float(lon), float(lat))
    return complete_layer("streets", to_metric(frame, crs, layer="streets"))


def _draw(factory: osmium.geom.WKBFactory, way: osm.Way) -> object:
    """Draw a way at once where all its nodes are known, and through those that are where not."""
    try:
        return factory.create_linestring(way)
    except (osmium.InvalidLocationError, RuntimeError):
        return _line(way, _EVERYWHERE)
