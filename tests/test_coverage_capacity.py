"""Full stations: by hand, and against going through all pairs in plain Python."""

import brute
import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import gridgeo
from gridgeo.coverage import assess_coverage
from gridgeo.errors import GridgeoError
from gridgeo.network import build_network

CRS = "EPSG:4527"


def layer(kind, xy, **columns):
    ids = [f"{kind[0]}{number}" for number in range(len(xy))]
    return gpd.GeoDataFrame({f"{kind}_id": ids} | columns, geometry=list(shapely.points(xy)), crs=CRS)


def test_the_nearest_take_room_first_and_who_finds_none_goes_on_or_is_left():
    """Two stations on one street, 400 m apart; s0 has room for 10, s1 for 3.

    h0 (6 at 100 m) fills s0 to 4 left; h1 (6 at 150 m) does not fit and goes to s1? No: 6 > 3, so it is left;
    h2 (4 at 180 m) takes what s0 has left; h3 (2 at 250 m, 150 m from s1) takes s1; h4 stands 350 m beyond s1.
    """
    street = gpd.GeoDataFrame({"street_id": ["a"]}, geometry=[shapely.LineString([(0, 0), (1000, 0)])], crs=CRS)
    homes = layer("household", [(100, 0), (150, 0), (180, 0), (250, 0), (750, 0)], households=[6, 6, 4, 2, 1])
    posts = layer("station", [(0, 0), (400, 0)], capacity=[10, 3])
    coverage = assess_coverage(build_network(street), homes, posts, cutoff_m=300)
    found = gridgeo.allocate_capacity(coverage)
    assert found["served"].tolist() == [True, False, True, True, False]
    assert found["cause"].tolist() == ["", "station_full", "", "", "too_far"]
    assert found["distance_m"].tolist() == [100, np.inf, 180, 150, np.inf]
    assert found["station_id"].fillna("-").tolist() == ["s0", "-", "s0", "s1", "-"]
    assert posts["capacity"].tolist() == [10, 3]
    free = assess_coverage(build_network(street), homes, posts.assign(capacity=[np.nan, 3.0]), cutoff_m=300)
    assert gridgeo.allocate_capacity(free)["served"].tolist() == [True, True, True, True, False]


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=12, deadline=None)
def test_random_towns_agree_with_plain_python(seed):
    rng = np.random.default_rng(seed)
    spots = rng.uniform(0, 400, (15, 2))
    lines = [shapely.LineString(spots[rng.choice(15, 3, replace=False)]) for _ in range(12)]
    streets = gpd.GeoDataFrame({"street_id": np.arange(12).astype(str)}, geometry=lines, crs=CRS)
    homes = layer("household", rng.uniform(0, 400, (30, 2)), households=rng.integers(1, 6, 30))
    posts = layer("station", rng.uniform(0, 400, (4, 2)), capacity=rng.integers(0, 25, 4))
    found = gridgeo.allocate_capacity(assess_coverage(build_network(streets), homes, posts))
    walks = brute.walk_distances(streets, homes, posts)
    room, station = posts["capacity"].tolist(), [None] * 30
    for row, post in sorted(np.argwhere(walks <= 300).tolist(), key=lambda pair: walks[tuple(pair)]):
        if station[row] is None and homes["households"][row] <= room[post]:
            room[post] -= homes["households"][row]
            station[row] = f"s{post}"
    assert found["station_id"].astype(object).where(found["served"], None).tolist() == station
    full = (walks.min(axis=1) <= 300) & ~found["served"].to_numpy()
    assert ((found["cause"] == "station_full") == full).all()


def test_stations_that_name_no_capacity_are_refused():
    street = gpd.GeoDataFrame({"street_id": ["a"]}, geometry=[shapely.LineString([(0, 0), (9, 0)])], crs=CRS)
    homes, posts = layer("household", [(1, 0)]), layer("station", [(0, 0)])
    for wrong in (posts, posts.assign(capacity="many"), posts.assign(capacity=-1)):
        with pytest.raises(GridgeoError):
            gridgeo.allocate_capacity(assess_coverage(build_network(street), homes, wrong))
