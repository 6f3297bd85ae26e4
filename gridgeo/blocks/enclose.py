"""Street blocks: the ground of a district, cut along its streets, without gaps, overlaps or slivers.

The blocks are the atoms of every grid and of every level above (see ``docs/adr/0004-blocks.md``).
"""

from __future__ import annotations

from collections.abc import Callable

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.blocks.communities import Ground, cut_ground, mend
from gridgeo.blocks.edges import find_edges, write_borders
from gridgeo.blocks.faces import Geometries, Integers, draw_faces
from gridgeo.blocks.slivers import find_road_ground, find_slivers, fold_slivers, locate_faces
from gridgeo.blocks.superblocks import keep_buildings_whole, redraw, split_sprawling, split_superblocks
from gridgeo.crs import require_metric
from gridgeo.errors import Fault, InputError
from gridgeo.schema import complete_layer, require_layer

BOUNDING_CLASSES = (
    "motorway", "motorway_link", "trunk", "trunk_link", "primary", "primary_link", "secondary", "secondary_link",
    "tertiary", "tertiary_link", "unclassified", "residential", "living_street", "pedestrian", "busway", "road",
)  # fmt: skip
"""Classes of streets that bound blocks; the others are inner ways, which only split superblocks."""

ROAD_GROUND_CLASSES = ("motorway", "trunk", "primary")
"""Classes whose carriageways may enclose ground that belongs to the road itself."""

RAMP_CLASSES = ("motorway_link", "trunk_link", "primary_link", "secondary_link", "tertiary_link")
"""Classes whose loops may do so, too."""

_WATER_M2 = 20_000.0
_PARTS_A_GRID = 8


def enclose_blocks(
    boundary: shapely.Geometry | gpd.GeoDataFrame | gpd.GeoSeries,
    streets: gpd.GeoDataFrame,
    barriers: gpd.GeoDataFrame | None = None,
    *,
    gates: gpd.GeoDataFrame | None = None,
    buildings: gpd.GeoDataFrame | None = None,
    households: gpd.GeoDataFrame | None = None,
    communities: gpd.GeoDataFrame | None = None,
    dedicated: gpd.GeoDataFrame | None = None,
    most_households: float = 500,
    most_area_m2: float = 250_000.0,
    sliver_width_m: float = 20.0,
    sliver_area_m2: float = 1200.0,
    simplify_m: float = 2.0,
) -> gpd.GeoDataFrame:
    """Cut a district into street blocks.

    Parameters
    ----------
    boundary : polygon, GeoDataFrame or GeoSeries
        The district, in the streets' system; several polygons are taken together.
    streets : GeoDataFrame
        Layer ``streets`` (``street_class``, ``tunnel``, ``bridge``), in metres. Tunnels are dropped, bridges do not
        cut water, dead ends bound nothing.
    barriers : GeoDataFrame, optional
        Layer ``barriers``: railways and watercourses bound blocks, and wide water is a block of its own.
    gates : GeoDataFrame, optional
        Layer ``gates``: the open ones lead across barriers.
    buildings : GeoDataFrame, optional
        Layer ``buildings``; no block border cuts one.
    households : GeoDataFrame, optional
        Layer ``households``; a block with more than half of `most_households` is split between clusters of buildings,
        since hardly any other block could join it in a grid.
    communities : GeoDataFrame, optional
        Polygons with ``unit_id`` whose borders no block crosses, save around a building that stands on one. Overlaps
        and gaps are repaired.
    dedicated : GeoDataFrame, optional
        Polygons that are to become grids of their own: their outlines bound blocks too.
    most_households : float
        What a grid may hold at most.
    most_area_m2 : float
        A block of more ground than this is split along its inner ways too.
    sliver_width_m, sliver_area_m2 : float
        A face in which no circle of this diameter fits, or of less area, is no block: it is folded to its centreline.
    simplify_m : float
        Borders are simplified by this much, the district's own border never.

    Returns
    -------
    GeoDataFrame
        Layer ``blocks``: ``block_id``, ``community_id``, ``grid_id`` (missing), ``block_kind`` (``land`` or
        ``water``), ``area_m2``, ``borders`` (the street along every border, see
        `gridgeo.blocks.write_borders`) and the polygon, numbered from the north-west. The blocks cover the district
        exactly and share every vertex of their borders. What was repaired is listed in ``attrs["repairs"]``.

    Raises
    ------
    CRSError
        If the layers are not in metres or not in one system.
    InputError
        If the boundary is no area, or a layer has faults.
    """
    streets = require_layer("streets", streets)
    crs = require_metric(streets, layer="streets")
    named = {"barriers": barriers, "gates": gates, "buildings": buildings, "households": households}
    for layer, frame in named.items():
        if frame is not None:
            require_metric(frame, layer=layer, crs=crs)
    repairs: list[Fault] = []
    ground = cut_ground(read_district(boundary, crs, repairs), communities)
    water = _wide_water(barriers, ground.parts)
    lines = np.concatenate(
        [_bounding_lines(streets, water), _barrier_lines(barriers), _rings(water), _rings(areas_of(dedicated))]
    )
    solid = mend(_solid(buildings), "buildings", repairs)
    roads, ramps = (
        _parts(streets.geometry.to_numpy()[streets["street_class"].isin(classes).to_numpy()])
        for classes in (ROAD_GROUND_CLASSES, RAMP_CLASSES)
    )

    def find_folded(faces: Geometries) -> npt.NDArray[np.bool_]:
        slivers = find_slivers(faces, width_m=sliver_width_m, area_m2=sliver_area_m2)
        return slivers | find_road_ground(faces, roads, ramps, solid)

    faces, part = _draw(ground, lines, find_folded, simplify_m)
    faces, part = _drop_empty(keep_buildings_whole(faces, solid), part)
    if households is not None and len(households):
        inner = _inner_lines(streets, barriers)
        faces, parent = _split_heavy(faces, households, solid, inner, most_households, most_area_m2)
        faces, part = _drop_empty(keep_buildings_whole(faces, solid), part[parent])
    if len(solid):  # a cut across a block is sure to miss its buildings only where they are known
        faces, parent = split_sprawling(faces, solid)
        faces, part = _drop_empty(keep_buildings_whole(faces, solid), part[parent])
    unit = np.array([*ground.unit_ids, None], dtype=object)[ground.unit[part]]
    blocks = _as_layer(faces, unit, water, crs)
    blocks = write_borders(blocks, find_edges(blocks, streets, barriers, gates, reach_m=sliver_width_m))
    told = [fault.as_dict() for fault in (*repairs, *ground.repairs)]
    if told:
        blocks.attrs["repairs"] = told
    return blocks


def areas_of(dedicated: gpd.GeoDataFrame | None) -> Geometries:
    """Return the polygons of areas, none for no layer.

    Parameters
    ----------
    dedicated : GeoDataFrame, optional
        Polygons.

    Returns
    -------
    array of Polygon or MultiPolygon
        Valid polygons.
    """
    return np.empty(0, dtype=object) if dedicated is None else mend(dedicated.geometry.to_numpy(), "dedicated", [])


def _draw(
    ground: Ground,
    lines: Geometries,
    find_folded: Callable[[Geometries], npt.NDArray[np.bool_]],
    simplify_m: float,
) -> tuple[Geometries, Integers]:
    """Cut each part of the ground along the lines; the parts' own borders never move."""
    tree = shapely.STRtree(lines)
    drawn: list[Geometries] = []
    for part in ground.parts:
        near = lines[tree.query(part, predicate="intersects")]
        faces = draw_faces(np.r_[_rings(np.array([part], dtype=object)), near])
        shapely.prepare(part)
        faces = faces[shapely.contains(part, shapely.point_on_surface(faces))]
        faces, _ = fold_slivers(faces, find_folded(faces))
        if simplify_m > 0 and len(faces) > 1:
            faces = shapely.coverage_simplify(faces, simplify_m, simplify_boundary=False)
        drawn.append(faces)
    part_of = np.repeat(np.arange(len(drawn)), [len(faces) for faces in drawn])
    every = np.concatenate(drawn)
    return (every if len(drawn) == 1 else redraw(every)), part_of


def _drop_empty(faces: Geometries, part: Integers) -> tuple[Geometries, Integers]:
    full = ~shapely.is_empty(faces)
    return faces[full], part[full]


def read_district(
    boundary: shapely.Geometry | gpd.GeoDataFrame | gpd.GeoSeries, crs: object, repairs: list[Fault] | None = None
) -> shapely.Geometry:
    """Return a district's ground as one valid geometry.

    Parameters
    ----------
    boundary : polygon, GeoDataFrame or GeoSeries
        The district; several polygons are taken together.
    crs : object
        The system it must be in when it says one.
    repairs : list of Fault, optional
        What was repaired is noted here.

    Returns
    -------
    Polygon or MultiPolygon
        The ground, repaired where a ring crosses itself.

    Raises
    ------
    CRSError
        If it states another system.
    InputError
        If it holds no area.
    """
    if isinstance(boundary, (gpd.GeoDataFrame, gpd.GeoSeries)):
        require_metric(boundary, layer="boundary", crs=crs)
        shapes = boundary.geometry.to_numpy()
    else:
        shapes = np.array([boundary], dtype=object)
    if not np.isfinite(shapely.get_coordinates(shapes)).all():
        raise InputError("empty_district")
    shapes = mend(shapes, "boundary", repairs if repairs is not None else [])
    parts = shapely.get_parts(shapely.get_parts(shapes))
    parts = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON.value]
    district = parts[0] if len(parts) == 1 else shapely.union_all(parts)
    if shapely.is_empty(district) or not shapely.area(district) > 0:
        raise InputError("empty_district")
    return district


def _bounding_lines(streets: gpd.GeoDataFrame, water: Geometries) -> Geometries:
    bounding = streets["street_class"].isin(BOUNDING_CLASSES) & ~streets["tunnel"]
    lines = _parts(streets.geometry.to_numpy()[bounding.to_numpy()])
    if len(water) == 0:
        return lines
    # A bridge would cut the river under it into blocks that nobody can stand on.
    wet, _ = shapely.STRtree(water).query(lines, predicate="intersects")
    wet = np.unique(wet)
    dry = np.setdiff1d(np.arange(len(lines)), wet)
    return np.concatenate([lines[dry], _parts(shapely.difference(lines[wet], shapely.union_all(water)))])


def _parts(lines: Geometries) -> Geometries:
    parts: Geometries = shapely.get_parts(shapely.get_parts(lines))
    full: Geometries = parts[~shapely.is_empty(parts)]
    return full


def _barrier_lines(barriers: gpd.GeoDataFrame | None) -> Geometries:
    if barriers is None:
        return np.empty(0, dtype=object)
    bounding = barriers["barrier_kind"].isin(("railway", "water", "expressway")).to_numpy()
    lines = _parts(barriers.geometry.to_numpy()[bounding])
    return _only_lines(lines)


def _wide_water(barriers: gpd.GeoDataFrame | None, ground: Geometries) -> Geometries:
    if barriers is None:
        return np.empty(0, dtype=object)
    shapes = _parts(barriers.geometry.to_numpy()[(barriers["barrier_kind"] == "water").to_numpy()])
    shapes = shapes[shapely.get_dimensions(shapes) == 2]  # noqa: PLR2004 - polygons
    shapes = shapes[np.unique(shapely.STRtree(shapes).query(ground, predicate="intersects")[1])]
    united = shapely.get_parts(shapely.union_all(shapes)) if len(shapes) else shapes
    return united[shapely.area(united) >= _WATER_M2] if len(united) else united


def _rings(shapes: Geometries) -> Geometries:
    return _parts(shapely.boundary(shapes)) if len(shapes) else np.empty(0, dtype=object)


def _solid(buildings: gpd.GeoDataFrame | None) -> Geometries:
    if buildings is None:
        return np.empty(0, dtype=object)
    shapes = buildings.geometry.to_numpy()
    solid: Geometries = shapes[shapely.area(shapes) > 0]
    return solid


def _inner_lines(streets: gpd.GeoDataFrame, barriers: gpd.GeoDataFrame | None) -> Geometries:
    inner = ~streets["street_class"].isin(BOUNDING_CLASSES) & ~streets["tunnel"]
    lines = [_parts(streets.geometry.to_numpy()[inner.to_numpy()])]
    if barriers is not None:
        lines.append(_parts(barriers.geometry.to_numpy()[(barriers["barrier_kind"] == "wall").to_numpy()]))
    return _only_lines(np.concatenate(lines))


def _only_lines(shapes: Geometries) -> Geometries:
    lines: Geometries = shapes[shapely.get_dimensions(shapes) == 1]
    return lines


def _split_heavy(
    faces: Geometries,
    households: gpd.GeoDataFrame,
    buildings: Geometries,
    inner: Geometries,
    most: float,
    most_area_m2: float,
) -> tuple[Geometries, Integers]:
    points = households.geometry.to_numpy()
    weight = households["households"].to_numpy(float)
    block = locate_faces(points, faces)
    held = np.bincount(block[block >= 0], weights=weight[block >= 0], minlength=len(faces))
    return split_superblocks(
        faces,
        (held > most / 2) | (shapely.area(faces) > most_area_m2),
        np.concatenate([points, buildings]),
        np.r_[weight, np.zeros(len(buildings))],
        inner_ways=inner,
        most=most / 2,
        part=most / _PARTS_A_GRID,
        apart=most,
    )


def _as_layer(faces: Geometries, unit: Geometries, water: Geometries, crs: object) -> gpd.GeoDataFrame:
    west, _, _, north = shapely.bounds(faces).T
    order = np.lexsort((west, -np.round(north / 100)))
    faces, unit = faces[order], unit[order]
    kind = np.full(len(faces), "land", dtype=object)
    if len(water):
        inside, _ = shapely.STRtree(water).query(shapely.point_on_surface(faces), predicate="intersects")
        kind[inside] = "water"
    digits = max(4, len(str(len(faces))))
    frame = gpd.GeoDataFrame(
        {
            "block_id": [f"B{number:0{digits}}" for number in range(1, len(faces) + 1)],
            "community_id": unit,
            "block_kind": kind,
            "area_m2": shapely.area(faces),
        },
        geometry=faces,
        crs=crs,
    )
    return complete_layer("blocks", frame)
