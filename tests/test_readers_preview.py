"""A file looked at before it is imported, columns set by hand, rows set aside, datums with parameters, estimates."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from pyproj import Transformer
from reader_town import CRS, X0, Y0, district, households, streets

from gridgeo.cli.commands import run
from gridgeo.errors import CRSError, FileError, InputError
from gridgeo.estimate import fill_households
from gridgeo.readers import (
    bundled_plan_path,
    check_file,
    guess_layer,
    import_plan,
    mappable_columns,
    prepare_import,
    preview_file,
    read_profile,
)
from gridgeo.readers.coordinates import is_cgcs2000, require_known_datum, to_degrees
from gridgeo.readers.intake import split_source
from gridgeo.store import read_plan, write_table

pytestmark = pytest.mark.usefixtures("quick_readers")


def test_a_preview_shows_what_a_table_holds_and_what_it_is_taken_for():
    table = households(户主姓名=["赵一", "钱二", "孙三"], 备注=["x", "y", "z"], 人口=["7", "很多", "9"])
    seen = preview_file(table)
    assert (seen.layer, seen.rows, seen.geometry, seen.crs) == ("households", 3, None, None)
    assert seen.columns == ("编号", "户数", "经度", "纬度", "户主姓名", "备注", "人口")
    assert seen.mapping.columns == {
        "household_id": "编号", "households": "户数", "persons": "人口", "x": "经度", "y": "纬度",
    }  # fmt: skip
    assert seen.mapping.personal == ("户主姓名",)
    assert set(seen.sample["户主姓名"]) == {"•••"}
    assert "赵一" not in seen.sample.to_string()
    assert [(fault.key, fault.row, fault.column) for fault in seen.report.findings.faults] == [("no_number", 2, "人口")]


def test_columns_set_by_hand_go_before_those_recognised():
    table = households(甲=[30, 40, 50])
    seen = preview_file(table, layer="households", chosen={"households": "甲", "household_id": ""})
    assert seen.mapping.columns == {"households": "甲", "x": "经度", "y": "纬度"}
    assert {"编号", "户数"} <= set(seen.mapping.unused)
    with pytest.raises(InputError):
        preview_file(table, layer="nothing")
    with pytest.raises(InputError):
        preview_file(table, layer="households", chosen={"households": "没有"})
    assert {"households", "x", "y", "wkt"} <= set(mappable_columns("households"))


def test_what_a_file_is_is_guessed_from_its_columns_and_shapes():
    assert guess_layer(["站点名称", "经度", "纬度", "服务内容"], None) == "stations"
    assert guess_layer(["楼栋编号", "户数"], "point") == "households"
    assert guess_layer(["highway", "name"], "line") == "streets"
    assert guess_layer(["社区名称", "级别"], "polygon") == "units"
    assert guess_layer(["楼栋编号", "层数"], "polygon") == "buildings"


def test_a_workbook_of_several_sheets_lists_them_and_any_can_be_imported(tmp_path):
    book = openpyxl.Workbook()
    for name, counts in (("一月", [1, 1, 1]), ("二月", [3, 4, 5])):
        sheet = book.create_sheet(name)
        table = households(户数=counts)
        for row in [list(table.columns), *table.to_numpy().tolist()]:
            sheet.append(row)
    del book["Sheet"]
    path = tmp_path / "户.xlsx"
    book.save(path)
    seen = preview_file(path, layer="households")
    assert seen.choices == ("一月", "二月")
    assert seen.sample["户数"].tolist() == [1, 1, 1]
    assert preview_file(f"{path}|二月").sample["户数"].tolist() == [3, 4, 5]
    plan = import_plan(boundary=district(), streets=streets(), households=f"{path}|二月")
    assert plan.households["households"].tolist() == [3, 4, 5]
    assert split_source("a/b.gpkg|layername=roads")[1] == "roads"
    with pytest.raises(FileError):
        preview_file(f"{path}|三月")


def test_a_plan_beside_it_tells_the_datum_of_a_file():
    plan = read_plan(bundled_plan_path("qinghuayuan"))
    points = plan.households.to_crs(4490).geometry.iloc[:200]
    table = pd.DataFrame({"编号": range(len(points)), "户数": 1, "lng": points.x, "lat": points.y})
    seen = preview_file(table, layer="households", beside=plan)
    assert seen.report.findings.detections["households"].best.name == "wgs84"
    assert seen.report.findings.faults == []


def test_a_table_without_coordinates_says_so_once_and_not_for_every_row():
    table = households().drop(columns=["经度", "纬度"])
    faults = check_file(table, layer="households").findings.faults
    assert [(fault.key, fault.row) for fault in faults] == [("no_coordinate_column", None)] * 2


def files(folder, table):
    district().to_file(folder / "district.gpkg")
    streets().to_file(folder / "streets.gpkg")
    table.to_csv(folder / "households.csv", index=False, encoding="gb18030")
    return ["--boundary", f"{folder}/district.gpkg", "--streets", f"{folder}/streets.gpkg", "--households",
            f"{folder}/households.csv"]  # fmt: skip


def test_rows_set_aside_are_kept_in_a_file_with_reason_and_remedy(tmp_path, capsys):
    arguments = files(tmp_path, households(人口=["7", "=1+1", "9"], 联系电话=["13800000000"] * 3))
    out = tmp_path / "plan.gpkg"
    assert run(["import", *arguments, "--out", str(out)]) == 1
    assert not out.exists()
    assert run(["import", *arguments, "--out", str(out), "--skip-faulty", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    kept = tmp_path / "plan.rejected.csv"
    assert said["files"] == [str(out), str(kept)]
    rows = pd.read_csv(kept, encoding="utf-8-sig")
    assert rows[["layer", "file", "row", "column", "value"]].to_numpy().tolist() == [
        ["households", "households.csv", 3, "人口", "'=1+1"]
    ]
    assert rows["message"].notna().all()
    assert rows["remedy"].notna().all()
    assert "13800000000" not in kept.read_text(encoding="utf-8-sig") + json.dumps(said)
    assert len(read_plan(out).households) + len(rows) == 3


def test_columns_are_set_on_the_command_line_and_kept_as_a_profile(tmp_path, capsys):
    arguments = files(tmp_path, households(甲=[30, 40, 50]))
    out, profile = tmp_path / "plan.gpkg", tmp_path / "profile.toml"
    chosen = ["--column", "households.households=甲", "--save-profile", str(profile)]
    assert run(["import", *arguments, *chosen, "--out", str(out)]) == 0
    assert read_plan(out).households["households"].tolist() == [30, 40, 50]
    assert read_profile(profile)["households"]["households"] == "甲"
    assert run(["import", *arguments, "--profile", str(profile), "--out", str(out)]) == 0
    assert read_plan(out).households["households"].tolist() == [30, 40, 50]
    assert run(["import", *arguments, "--column", "nonsense", "--out", str(out)]) == 1
    assert run(["import", "--boundary", f"{tmp_path}/district.gpkg"]) == 2
    assert "--streets" in capsys.readouterr().err


def test_a_rejected_table_goes_to_a_workbook_too(tmp_path):
    table = pd.DataFrame({"值": ["=1+1", "x"]})
    write_table(table, tmp_path / "a.xlsx")
    assert openpyxl.load_workbook(tmp_path / "a.xlsx")["a"]["A2"].data_type == "s"
    with pytest.raises(FileError):
        write_table(table, tmp_path / "none" / "a.csv")


PARAMETERS = "EPSG:2436+towgs84=15.8,-154.4,-82.3,0,0,0,0"


def test_a_datum_with_the_surveyors_parameters_is_followed_exactly():
    """The three shifts are applied by hand in earth-centred metres, on Krassowsky's ellipsoid and back."""
    lon, lat = to_degrees([X0], [Y0], crs=PARAMETERS)
    plain = Transformer.from_crs(2436, 4214, always_xy=True)
    earth = Transformer.from_pipeline(
        "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=cart +ellps=krass "
        "+step +proj=helmert +x=15.8 +y=-154.4 +z=-82.3 "
        "+step +inv +proj=cart +ellps=WGS84 +step +proj=unitconvert +xy_in=rad +xy_out=deg"
    )
    meant = earth.transform(*plain.transform(X0, Y0), 0.0)
    assert (lon[0], lat[0]) == pytest.approx(meant[:2], abs=1e-9)
    without = to_degrees([X0], [Y0], crs=CRS)
    assert np.hypot(lon[0] - without[0][0], lat[0] - without[1][0]) > 1e-4


def test_a_boundary_and_points_on_a_datum_with_parameters_come_to_one_place():
    area = district().set_crs(2436, allow_override=True)
    report = prepare_import(boundary=area, streets=streets().set_crs(2436, allow_override=True), crs=PARAMETERS)
    assert report.findings.faults == []
    metres = Transformer.from_crs(4490, CRS, always_xy=True)
    # Through degrees: the direct way from Beijing 1954 to CGCS2000 is PROJ's ballpark, and 64 m off.
    shifted = shapely.transform(
        district().geometry[0],
        lambda xy: np.column_stack(metres.transform(*to_degrees(xy[:, 0], xy[:, 1], crs=PARAMETERS))),
    )
    assert report.plan.crs.to_epsg() == CRS
    assert shapely.hausdorff_distance(report.plan.district, shifted) < 1e-3
    refused = prepare_import(boundary=area, streets=streets())
    assert [fault.key for fault in refused.findings.faults] == ["datum_without_parameters"]


@pytest.mark.parametrize(
    "crs",
    [
        "+proj=tmerc +lat_0=0 +lon_0=117 +k=1 +x_0=500000 +ellps=krass +units=m +type=crs",
        "+proj=tmerc +lat_0=0 +lon_0=117 +k=1 +x_0=500000 +ellps=GRS80 +units=m +type=crs",
        "+proj=tmerc +lat_0=0 +lon_0=117 +k=1 +x_0=500000 +a=6378140 +rf=298.257 +units=m +type=crs",
        "EPSG:2436",
        "EPSG:2436+towgs84=1,2",
        "EPSG:0+towgs84=1,2,3",
    ],
)
def test_a_datum_that_nobody_knows_is_refused_whatever_it_is_called(crs):
    with pytest.raises(CRSError):
        require_known_datum(crs)


def test_cgcs2000_is_known_by_the_names_that_programs_give_it():
    esri = (
        'PROJCS["CGCS2000_3_Degree_GK_CM_117E",GEOGCS["GCS_China_Geodetic_Coordinate_System_2000",'
        'DATUM["D_China_2000",SPHEROID["CGCS2000",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],'
        'UNIT["Degree",0.0174532925199433]],PROJECTION["Gauss_Kruger"],PARAMETER["False_Easting",500000.0],'
        'PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",117.0],PARAMETER["Scale_Factor",1.0],'
        'PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]'
    )
    assert is_cgcs2000(require_known_datum(esri))
    assert to_degrees([X0], [Y0], crs=esri) == to_degrees([X0], [Y0], crs=CRS)


def building_frame():
    boxes = [shapely.box(X0 + x, Y0 + 100, X0 + x + 20, Y0 + 120) for x in (100, 200, 600)]
    table = {"building_id": ["1", "2", "3"], "building_kind": ["apartments", "apartments", "retail"]}
    return gpd.GeoDataFrame({**table, "levels": [6.0, 18.0, 3.0]}, geometry=boxes, crs=CRS)


def test_missing_households_are_estimated_from_floors_and_always_marked():
    """Floors 6 and 18 share 240 persons as 60 and 180, and their 104 households (240 / 2.31) as 26 and 78."""
    plan = import_plan(boundary=district(), streets=streets(), buildings=building_frame())
    filled = fill_households(plan, population=240)
    assert filled.households[["persons", "households"]].to_numpy().tolist() == [[60, 26], [180, 78]]
    assert filled.households["estimated"].all()
    assert "240" in filled.info.notes[-1].zh
    assert fill_households(filled) is filled
    with pytest.raises(InputError):
        fill_households(plan)


def test_untyped_buildings_count_where_the_marked_ones_cannot_hold_the_population():
    """Two marked homes of 400 m² and 24 storeys give 9,600 m²: room for 436 households of 22 m², 1,007 persons."""
    untyped = building_frame().assign(building_kind=["apartments", "apartments", None])
    plan = import_plan(boundary=district(), streets=streets(), buildings=untyped)
    room, crowd = fill_households(plan, population=1000), fill_households(plan, population=1010)
    assert (len(room.households), len(room.info.notes)) == (2, 1)
    assert (len(crowd.households), len(crowd.info.notes)) == (3, 2)
    assert "2" in crowd.info.notes[1].en
    # Three storeys more are 10,800 m²; 1,200 persons are 519 households of 20.8 m², which nobody would believe.
    assert "20.8" in fill_households(plan, population=1200).info.notes[2].zh
    typed = import_plan(boundary=district(), streets=streets(), buildings=building_frame())
    assert len(fill_households(typed, population=1010).households) == 2


def test_each_unit_gets_its_own_population():
    halves = [shapely.box(X0, Y0, X0 + 150, Y0 + 1000), shapely.box(X0 + 150, Y0, X0 + 1000, Y0 + 1000)]
    units = gpd.GeoDataFrame(
        {"社区编号": ["w", "e"], "级别": "community", "人口": [100, 20], "名称": ["西", "东"]}, geometry=halves, crs=CRS
    )
    plan = import_plan(boundary=district(), streets=streets(), buildings=building_frame(), units=units)
    assert fill_households(plan).households["persons"].tolist() == [100, 20]
