"""Layers: every fault named at once, with layer, row and column; complete and typed when sound."""

from __future__ import annotations

import struct

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gridgeo.errors import InputError
from gridgeo.schema import LAYERS, check_layer, complete_layer, empty_layer, require_layer
from gridgeo.texts import using_language

CRS = 4548


def households(**columns):
    rows = max((len(values) for values in columns.values()), default=2)
    table = {"household_id": [f"h{i}" for i in range(rows)], "households": [1] * rows, **columns}
    return gpd.GeoDataFrame(table, geometry=[shapely.Point(i, i) for i in range(rows)], crs=CRS)


def keys(name, frame):
    return [(fault.key, fault.row, fault.column) for fault in check_layer(name, frame)]


def test_a_sound_layer_has_no_fault_and_is_completed():
    frame = households(extra=["a", "b"])
    before = frame.copy()
    assert check_layer("households", frame) == []
    done = require_layer("households", frame)
    assert frame.equals(before)
    assert list(done.columns) == [*LAYERS["households"].column_names(), "extra", "geometry"]
    assert done.dtypes[["households", "elderly"]].tolist() == ["int64", "int64"]
    assert done["persons"].isna().all()
    assert (done["elderly"] == 0).all()
    assert not done["estimated"].any()
    assert done["estimated"].dtype == "bool"
    assert done.crs.to_epsg() == CRS


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"households": [1, -1]}, [("negative_value", 2, "households")]),
        ({"households": [1, 1.5]}, [("wrong_type", 2, "households")]),
        ({"households": [1, np.nan]}, [("missing_value", 2, "households")]),
        ({"households": [1.0, np.inf]}, [("not_finite", 2, "households")]),
        ({"households": [1e9, 1e30]}, [("too_large_value", 2, "households")]),
        ({"persons": [1e15, -1e16]}, [("too_large_value", 2, "persons"), ("negative_value", 2, "persons")]),
        ({"households": ["1", "约30户"]}, [("wrong_type", 2, "households")]),
        ({"household_id": ["a", "a"]}, [("duplicate_id", 2, "household_id")]),
        ({"household_id": ["a", None]}, [("missing_value", 2, "household_id")]),
        ({"household_id": [" ", "b"]}, [("missing_value", 1, "household_id")]),
        ({"persons": [-0.5, 1]}, [("negative_value", 1, "persons")]),
        ({"persons": [np.nan, 1]}, []),
        ({"elderly": [np.nan, 2]}, []),
        ({"estimated": ["maybe", True]}, [("wrong_type", 1, "estimated")]),
        ({"estimated": [1, 0]}, []),
        ({"households": [-1, -1], "persons": [-1, 2]}, [
            ("negative_value", 1, "households"), ("negative_value", 2, "households"), ("negative_value", 1, "persons"),
        ]),
    ],
)  # fmt: skip
def test_every_fault_of_a_column_is_named(columns, expected):
    assert keys("households", households(**columns)) == expected


def test_a_fault_shows_a_whole_number_as_it_was_written():
    (fault,) = check_layer("households", households(households=[1.0, -3.0]))
    assert (fault.value, type(fault.value)) == (-3, int)


def test_a_column_that_a_file_lacks_is_called_as_people_call_it():
    frame = households().drop(columns="households")
    (fault,) = check_layer("households", frame, file="a.csv")
    with using_language("zh"):
        assert fault.message == "住户缺少列“户数”。"


def test_ids_may_not_repeat_as_text_either():
    assert keys("households", households(household_id=["1", 1])) == [("duplicate_id", 2, "household_id")]


def test_every_fault_of_a_geometry_is_named():
    bow = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    corners = (0.0, 0.0, 1.0, np.nan, 1.0, 1.0, 0.0, 0.0)
    with np.errstate(invalid="ignore"):
        nan = shapely.from_wkb(struct.pack("<BIII8d", 1, 3, 1, 4, *corners))
    shapes = [None, shapely.Polygon(), shapely.Point(0, 0), bow, shapely.box(0, 0, 1, 1), nan]
    frame = gpd.GeoDataFrame({"unit_id": list("abcdef"), "level": ["x"] * 6}, geometry=shapes, crs=CRS)
    assert [(fault.key, fault.row) for fault in check_layer("units", frame)] == [
        ("empty_geometry", 1),
        ("empty_geometry", 2),
        ("wrong_geometry", 3),
        ("broken_geometry", 4),
        ("bad_coordinate", 6),
    ]


def test_a_missing_column_a_strange_value_and_no_geometry():
    frame = gpd.GeoDataFrame({"street_id": ["a"]}, geometry=[shapely.LineString([(0, 0), (1, 1)])], crs=CRS)
    assert keys("streets", frame) == [("missing_column", None, "street_class")]
    assert keys("streets", frame.assign(street_class="avenue")) == [("unknown_value", 1, "street_class")]
    assert keys("streets", pd.DataFrame({"street_id": ["a"]})) == [("not_geographic_frame", None, None)]


def test_a_refused_layer_names_all_faults_in_both_languages():
    frame = households(households=[-1, np.nan])
    with pytest.raises(InputError) as caught:
        require_layer("households", frame, file="表.xlsx")
    assert len(caught.value.faults) == 2
    for lang in ("zh", "en"):
        with using_language(lang):
            for fault in caught.value.faults:
                assert fault.message
                assert fault.as_dict()["file"] == "表.xlsx"


@pytest.mark.parametrize("name", LAYERS)
def test_an_empty_layer_is_sound(name):
    layer = empty_layer(name, CRS)
    assert check_layer(name, layer) == []
    assert len(layer) == 0
    assert complete_layer(name, layer).equals(layer)
