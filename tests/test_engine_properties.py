"""What must hold for every network: invariants, tried on random towns."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from bundled import read_place
from hypothesis import given, settings
from hypothesis import strategies as st

from gridgeo.coverage import add_station, assess_coverage
from gridgeo.network import build_network

CRS = "EPSG:4527"
HALO_M = 300 + 60 + 1
"""Cutoff, longest leg, a metre."""


def town(seed, *, spread=400.0):
    """Make streets that share vertices, of generic coordinates, with households and stations around."""
    rng = np.random.default_rng(seed)
    spots = rng.uniform(0, spread, (25, 2))
    lines = [spots[rng.choice(25, rng.integers(2, 5), replace=False)] for _ in range(22)]
    ids = [f"s{number}" for number in range(len(lines))]
    streets = gpd.GeoDataFrame({"street_id": ids}, geometry=[shapely.LineString(line) for line in lines], crs=CRS)
    homes = shapely.points(rng.uniform(-30, spread + 30, (60, 2)))
    posts = shapely.points(rng.uniform(0, spread, (5, 2)))
    households = gpd.GeoDataFrame({"household_id": [f"h{row}" for row in range(60)]}, geometry=list(homes), crs=CRS)
    stations = gpd.GeoDataFrame({"station_id": [f"p{row}" for row in range(5)]}, geometry=list(posts), crs=CRS)
    return rng, streets, households, stations


def answer(streets, households, stations, **options):
    network = build_network(streets, max_access_m=60)
    return assess_coverage(network, households, stations, **{"cutoff_m": 300} | options).households


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_a_station_more_or_a_longer_cutoff_never_takes_cover_away(seed):
    _, streets, households, stations = town(seed)
    network = build_network(streets, max_access_m=60)
    fewer = assess_coverage(network, households, stations.iloc[:4], cutoff_m=(200, 300))
    before, longer = fewer.households, fewer.at(300).households
    after = add_station(fewer, stations.iloc[[4]]).households
    assert (after["covered"] >= before["covered"]).all()
    assert (after["distance_m"] <= before["distance_m"]).all()
    assert (after["n_stations"] >= before["n_stations"]).all()
    assert (longer["covered"] >= before["covered"]).all()
    assert (longer["n_stations"] >= before["n_stations"]).all()


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_how_streets_and_rows_are_written_down_changes_nothing(seed):
    """Lines reversed, rows shuffled, ids renamed: the very same figures."""
    rng, streets, households, stations = town(seed)
    before = answer(streets, households, stations)
    turned = streets.set_geometry(streets.geometry.reverse()).sample(frac=1, random_state=int(seed % 1000))
    moved, posts = households.sample(frac=1, random_state=1), stations.sample(frac=1, random_state=2)
    new_ids = dict(zip(stations["station_id"], rng.permutation([f"x{row}" for row in range(5)]), strict=True))
    posts = posts.assign(station_id=posts["station_id"].map(new_ids))
    after = answer(turned, moved, posts).loc[before.index]
    before["station_id"] = before["station_id"].map(new_ids).astype("str")
    pd.testing.assert_frame_equal(after, before, check_exact=True)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_walking_is_never_shorter_than_straight(seed):
    _, streets, households, stations = town(seed)
    table = answer(streets, households, stations)
    assert (table["distance_m"] >= table["straight_m"] - 0.001).all()
    assert ((table["n_stations"] > 0) == table["covered"]).all()
    assert ((table["reason"] == "") == table["covered"]).all()
    assert (np.isinf(table["distance_m"]) == table["station_id"].isna()).all()


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_a_line_cut_in_two_anywhere_changes_at_most_a_millimetre(seed):
    rng, streets, households, stations = town(seed)
    before = answer(streets, households, stations)
    rows = []
    for line in streets.geometry:
        spot = rng.integers(1, len(line.coords)) if len(line.coords) > 2 else 1
        rows += (
            [line.coords[: spot + 1]] if spot == len(line.coords) - 1 else [line.coords[: spot + 1], line.coords[spot:]]
        )
    cut = gpd.GeoDataFrame(geometry=[shapely.LineString(row) for row in rows], crs=CRS)
    after = answer(cut, households, stations)
    some = np.isfinite(before["distance_m"])
    assert (np.isfinite(after["distance_m"]) == some).all()
    assert (after["distance_m"][some] - before["distance_m"][some]).abs().max() < 0.0015


def test_another_metric_zone_changes_only_what_the_projection_changes():
    """The neighbouring zone's scale differs by 1.2 in 1,000 here, the same for every walk."""
    plan = read_place("qinghuayuan")
    found = []
    for zone in (plan.crs, "EPSG:4549"):
        streets, households, stations = (layer.to_crs(zone) for layer in (plan.streets, plan.households, plan.stations))
        found.append(assess_coverage(build_network(streets), households, stations).households)
    one, other = (table["distance_m"].to_numpy() for table in found)
    assert np.array_equal(np.isfinite(one), np.isfinite(other))
    scale = np.median(other / one)
    assert abs(scale - 1) < 0.002
    assert np.abs(other - scale * one).max() < 0.05
    clear = np.abs(one - 300) > 0.5
    assert np.array_equal(found[0]["covered"][clear], found[1]["covered"][clear])


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_two_halves_with_a_halo_give_what_the_whole_gives(seed):
    """Within the cutoff, bit for bit: streets are chosen by where they run, not by where they end."""
    _, streets, households, stations = town(seed, spread=1500.0)
    whole = answer(streets, households, stations)
    parts = []
    for west, east in ((-1000.0, 750.0), (750.0, 3000.0)):
        tile = shapely.box(west - HALO_M, -9000, east + HALO_M, 9000)
        inside = households[(households.geometry.x >= west) & (households.geometry.x < east)]
        near = streets[streets.intersects(tile)]
        posts = stations[stations.intersects(tile)]
        if len(inside) and len(near) and len(posts):
            parts.append(answer(near, inside, posts))
        elif len(inside):
            assert not whole.loc[inside["household_id"], "covered"].any()
    both = pd.concat(parts)
    expected = whole.loc[both.index]
    covered = expected["covered"]
    assert (both["covered"] == covered).all()
    pd.testing.assert_frame_equal(both[covered], expected[covered], check_exact=True)
    assert (both["n_stations"] == expected["n_stations"]).all()


def test_more_stations_than_one_search_tells_apart(monkeypatch):
    _, streets, households, stations = town(5)
    expected = answer(streets, households, stations)
    monkeypatch.setattr("gridgeo.coverage.solve.MOST_RANKS", 2)
    monkeypatch.setattr("gridgeo.coverage.roster.MOST_RANKS", 2)
    pd.testing.assert_frame_equal(answer(streets, households, stations), expected, check_exact=True)
