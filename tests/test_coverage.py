"""Coverage on drawings small enough to walk by hand."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gridgeo.coverage import assess_coverage
from gridgeo.errors import GridgeoError
from gridgeo.network import build_network

CRS = "EPSG:4527"


def streets(*lines, **columns):
    ids = [f"s{number}" for number in range(len(lines))]
    return gpd.GeoDataFrame(
        {"street_id": ids, **columns}, geometry=[shapely.LineString(line) for line in lines], crs=CRS
    )


def points(kind, *xy, **columns):
    ids = [f"{kind[0]}{number}" for number in range(len(xy))]
    return gpd.GeoDataFrame(
        {f"{kind}_id": ids, **columns}, geometry=list(shapely.points(np.reshape(xy, (-1, 2)))), crs=CRS
    )


def distances(lines, households, stations, **options):
    network = build_network(streets(*lines))
    return assess_coverage(network, points("household", *households), points("station", *stations), **options)


def test_both_legs_and_the_way_between_count():
    """Station 3 m off x=0, household 4 m off x=100: 3 + 100 + 4."""
    coverage = distances([[(0, 0), (200, 0)]], [(100, 4)], [(0, -3)])
    row = coverage.households.iloc[0]
    assert row["distance_m"] == 107.0
    assert row["station_id"] == "s0"
    assert row["straight_m"] == round(float(np.hypot(100, 7)), 3)
    assert row["covered"]
    assert row["reason"] == ""
    assert row["n_stations"] == 1


def test_the_cutoff_is_inclusive():
    """Exactly 300 m is covered; a millimetre more is not."""
    coverage = distances([[(0, 0), (400, 0)]], [(300, 0), (300.001, 0), (299.9, 0.1)], [(0, 0)])
    table = coverage.households
    assert table["distance_m"].tolist() == [300.0, 300.001, 300.0]
    assert table["covered"].tolist() == [True, False, True]
    assert table["n_stations"].tolist() == [1, 0, 1]


def test_streets_meet_only_where_they_share_a_vertex():
    """A bridge crosses the street at (50, 0) without a vertex: the household up there cannot come down.

            h
            |
    S-------+--------
            |
    """
    apart = distances([[(0, 0), (100, 0)], [(50, -50), (50, 50)]], [(50, 50)], [(0, 0)])
    assert apart.households["reason"].tolist() == ["unreachable"]
    assert apart.households["distance_m"].tolist() == [np.inf]
    joined = distances([[(0, 0), (50, 0), (100, 0)], [(50, -50), (50, 0), (50, 50)]], [(50, 50)], [(0, 0)])
    assert joined.households["distance_m"].tolist() == [100.0]


def test_parallel_streets_loops_and_duplicates():
    """Two ways from (0, 0) to (100, 0), a loop at (100, 0), everything drawn twice, and a street without length."""
    straight, detour = [(0, 0), (100, 0)], [(0, 0), (50, 80), (100, 0)]
    loop = [(100, 0), (130, 40), (160, 0), (100, 0)]
    lines = [straight, detour, loop, straight, loop[::-1], [(100, 0), (100, 0)]]
    coverage = distances(lines, [(100, 0), (130, 40), (160, 0), (50, 80)], [(0, 0)])
    half = float(np.hypot(50, 80))
    assert coverage.households["distance_m"].tolist() == [100.0, 150.0, 160.0, round(half, 3)]


def test_the_way_along_one_street_counts_when_both_stand_on_it():
    """On a ring of 400 m, 100 m apart, without any node between."""
    ring = [(0, 0), (100, 0), (100, 100), (0, 100), (0, 0)]
    coverage = distances([ring], [(100, 50), (50, 100), (0, 10)], [(50, 0)])
    assert coverage.households["distance_m"].tolist() == [100.0, 200.0, 60.0]


def test_of_equal_distances_the_same_station_wins_every_time():
    lines = [[(0, 0), (100, 0)]]
    for order in ([(0, 0), (100, 0)], [(100, 0), (0, 0)]):
        coverage = distances(lines, [(50, 5)], order)
        west = order.index((0, 0))
        assert coverage.households["station_id"].tolist() == [f"s{west}"]
        assert coverage.households["n_stations"].tolist() == [2]


def test_a_household_far_from_every_street_is_unsnapped_and_counts():
    coverage = distances([[(0, 0), (100, 0)]], [(50, 199), (50, 201)], [(50, 0)])
    assert coverage.households["reason"].tolist() == ["", "unsnapped"]
    assert coverage.summary()["coverage_rate"].tolist() == [0.5]


def test_stations_that_reach_nobody_leave_an_answer():
    """One on an island, one 5 km away from any street."""
    coverage = distances([[(0, 0), (100, 0)], [(0, 900), (10, 900)]], [(50, 0)], [(0, 900), (50, 5000)])
    table = coverage.households
    assert table["reason"].tolist() == ["unreachable"]
    assert table["straight_m"].tolist() == [round(float(np.hypot(50, 900)), 3)]


def test_several_cutoffs_are_one_pass():
    coverage = distances([[(0, 0), (600, 0)]], [(250, 0), (450, 0), (600, 0)], [(0, 0)], cutoff_m=(300, 500))
    assert coverage.households["covered"].tolist() == [True, False, False]
    assert coverage.at(500).households["covered"].tolist() == [True, True, False]
    assert coverage.at(500).households["n_stations"].tolist() == [1, 1, 0]
    with pytest.raises(GridgeoError):
        coverage.at(400)


def test_rates_are_over_all_households_of_every_unit():
    network = build_network(streets([(0, 0), (1000, 0)]))
    households = points(
        "household", (10, 0), (20, 0), (900, 0), (0, 5000),
        households=[3, 1, 4, 2], elderly=[2, 0, 1, 1], grid_id=["g1", "g1", "g2", None],
    )  # fmt: skip
    coverage = assess_coverage(network, households, points("station", (0, 0)))
    by_grid = coverage.summary(by="grid")
    assert by_grid["households"].tolist() == [4, 4, 2]
    assert by_grid["covered"].tolist() == [4, 0, 0]
    assert by_grid["coverage_rate"].tolist() == [1.0, 0.0, 0.0]
    assert by_grid["unsnapped"].tolist() == [0, 0, 2]
    assert coverage.summary()["elderly_covered"].tolist() == [2]
    with pytest.raises(GridgeoError):
        coverage.summary(by="village")


def test_a_count_that_is_not_known_is_never_zero():
    network = build_network(streets([(0, 0), (1000, 0)]))
    households = points("household", (10, 0), (20, 0), persons=[3.0, np.nan], grid_id=["a", "b"])
    by_grid = assess_coverage(network, households, points("station", (0, 0))).summary(by="grid")
    assert by_grid.loc["a", "persons_rate"] == 1
    assert by_grid.loc["b", ["persons", "persons_covered", "persons_rate"]].isna().all()


def test_the_input_stays_as_it_is():
    lines, households, stations = streets([(0, 0), (9, 0)]), points("household", (1, 1)), points("station", (2, 2))
    before = [frame.copy(deep=True) for frame in (lines, households, stations)]
    coverage = assess_coverage(build_network(lines), households, stations)
    coverage.households.loc[:, "covered"] = False
    for frame, copy in zip((lines, households, stations), before, strict=True):
        pd.testing.assert_frame_equal(frame, copy)


@pytest.mark.parametrize("cutoff", [0, -1, np.nan, np.inf, "far", ()])
def test_a_cutoff_that_is_no_distance_is_refused(cutoff):
    with pytest.raises(GridgeoError) as refusal:
        distances([[(0, 0), (100, 0)]], [(0, 0)], [(0, 0)], cutoff_m=cutoff)
    assert refusal.value.key == "bad_cutoff"


def test_bad_layers_are_refused_in_one_sentence():
    network = build_network(streets([(0, 0), (100, 0)]))
    good = points("station", (0, 0))
    for bad in (
        points("station"),
        points("station", (np.nan, 0)),
        good.to_crs("EPSG:4490"),
        good.set_crs(None, allow_override=True),
        good.drop(columns="station_id"),
        pd.concat([good, good]),
        good.set_geometry(good.buffer(1)),
    ):
        with pytest.raises(GridgeoError):
            assess_coverage(network, points("household", (0, 0)), bad)
    with pytest.raises(GridgeoError):
        assess_coverage(network, points("household"), good)
