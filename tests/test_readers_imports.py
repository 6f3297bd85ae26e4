"""Cells as people type them, and whole imports: every fault at once, every repair listed, nothing lost in silence."""

from __future__ import annotations

import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Transformer
from reader_town import CRS, X0, Y0, district, households, streets

from gridgeo.errors import ImportFaults, InputError
from gridgeo.readers import (
    bundled_plan_path,
    check_file,
    check_streets,
    import_plan,
    map_columns,
    prepare_import,
    preview_columns,
    read_profile,
    write_profile,
)
from gridgeo.readers.clean import parse_flags, parse_numbers, parse_texts
from gridgeo.shifts import shift
from gridgeo.store import read_plan
from gridgeo.texts import text, using_language

pytestmark = pytest.mark.usefixtures("quick_readers")


@pytest.mark.parametrize(
    ("cell", "number", "why"),
    [
        (3, 3, None), (2.5, 2.5, None), ("7", 7, None), (" 8 ", 8, None), ("１２．５", 12.5, "width"),
        ("1,234", 1234, "worded"), ("１，２３４", 1234, "worded"), ("30户", 30, "worded"), ("约30户", 30, "about"),
        ("30左右", 30, "about"), ("-", np.nan, "blank_mark"), ("无", np.nan, "blank_mark"), ("/", np.nan, "blank_mark"),
        ("\u3000", np.nan, None), ("\ufeff5", 5, None), ("5\u200b", 5, None), ("5\u00a0", 5, None),
        (None, np.nan, None),
        ("116°19′20″", 116 + 19 / 60 + 20 / 3600, "degrees"), ("39度59分E", 39 + 59 / 60, "degrees"),
        ("-3", -3, None), ("1e3", 1000, None),
    ],
)  # fmt: skip
def test_numbers_as_people_type_them(cell, number, why):
    read = parse_numbers(pd.Series([cell], dtype="object"))
    assert read.bad == ()
    assert read.found[0] == pytest.approx(number, nan_ok=True)
    changed = [each[3] for each in read.changes]
    assert changed == ([why] if why else []) or (why is None and changed == ["width"])


@pytest.mark.parametrize(
    "cell", ["三十", "30-40", "1,23", "=1+1", "12a", "1.2.3", "inf", "1e999", "30户40人", "..", "'"]
)
def test_what_is_no_number_is_named_and_not_guessed(cell):
    read = parse_numbers(pd.Series(["1", cell], dtype="object"))
    assert read.bad == (1,)
    assert np.isnan(read.found[1])


def test_identifiers_keep_zeros_and_tell_lost_digits():
    texts, rounded = parse_texts(
        pd.Series(["001", 12.0, 4.2e17, "4.2E+17", 110108014001, " a\u200b ", None], dtype="object")
    )
    assert texts.tolist() == ["001", "12", "420000000000000000", "4.2E+17", "110108014001", "a", None]
    assert rounded == (2, 3)


@pytest.mark.parametrize(
    "said",
    [
        "甲",
        "",
        " ",
        "\u3000甲",
        "甲\x85",
        "甲\u2003",
        "a\u200bb",
        "a\u00a0b",
        "a\u00adb",
        "'=1",
        "a'b",
        "4.2E+17",
        "x\n",
        "4e5",
    ],
)
def test_texts_of_one_type_are_read_like_any_others(said):
    cells = [said, None, "乙"]
    one, other = (parse_texts(pd.Series(cells, dtype=kind)) for kind in ("str", "object"))
    assert one[0].tolist() == other[0].tolist()
    assert one[1] == other[1]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_file_read_ahead_is_refused_in_the_language_of_who_asked(tmp_path, lang):
    broken = tmp_path / "a.gpkg"
    broken.write_bytes(b"SQLite format 3\x00" + bytes(2000))
    with using_language(lang):
        (fault,) = prepare_import(boundary=district(), streets=broken).findings.faults
        assert text("readers.damaged") in fault.message


def test_flags():
    flags, bad = parse_flags(pd.Series(["是", "否", 1, 0, "Yes", None, "maybe", True], dtype="object"))
    assert flags.tolist() == [True, False, True, False, True, None, None, True]
    assert bad == (6,)


def test_columns_are_recognised_in_both_languages_and_persons_left_out():
    names = ["序号", "楼栋编号", "经 度", "纬度(WGS84)", "户数（户）", "人口", "户主姓名", "联系电话", "备注"]
    mapping = map_columns("households", names)
    assert mapping.columns == {
        "household_id": "楼栋编号", "x": "经 度", "y": "纬度(WGS84)", "households": "户数（户）", "persons": "人口",
    }  # fmt: skip
    assert mapping.personal == ("户主姓名", "联系电话")
    assert set(mapping.unused) == {"序号", "户主姓名", "联系电话", "备注"}
    assert map_columns("households", ["LON", "Lat", "Households"]).columns.keys() == {"x", "y", "households"}
    chosen = map_columns("households", names, chosen={"household_id": "备注"})
    assert chosen.columns["household_id"] == "备注"
    for wrong in ({"nonsense": "备注"}, {"persons": "没有"}):
        with pytest.raises(InputError):
            map_columns("households", names, chosen=wrong)


def test_a_profile_comes_back_as_it_went(tmp_path):
    mapping = map_columns("stations", ['站点"名称"\\', "经度", "纬度"], chosen={"name": '站点"名称"\\'})
    write_profile({"stations": mapping}, tmp_path / "p.toml")
    assert read_profile(tmp_path / "p.toml") == {"stations": mapping.columns}


def attempt(**changes):
    sources = {
        "boundary": district(),
        "streets": streets(),
        "households": households(),
        "stations": households()[["经度", "纬度"]],
    }
    return prepare_import(**{**sources, **changes})


def test_a_sound_import_gives_a_plan():
    report = attempt(name="甲")
    plan = report.plan
    assert report.findings.faults == []
    assert plan.crs.to_epsg() == CRS
    assert plan.households["households"].tolist() == [3, 4, 5]
    assert plan.stations["station_id"].tolist() == ["station-1", "station-2", "station-3"]
    assert plan.streets["street_class"].unique().tolist() == ["residential"]
    assert plan.households.geometry.x.tolist() == pytest.approx([X0 + 150, X0 + 350, X0 + 550], abs=1e-3)
    assert str(plan.info.name) == "甲"
    assert report.remarks == ()


def test_every_fault_of_every_file_comes_at_once_with_its_row():
    bad = households(户数=["3", "很多", "-4"], 经度=[116.3, None, 116.3])
    with pytest.raises(ImportFaults) as caught:
        import_plan(
            boundary=district(),
            streets=streets().assign(layer="above"),
            households=bad,
            stations=households().rename(columns={"经度": "甲"}),
        )
    found = {(fault.layer, fault.row, fault.key) for fault in caught.value.faults}
    assert {
        ("households", 2, "no_number"),
        ("households", 3, "negative_value"),
        ("households", 2, "no_place"),
        ("stations", None, "no_coordinate_column"),
        ("streets", 2, "no_number"),
    } <= found
    for lang in ("zh", "en"):
        with using_language(lang):
            assert "Traceback" not in str(caught.value)
            assert all(fault.message for fault in caught.value.faults)


def test_faulty_rows_are_set_aside_only_when_asked_and_are_listed():
    bad = households(户数=["3", "很多", "5"])
    assert attempt(households=bad).plan is None
    report = attempt(households=bad, skip_faulty=True)
    assert report.plan.households["household_id"].tolist() == ["a", "c"]
    rejected = report.rejected()
    assert rejected[["layer", "row"]].to_numpy().tolist() == [["households", 2]]
    assert len(report.plan.households) + len(rejected) == len(bad)


def test_repairs_are_listed_with_before_and_after():
    report = attempt(households=households(户数=["３", "约4户", 5]))
    assert report.plan.households["households"].tolist() == [3, 4, 5]
    listed = [(each.row, each.column, each.before, each.after) for each in report.findings.repairs if each.row]
    assert listed == [(1, "户数", "３", 3.0), (2, "户数", "约4户", 4.0)]
    assert all(each["message"] for each in report.as_dict()["repairs"])


def test_a_bow_tie_is_repaired_with_its_areas_and_a_line_is_no_district():
    bow = shapely.Polygon([(X0, Y0), (X0 + 1000, Y0 + 1000), (X0 + 1000, Y0), (X0, Y0 + 1000)])
    report = attempt(boundary=gpd.GeoDataFrame(geometry=[bow], crs=CRS))
    (repair,) = [each for each in report.findings.repairs if each.why == "geometry"]
    assert (repair.before, repair.after) == ("0.0", "500000.0")
    line = gpd.GeoDataFrame(geometry=[shapely.LineString([(X0, Y0), (X0 + 9, Y0)])], crs=CRS)
    for wrong in (line, district().iloc[:0], gpd.GeoDataFrame(geometry=[None], crs=CRS)):
        assert attempt(boundary=wrong).plan is None


@pytest.mark.parametrize("sentinel", [(0, 0), (-999, -999), (999, 999), (None, 40)])
def test_sentinels_are_no_places(sentinel):
    frame = households()
    frame.loc[1, ["经度", "纬度"]] = sentinel
    report = attempt(households=frame)
    assert [(fault.key, fault.row) for fault in report.findings.faults] == [("no_place", 2)]


def test_swapped_and_projected_columns_are_understood():
    frame = households()
    swapped = frame.rename(columns={"经度": "纬度", "纬度": "经度"})
    plan = attempt().plan
    assert attempt(households=swapped).plan.households.geometry.geom_equals_exact(plan.households.geometry, 1e-6).all()
    east, north = Transformer.from_crs(4490, 4527, always_xy=True).transform(frame["经度"], frame["纬度"])
    metres = frame.assign(经度=north, 纬度=east).rename(columns={"经度": "X坐标", "纬度": "Y坐标"})
    assert attempt(households=metres).plan.households.geometry.geom_equals_exact(plan.households.geometry, 1e-3).all()


def test_a_datum_that_is_said_is_used():
    frame = households()
    lon, lat = shift(frame["经度"], frame["纬度"], "wgs84", "bd09")
    report = attempt(households=frame.assign(经度=lon, 纬度=lat), crs={"households": "bd09", "stations": "wgs84"})
    assert report.plan.households.geometry.geom_equals_exact(attempt().plan.households.geometry, 1e-3).all()
    refused = attempt(households=frame.assign(经度=500000.0, 纬度=4429000.0), crs={"households": "EPSG:2431"})
    assert [fault.key for fault in refused.findings.faults] == ["datum_without_parameters"]


def points_of(place, datum, count):
    plan = read_plan(bundled_plan_path(place))
    rows = np.random.default_rng(3).integers(0, len(plan.households), count)
    points = plan.households.to_crs(4490).geometry.iloc[rows]
    lon, lat = shift(points.x, points.y, "wgs84", datum)
    return plan, pd.DataFrame({"编号": np.arange(count), "户数": 1, "lng": lon, "lat": lat})


def test_a_foreign_datum_is_found_on_real_ground_and_a_mixture_is_refused():
    plan, frame = points_of("qinghuayuan", "gcj02", 200)
    ground = {"boundary": plan.units.iloc[[0]], "streets": plan.streets, "buildings": plan.buildings}
    report = prepare_import(**ground, households=frame)
    assert report.findings.detections["households"].best.name == "gcj02"
    assert shapely.intersects(plan.district, report.plan.households.geometry.to_numpy()).all()
    few = frame[:6].rename(columns={"户数": "容量"})
    report = prepare_import(**ground, households=frame, stations=few)
    assert [(fault.key, fault.layer) for fault in report.findings.faults] == [("datum_unlike_others", "stations")]
    shifted = prepare_import(**ground, households=frame, stations=few, crs={"stations": "gcj02"}).plan
    assert shifted.stations.geometry.iloc[0].distance(shifted.households.geometry.iloc[0]) == 0
    assert prepare_import(**ground, households=frame, stations=few, crs={"stations": "wgs84"}).plan is not None
    _, true = points_of("qinghuayuan", "wgs84", 200)
    mixed = pd.concat([frame[:100], true[100:]])
    report = prepare_import(**ground, households=mixed)
    assert [fault.key for fault in report.findings.faults] in (["datum_mixed"], ["datum_unclear"])
    stated = gpd.GeoDataFrame(
        frame[["编号", "户数"]], geometry=gpd.points_from_xy(frame["lng"], frame["lat"]), crs=4326
    )
    report = prepare_import(**ground, households=stated)
    assert [fault.key for fault in report.findings.faults] == ["datum_differs"]
    assert prepare_import(**ground, households=stated, crs="gcj02").plan is not None


def test_files_and_tables_in_memory_give_the_same_plan(tmp_path):
    district().to_crs(4326).to_file(tmp_path / "街道.geojson")
    streets().to_file(tmp_path / "streets.gpkg")
    households().to_csv(tmp_path / "户.csv", index=False, encoding="gbk")
    plan = import_plan(
        boundary=tmp_path / "街道.geojson", streets=tmp_path / "streets.gpkg", households=tmp_path / "户.csv"
    )
    assert plan.info.name.zh == "甲"
    assert plan.households["households"].tolist() == [3, 4, 5]
    assert len(plan.streets) == 22
    assert preview_columns(tmp_path / "户.csv", layer="households").columns["households"] == "户数"
    assert check_file(tmp_path / "户.csv", layer="households").findings.faults == []
    missing = prepare_import(boundary=tmp_path / "none.geojson", streets=tmp_path / "streets.gpkg")
    assert [fault.key for fault in missing.findings.faults] == ["missing_file"]


def test_an_osm_extract_brings_its_layers():
    path = bundled_plan_path("qinghuayuan")
    plan = read_plan(path)
    made = import_plan(boundary=plan.units.iloc[[0]], streets=path.with_name("qinghuayuan.osm.pbf"))
    for name in ("streets", "barriers", "gates", "buildings", "landuse", "places"):
        assert made.layers()[name].iloc[:, 0].tolist() == plan.layers()[name].iloc[:, 0].tolist()
    assert "OpenStreetMap" in made.info.attribution


def test_inputs_are_not_changed():
    ground, lines, houses = district(), streets(), households()
    before = ground.copy(), lines.copy(), houses.copy()
    import_plan(boundary=ground, streets=lines, households=houses)
    assert before[0].equals(ground)
    assert before[1].equals(lines)
    assert before[2].equals(houses)


def street_frame(*lines, **columns):
    table = {"street_id": [f"s{i}" for i in range(len(lines))], "street_class": "service", **columns}
    return gpd.GeoDataFrame(table, geometry=[shapely.LineString(line) for line in lines], crs=CRS)


def test_faults_of_the_network_are_named():
    """s0 along y = 0; s1 ends 1.5 m above it; s2 crosses it without a vertex; s3 lies apart; s4 joins s0 rightly."""
    drawn = street_frame(
        [(0, 0), (50, 0), (100, 0)],
        [(20, 1.5), (20, 40)],
        [(80, -10), (80, 10)],
        [(0, 200), (9, 200)],
        [(50, 0), (50, 90)],
    )
    found = [(fault.key, fault.row) for fault in check_streets(drawn)]
    assert ("street_gap", 2) in found
    assert ("street_crossing", 1) in found
    assert [row for key, row in found if key == "street_island"] == [2, 3, 4]
    bridge = drawn.assign(bridge=[False, False, True, False, False])
    assert "street_crossing" not in {fault.key for fault in check_streets(bridge)}
    assert check_streets(streets().assign(street_class="service")) == []
    assert check_streets(drawn[:0]) == []


def test_a_border_beside_a_street_is_named():
    area = shapely.box(0, 0, 500, 500)
    beside = street_frame([(5, 0), (5, 500)])
    (fault,) = check_streets(beside, boundary=area)
    assert fault.key == "boundary_beside_street"
    assert fault.message.startswith(("The boundary runs 5.0 m", "边界在道路 s0 旁 5.0 米"))
    assert check_streets(street_frame([(0, 0), (0, 500)]), boundary=area) == []
    assert check_streets(street_frame([(-50, 250), (550, 250)]), boundary=area) == []


def test_a_household_far_from_every_street_is_remarked_on_but_kept():
    frame = households()
    frame.loc[2, "纬度"] += 0.05
    report = attempt(households=frame)
    assert len(report.plan.households) == 3
    told = {(fault.key, fault.value): fault.message for fault in report.remarks}
    assert ("household_far", "c") in told
    assert "m outside the district" in told["household_beyond", "c"] or "位于辖区外" in told["household_beyond", "c"]


def test_ground_without_streets_is_remarked_on():
    """One street along the west edge of 1 km × 1 km: the eastern half lies more than 500 m from it."""
    west = streets().iloc[:1].set_geometry([shapely.LineString([(X0, Y0), (X0, Y0 + 1000)])], crs=CRS)
    bare = [fault.as_dict() for fault in attempt(streets=west).remarks if fault.key == "bare_ground"]
    assert len(bare) == 1
    assert "50 %" in bare[0]["message"]
    assert "bare_ground" not in {fault.key for fault in attempt().remarks}


def test_pieces_of_one_street_are_numbered_but_two_households_of_one_id_are_a_fault():
    pieces = streets().assign(street_id=["a"] * 3 + ["a-2"] + [f"s{i}" for i in range(18)])
    report = attempt(streets=pieces)
    assert report.plan.streets["street_id"].tolist()[:5] == ["a", "a-3", "a-4", "a-2", "s0"]
    told = next(repair for repair in report.findings.repairs if repair.why == "repeated_id")
    assert (told.before, told.after) == ("2", "a-3")
    report = attempt(households=households(编号=["a", "b", "a"]))
    assert [(fault.layer, fault.row, fault.key) for fault in report.findings.faults] == [
        ("households", 3, "duplicate_id")
    ]


def test_the_plan_is_called_as_the_boundary_is():
    plan = attempt().plan
    assert str(plan.info.name) == "甲"
    assert plan.units["name"].tolist() == ["甲"]
    assert str(attempt(name="乙").plan.info.name) == "乙"
    assert str(attempt(boundary=district().drop(columns="名称")).plan.info.name) == "plan"


def plain_crossings(drawn):
    """Name crossings the slow way: every pair of streets, every point they share, every vertex of both."""
    lines = drawn.geometry.to_numpy()
    found = set()
    for one, two in itertools.combinations(range(len(lines)), 2):
        for point in shapely.get_parts(lines[one].intersection(lines[two])):
            corners = [shapely.MultiPoint(shapely.get_coordinates(lines[each])) for each in (one, two)]
            if point.geom_type == "Point" and max(point.distance(each) for each in corners) > 1e-6:
                found.add((one + 1, f"s{two}"))
    return found


def plain_gaps(drawn):
    """Name gaps the slow way: every end, every other street."""
    lines = drawn.geometry.to_numpy()
    found = []
    for at, line in enumerate(lines):
        for end in (shapely.Point(line.coords[0]), shapely.Point(line.coords[-1])):
            nearest = min((end.distance(other) for each, other in enumerate(lines) if each != at), default=np.inf)
            found += [at + 1] if 1e-6 < nearest <= 2.0 else []
    return sorted(found)


@pytest.mark.parametrize("seed", range(12))
def test_network_faults_are_those_of_the_slow_way(seed):
    rng = np.random.default_rng(seed)
    shifts = [0.0, 0.0, 0.0, 1e-7, 0.3]
    lines = [rng.integers(0, 6, (rng.integers(2, 5), 2)) + rng.choice(shifts) for _ in range(15)]
    drawn = street_frame(*[line for line in lines if len(np.unique(line, axis=0)) > 1])
    found = check_streets(drawn)
    assert {(each.row, each.value) for each in found if each.key == "street_crossing"} == plain_crossings(drawn)
    assert sorted(each.row for each in found if each.key == "street_gap") == plain_gaps(drawn)
