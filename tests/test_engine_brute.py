"""The engine against a brute-force answer, on the bundled places."""

import brute
import geopandas as gpd
import numpy as np
import pytest
import shapely
from bundled import read_place

from gridgeo.coverage import assess_coverage
from gridgeo.network import build_network
from gridgeo.network.access import snap_points


@pytest.mark.parametrize("walled", [False, True])
def test_every_household_agrees_with_networkx_on_split_streets(place, walled):
    plan = read_place(place)
    walls = brute.Walls(plan.barriers, plan.gates) if walled else None
    streets = brute.cut_at_gates(plan.streets, plan.gates) if walled else plan.streets
    walks = brute.walk_distances(streets, plan.households, plan.stations, walls=walls)
    network = build_network(plan.streets, **({"barriers": plan.barriers, "gates": plan.gates} if walled else {}))
    coverage = assess_coverage(network, plan.households, plan.stations, cutoff_m=(300, 500))
    nearest, found = walks.min(axis=1), coverage.households["distance_m"].to_numpy()
    assert np.array_equal(np.isfinite(nearest), np.isfinite(found))
    some = np.isfinite(found)
    assert np.abs(nearest[some] - found[some]).max() < 0.1
    for cutoff in coverage.cutoffs_m:
        table = coverage.at(cutoff).households
        clear = np.abs(nearest - cutoff) > 0.1
        assert np.array_equal(table["covered"][clear], (nearest <= cutoff)[clear])
        sure = (np.abs(walks - cutoff) > 0.1).all(axis=1)
        assert np.array_equal(table["n_stations"][sure], (walks <= cutoff).sum(axis=1)[sure])


@pytest.mark.parametrize("seed", [0, 5, 10])
def test_legs_go_round_walls_and_through_open_gates_as_trying_every_spot_finds(seed):
    rng = np.random.default_rng(seed)
    crs = "EPSG:4527"
    streets = gpd.GeoDataFrame(geometry=[shapely.LineString(rng.uniform(0, 300, (3, 2))) for _ in range(8)], crs=crs)
    corner = rng.uniform(100, 160, 2)
    yard = shapely.Polygon(corner + np.array([(0, 0), (60, 5), (70, 60), (5, 50)]))
    walls = [shapely.LineString(rng.uniform(0, 300, (2, 2))) for _ in range(6)]
    walls += [yard, shapely.LineString(np.cumsum(rng.normal(0, 25, (6, 2)), axis=0) + 150)]
    barriers = gpd.GeoDataFrame(geometry=walls, crs=crs)
    spots = [walls[0].interpolate(0.4, normalized=True), yard.boundary.interpolate(30), yard.boundary.interpolate(130)]
    gates = gpd.GeoDataFrame({"gate_id": list("abc"), "open": [True, True, False]}, geometry=spots, crs=crs)
    points = shapely.points(rng.uniform(0, 300, (60, 2)))
    network = build_network(streets, barriers=barriers, gates=gates, max_access_m=90)
    found = snap_points(network, gpd.GeoSeries(points, crs=crs))
    _, legs = brute.snap_round(points, brute.split_streets(streets), 90, brute.Walls(barriers, gates))
    assert np.flatnonzero(found.snapped).tolist() == sorted(legs)
    assert np.abs(found.leg[sorted(legs)] / 2**18 - [legs[row] for row in sorted(legs)]).max() < 0.1
    plain = snap_points(build_network(streets, max_access_m=90), gpd.GeoSeries(points, crs=crs))
    assert (plain.leg[found.snapped] < found.leg[found.snapped]).sum() > 3
