"""What a rate does not say, on one street.

S0 ------ 100 ------ S1 ------------ 500 ------------ end, households on the street unless said.
"""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gridgeo.coverage import (
    assess_coverage,
    count_overlap,
    inside_on_paper,
    list_islands,
    measure_coverage,
    measure_spacing,
)
from gridgeo.errors import GridgeoError
from gridgeo.network import build_network

CRS = "EPSG:4527"


def points(kind, *xy, **columns):
    ids = [f"{kind[0]}{number}" for number in range(len(xy))]
    return gpd.GeoDataFrame({f"{kind}_id": ids, **columns}, geometry=list(shapely.points(xy)), crs=CRS)


def lines(*shapes):
    return gpd.GeoDataFrame(geometry=[shapely.LineString(shape) for shape in shapes], crs=CRS)


@pytest.fixture
def coverage():
    network = build_network(lines([(0, 0), (600, 0), (600, 300), (300, 300)]))
    households = points(
        "household", (50, 0), (390, 0), (405, 0), (425, 0), (300, 290), (600, 100),
        households=[1, 2, 4, 8, 16, 32], grid_id=["a", "a", "b", "b", "b", None],
    )  # fmt: skip
    return assess_coverage(network, households, points("station", (0, 0), (100, 0)))


def test_who_is_covered_on_paper_only(coverage):
    """(300, 290) is 352 m from S1 in a straight line and 1,110 m on foot."""
    assert inside_on_paper(coverage, 300).tolist() == [False] * 6
    assert inside_on_paper(coverage, 360).tolist() == [False, False, True, True, True, False]
    assert measure_coverage(coverage, radius_m=360)["paper_only"].tolist() == [28]


def test_flips_overlap_and_detour(coverage):
    table = measure_coverage(coverage, by="grid")
    assert table.loc["a", ["households", "lost_at_minus_10", "gained_at_plus_10", "overlap"]].tolist() == [3, 2, 0, 1]
    assert table.loc["b", ["lost_at_minus_10", "gained_at_plus_10"]].tolist() == [0, 12]
    assert table.loc["a", "detour_ratio"] == pytest.approx(1)
    assert table.loc["a", "mean_stations"] == pytest.approx(4 / 3)
    assert count_overlap(coverage).tolist() == [60, 2, 1]
    with pytest.raises(GridgeoError):
        measure_coverage(coverage, by="village")


def test_spacing(coverage):
    """Every 200 m: 0–200 m of a street of 1,200 m; the largest hole is its far end, 1,100 m from S1."""
    spacing = measure_spacing(coverage, spacing_m=200)
    assert spacing.street_m == pytest.approx(1200)
    assert spacing.street_share == pytest.approx(200 / 1200)
    assert spacing.households_share == pytest.approx(1 / 63)
    assert spacing.largest_hole_m == pytest.approx(1100)
    assert spacing.largest_hole.equals_exact(shapely.Point(300, 300), 0.01)
    with pytest.raises(GridgeoError):
        measure_spacing(coverage, spacing_m=0)


def test_the_largest_hole_lies_between_two_stations():
    network = build_network(lines([(0, 0), (100, 0)], [(0, 900), (70, 900)]))
    spacing = measure_spacing(
        assess_coverage(network, points("household", (1, 0)), points("station", (0, 10), (80, 0)))
    )
    assert spacing.largest_hole.equals_exact(shapely.Point(35, 0), 0.01)
    assert spacing.largest_hole_m == np.inf
    assert spacing.unreached_m == pytest.approx(70)


def test_islands_are_counted_and_named_with_who_hangs_on_them():
    streets = lines([(0, 0), (600, 0)], [(0, 900), (70, 900)], [(70, 900), (100, 900)]).assign(
        name=["Long Street", "Cut Lane", None]
    )
    households = points("household", (10, 0), (60, 900), (80, 900), households=[5, 7, 2])
    islands = list_islands(assess_coverage(build_network(streets), households, points("station", (0, 0))))
    assert islands["name"].tolist() == ["Long Street", "Cut Lane"]
    assert islands["street_m"].tolist() == [600, 100]
    assert islands["households"].tolist() == [5, 9]
    assert islands["stations"].tolist() == [1, 0]
    assert islands["uncovered"].tolist() == [0, 9]
