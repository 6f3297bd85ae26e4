"""Codes of grids: the schemes' digits, and the order they are given in."""

from __future__ import annotations

import geopandas as gpd
import pytest
import shapely

from gridgeo.errors import PartitionError
from gridgeo.partition.codes import assign_codes, beijing_15, cjt_349, community_sequence

CRS = "EPSG:4547"


def grids_at(*centres, community="110108014002", code=None):
    return gpd.GeoDataFrame(
        {
            "grid_id": [f"G{number}" for number in range(len(centres))],
            "community_id": community,
            "code": code or [None] * len(centres),
        },
        geometry=[shapely.box(x - 50, y - 50, x + 50, y + 50) for x, y in centres],
        crs=CRS,
    )


def test_the_schemes():
    assert community_sequence("nanshan-01", 7) == "nanshan-01007"
    assert beijing_15("110108014002", 12) == "110108014002012"
    assert cjt_349("010000")("110108014002", 3) == "01000011010801400203"
    assert len(cjt_349("010000")("110108014002", 3)) == 20


@pytest.mark.parametrize(
    "make",
    [
        lambda: beijing_15("11010801400", 1),
        lambda: beijing_15("１10108014002", 1),
        lambda: beijing_15("110108014002", 1000),
        lambda: beijing_15("110108014002", 0),
        lambda: cjt_349("0100"),
        lambda: cjt_349("010000")("110108014002", 100),
    ],
)
def test_what_does_not_fit_is_refused(make):
    with pytest.raises(PartitionError) as caught:
        make()
    assert caught.value.key == "bad_code_part"


def test_numbers_run_west_to_east_and_north_to_south():
    """Two rows of two, given in any order; a few metres up or down do not make another row."""
    grids = grids_at((100, 0), (0, 105), (0, 0), (100, 98))
    assert assign_codes(grids)["code"].str[-3:].tolist() == ["004", "001", "003", "002"]


def test_each_community_counts_by_itself_and_codes_come_from_its_unit():
    grids = grids_at((0, 0), (100, 0), (200, 0)).assign(community_id=["a", "b", "a"])
    units = gpd.GeoDataFrame({"unit_id": ["a", "b"], "code": ["110108014001", None]}, geometry=[None, None])
    coded = assign_codes(grids, communities=units)
    assert coded["code"].tolist() == ["110108014001001", "b001", "110108014001002"]


def test_kept_codes_stay_and_new_ones_are_free():
    grids = grids_at((0, 0), (100, 0), (200, 0), code=[None, "110108014002001", None])
    assert assign_codes(grids)["code"].str[-3:].tolist() == ["002", "001", "003"]
    assert assign_codes(grids, keep=False)["code"].str[-3:].tolist() == ["001", "002", "003"]
