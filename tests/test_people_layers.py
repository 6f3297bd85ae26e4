"""People, needs, visits, enterprises and zonings as layers: placed or not, without names unless asked for."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely

import gridgeo
from gridgeo.errors import InputError
from gridgeo.plan import Name, PlanInfo
from gridgeo.schema import LAYERS, check_layer, drop_personal
from gridgeo.store import FORMATS

CRS = 4548
LATER = [name for name, layer in LAYERS.items() if layer.since > 1]


def frame(shapes, **columns):
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS)


def small_plan(*, personal=False):
    west, east = shapely.box(0, 0, 100, 100), shapely.box(100, 0, 200, 100)
    return gridgeo.make_plan(
        PlanInfo(Name("甲", "A"), personal=personal),
        CRS,
        units=frame([shapely.union(west, east)], unit_id=["T"], level=["subdistrict"]),
        blocks=frame([west, east], block_id=["B1", "B2"], grid_id=["G1", "G2"]),
        grids=frame([west, east], grid_id=["G1", "G2"]),
        households=frame([shapely.Point(50, 50)], household_id=["h1"], households=[3]),
        people=frame(
            [shapely.Point(1, 1), None], person_id=["p1", "p2"], role=["volunteer", "member"],
            kinds=["medical;arts", None], capacity=[2, None], time=["full", None], name=["甲某", "乙某"],
            phone=["1", "2"], 身份证=["3", "4"],
        ),
        needs=pd.DataFrame({"need_id": ["n1"], "need_kind": ["medical"], "date": [pd.Timestamp("2026-10-03 08:00")]}),
        visits=pd.DataFrame({"visit_id": ["v1"], "date": ["2026-10-03"], "household_id": ["h1"], "note": ["在家"]}),
        zonings=pd.DataFrame({"zoning": ["民政"] * 2, "block_id": ["B1", "B2"], "zone_id": ["1", "1"]}),
        enterprises=frame([shapely.Point(150, 50)], enterprise_id=["e1"], name=["小店"]),
    )  # fmt: skip


def test_names_and_what_nobody_knows_are_kept_out():
    plan = small_plan()
    assert not {"name", "phone", "身份证"} & set(plan.people)
    assert "note" not in plan.visits
    assert "name" in plan.enterprises
    assert plan.people.geometry.isna().tolist() == [False, True]
    assert plan.needs["date"].tolist() == ["2026-10-03"]
    assert plan.needs["status"].tolist() == ["open"]


def test_names_are_kept_when_asked_for_and_can_be_dropped_again():
    plan = small_plan(personal=True)
    assert plan.people["name"].tolist() == ["甲某", "乙某"]
    assert "身份证" not in plan.people
    without = plan.replace(info=replace(plan.info, personal=False))
    assert not {"name", "phone"} & set(without.people)
    assert "note" not in without.visits
    assert list(drop_personal("people", plan.people)) == list(without.people)


@pytest.mark.parametrize("personal", [True, False])
def test_the_layers_come_back_from_a_file(tmp_path, personal):
    plan = small_plan(personal=personal)
    gridgeo.write_plan(plan, tmp_path / "a.gpkg")
    back = gridgeo.read_plan(tmp_path / "a.gpkg")
    assert back.info == plan.info
    for name in LATER:
        one, two = plan.layers()[name], back.layers()[name]
        assert one.drop(columns="geometry").equals(two.drop(columns="geometry"))
        assert one.geometry.to_wkb().equals(two.geometry.to_wkb())


def test_a_plan_of_the_older_format_opens_without_them(tmp_path):
    gridgeo.write_plan(
        small_plan().replace(people=gridgeo.make_plan(PlanInfo(Name("", "")), CRS).people), tmp_path / "a.gpkg"
    )
    with closing(sqlite3.connect(tmp_path / "a.gpkg", isolation_level=None)) as database:
        for name in LATER:
            database.execute("DELETE FROM gpkg_contents WHERE table_name = ?", (name,))
        database.execute("UPDATE gridgeo_plan SET value = '1' WHERE key = 'schema_version'")
    plan = gridgeo.read_plan(tmp_path / "a.gpkg")
    assert [len(getattr(plan, name)) for name in LATER] == [0] * len(LATER)
    assert len(plan.households) == 1


@pytest.mark.parametrize(
    ("layer", "columns", "expected"),
    [
        ("people", {"person_id": ["a"]}, [("missing_column", None, "role")]),
        ("people", {"person_id": ["a", "a"], "role": ["x", "x"]}, [("duplicate_id", 2, "person_id")]),
        ("people", {"person_id": ["a"], "role": ["x"], "capacity": [-1]}, [("negative_value", 1, "capacity")]),
        ("people", {"person_id": ["a"], "role": ["x"], "time": ["often"]}, [("unknown_value", 1, "time")]),
        ("needs", {"need_id": ["a"], "need_kind": ["x"], "status": ["lost"]}, [("unknown_value", 1, "status")]),
        ("needs", {"need_id": ["a"], "need_kind": ["x"], "amount": [-2]}, [("negative_value", 1, "amount")]),
        ("visits", {"visit_id": ["a", "b"], "date": ["2026-02-30", "2026-2-3"]}, [
            ("no_day", 1, "date"), ("no_day", 2, "date"),
        ]),
        ("zonings", {"zoning": ["a", "a", "b"], "block_id": ["1", "1", "1"], "zone_id": ["x", "y", "z"]}, [
            ("duplicate_id", 2, "zoning / block_id"),
        ]),
        ("zonings", {"zoning": ["a"], "block_id": [None], "zone_id": ["x"]}, [("missing_value", 1, "block_id")]),
    ],
)  # fmt: skip
def test_every_fault_is_named(layer, columns, expected):
    table = frame([None] * len(next(iter(columns.values()))), **columns)
    assert [(fault.key, fault.row, fault.column) for fault in check_layer(layer, table)] == expected
    with pytest.raises(InputError) as caught:
        small_plan().replace(**{layer: pd.DataFrame(columns)})
    assert [(fault.key, fault.row, fault.column) for fault in caught.value.faults] == expected


def test_references_to_nothing_are_named():
    plan = small_plan()
    zonings = plan.zonings.assign(block_id=["B1", "B9"])
    visits = plan.visits.assign(household_id=["h9"])
    faults = gridgeo.check_plan(plan.replace(zonings=zonings, visits=visits))
    assert [(fault.layer, fault.column, fault.value) for fault in faults] == [
        ("visits", "household_id", "h9"), ("zonings", "block_id", "B9"),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", FORMATS)
def test_exports_hold_the_tables_but_no_names(tmp_path, kind):
    done = gridgeo.export_plan(small_plan(personal=True), tmp_path, format=kind)
    for file in done.files:
        assert b"\xe7\x94\xb2\xe6\x9f\x90" not in file.read_bytes()  # 甲某
    if kind == "gpkg":
        assert set(pyogrio.list_layers(tmp_path / "plan.gpkg")[:, 0]) >= set(LATER)
    elif kind not in ("xlsx", "dxf"):
        assert {file.stem for file in done.files} >= set(LATER)
