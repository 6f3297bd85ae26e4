"""The drawn walk: as long as the distance says, through open gates only, and if there is none, why."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from brute import Walls, free
from bundled import read_place

import gridgeo
from gridgeo.coverage import assess_coverage, trace_walk
from gridgeo.errors import GridgeoError
from gridgeo.network import build_network

CRS = "EPSG:4527"


def frame(kind, *shapes, **columns):
    ids = [f"{kind[0]}{number}" for number in range(len(shapes))]
    return gpd.GeoDataFrame({f"{kind}_id": ids} | columns, geometry=list(shapes), crs=CRS)


def lines(*coordinates, **columns):
    return frame("street", *map(shapely.LineString, coordinates), **columns)


def points(kind, *xy, **columns):
    return frame(kind, *map(shapely.Point, xy), **columns)


def test_every_walk_of_a_real_place_is_as_long_as_told_and_goes_through_no_wall(place):
    """Every third point; legs are asked of an independent rule, and streets must be streets of the plan."""
    plan = read_place(place)
    network = build_network(plan.streets, barriers=plan.barriers, gates=plan.gates)
    coverage = assess_coverage(network, plan.households, plan.stations)
    table, walls = coverage.households, Walls(plan.barriers, plan.gates)
    solid, shapes = walls.solid(), plan.streets.set_index("street_id").geometry
    for row in range(0, len(table), 3):
        walk, told = trace_walk(coverage, table.index[row]), table.iloc[row]
        assert (walk.reason, walk.distance_m, walk.straight_m) == tuple(told[["reason", "distance_m", "straight_m"]])
        assert walk.covered == (walk.cause == "")
        if not np.isfinite(walk.distance_m):
            assert walk.station_id is None
            assert walk.line.is_empty
            continue
        assert walk.station_id == told["station_id"]
        assert abs(walk.line.length - walk.distance_m) < 0.002
        assert abs(walk.parts["walk_m"].sum() - walk.distance_m) < 0.001
        assert shapely.Point(walk.line.coords[0]) == plan.households.geometry.iloc[row]
        for part in walk.parts.itertuples():
            if part.part == "street":
                assert shapes[part.street_id].buffer(1e-4).covers(part.geometry)
            elif part.by_gate:
                gate = shapely.Point(part.geometry.coords[1])
                assert min(gate.distance(other) for other in walls.gates) < 1e-9
            else:
                assert free(*map(shapely.Point, part.geometry.coords), solid)


def test_the_walk_is_told_street_by_street():
    """Household 4 m off High Street, station 3 m off Low Street."""
    streets = lines(
        [(0, 0), (100, 0)], [(100, 0), (100, 80)], [(0, 0), (0, 500), (100, 80)], name=["High", "Low", "Far"]
    )  # fmt: skip
    network = build_network(streets)
    coverage = assess_coverage(network, points("household", (20, 4)), points("station", (103, 50)))
    walk = gridgeo.trace_walk(coverage, "h0")
    assert walk.distance_m == 137
    assert walk.parts["part"].tolist() == ["leg", "street", "street", "leg"]
    assert walk.parts["name"].tolist()[1:3] == ["High", "Low"]
    assert walk.parts["walk_m"].tolist() == [4, 80, 50, 3]
    assert walk.line.equals(shapely.LineString([(20, 4), (20, 0), (100, 0), (100, 50), (103, 50)]))


def test_rings_parallels_and_one_street_alone():
    """On a ring without a branch; over the shorter of two parallel streets; on the station's very spot."""
    ring = build_network(lines([(0, 0), (100, 0), (100, 100), (0, 100), (0, 0)]))
    coverage = assess_coverage(ring, points("household", (0, 10), (100, 50), (50, 0)), points("station", (50, 0)))
    assert trace_walk(coverage, "h0").line.equals(shapely.LineString([(0, 10), (0, 0), (50, 0)]))
    assert trace_walk(coverage, "h1").line.equals(shapely.LineString([(100, 50), (100, 0), (50, 0)]))
    assert trace_walk(coverage, "h2").distance_m == trace_walk(coverage, "h2").line.length == 0
    stub = [(0, 0), (-9, 0)]
    two = build_network(lines([(0, 0), (50, 90), (100, 0)], [(0, 0), (100, 0)], stub, [(100, 0), (109, 0)]))
    coverage = assess_coverage(two, points("household", (-5, 0)), points("station", (105, 0)))
    assert trace_walk(coverage, "h0").line.length == 110


def test_another_station_than_the_nearest_can_be_asked_for():
    network = build_network(lines([(0, 0), (600, 0)]))
    coverage = assess_coverage(network, points("household", (100, 0)), points("station", (0, 0), (500, 0)))
    walk = trace_walk(coverage, "h0", station_id="s1")
    assert (walk.distance_m, walk.covered, walk.reason, walk.nearest_id) == (400, False, "beyond_cutoff", "s0")
    for wrong in (("h9", None), ("h0", "s9")):
        with pytest.raises(GridgeoError):
            trace_walk(coverage, wrong[0], station_id=wrong[1])


def test_what_is_to_blame_is_named():
    """A closed gate at (150, 0); round about it is 1,350 m. An island in the north, and a hut far from all."""
    network = build_network(
        lines(
            [(0, 0), (100, 0), (200, 0), (1000, 0)], [(100, 0), (100, 500), (200, 500), (200, 0)], [(0, 900), (50, 900)]
        ),
        gates=points("gate", (150, 0), (700, 0), open=False),
    )
    homes = points("household", (170, 3), (900, 3), (20, 903), (500, 2000), (60, 2), (450, 2))
    coverage = assess_coverage(network, homes, points("station", (0, 0)))
    found = {name: trace_walk(coverage, name) for name in homes["household_id"]}
    assert [walk.cause for walk in found.values()] == [
        "closed_gate", "island", "island", "no_path", "", "too_far",
    ]  # fmt: skip
    assert found["h0"].gate_ids == ("g0",)
    assert found["h0"].distance_m == 100 + 500 + 100 + 500 + 30 + 3
    assert [found[name].reason for name in ("h1", "h2", "h3")] == ["unreachable", "unreachable", "unsnapped"]
    assert found["h2"].nearest_id == "s0"
    assert found["h2"].straight_m == 903.221


def test_waits_and_slow_ground_count_in_the_walk_of_a_person():
    streets = lines(
        [(0, 0), (100, 0)], [(100, 0), (150, 0)], [(150, 0), (250, 0)], [(100, -400), (100, 0), (100, 400)],
        street_class=["residential", "steps", "residential", "primary"],
    )  # fmt: skip
    coverage = assess_coverage(
        build_network(streets), points("household", (250, 0)), points("station", (0, 0)), cutoff_min=9, person="elder"
    )
    walk = trace_walk(coverage, "h0")
    assert walk.distance_m == 350 + 0.8 * 54
    assert walk.line.length == 250
    assert walk.parts["walk_m"].sum() == pytest.approx(walk.distance_m, abs=1e-3)
