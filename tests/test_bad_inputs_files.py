"""Hostile files: what reaches for other files, for code or the network, and what would exhaust or break the reader.

Each test says what is expected of one kind of bad input; further ones stand in ``test_readers_files.py``.
"""

from __future__ import annotations

import inspect
import json
import sqlite3
import struct
import zipfile
from contextlib import closing

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from gridgeo.cli.commands import run
from gridgeo.errors import FileError
from gridgeo.readers import check_file, import_plan, prepare_import, preview_file, read_file, read_osm
from gridgeo.readers.sniff import sniff
from gridgeo.store import write_plan
from gridgeo.texts import LANGUAGES, using_language

pytestmark = pytest.mark.usefixtures("quick_readers")

CRS = 4548
X0, Y0 = 442000.0, 4429000.0


def refused(path, *words, read=read_file, **options):
    """Expect one sentence that names the file, holds the words, and tells no path of the machine."""
    with pytest.raises(FileError) as caught:
        read(path, **options)
    for lang in LANGUAGES:
        with using_language(lang):
            said = str(caught.value)
            assert "\n" not in said
            assert path.name in said
            assert str(path.parent) not in said
    for word in words:
        assert word in str(caught.value)
    return caught.value


def written(path, content):
    path.write_text(content, encoding="utf-8")
    return path


def district():
    return gpd.GeoDataFrame(geometry=[shapely.box(X0, Y0, X0 + 1000, Y0 + 1000)], crs=CRS)


def streets():
    return gpd.GeoDataFrame(
        {"street_id": ["s"], "highway": "service"},
        geometry=[shapely.LineString([(X0, Y0 + 500), (X0 + 1000, Y0 + 500)])],
        crs=CRS,
    )


# What reaches elsewhere


@pytest.mark.parametrize("reader", [read_file, check_file, preview_file, import_plan, prepare_import])
def test_no_reader_takes_a_query_or_an_open_option(reader):
    taken = set(inspect.signature(reader).parameters)
    assert not taken & {"where", "sql", "sql_dialect", "options", "driver", "engine"}


@pytest.mark.parametrize(
    "layer", ["good WHERE 1=1 UNION SELECT", "(SELECT load_extension('x'))", "x; ATTACH 'y' AS z", "sqlite_master"]
)
def test_a_layer_is_only_a_name_and_never_a_query(tmp_path, layer):
    path = tmp_path / "a.gpkg"
    district().to_file(path, layer="good")
    refused(path, "good", layer=layer)


def test_rows_of_a_geopackage_with_triggers_and_views_come_in_and_nothing_of_it_runs(tmp_path):
    path = tmp_path / "a.gpkg"
    district().assign(n=1).to_file(path, layer="good")
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("CREATE TABLE seen (a)")
        database.execute("CREATE TRIGGER evil AFTER INSERT ON seen BEGIN DELETE FROM good; END")
        database.execute("CREATE VIEW v AS SELECT load_extension('evil')")
        database.execute("INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('v', 'features', 'v')")
    before = path.read_bytes()
    plan = import_plan(boundary=path, streets=streets())
    assert path.read_bytes() == before
    write_plan(plan, tmp_path / "plan.gpkg")
    with closing(sqlite3.connect(tmp_path / "plan.gpkg")) as database:
        names = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
    assert not names & {"evil", "v", "seen", "good"}


def kml(body, head=""):
    return f'<?xml version="1.0"?>{head}<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{body}</Document></kml>'


POINT = "<Placemark><name>{}</name><Point><coordinates>116.3,40</coordinates></Point></Placemark>"


def test_a_link_in_a_kml_is_left_alone_and_remarked_on(tmp_path):
    link = "<NetworkLink><Link><href>http://127.0.0.1:9/x.kml</href></Link></NetworkLink>"
    path = written(tmp_path / "a.kml", kml(POINT.format("甲") + link))
    report = check_file(path, layer="stations")
    assert [each.why for each in report.findings.repairs if each.why == "network_link"] == ["network_link"]
    assert report.findings.faults == []


LAUGHS = '<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">]>'
READ = '<!DOCTYPE x [<!ENTITY passwd SYSTEM "file:///etc/passwd">]>'
XML = {
    "kml": kml(POINT.format("&{};"), "{}"),
    "gpx": '<?xml version="1.0"?>{}<gpx version="1.1"><wpt lat="1" lon="1"><name>&{};</name></wpt></gpx>',
    "osm": '<?xml version="1.0"?>{}<osm><node id="1" lat="1" lon="1"><tag k="name" v="&{};"/></node></osm>',
    "gml": '<?xml version="1.0"?>{}<gml:FeatureCollection xmlns:gml="x"><n>&{};</n></gml:FeatureCollection>',
}


@pytest.mark.parametrize("kind", XML)
@pytest.mark.parametrize(("head", "entity"), [(LAUGHS, "lol"), (READ, "passwd")])
def test_entities_of_every_xml_are_refused_by_their_name(tmp_path, kind, head, entity):
    path = written(tmp_path / f"a.{kind}", XML[kind].format(head, entity))
    refused(path, entity)
    if kind == "osm":
        with pytest.raises(FileError):
            read_osm(path)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ('<?xml version="1.0"?><gml:FeatureCollection xmlns:gml="http://www.opengis.net/gml"/>', "GML"),
        ('<gpx version="1.1"><wpt lat="1" lon="1"/></gpx>', "GPX"),
        ('<?xml version="1.0"?><OGRWFSDataSource><URL>http://127.0.0.1:9/</URL></OGRWFSDataSource>', "XML"),
        ('{"links":[{"rel":"self","href":"http://127.0.0.1:9/"}],"collections":[]}', "GeoJSON"),
    ],
)
def test_other_descriptions_of_places_are_refused_by_what_they_are(tmp_path, content, word):
    refused(written(tmp_path / "a.geojson", content), word)


# What exhausts or breaks


@pytest.mark.parametrize(
    ("size", "packed"), [(1_550_000_000, 3_800_000), (2_000_000_000, 1_900_000), (20_000_000, 900)]
)
def test_a_zip_that_says_it_unpacks_to_too_much_is_refused_before_unpacking(tmp_path, size, packed):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", "编号,户数\n1,2\n")
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 18), (b"PK\x01\x02", 20)):
        struct.pack_into("<II", data, data.index(mark) + offset, packed, size)
    path.write_bytes(bytes(data))
    refused(path, "unpack")


def nested_wkb(depth):
    return struct.pack("<BII", 1, 7, 1) * depth + struct.pack("<BIdd", 1, 1, 0.0, 0.0)


def geoparquet(path, shapes):
    meta = {
        "version": "1.0.0",
        "primary_column": "geometry",
        "columns": {"geometry": {"encoding": "WKB", "geometry_types": []}},
    }
    table = pa.table({"geometry": pa.array(shapes, type=pa.binary()), "n": list(range(len(shapes)))})
    pq.write_table(table.replace_schema_metadata({"geo": json.dumps(meta)}), path, compression="none")
    return path


@pytest.mark.parametrize("depth", [200_000, 50_000])
def test_deeply_nested_wkb_breaks_at_most_the_child(tmp_path, depth):
    refused(geoparquet(tmp_path / "a.parquet", [nested_wkb(depth)]))
    path = tmp_path / "a.gpkg"
    district().to_file(path, layer="a")
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for function in ("IsEmpty", "MinX", "MaxX", "MinY", "MaxY"):
            database.create_function(f"ST_{function}", 1, lambda _: 0)
        head = b"GP\x00\x01" + struct.pack("<i", 0)
        database.execute("UPDATE a SET geom = ?", (head + nested_wkb(depth),))
    try:
        raw = read_file(path)
    except FileError:
        return
    assert raw.geometry.isna().tolist() == [True]


def test_collections_within_collections_become_rows_without_geometry(tmp_path):
    path = geoparquet(tmp_path / "a.parquet", [nested_wkb(3), shapely.to_wkb(shapely.Point(1, 2))])
    assert read_file(path).geometry.isna().tolist() == [True, False]


@pytest.mark.parametrize(
    "wkt",
    [
        "GEOMETRYCOLLECTION(" * 200_000 + "POINT(0 0)" + ")" * 200_000,
        "POLYGON" + "(" * 200_000 + "0 0" + ")" * 200_000,
        "MULTIPOLYGON( ( ( (0 0,1 0,1 1,0 0))))",
        "COMPOUNDCURVE((0 0,1 1))",
        "POINT(1",
        "=1+1",
    ],
)
def test_nested_or_broken_wkt_in_a_table_is_named_with_its_row(tmp_path, wkt):
    table = pd.DataFrame({"编号": ["a", "b"], "户数": 1, "wkt": [f"POINT({X0} {Y0})", wkt]})
    path = tmp_path / "a.csv"
    table.to_csv(path, index=False)
    report = check_file(path, layer="households", crs=f"EPSG:{CRS}")
    assert [(fault.key, fault.row) for fault in report.findings.faults] == [("no_wkt", 3)]
    assert len(report.findings.faults[0].message) < 200


def test_wkt_in_a_table_comes_in(tmp_path):
    table = pd.DataFrame(
        {"编号": ["a", "b"], "户数": [1, 2], "wkt": [f"POINT Z ({X0} {Y0} 5)", f" point ({X0} {Y0 + 1})"]}
    )
    table.to_csv(tmp_path / "a.csv", index=False)
    plan = import_plan(boundary=district(), streets=streets(), households=tmp_path / "a.csv", crs=f"EPSG:{CRS}")
    assert shapely.get_coordinates(plan.households.geometry.to_numpy()) == pytest.approx(
        np.array([(X0, Y0), (X0, Y0 + 1)])
    )


def ring_wkb(points):
    return struct.pack("<I", len(points)) + points.astype("<f8").tobytes()


def circle(count):
    angle = np.linspace(0, 2 * np.pi, count)
    points = np.column_stack([np.cos(angle), np.sin(angle)])
    points[-1] = points[0]
    return points


def test_a_polygon_of_ten_million_vertices_names_the_limit(tmp_path):
    many = struct.pack("<BII", 1, 3, 1) + ring_wkb(circle(10_000_000))
    path = geoparquet(tmp_path / "a.parquet", [shapely.to_wkb(shapely.Point(0, 0)), many])
    refused(path, "row 2", "10000000", "1000000")


def test_a_multipolygon_of_a_million_parts_names_the_limit(tmp_path):
    triangle = struct.pack("<BII", 1, 3, 1) + ring_wkb(np.array([(0, 0), (1, 0), (0, 1), (0, 0)]))
    path = geoparquet(tmp_path / "a.parquet", [struct.pack("<BII", 1, 6, 200_000) + triangle * 200_000])
    refused(path, "row 1", "200000 parts", "100000")


def test_a_polygon_of_a_hundred_thousand_holes_names_the_limit(tmp_path):
    hole = ring_wkb(np.array([(0, 0), (1, 0), (0, 1), (0, 0)]))
    path = geoparquet(
        tmp_path / "a.parquet", [struct.pack("<BII", 1, 3, 100_001) + ring_wkb(circle(9)) + hole * 100_000]
    )
    refused(path, "row 1", "100000 holes", "10000")


@pytest.mark.parametrize("part", [0.02, 0.5, 0.95])
def test_a_zip_or_workbook_cut_short_is_refused(tmp_path, part):
    table = pd.DataFrame({"编号": range(99), "户数": 1})
    table.to_excel(tmp_path / "a.xlsx", index=False)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", table.to_csv(index=False))
    for path in (tmp_path / "a.xlsx", tmp_path / "a.zip"):
        assert len(read_file(path).table) == 99
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
        refused(path)


def test_a_shapefile_that_lost_a_part_or_its_count_is_refused(tmp_path):
    path = tmp_path / "a.shp"
    shapes = [shapely.Point(116 + i / 100, 40) for i in range(9)]
    gpd.GeoDataFrame({"n": range(9)}, geometry=shapes, crs=4326).to_file(path)
    index, table = path.with_suffix(".shx"), path.with_suffix(".dbf")
    whole, rows = index.read_bytes(), table.read_bytes()
    index.unlink()
    refused(path, ".shx")
    index.write_bytes(whole[:-16])
    refused(path, "damaged")
    index.write_bytes(whole)
    table.write_bytes(rows[:4] + struct.pack("<I", 8) + rows[8:])
    refused(path, "damaged")
    start, length = struct.unpack_from("<HH", rows, 8)
    deleted = bytearray(rows)
    deleted[start + 2 * length] = ord("*")
    table.write_bytes(bytes(deleted))
    assert read_file(path).table["n"].tolist() == [0, 1, 3, 4, 5, 6, 7, 8]


def test_features_that_a_reader_would_pass_over_in_silence_are_counted(tmp_path):
    good = {"type": "Feature", "properties": {"n": 1}, "geometry": {"type": "Point", "coordinates": [116.3, 40]}}
    for odd in (None, 5, {**good, "type": "Nothing"}):
        path = written(tmp_path / "a.geojson", json.dumps({"type": "FeatureCollection", "features": [good, odd]}))
        try:
            raw = read_file(path)
        except FileError:
            continue
        assert len(raw.table) == 2


def test_a_quotation_mark_that_is_never_closed_swallows_no_row(tmp_path):
    path = written(tmp_path / "a.csv", '编号,户数,备注\n1,2,x\n2,3,"y\n3,4,z\n4,5,w\n')
    refused(path, "quotation mark")
    path = written(tmp_path / "a.csv", '编号,户数,备注\n1,2,x\n2,3,2"管\n')
    assert read_file(path).table["备注"].tolist() == ["x", '2"管']


def test_a_name_that_no_file_system_of_an_office_allows_is_no_file(tmp_path):
    for name in ("a\x00.csv", "x" * 5000, str(tmp_path / "none" / "a.csv")):
        with pytest.raises(FileError):
            sniff(tmp_path / name)


# What strangers tried


def test_a_workbook_that_declares_entities_is_refused_by_their_name(tmp_path):
    plain, path = tmp_path / "plain.xlsx", tmp_path / "laughs.xlsx"
    pd.DataFrame({"编号": ["a"], "户数": [1]}).to_excel(plain, index=False)
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            content = source.read(name).replace(b"<worksheet", LAUGHS.encode() + b"<worksheet", 1)
            target.writestr(name, content)
    refused(path, "lol")


def test_a_stray_cell_at_the_end_of_a_sheet_is_one_sentence_about_cells(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["编号", "户数"])
    book.active.cell(row=1_048_576, column=16_384, value="x")
    book.save(tmp_path / "far.xlsx")
    refused(tmp_path / "far.xlsx", "stray cell")


def test_a_shapefile_without_its_table_is_told_so(tmp_path):
    path = tmp_path / "a.shp"
    gpd.GeoDataFrame({"编号": ["a"]}, geometry=[shapely.Point(116.3, 40)], crs=4326).to_file(path, encoding="UTF-8")
    path.with_suffix(".dbf").unlink()
    refused(path, ".dbf")


@pytest.mark.parametrize(
    ("data", "word"),
    [
        ("编号,户数\na\0,3\n".encode(), "zero bytes"),
        ("id,households\na,3\n".encode("utf-16-le"), "zero bytes"),
        (b"id,households\n" + b"Ren\xe9,3\n", "neither UTF-8"),
        (bytes(range(1, 256)) * 20, "none of the kinds"),
    ],
)
def test_what_is_wrong_with_a_text_is_said(tmp_path, data, word):
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    refused(path, word)


def test_check_tells_how_many_rows_it_read_and_what_it_took_them_for(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("GRIDGEO_LANG", "en")
    path = written(tmp_path / "h.csv", "编号,户数,经度,纬度\na,约30户,116.3,40\nb,１２,116.3,40\n")
    assert run(["check", str(path), "--layer", "households"]) == 0
    said = capsys.readouterr().out
    assert "Rows read: 2." in said
    assert "约30户 is approximate; it was read as 30" in said
    assert run(["check", str(path), "--layer", "households", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["rows"], len([each for each in told["repairs"] if each["row"]])) == (2, 2)


def test_a_table_of_names_without_rows_and_an_extract_in_a_zip_are_told(tmp_path):
    path = written(tmp_path / "h.csv", "编号,户数,经度,纬度\n")
    assert [each.why for each in check_file(path, layer="households").findings.repairs] == ["no_rows"]
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.osm", '<osm version="0.6"></osm>')
    refused(tmp_path / "a.zip", "unpack it")
