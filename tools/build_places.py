"""Build the plans of the bundled places from the raw files beside them: ``python tools/build_places.py [NAME …]``.

What is particular to a place stands in its ``place.toml``; nothing is drawn that a file does not tell, and everything
worked out from assumptions is marked ``estimated``. Running it again gives the same plan, and then leaves the file be.
"""

from __future__ import annotations

import heapq
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridgeo.crs import to_metric
from gridgeo.errors import GridgeoError
from gridgeo.estimate import ASSUMED_LEVELS_ELSE, PERSONS_PER_HOUSEHOLD, estimate_households, select_residential
from gridgeo.plan import Level, Name, Plan, PlanInfo, make_plan
from gridgeo.readers import OsmLayers, read_osm
from gridgeo.store import read_plan, write_plan

DATA = Path(__file__).parents[1] / "data"
# A border may follow what a neighbourhood is bounded by, not every footpath through a lawn.
BORDER_CLASSES = frozenset(
    {
        "motorway", "trunk", "primary", "secondary", "tertiary", "unclassified", "residential", "living_street",
        "pedestrian", "service", "motorway_link", "trunk_link", "primary_link", "secondary_link", "tertiary_link",
    }
)  # fmt: skip
SEED_SPACING_M = 5.0
LARGE_FACE_M2 = 60_000.0


def main(names: list[str]) -> int:
    """Build the places named, or all."""
    known = sorted(path.parent.name for path in DATA.glob("*/place.toml"))
    for name in names or known:
        if name not in known:
            print(f"there is no {DATA / name / 'place.toml'}", file=sys.stderr)
            return 2
        plan = build_place(DATA / name)
        path = DATA / name / f"{name}.gpkg"
        state = "as it was" if is_same(plan, path) else "written"
        if state == "written":
            write_plan(plan, path)
        counts = ", ".join(f"{layer} {len(rows)}" for layer, rows in plan.layers().items() if len(rows))
        print(f"{name}: {state} ({path.stat().st_size / 1e6:.2f} MB): {counts}")
        print(f"  households {plan.households['households'].sum()}, persons {plan.households['persons'].sum():.0f}")
    return 0


def build_place(folder: Path) -> Plan:
    """Make a plan from a place's raw files."""
    said = tomllib.loads((folder / "place.toml").read_text(encoding="utf-8"))
    boundary = gpd.read_file(folder / "boundary.geojson")
    osm = read_osm(folder / f"{folder.name}.osm.pbf", boundary=boundary)
    points = read_points(folder / "communities.csv", osm)
    district = shapely.union_all(to_metric(boundary, osm.crs).geometry.to_numpy())
    units = make_units(said, district, osm, points)
    households = make_households(said["households"], district, osm)
    stations = make_stations(said, osm, points)
    info = PlanInfo(
        name=Name(said["place"]["zh"], said["place"]["en"]),
        levels=tuple(Level(level["level"], Name(level["zh"], level["en"])) for level in said["levels"]),
        attribution=said["place"]["attribution"],
        notes=tuple(Name(note["zh"], note["en"]) for note in said["notes"]),
    )
    return make_plan(info, osm.crs, **osm.layers(), units=units, households=households, stations=stations)


def is_same(plan: Plan, path: Path) -> bool:
    """Tell whether a file holds this plan already, to the last bit of every coordinate."""
    if not path.exists():
        return False
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / path.name
        write_plan(plan, fresh)
        new = read_plan(fresh)
    try:
        old = read_plan(path)
    except GridgeoError:
        return False
    if old.info != new.info or old.crs != new.crs:
        return False
    return all(_same_layer(old.layers()[name], layer) for name, layer in new.layers().items())


def _same_layer(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame) -> bool:
    if not pd.DataFrame(old.drop(columns="geometry")).equals(pd.DataFrame(new.drop(columns="geometry"))):
        return False
    return bool(shapely.equals_identical(old.geometry.to_numpy(), new.geometry.to_numpy()).all())


def read_points(path: Path, osm: OsmLayers) -> gpd.GeoDataFrame:
    """Return the official communities, with a point where the list has one."""
    table = pd.read_csv(path, dtype={"code": "str", "parent": "str"})
    points = gpd.points_from_xy(table["lon_wgs84"], table["lat_wgs84"], crs=4326)
    frame = gpd.GeoDataFrame(table, geometry=points)
    return to_metric(frame, osm.crs).set_index("code")


def make_units(
    said: dict[str, Any], district: shapely.Geometry, osm: OsmLayers, points: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    """Return the district and its communities, the ground shared out along streets to the nearest seed."""
    top = {"level": said["levels"][0]["level"], **said["top"], "geometry": district}
    seeds = [find_seed(community, osm, points, district) for community in said["communities"]]
    areas = share_ground(district, border_lines(osm), [shape for shape, _ in seeds])
    rows = [top]
    for community, (_, source), area in zip(said["communities"], seeds, areas, strict=True):
        rows.append(
            {
                "unit_id": community["unit_id"],
                "name": community["name"],
                "level": "community",
                "parent_id": said["top"]["unit_id"],
                "code": community.get("code", community["unit_id"]),
                "estimated": True,
                "source": f"nearest along streets to: {source}",
                "geometry": area,
            }
        )
    return gpd.GeoDataFrame(rows, geometry="geometry", crs=osm.crs)


def find_seed(
    community: dict[str, Any], osm: OsmLayers, points: gpd.GeoDataFrame, district: shapely.Geometry
) -> tuple[shapely.Geometry, str]:
    """Return where a community is known to be, and from what."""
    shapes: list[shapely.Geometry] = []
    sources: list[str] = []
    for layer, key in (("buildings", "buildings"), ("landuse", "landuse")):
        if key in community:
            frame = osm.layers()[layer]
            found = frame[frame["name"].str.fullmatch(community[key]).fillna(value=False)]
            found = found[shapely.intersects(district, found.geometry.to_numpy())]
            shapes += list(found.geometry)
            sources.append(f"OSM {layer} {found['name'].iloc[0]}" + (f" +{len(found) - 1}" if len(found) > 1 else ""))
    if "place" in community:
        found = osm.places[osm.places["place_id"] == community["place"]]
        shapes += list(found.geometry)
        sources.append(f"OSM {community['place']} {found['name'].iloc[0]}")
    if community.get("official_point"):
        code = community.get("code", community["unit_id"])
        shapes.append(points.geometry[code])
        sources.append(f"{points['name'][code]} {code} (2016 list)")
    return shapely.union_all(shapes), "; ".join(sources)


def border_lines(osm: OsmLayers) -> NDArray[np.object_]:
    """Return the streets that a border may follow."""
    streets = osm.streets[osm.streets["street_class"].isin(BORDER_CLASSES)]
    return np.asarray(streets[~streets["tunnel"] & ~streets["bridge"]].geometry.to_numpy(), dtype=object)


def share_ground(
    district: shapely.Geometry, lines: NDArray[np.object_], seeds: list[shapely.Geometry]
) -> list[shapely.Geometry]:
    """Cut the district along lines and give every piece to the nearest seed, each seed's ground in one part."""
    near = [line for line in lines if shapely.intersects(district, line)]
    faces = enclose(district, near)
    cuts = [cut for face in faces for cut in cut_midway(face, seeds)]
    if cuts:
        faces = enclose(district, [*near, *cuts])
    owner = grow(faces, seeds)
    return [shapely.coverage_union_all(faces[owner == one]) for one in range(len(seeds))]


def cut_midway(face: shapely.Geometry, seeds: list[shapely.Geometry]) -> list[shapely.Geometry]:
    """Return the lines midway between seeds that share a face, or all that are near a face too large to be one's."""
    parts = [shapely.get_parts(seed) for seed in seeds]
    if face.area <= LARGE_FACE_M2:
        parts = [part[shapely.intersects(shapely.point_on_surface(part), face)] for part in parts]
    sharing = [shapely.union_all(part) for part in parts if len(part)]
    if len(sharing) <= 1:
        return []
    points = [shapely.extract_unique_points(shapely.segmentize(seed, SEED_SPACING_M)) for seed in sharing]
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.union_all(points), extend_to=face))
    owner = np.array([shapely.distance(cells, seed) for seed in sharing]).argmin(axis=0)
    edges = [shapely.union_all(cells[owner == one]).boundary for one in range(len(sharing))]
    return [part for edge in edges for part in shapely.get_parts(shapely.intersection(edge, face))]


def enclose(district: shapely.Geometry, lines: list[shapely.Geometry]) -> NDArray[np.object_]:
    """Return the faces that lines and the district's ring enclose, inside the district."""
    drawn = [line for line in lines if line.geom_type in {"LineString", "MultiLineString"}]
    noded = shapely.union_all([district.boundary, *drawn])
    faces = np.array(shapely.get_parts(shapely.polygonize(shapely.get_parts(noded))), dtype=object)
    return np.asarray(faces[shapely.intersects(district, shapely.point_on_surface(faces))], dtype=object)


def grow(faces: NDArray[np.object_], seeds: list[shapely.Geometry]) -> NDArray[np.int64]:
    """Give each face to the seed nearest on the way from face to face, so that every ground is in one part."""
    inner = shapely.point_on_surface(faces)
    middles = [shapely.point_on_surface(shapely.get_parts(seed)) for seed in seeds]
    held = np.array([[int(shapely.intersects(face, middle).sum()) for face in faces] for middle in middles])
    owner = np.where(held.sum(axis=0) > 0, held.argmax(axis=0), -1)
    neighbours = find_neighbours(faces)
    while True:
        grown = spread(owner, inner, neighbours)
        stray = [find_stray(grown == one, held[one], neighbours) for one in range(len(seeds))]
        # Ground cut off from where most of its seed lies is let go and shared out again.
        loose = np.any(stray, axis=0) & (owner >= 0)
        if not loose.any():
            return grown
        owner[loose] = -1


def spread(owner: NDArray[np.int64], inner: NDArray[np.object_], neighbours: list[list[int]]) -> NDArray[np.int64]:
    """Give every face without an owner that of the face it is reached from first, measured between inner points."""
    grown = np.full(len(owner), -1, dtype=np.int64)
    heap = [(0.0, int(owner[face]), int(face)) for face in np.flatnonzero(owner >= 0)]
    heapq.heapify(heap)
    while heap:
        way, one, face = heapq.heappop(heap)
        if grown[face] >= 0:
            continue
        grown[face] = one
        for near in neighbours[face]:
            if grown[near] < 0 and owner[near] < 0:
                heapq.heappush(heap, (way + float(shapely.distance(inner[face], inner[near])), one, near))
    return grown


def find_stray(mine: NDArray[np.bool_], held: NDArray[np.int64], neighbours: list[list[int]]) -> NDArray[np.bool_]:
    """Tell which of the faces marked are not joined to those that hold most of the seed."""
    part = np.full(len(mine), -1)
    for start in np.flatnonzero(mine):
        if part[start] >= 0:
            continue
        stack = [int(start)]
        while stack:
            face = stack.pop()
            if part[face] < 0:
                part[face] = start
                stack += [near for near in neighbours[face] if mine[near]]
    weight = {one: int(held[part == one].sum()) for one in np.unique(part[mine])}
    home = max(weight, key=lambda one: weight[one])
    return np.asarray(mine & (part != home))


def find_neighbours(faces: NDArray[np.object_]) -> list[list[int]]:
    """Return for each face those it shares a border with, not only a corner."""
    one, two = shapely.STRtree(faces).query(faces, predicate="intersects")
    border = shapely.length(shapely.intersection(faces[one], faces[two]))
    linked: list[list[int]] = [[] for _ in faces]
    for first, second in zip(one[border > 0], two[border > 0], strict=True):
        if first != second:
            linked[int(first)].append(int(second))
    return linked


def make_households(said: dict[str, Any], district: shapely.Geometry, osm: OsmLayers) -> gpd.GeoDataFrame:
    """Return the estimated households of the district."""
    homes = select_residential(
        osm.buildings, landuse=osm.landuse, places=osm.places, names=said.get("names"), within=district
    )
    return estimate_households(
        homes,
        population=said.get("population"),
        persons_per_household=said.get("persons_per_household", PERSONS_PER_HOUSEHOLD),
        floor_m2_per_household=said.get("floor_m2_per_household"),
        assumed_levels_else=said.get("assumed_levels_else", ASSUMED_LEVELS_ELSE),
    )


def make_stations(said: dict[str, Any], osm: OsmLayers, points: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return stations on real public points, each saying which."""
    codes = {community["unit_id"]: community.get("code", community["unit_id"]) for community in said["communities"]}
    rows = []
    for station in said["stations"]:
        row = {key: station[key] for key in ("station_id", "station_kind", "services")}
        if "community" in station:
            code = codes[station["community"]]
            row |= {"name": points["name"][code], "geometry": points.geometry[code]}
            source = f"{code} {row['name']} (2016 list)"
        else:
            row |= find_feature(station["feature"], osm)
            source = f"OSM {station['feature']} {row['name']}"
        estimated = station.get("estimated", True)
        row["source"] = f"{source}: real public point standing in for a station" if estimated else source
        rows.append({**row, "name": station.get("name", row["name"]), "estimated": estimated})
    return gpd.GeoDataFrame(rows, geometry="geometry", crs=osm.crs)


def find_feature(feature: str, osm: OsmLayers) -> dict[str, Any]:
    """Return the name and point of an OSM place or building."""
    for layer, column in (("places", "place_id"), ("buildings", "building_id")):
        frame = osm.layers()[layer]
        found = frame[frame[column] == feature]
        if len(found):
            return {"name": found["name"].iloc[0], "geometry": found.geometry.iloc[0].point_on_surface()}
    raise LookupError(feature)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
