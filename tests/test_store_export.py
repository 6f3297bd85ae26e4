"""Exports come back equal, nothing from data runs as a formula, and public sums give nobody away."""

from __future__ import annotations

import csv
import io
import itertools
import sqlite3
from contextlib import closing

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyogrio
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridgeo.errors import FileError, InputError
from gridgeo.plan import Name, PlanInfo, make_plan
from gridgeo.readers import bundled_plan_path, import_plan, read_file
from gridgeo.store import read_plan
from gridgeo.store.export import FORMATS, export_plan
from gridgeo.store.public import hide_small, summarize_public
from gridgeo.store.shapefile import cut_names, cut_text

CRS = 4548
X0, Y0 = 442000.0, 4429000.0
EVIL = ["=cmd|'/C calc'!A0", "+1", "-2", "@SUM(1)", "\t=1", "＝1+1", "<img src=x onerror=alert(1)>", "`${7*7}`"]


def frame(shapes, **columns):
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS)


@pytest.fixture
def plan():
    """Two communities of four grids each, one household point a grid, names that try to run."""
    boxes = [shapely.box(X0 + 100 * i, Y0, X0 + 100 * (i + 1), Y0 + 100) for i in range(8)]
    halves = [shapely.union_all(boxes[:4]), shapely.union_all(boxes[4:])]
    ids = [f"G{i}" for i in range(8)]
    communities = ["C0"] * 4 + ["C1"] * 4
    return make_plan(
        PlanInfo(name=Name("甲", "A")),
        CRS,
        units=frame(
            [shapely.union_all(boxes), *halves],
            unit_id=["S", "C0", "C1"],
            name=["清华园街道办事处", "东", "西"],
            level=["subdistrict", "community", "community"],
            parent_id=[None, "S", "S"],
        ),
        streets=frame([shapely.LineString([(X0, Y0), (X0 + 800, Y0)])], street_id=["s"], street_class=["service"]),
        barriers=frame(
            [shapely.LineString([(X0, Y0 + 9), (X0 + 9, Y0 + 9)]), shapely.box(X0, Y0, X0 + 5, Y0 + 5)],
            barrier_id=["b", "w"],
            barrier_kind=["wall", "water"],
        ),
        blocks=frame(boxes, block_id=[f"B{i}" for i in range(8)], community_id=communities, grid_id=ids),
        grids=frame(boxes, grid_id=ids, code=[f"00{i}" for i in range(8)], name=EVIL, community_id=communities),
        households=frame(
            [box.centroid for box in boxes],
            household_id=[f"h{i}" for i in range(8)],
            households=[30, 40, 50, 60, 7, 8, 9, 10],
            persons=[70.5, *range(7)],
            elderly=[3, 9, 20, 30, 1, 1, 0, 0],
            住户备注说明文字=EVIL,
        ),
        stations=frame([boxes[0].centroid], station_id=["S1"], name=["=1+1"], services=["户" * 200]),
    )


def read_rows(path, encoding):
    text = path.read_bytes().decode("gb18030" if encoding == "gbk" else "utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_shapefiles_come_back_equal_with_a_table_of_names(plan, tmp_path, encoding):
    done = export_plan(plan, tmp_path, format="shp", encoding=encoding, sensitive=True)
    rows = read_rows(tmp_path / "fields.csv", encoding)
    fields = {(layer, column): field for layer, column, field in rows[1:]}
    assert all(len(field.encode(encoding)) <= 10 for field in fields.values())
    assert {path.stem for path in done.files if path.suffix == ".shp"} >= {"barriers_line", "barriers_polygon", "grids"}
    back = read_file(tmp_path / "households.shp")
    for column in plan.households.columns.drop("geometry"):
        one, two = plan.households[column], back.table[fields["households", column]]
        if pd.api.types.is_numeric_dtype(one):
            assert np.allclose(one, two, equal_nan=True)
        else:
            assert one.fillna("").str.strip().tolist() == two.fillna("").str.strip().tolist()
    assert shapely.equals(back.geometry.to_numpy(), plan.households.geometry.to_numpy()).all()
    (loss,) = done.losses
    assert (loss.layer, loss.column, loss.before) == ("stations", "services", "户" * 200)
    assert loss.after == "户" * (127 if encoding == "gbk" else 84)


@given(st.lists(st.text("户数人口ab_1", min_size=1, max_size=12), min_size=1, max_size=30, unique=True))
def test_names_are_cut_on_a_character_and_stay_different(names):
    for encoding in ("gbk", "utf-8"):
        cut = cut_names(names, encoding)
        assert len({field.lower() for field in cut.values()}) == len(names)
        assert all(0 < len(field.encode(encoding)) <= 10 for field in cut.values())
    assert cut_text("户数", 3, "gbk") == "户"


def test_geopackage_and_parquet_come_back_equal(plan, tmp_path):
    export_plan(plan, tmp_path, format="gpkg")
    export_plan(plan, tmp_path, format="parquet")
    for name in ("grids", "households", "streets"):
        meant = plan.layers()[name]
        for back in (
            pyogrio.read_dataframe(tmp_path / "plan.gpkg", layer=name),
            gpd.read_parquet(tmp_path / f"{name}.parquet"),
        ):
            assert back[meant.columns[0]].tolist() == meant.iloc[:, 0].tolist()
            assert shapely.equals(back.geometry.to_numpy(), meant.geometry.to_numpy()).all()
    with closing(sqlite3.connect(tmp_path / "plan.gpkg")) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (10300,)


def test_geojson_and_kml_are_in_degrees(plan, tmp_path):
    export_plan(plan, tmp_path, format="geojson")
    export_plan(plan, tmp_path, format="kml")
    for suffix in ("geojson", "kml"):
        raw = read_file(tmp_path / f"stations.{suffix}")
        point = raw.geometry.iloc[0]
        meant = plan.stations.to_crs(4490).geometry.iloc[0]
        assert (point.x, point.y) == pytest.approx((meant.x, meant.y), abs=1e-8)


def test_no_text_of_a_workbook_or_a_csv_runs(plan, tmp_path):
    export_plan(plan, tmp_path, format="xlsx")
    book = openpyxl.load_workbook(tmp_path / "plan.xlsx")
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n", "b"}
    assert "=cmd|'/C calc'!A0" in {cell.value for cell in cells}
    for encoding in ("utf-8", "gbk"):
        export_plan(plan, tmp_path, format="csv", encoding=encoding)
        rows = read_rows(tmp_path / "grids.csv", encoding)
        texts = [cell for row in rows for cell in row if not cell.replace(".", "").isdigit()]
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "＝")) for cell in texts)


def test_a_csv_goes_out_and_comes_in_again_equal(plan, tmp_path):
    export_plan(plan, tmp_path, format="csv", encoding="gbk")
    again = import_plan(
        boundary=plan.units.iloc[[0]],
        streets=plan.streets,
        households=tmp_path / "households.csv",
        stations=tmp_path / "stations.csv",
    )
    for column in ("household_id", "households", "persons", "elderly"):
        assert again.households[column].tolist() == plan.households[column].tolist()
    assert again.stations["name"].tolist() == ["=1+1"]
    assert again.stations["services"].tolist() == plan.stations["services"].tolist()
    assert shapely.distance(again.households.geometry.to_numpy(), plan.households.geometry.to_numpy()).max() < 1e-3


def test_a_drawing_holds_every_border(plan, tmp_path):
    export_plan(plan, tmp_path, format="dxf")
    drawn = pyogrio.read_dataframe(tmp_path / "plan.dxf")
    assert set(drawn["Layer"]) == {"units", "grids", "blocks"}
    lines = drawn[drawn.geom_type != "Point"]
    assert lines.groupby("Layer").size().to_dict() == {"units": 3, "grids": 8, "blocks": 8}
    ring = lines[lines["Layer"] == "grids"].geometry.iloc[0]
    assert shapely.equals(shapely.boundary(plan.grids.geometry.iloc[0]), shapely.force_2d(ring))
    assert "清华园街道办事处" in set(drawn["Text"].dropna())


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_writes_the_bundled_plan(tmp_path, kind):
    plan = read_plan(bundled_plan_path("qinghuayuan"))
    done = export_plan(plan, tmp_path / "out", format=kind)
    assert done.files
    assert all(file.stat().st_size > 0 for file in done.files)
    assert {file.name for file in (tmp_path / "out").iterdir()} == {file.name for file in done.files}


def test_what_cannot_be_written_is_one_sentence(plan, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(FileError):
        export_plan(plan, tmp_path / "file", format="csv")
    for wrong in ({"format": "doc"}, {"format": "csv", "encoding": "big5"}):
        with pytest.raises(InputError):
            export_plan(plan, tmp_path, **wrong)


def test_public_sums_hide_small_counts_and_the_one_the_total_gives_away(plan):
    """Elderly: 3, 9, 20, 30 in C0 (62) and 1, 1, 0, 0 in C1 (2), 64 in all.

    3 is small; alone it would be 62 - 59, so 9 goes, too. 1 and 1 are small, and so is their sum, C1; then C0 must go
    as well, or C1 were 64 - 62.
    """
    shown = summarize_public(plan)
    elderly = shown["grids"].set_index("grid_id")["elderly"]
    assert elderly.isna().tolist() == [True, True, False, False, True, True, False, False]
    assert shown["units"].set_index("unit_id")["elderly"].isna().to_dict() == {"S": False, "C0": True, "C1": True}
    assert "households" in shown["grids"]


def test_points_do_not_tell_of_illness_or_need_unless_asked(plan, tmp_path):
    for sensitive in (False, True):
        export_plan(plan, tmp_path, format="gpkg", sensitive=sensitive)
        columns = set(pyogrio.read_dataframe(tmp_path / "plan.gpkg", layer="households").columns)
        assert ({"disabled", "low_income"} <= columns) is sensitive
        assert {"households", "elderly"} <= columns


def test_a_public_export_holds_no_points_of_people(plan, tmp_path):
    export_plan(plan, tmp_path, format="gpkg", public=True)
    names = {name for name, _ in pyogrio.list_layers(tmp_path / "plan.gpkg")}
    assert names == {"units", "grids", "stations", "streets"}


@given(
    st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=4), min_size=1, max_size=3),
)
def test_nobody_can_work_out_a_small_count(communities):
    """All whole numbers that agree with what is shown are tried: no hidden small count may come out as certain."""
    values, groups = {"S": float(sum(map(sum, communities)))}, {"S": []}
    for at, parts in enumerate(communities):
        groups["S"].append(f"C{at}")
        values[f"C{at}"] = float(sum(parts))
        groups[f"C{at}"] = [f"C{at}G{each}" for each in range(len(parts))]
        values |= {f"C{at}G{each}": float(part) for each, part in enumerate(parts)}
    hidden = hide_small(values, list(groups.items()))
    assert {area for area, value in values.items() if 0 < value < 5} <= hidden
    for at in range(len(communities)):
        community = f"C{at}"
        gone = [part for part in groups[community] if part in hidden]
        if not gone or community in hidden:
            continue
        total = values[community] - sum(values[part] for part in groups[community] if part not in hidden)
        options = [each for each in itertools.product(range(1, 60), repeat=min(len(gone), 2)) if sum(each) <= total]
        if len(gone) <= 2:
            fitting = [each for each in options if sum(each) == total]
            for position, part in enumerate(gone):
                if values[part] < 5:
                    assert len({each[position] for each in fitting}) > 1


GROUPS = ("elderly", "children", "rest")
MOST = 4
TRIED = np.array(list(itertools.product(range(MOST + 2), repeat=6))).reshape(-1, 2, 3)


@settings(max_examples=40)
@given(st.lists(st.lists(st.integers(0, MOST), min_size=3, max_size=3), min_size=2, max_size=2))
def test_nobody_can_work_out_a_small_count_from_areas_and_groups_together(table):
    """Two grids of one community, three groups, one of which is never shown: all tables that fit are tried."""
    counts = np.array(table)
    values, terms = {}, {}
    for area, rows in (("S", [0, 1]), ("G0", [0]), ("G1", [1])):
        for name, columns in (("persons", [0, 1, 2]), *((group, [at]) for at, group in enumerate(GROUPS))):
            terms[area, name] = [(row, column) for row in rows for column in columns]
            values[area, name] = float(sum(counts[at] for at in terms[area, name]))
    totals = [(("S", name), [("G0", name), ("G1", name)]) for name in ("persons", *GROUPS)]
    totals += [((area, "persons"), [(area, group) for group in GROUPS]) for area in ("S", "G0", "G1")]
    unseen = {cell for cell in values if cell[1] == "rest"}
    hidden = hide_small(values, totals, threshold=3, unseen=unseen)
    small = {cell for cell, value in values.items() if 0 < value < 3}
    assert small | unseen <= hidden
    assert all(values[cell] > 0 for cell in hidden - unseen)
    fits = np.ones(len(TRIED), dtype=bool)
    sums = {cell: sum(TRIED[:, row, column] for row, column in where) for cell, where in terms.items()}
    for cell in values.keys() - hidden:
        fits &= sums[cell] == values[cell]
    assert fits.any()
    shown_beside = {cell for cell in values.keys() - hidden if values[cell] > 0}
    for cell in small:
        assert len(np.unique(sums[cell][fits])) > 1 or not shown_beside
