"""Bad data rather than hostile: geometries, Chinese tables as people keep them, coordinates of every kind.

Each test says what is expected of one kind of bad input; further ones stand in ``test_readers_imports.py``,
``test_readers_datum.py`` and ``test_readers_files.py``.
"""

from __future__ import annotations

import struct

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from pyproj import Transformer
from reader_town import CRS, SIDE, X0, Y0, degrees, streets

from gridgeo.readers import check_file, prepare_import, read_file
from gridgeo.readers.clean import parse_days
from gridgeo.store import write_plan
from gridgeo.texts import using_language

pytestmark = pytest.mark.usefixtures("quick_readers")


def polygon(*rings):
    shell, *holes = [[(X0 + x, Y0 + y) for x, y in ring] for ring in rings]
    return shapely.Polygon(shell, holes)


def square(x, y, side):
    return [(x, y), (x + side, y), (x + side, y + side), (x, y + side)]


def frame(shapes, **columns):
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS)


def households(count=3, **columns):
    lon, lat = degrees(150.0 + 200 * np.arange(count), [130.0] * count)
    return pd.DataFrame({"编号": [f"h{i}" for i in range(count)], "户数": 1, "经度": lon, "纬度": lat, **columns})


def attempt(**changes):
    sources = {"boundary": frame([polygon(square(0, 0, SIDE))]), "streets": streets(), "households": households()}
    return prepare_import(**{**sources, **changes})


def faults(report, layer=None):
    return [(fault.key, fault.row) for fault in report.findings.faults if layer in (None, fault.layer)]


def remarks(report):
    return {fault.key for fault in report.remarks}


# Geometry


@pytest.mark.parametrize(
    ("shape", "before", "after"),
    [
        # A hole outside its shell is ground of its own: what the ring encloses is kept.
        (polygon(square(0, 0, 500), square(600, 600, 100)), 240_000, 260_000),
        # A ring that touches itself: a square with a square notch that reaches back to the corner.
        (polygon([(0, 0), (500, 0), (500, 500), (0, 500), (0, 0), (100, 200), (200, 100)]), 235_000, 235_000),
        (polygon([(0, 0), (800, 800), (800, 0), (0, 800)]), 0, 320_000),
    ],
)
def test_an_area_that_is_not_valid_is_repaired_with_both_areas_listed(shape, before, after):
    report = attempt(boundary=frame([shape]), households=None)
    (repair,) = [each for each in report.findings.repairs if each.why == "geometry"]
    assert (float(repair.before), float(repair.after)) == (before, after)
    assert report.plan.district.area == pytest.approx(after)
    assert report.plan.district.is_valid


def test_a_point_twice_in_a_line_is_harmless_and_a_line_without_length_is_named():
    twice = shapely.LineString([(X0, Y0), (X0, Y0), (X0 + 50, Y0), (X0 + 50, Y0)])
    still = shapely.LineString([(X0, Y0), (X0, Y0)])
    both = frame([twice, still], street_id=["a", "b"], highway="service")
    assert faults(attempt(streets=both), "streets") == [("broken_geometry", 2)]
    assert attempt(streets=both[:1]).plan is not None


def test_missing_and_empty_geometries_are_named_row_by_row():
    bad = frame([None, shapely.LineString(), streets().geometry[0]], street_id=["a", "b", "c"], highway="service")
    assert faults(attempt(streets=bad), "streets") == [("empty_geometry", 1), ("empty_geometry", 2)]


def test_coordinates_that_are_no_numbers_are_named_in_a_shapefile_too(tmp_path):
    points = frame([shapely.Point(X0 + i, Y0 + 1) for i in range(3)], 编号=["a", "b", "c"], 户数=[1, 2, 3])
    points.to_file(tmp_path / "a.shp", encoding="GBK")
    shapes = bytearray((tmp_path / "a.shp").read_bytes())
    struct.pack_into("<d", shapes, 100 + 28 + 8 + 4, float("nan"))
    (tmp_path / "a.shp").write_bytes(bytes(shapes))
    named = faults(attempt(households=tmp_path / "a.shp"), "households")
    assert [row for _, row in named] == [2]
    infinite = households(经度=[degrees(1, 1)[0], "1e400", "inf"])
    assert {row for _, row in faults(attempt(households=infinite), "households")} == {2, 3}


def test_units_that_overlap_or_leave_slivers_are_remarked_on_with_their_areas():
    west, east = polygon(square(0, 0, SIDE / 2)), polygon([(490, 0), (1000, 0), (1000, 1000), (510, 1000)])
    units = frame([west, east], 社区编号=["w", "e"], 社区=["西", "东"], 级别="community")
    report = attempt(units=units)
    found = {fault.key: fault for fault in report.remarks if fault.layer == "units"}
    assert found["units_overlap"].value == round(west.intersection(east).area)
    assert found["units_gap"].value == round(SIDE**2 - west.union(east).area)
    sound = units.assign(
        geometry=[shapely.box(X0, Y0, X0 + 500, Y0 + SIDE), shapely.box(X0 + 500, Y0, X0 + SIDE, Y0 + SIDE)]
    )
    assert not remarks(attempt(units=sound)) & {"units_overlap", "units_gap"}


def test_overlapping_parts_of_a_district_count_once():
    both = frame([shapely.box(X0, Y0, X0 + 600, Y0 + 1000), shapely.box(X0 + 400, Y0, X0 + 1000, Y0 + 1000)])
    assert attempt(boundary=both).plan.district.area == pytest.approx(SIDE**2)


def test_two_stations_on_one_point_are_both_kept_and_remarked_on():
    lon, lat = degrees([150.0, 150.0, 350.0], [130.0, 130.0, 130.0])
    report = attempt(stations=pd.DataFrame({"站点编号": ["a", "b", "c"], "经度": lon, "纬度": lat}))
    assert len(report.plan.stations) == 3
    assert [(fault.value, fault.row) for fault in report.remarks if fault.key == "stations_coincide"] == [("b", 2)]


def test_network_faults_a_far_household_and_a_station_outside_are_in_the_report():
    apart = frame([shapely.LineString([(X0 + 2000, Y0), (X0 + 2100, Y0)])], street_id=["far"], highway="service")
    lon, lat = degrees([150.0, 150.0], [130.0, 6000.0])
    report = attempt(
        streets=pd.concat([streets(), apart], ignore_index=True),
        households=pd.DataFrame({"编号": ["a", "b"], "户数": 1, "经度": lon, "纬度": lat}),
        stations=pd.DataFrame({"编号": ["s"], "经度": lon[1:], "纬度": lat[1:]}),
    )
    assert {"street_island", "household_far", "station_outside"} <= remarks(report)
    assert len(report.plan.households) == 2


# Chinese tables


def test_a_wrong_language_mark_in_a_table_is_not_believed(tmp_path):
    path = tmp_path / "a.shp"
    frame([shapely.Point(X0, Y0)], 名称=["清华园街道"]).to_file(path, encoding="GBK")
    path.with_suffix(".cpg").unlink(missing_ok=True)
    for mark in (0x00, 0x03, 0x4D, 0x57, 0x78):
        table = bytearray(path.with_suffix(".dbf").read_bytes())
        table[29] = mark
        path.with_suffix(".dbf").write_bytes(bytes(table))
        assert read_file(path).table["名称"].tolist() == ["清华园街道"]


def test_a_gbk_shapefile_without_a_code_page_comes_in_with_nothing_lost(tmp_path):
    points = gpd.GeoDataFrame(
        households(), geometry=gpd.points_from_xy(*degrees([150.0, 350, 550], [130.0] * 3)), crs=4490
    )
    points = points.drop(columns=["经度", "纬度"]).assign(备注="清华园街道，办事处")
    points.to_file(tmp_path / "户.shp", encoding="GBK")
    (tmp_path / "户.cpg").unlink(missing_ok=True)
    report = attempt(households=tmp_path / "户.shp")
    assert report.findings.faults == []
    assert report.plan.households["household_id"].tolist() == ["h0", "h1", "h2"]
    assert read_file(tmp_path / "户.shp").table["备注"].tolist() == ["清华园街道，办事处"] * 3


def merged_workbook(path, body):
    """Write a table as offices keep it: a title over all columns, two header rows, a total at the end."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["清华园街道楼栋户数统计表"])
    sheet.append(["楼栋编号", "位置", None, "户数（户）", "其中", None])
    sheet.append([None, "经度", "纬度", None, "老年人", "儿童"])
    for row in body:
        sheet.append(row)
    sheet.append(["合计", None, None, sum(int(row[3]) for row in body), None, None])
    for area in ("A1:F1", "A2:A3", "B2:C2", "D2:D3", "E2:F2"):
        sheet.merge_cells(area)
    book.save(path)
    return path


def test_a_workbook_with_merged_headers_comes_in_with_nothing_lost(tmp_path):
    lon, lat = degrees([150.0, 350, 550], [130.0] * 3)
    body = [
        ["007", lon[0], lat[0], 3, 1, 0],
        ["008", lon[1], lat[1], 4, "２", "约1人"],
        ["009", lon[2], lat[2], 5, "-", "无"],
    ]
    report = attempt(households=merged_workbook(tmp_path / "户.xlsx", body))
    assert report.findings.faults == []
    kept = report.plan.households
    assert kept["household_id"].tolist() == ["007", "008", "009"]
    assert kept[["households", "elderly", "children"]].to_numpy().tolist() == [[3, 1, 0], [4, 2, 1], [5, 0, 0]]
    told = {(each.why, each.row) for each in report.findings.repairs}
    assert {("above_header", 1), ("width", 5), ("about", 5), ("blank_mark", 6), ("total_row", 7)} <= told


def test_an_identity_number_that_lost_its_digits_is_named(tmp_path):
    table = households()
    table["编号"] = [1.1010819900101e17, 2.0, 3.0]
    assert ("rounded_id", 1) in faults(attempt(households=table))
    assert ("rounded_id", 2) in faults(attempt(households=households(编号=["a", "4.2E+17", "c"])))


def test_doubled_identifiers_are_named_and_those_with_zeros_in_front_kept_apart():
    assert faults(attempt(households=households(编号=["1", "2", "1"]))) == [("duplicate_id", 3)]
    report = attempt(households=households(编号=["001", "2", "1"]))
    assert report.plan.households["household_id"].tolist() == ["001", "2", "1"]
    assert [(fault.value, fault.row) for fault in report.remarks if fault.key == "ids_alike"] == [("1", 3)]


@pytest.mark.parametrize(
    ("cell", "day", "why"),
    [
        ("2026-11-22", "2026-11-22", None), ("2026/1/2", "2026-01-02", "day"), ("2026年1月2日", "2026-01-02", "day"),
        ("２０２６．１．２", "2026-01-02", "day"), ("20260102", "2026-01-02", "day"), (46023, "2026-01-01", "serial"),
        ("46023.5", "2026-01-01", "serial"), ("2026-11-22 08:30", "2026-11-22", "day"), (None, None, None),
        ("2026-13-01", "2026-13-01", None), ("昨天", "昨天", None), (5, "5", None),
    ],
)  # fmt: skip
def test_days_as_people_and_spreadsheets_write_them(cell, day, why):
    days, changes = parse_days(pd.Series([cell], dtype="object"))
    assert days[0] == day or (day is None and pd.isna(days[0]))
    assert [each[3] for each in changes] == ([why] if why else [])


@pytest.mark.parametrize("mark", ["\u3000", "\u00a0", "\u200b", "\ufeff"])
def test_invisible_marks_change_neither_names_nor_numbers(mark):
    table = households(户数=[f"{mark}3", f"4{mark}", 5]).rename(
        columns={"编号": f"编{mark if mark == chr(0x3000) else ''}号"}
    )
    table[table.columns[0]] = [f"{mark}h0", f"h1{mark}", "h2"]
    plan = attempt(households=table).plan
    assert plan.households["household_id"].tolist() == ["h0", "h1", "h2"]
    assert plan.households["households"].tolist() == [3, 4, 5]


# Coordinates


def test_latitude_and_longitude_exchanged_in_a_file_of_points_is_told_by_the_range():
    table = households()
    points = gpd.GeoDataFrame(
        table[["编号", "户数"]], geometry=gpd.points_from_xy(table["纬度"], table["经度"]), crs=4326
    )
    assert [key for key, _ in faults(attempt(households=points))] == ["no_ground"]


def test_a_shapefile_without_a_projection_is_understood_or_asked_about(tmp_path):
    path = tmp_path / "a.shp"
    points = frame([shapely.Point(X0 + 150, Y0 + 130), shapely.Point(X0 + 350, Y0 + 130)], 编号=["a", "b"], 户数=[1, 2])
    for crs in (CRS, 4490):
        points.to_crs(crs).to_file(path, encoding="UTF-8")
        path.with_suffix(".prj").unlink()
        plan = attempt(households=path).plan
        assert shapely.distance(plan.households.geometry.to_numpy(), points.geometry.to_numpy()).max() < 1e-3
    frame([polygon(square(0, 0, SIDE))]).to_file(path)
    path.with_suffix(".prj").unlink()
    assert [key for key, _ in faults(attempt(boundary=path))] == ["zone_needed"]


def test_zone_metres_with_and_without_prefix_and_north_first_are_one_place():
    east, north = X0 + np.array([150.0, 350, 550]), np.full(3, Y0 + 130)
    first = None
    for x, y in ((east, north), (east + 39e6, north), (north, east), (north, east + 39e6)):
        table = pd.DataFrame({"编号": ["a", "b", "c"], "户数": 1, "X": x, "Y": y})
        points = attempt(households=table).plan.households.geometry.to_numpy()
        first = points if first is None else first
        assert shapely.distance(points, first).max() < 1e-3


def test_points_of_two_zones_are_asked_about_and_a_district_across_the_edge_is_one():
    table = households(经度=[38_700_000.0, 39_300_000.0, 39_300_001.0], 纬度=[Y0] * 3)
    assert [key for key, _ in faults(attempt(households=table))] == ["several_zones"]
    edge = Transformer.from_crs(4490, CRS, always_xy=True).transform(115.5, 40.0)
    both = frame([shapely.box(edge[0] - 3000, edge[1], edge[0] + 3000, edge[1] + 2000)])
    line = frame(
        [shapely.LineString([(edge[0] - 3000, edge[1] + 9), (edge[0] + 3000, edge[1] + 9)])], highway=["service"]
    )
    plan = prepare_import(boundary=both, streets=line).plan
    assert plan.crs.to_epsg() in {4547, 4548}
    assert plan.streets.geometry.length.iloc[0] == pytest.approx(6000, rel=5e-4)


def test_degrees_minutes_and_seconds_are_read_and_listed():
    def worded(value):
        minutes, seconds = divmod(round(value * 3600, 2), 60)
        return f"{int(minutes // 60)}°{int(minutes % 60)}′{seconds:.2f}″"

    table = households()
    table["经度"], table["纬度"] = table["经度"].map(worded), table["纬度"].map(worded)
    report = attempt(households=table)
    assert sum(each.why == "degrees" for each in report.findings.repairs) == 6
    points = attempt().plan.households.geometry.to_numpy()
    assert shapely.distance(report.plan.households.geometry.to_numpy(), points).max() < 0.3


@pytest.mark.parametrize("epsg", [2436, 4214, 2384, 4610])
def test_beijing_1954_and_xian_1980_are_refused_in_every_file(tmp_path, epsg):
    points = frame([shapely.Point(X0, Y0)], 编号=["a"], 户数=[1]).set_crs(epsg, allow_override=True)
    points.to_file(tmp_path / "a.shp", encoding="UTF-8")
    points.to_file(tmp_path / "a.gpkg")
    for name in ("a.shp", "a.gpkg"):
        assert [key for key, _ in faults(check_file(tmp_path / name, layer="households"))] == [
            "datum_without_parameters"
        ]


# What stays of it all


def test_names_and_numbers_of_persons_are_in_no_file_message_or_report(tmp_path, caplog, capsys):
    secret = ["张三丰", "13800138000", "110108199001011234"]
    table = households(户主姓名=secret[0], 联系电话=secret[1], 身份证号=secret[2], 人口=["7", "很多", "9"])
    table.to_csv(tmp_path / "户.csv", index=False, encoding="gbk")
    refused = attempt(households=tmp_path / "户.csv")
    done = attempt(households=tmp_path / "户.csv", skip_faulty=True)
    write_plan(done.plan, tmp_path / "plan.gpkg")
    shown = [
        str(refused.as_dict()),
        str(done.as_dict()),
        done.rejected().to_string(),
        caplog.text,
        *capsys.readouterr(),
    ]
    shown += [fault.message for fault in refused.findings.faults]
    stored = (tmp_path / "plan.gpkg").read_bytes()
    for each in secret:
        assert not any(each in text for text in shown)
        assert each.encode() not in stored
    assert {each.column for each in done.findings.repairs if each.why == "personal"} == {
        "户主姓名",
        "联系电话",
        "身份证号",
    }


# What strangers tried


def words(report):
    with using_language("en"):
        return " ".join(fault.message for fault in report.findings.faults)


def test_a_row_whose_coordinates_are_unlike_the_others_is_named():
    lon, lat = degrees(150.0 + 100 * np.arange(7), [130.0] * 7)
    x, y = list(lon), list(lat)
    x[1], y[1] = y[1], x[1]
    x[3], y[3] = 0, 0
    x[4] = 16.3
    report = attempt(households=households(7, 经度=x, 纬度=y))
    assert sorted(faults(report, "households"), key=lambda each: each[1]) == [
        ("odd_place", 2), ("no_place", 4), ("odd_place", 5),
    ]  # fmt: skip
    # Of two halves nobody can say which is right: the table as a whole is asked about.
    report = attempt(households=households(2, 经度=[lon[0], lat[1]], 纬度=[lat[0], lon[1]]))
    assert faults(report, "households") == [("strange_coordinates", None)]


def workbook(path, *lines, merge=()):
    book = openpyxl.Workbook()
    for line in lines:
        book.active.append(line)
    for cells in merge:
        book.active.merge_cells(cells)
    book.save(path)
    return path


def test_a_count_in_a_cell_merged_over_rows_is_not_counted_for_each(tmp_path):
    lon, lat = degrees([150.0, 350.0], [130.0, 130.0])
    lines = [["编号", "户数", "经度", "纬度"], ["a", 10, lon[0], lat[0]], ["b", None, lon[1], lat[1]]]
    report = attempt(households=workbook(tmp_path / "merged.xlsx", *lines, merge=["B2:B3"]))
    assert faults(report) == [("merged_count", 3)]
    # A place may well stand for several rows: taken for each, and listed.
    lines[2] = ["b", 4, None, None]
    report = attempt(households=workbook(tmp_path / "place.xlsx", *lines, merge=["C2:C3", "D2:D3"]))
    assert report.plan.households["households"].tolist() == [10, 4]
    assert [each.row for each in report.findings.repairs if each.why == "merged_number"] == [3, 3]


def test_a_cell_merged_from_the_header_into_the_rows_takes_no_row_away(tmp_path):
    lon, lat = degrees([150.0, 350.0], [130.0, 130.0])
    lines = [["编号", "户数", "经度", "纬度"], ["a", 1, lon[0], lat[0]], ["b", 2, lon[1], lat[1]]]
    report = attempt(households=workbook(tmp_path / "m.xlsx", *lines, merge=["A1:A3"]))
    assert report.findings.rows["households"] == 2
    assert faults(report) == [("duplicate_id", 3)]


def test_two_columns_of_one_name_are_asked_about_unless_they_agree(tmp_path):
    lon, lat = degrees([150.0], [130.0])
    path = tmp_path / "h.csv"
    path.write_text(f"编号,户数,户数,经度,纬度\na,3,4,{lon[0]},{lat[0]}\n", encoding="utf-8")
    assert faults(attempt(households=path)) == [("repeated_column", None)]
    chosen = {"households": {"households": "户数#2"}}
    assert attempt(households=path, profile=chosen).plan.households["households"].tolist() == [4]
    path.write_text(f"编号,户数,户数,经度,纬度\na,3,3,{lon[0]},{lat[0]}\n", encoding="utf-8")
    assert attempt(households=path).plan.households["households"].tolist() == [3]


def test_a_very_long_cell_is_named_by_its_beginning():
    report = attempt(households=households(2, 户数=["9" * 100_000, "1"]))
    assert len(words(report)) < 250
