"""What-if equals a full run, bit for bit."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from bundled import read_place
from hypothesis import given, settings
from hypothesis import strategies as st

from gridgeo.coverage import (
    add_station,
    assess_coverage,
    change_gates,
    move_station,
    remove_station,
    shut_streets,
)
from gridgeo.errors import GridgeoError
from gridgeo.network import build_network

CRS = "EPSG:4527"


def station(name, x, y):
    return gpd.GeoDataFrame({"station_id": [name]}, geometry=[shapely.Point(x, y)], crs=CRS)


def same(one, other):
    for cutoff in one.cutoffs_m:
        pd.testing.assert_frame_equal(one.at(cutoff).households, other.at(cutoff).households, check_exact=True)


def town(rng):
    """A lattice of streets with some missing, walls with gates, households on and off the streets."""
    lines = [((x, y), (x + 50, y)) for x in range(0, 250, 50) for y in range(0, 300, 50) if rng.random() < 0.7]
    lines += [((x, y), (x, y + 50)) for x in range(0, 300, 50) for y in range(0, 250, 50) if rng.random() < 0.7]
    # An island, and two streets that are drawn twice.
    lines += [((1000, 0), (1100, 0)), lines[0], lines[1][::-1]]
    ids = [f"s{number}" for number in range(len(lines))]
    streets = gpd.GeoDataFrame({"street_id": ids}, geometry=[shapely.LineString(line) for line in lines], crs=CRS)
    wall = gpd.GeoDataFrame(geometry=[shapely.LineString([(-50, 110), (270, 110)])], crs=CRS)
    spots = shapely.points([(50, 110), (100, 110), (125, 110)])
    gates = gpd.GeoDataFrame({"gate_id": ["a", "b", "c"], "open": [True, False, True]}, geometry=list(spots), crs=CRS)
    xy = np.round(rng.uniform(-20, 320, (80, 2)), rng.integers(0, 3))
    xy[:3] = [(1010, 5), (5000, 0), (50, 50)]
    households = gpd.GeoDataFrame(
        {"household_id": [f"h{row}" for row in range(80)]}, geometry=list(shapely.points(xy)), crs=CRS
    )
    return streets, wall, gates, households


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_a_walk_of_random_edits_equals_full_runs(seed):
    rng = np.random.default_rng(seed)
    streets, wall, gates, households = town(rng)
    network = build_network(streets, barriers=wall, gates=gates, max_access_m=60)
    stations = pd.concat([station(f"p{row}", *rng.integers(0, 6, 2) * 50.0) for row in range(4)], ignore_index=True)
    coverage = assess_coverage(network, households, stations, cutoff_m=(120, 200))
    for step in range(6):
        kind = rng.integers(0, 5)
        if kind == 0 or len(coverage.stations) == 1:
            spot = rng.choice([(1050.0, 3.0), (100.0, 100.0), (9000.0, 0.0), tuple(np.round(rng.uniform(0, 300, 2)))])
            coverage = add_station(coverage, station(f"n{step}", *spot))
        elif kind == 1:
            coverage = remove_station(coverage, rng.choice(coverage.stations["station_id"]))
        elif kind == 2:
            name = rng.choice(coverage.stations["station_id"])
            coverage = move_station(coverage, station(name, *np.round(rng.uniform(0, 300, 2))))
        elif kind == 3:
            coverage = change_gates(coverage, {str(rng.choice(["a", "b", "c"])): bool(rng.random() < 0.5)})
        else:
            coverage = shut_streets(coverage, [rng.choice(coverage.network.streets["street_id"])])
        walkable = coverage.network.streets.get("walkable", pd.Series(data=True, index=streets.index))
        gates_now = coverage.network.gates
        again = build_network(streets[walkable.to_numpy()], barriers=wall, gates=gates_now, max_access_m=60)
        same(coverage, assess_coverage(again, households, coverage.stations, cutoff_m=(120, 200)))


def test_the_bundled_place_without_and_with_each_station():
    plan = read_place("nanshan")
    network = build_network(plan.streets, barriers=plan.barriers, gates=plan.gates)
    whole = assess_coverage(network, plan.households, plan.stations, cutoff_m=(300, 500))
    for row, name in enumerate(plan.stations["station_id"]):
        without = remove_station(whole, name)
        same(without, assess_coverage(network, plan.households, plan.stations.drop(index=row), cutoff_m=(300, 500)))
        same(add_station(without, plan.stations.iloc[[row]]), whole)


def test_without_any_station_nobody_is_covered():
    network = build_network(gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (9, 0)])], crs=CRS))
    households = gpd.GeoDataFrame({"household_id": ["h"]}, geometry=[shapely.Point(5, 0)], crs=CRS)
    coverage = assess_coverage(network, households, station("s", 0, 0))
    bare = remove_station(coverage, "s")
    assert bare.households["reason"].tolist() == ["unreachable"]
    assert bare.households["station_id"].isna().all()
    same(add_station(bare, station("s", 0, 0)), coverage)
    assert coverage.households["covered"].tolist() == [True]


def test_edits_that_name_nothing_are_refused():
    network = build_network(
        gpd.GeoDataFrame({"street_id": ["a"]}, geometry=[shapely.LineString([(0, 0), (9, 0)])], crs=CRS)
    )
    households = gpd.GeoDataFrame({"household_id": ["h"]}, geometry=[shapely.Point(5, 0)], crs=CRS)
    coverage = assess_coverage(network, households, station("s", 0, 0))
    for refuse in (
        lambda: add_station(coverage, station("s", 1, 1)),
        lambda: add_station(coverage, pd.concat([station("a", 1, 1), station("b", 1, 1)])),
        lambda: move_station(coverage, station("x", 1, 1)),
        lambda: remove_station(coverage, "x"),
        lambda: change_gates(coverage, {"g": True}),
        lambda: shut_streets(coverage, ["x"]),
        lambda: shut_streets(coverage, ["a"]),
        lambda: add_station(coverage, station("n", np.inf, 0)),
    ):
        with pytest.raises(GridgeoError):
            refuse()
