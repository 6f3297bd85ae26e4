"""Households from footprints: shares that sum exactly, assumptions where nothing is known."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gridgeo.errors import CRSError, InputError
from gridgeo.estimate import estimate_households, floor_area_m2, select_residential, share_out

CRS = 4548


def buildings(*rows):
    """Rows of (kind, levels, width, depth), side by side, 200 m apart."""
    shapes = [shapely.box(200 * i, 0, 200 * i + width, depth) for i, (_, _, width, depth) in enumerate(rows)]
    table = {
        "building_id": [f"way/{i}" for i in range(len(rows))],
        "name": [f"{i}号楼" for i in range(len(rows))],
        "building_kind": [row[0] for row in rows],
        "levels": [np.nan if row[1] is None else row[1] for row in rows],
    }
    return gpd.GeoDataFrame(table, geometry=shapes, crs=CRS)


@given(st.integers(0, 10**7), st.lists(st.floats(0, 1e9), min_size=1, max_size=60).filter(lambda w: sum(w) > 0))
def test_shares_are_whole_sum_exactly_and_differ_by_less_than_one(total, weights):
    shares = share_out(total, weights)
    assert shares.sum() == total
    exact = total * (np.array(weights) / np.sum(weights))
    assert (np.abs(shares - exact) < 1 + 1e-6 * max(total, 1)).all()
    assert (shares >= 0).all()
    assert (shares[np.array(weights) == 0] == 0).all()


def test_shares_by_hand():
    # 10 over 1:1:1 is 3.33 each: one is left and goes to the first. 10 over 5:3:2 comes out even.
    assert list(share_out(10, [1, 1, 1])) == [4, 3, 3]
    assert list(share_out(10, [5, 3, 2])) == [5, 3, 2]
    assert list(share_out(7, [0, 1, 3])) == [0, 2, 5]


@pytest.mark.parametrize("weights", [[0, 0], [-1, 2], [np.nan, 1], [np.inf, 1], []])
def test_shares_without_weights_are_refused(weights):
    with pytest.raises(InputError):
        share_out(5, weights)


def test_floor_area_by_hand():
    homes = buildings(
        ("apartments", 10, 20, 10), ("apartments", None, 20, 10), ("house", None, 10, 10), ("yes", None, 100, 100)
    )
    assert list(floor_area_m2(homes)) == [2000, 1200, 200, 10000]


def test_a_known_population_is_met_exactly():
    homes = buildings(*[("apartments", 6, 10 + i, 12) for i in range(37)])
    layer = estimate_households(homes, population=4416.6)
    assert layer["persons"].sum() == 4417
    assert layer["households"].sum() == round(4416.6 / 2.31)
    assert layer["estimated"].all()
    assert layer["household_id"].is_unique
    assert shapely.contains(
        homes.set_index("building_id").geometry[layer["household_id"]].to_numpy(), layer.geometry.to_numpy()
    ).all()


def test_without_population_persons_stay_unknown():
    layer = estimate_households(buildings(("apartments", 10, 20, 10), ("house", 1, 5, 5)), floor_m2_per_household=100)
    assert list(layer["households"]) == [20]
    assert layer["persons"].isna().all()


def test_bad_figures_are_named():
    homes = buildings(("apartments", 10, 20, 10))
    for figures in ({}, {"population": 5, "floor_m2_per_household": 80}, {"population": 0}, {"population": np.nan}):
        with pytest.raises(InputError):
            estimate_households(homes, **figures)
    with pytest.raises(InputError):
        estimate_households(homes[:0], population=5)
    assert len(estimate_households(homes[:0], floor_m2_per_household=100)) == 0
    with pytest.raises(CRSError):
        estimate_households(homes.to_crs(4326), population=5)


def test_who_lives_where():
    frame = buildings(
        ("apartments", 1, 10, 10), ("yes", 1, 10, 10), ("yes", 1, 10, 10), ("school", 1, 10, 10), ("yes", 1, 10, 10)
    )
    before = frame.copy()
    # The estate holds buildings 1 and 2; a police station stands in 2.
    estate = gpd.GeoDataFrame({"landuse_kind": ["residential"]}, geometry=[shapely.box(190, -5, 420, 20)], crs=CRS)
    police = gpd.GeoDataFrame({"place_kind": ["police"]}, geometry=[shapely.Point(405, 5)], crs=CRS)
    assert list(select_residential(frame)["building_id"]) == ["way/0"]
    assert list(select_residential(frame, landuse=estate)["building_id"]) == ["way/0", "way/1", "way/2"]
    assert list(select_residential(frame, landuse=estate, places=police)["building_id"]) == ["way/0", "way/1"]
    assert list(select_residential(frame, names="[34]号楼")["building_id"]) == ["way/0", "way/4"]
    assert list(select_residential(frame, names=".*", within=shapely.box(150, 0, 900, 9))["building_id"]) == [
        "way/1",
        "way/2",
        "way/4",
    ]
    assert frame.equals(before)
