"""What the child hands to its parent: whole columns of every type, without pandas on its side."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from gridgeo.errors import FileError
from gridgeo.readers.bounded import read_file
from gridgeo.readers.clean import parse_days
from gridgeo.readers.raw import ROW

pytestmark = pytest.mark.usefixtures("quick_readers")


def make_points(columns, path):
    count = len(next(iter(columns.values())))
    points = gpd.GeoDataFrame(columns, geometry=[shapely.Point(116, 40)] * count, crs=4326)
    points.to_parquet(path) if path.suffix == ".parquet" else points.to_file(path)


@pytest.mark.parametrize("kind", ["gpkg", "shp", "csv"])
def test_a_child_starts_without_pandas(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    if kind == "csv":
        path.write_text("编号,户数\n1,2\n", encoding="utf-8")
    else:
        make_points({"户数": [2]}, path)
    request = json.dumps({"path": str(path), "kind": kind, "lang": "en", "layer": None, "first": False})
    program = (
        "import sys; from gridgeo.readers import child; code = child.run(*sys.argv[1:]);"
        "print(code, {'pandas', 'geopandas', 'pyproj'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program, request, str(tmp_path)], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("0 set()\n", "")


@pytest.mark.parametrize("kind", ["gpkg", "geojson", "fgb", "parquet"])
def test_columns_of_every_type_keep_what_they_hold(tmp_path, kind):
    columns = {
        "名": ["甲", None, "丙"],
        "数": [1, 2, 3],
        "或": pd.array([1, None, 3], dtype="Int64"),
        "真": [True, False, True],
        "日": pd.to_datetime(["2026-01-02 03:04:05", None, "2026-01-03 00:00:00"]),
        "空": [None, None, None],
    }
    path = tmp_path / f"a.{kind}"
    make_points(columns, path)
    table = read_file(path).table
    assert list(table.columns) == [*columns, ROW]
    assert table["名"].fillna("").tolist() == ["甲", "", "丙"]
    assert table["数"].tolist() == [1, 2, 3]
    assert table["或"].fillna(-1).tolist() == [1, -1, 3]
    assert table["真"].tolist() == [True, False, True]
    assert parse_days(table["日"])[0].tolist() == ["2026-01-02", None, "2026-01-03"]
    assert table["空"].isna().all()


def test_a_geopackage_whose_texts_are_not_utf_8_is_refused(tmp_path):
    path = tmp_path / "a.gpkg"
    make_points({"名称": ["甲"]}, path)
    with closing(sqlite3.connect(path)) as database:
        for (trigger,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f'DROP TRIGGER "{trigger}"')
        database.execute("UPDATE a SET 名称 = CAST(x'B0A1' AS TEXT) WHERE fid = 1")
        database.commit()
    with pytest.raises(FileError, match="Invalid UTF8"):
        read_file(path)


def test_an_attribute_that_is_called_geometry_is_kept_beside_the_geometries(tmp_path):
    path = tmp_path / "a.geojson"
    point = {"type": "Point", "coordinates": [116, 40]}
    properties = {"geometry": "点", "source_row": 9}
    feature = {"type": "Feature", "properties": properties, "geometry": point}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")
    raw = read_file(path)
    assert raw.table["geometry"].tolist() == ["点"]
    assert raw.table[ROW].tolist() == [1]
    assert shapely.get_x(raw.geometry.to_numpy()).tolist() == [116]


@pytest.mark.parametrize(
    ("change", "value", "told"),
    [
        ("UPDATE a SET 户数 = ? WHERE fid = 2", "约30户", "row 2, column 户数"),
        ("UPDATE a SET 户数 = ? WHERE fid = 2", b"7", "row 2, column 户数"),
        ("UPDATE a SET 建成 = ? WHERE fid = 2", "去年", "row 2, column 建成"),
    ],
)
def test_a_geopackage_whose_cells_are_not_what_their_column_says_is_refused(tmp_path, change, value, told):
    """SQLite keeps a text in a column of numbers; GDAL reads it as 0, and a day that is none as the first of 1970."""
    path = tmp_path / "a.gpkg"
    make_points({"户数": [1, 2]}, path)
    with closing(sqlite3.connect(path)) as database:
        for (trigger,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f'DROP TRIGGER "{trigger}"')
        database.execute("ALTER TABLE a ADD COLUMN 建成 DATE")
        database.execute("UPDATE a SET 建成 = '2001-02-03'")
        database.commit()
        sound = read_file(path).table
        assert (sound["户数"].tolist(), sound["建成"].tolist()) == ([1, 2], ["2001-02-03"] * 2)
        database.execute(change, (value,))
        database.commit()
    with pytest.raises(FileError, match=told):
        read_file(path)


def test_data_of_a_kml_keep_their_chinese_names_apart(tmp_path):
    """GDAL calls both columns ______ and keeps the values of one."""
    path = tmp_path / "a.kml"
    rows = [("甲", 3, 9), ("乙", 4, 8)]
    marks = "".join(
        f'<Placemark><name>{name}</name><ExtendedData><Data name="户数"><value>{homes}</value></Data>'
        f"<Data name='A&amp;B'><value>{people}</value></Data></ExtendedData>"
        "<Point><coordinates>116,40</coordinates></Point></Placemark>"
        for name, homes, people in rows
    )
    path.write_text(f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{marks}</Document></kml>', encoding="utf-8")
    table = read_file(path).table
    assert table["户数"].tolist() == ["3", "4"]
    assert table["A&B"].tolist() == ["9", "8"]
