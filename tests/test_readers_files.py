"""Files of every kind come in as they are; hostile and broken ones end in one sentence, never in a crash."""

from __future__ import annotations

import http.server
import io
import json
import os
import struct
import threading
import zipfile
from contextlib import closing, contextmanager

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from gridgeo.errors import FileError, GridgeoError
from gridgeo.readers.bounded import read_file
from gridgeo.readers.raw import ROW
from gridgeo.readers.sniff import decode, sniff
from gridgeo.texts import using_language

pytestmark = pytest.mark.usefixtures("quick_readers")

NAMES = ["清华园街道办事处", "乙，“丙”"]


def frame():
    table = {"名称": NAMES, "户数": [3, 4], "半径": [1.5, np.nan]}
    return gpd.GeoDataFrame(table, geometry=[shapely.Point(116.3, 40), shapely.Point(116.31, 40)], crs=4326)


def make_vector(kind, folder):
    path = folder / f"数据.{kind}"
    if kind == "parquet":
        frame().to_parquet(path)
    elif kind == "zip":
        frame().to_file(folder / "inner.shp", encoding="GBK")
        with zipfile.ZipFile(path, "w") as archive:
            for part in ("shp", "shx", "dbf", "prj"):
                archive.write(folder / f"inner.{part}", f"资料/图层.{part}")
    elif kind == "shp":
        frame().to_file(path, encoding="GBK")
        path.with_suffix(".cpg").unlink(missing_ok=True)
    else:
        frame().to_file(path, driver="KML" if kind == "kml" else None)
    return path


@pytest.mark.parametrize("kind", ["gpkg", "geojson", "fgb", "parquet", "shp", "zip", "kml"])
def test_every_kind_of_geometry_file_comes_in_whole(tmp_path, kind):
    before = make_vector(kind, tmp_path)
    raw = read_file(before)
    assert raw.file == before.name
    assert raw.crs.to_epsg() == 4326
    assert list(raw.table[ROW]) == [1, 2]
    assert sorted(shapely.get_x(raw.geometry.to_numpy())) == pytest.approx([116.3, 116.31], abs=1e-9)
    if kind != "kml":  # GDAL's KML writer keeps attributes under its own names
        rows = raw.table.set_index("户数")["名称"].to_dict()
        assert rows == {3: NAMES[0], 4: NAMES[1]}


@pytest.mark.parametrize("encoding", ["UTF-8", "GBK", "GB18030"])
@pytest.mark.parametrize("said", ["right", "none", "wrong"])
def test_the_encoding_of_a_shapefile_is_found_whatever_it_says(tmp_path, encoding, said):
    path = tmp_path / "a.shp"
    frame()[["名称", "geometry"]].to_file(path, encoding=encoding)
    cpg = path.with_suffix(".cpg")
    cpg.unlink(missing_ok=True)
    if said == "wrong":
        cpg.write_text("ISO-8859-1")
    elif said == "right":
        cpg.write_text(encoding)
    assert list(read_file(path).table["名称"]) == NAMES


def test_a_shapefile_cell_cut_in_mid_character_keeps_what_is_whole(tmp_path):
    path = tmp_path / "a.shp"
    gpd.GeoDataFrame({"n": ["x" + "户" * 126 + "a"]}, geometry=[shapely.Point(0, 0)], crs=4326).to_file(
        path, encoding="GBK"
    )
    table = path.with_suffix(".dbf")
    data = table.read_bytes()
    full = ("户" * 126 + "a").encode("gbk")
    assert data.count(full) == 1
    table.write_bytes(data.replace(full, full[:-1] + b"\xbb"))
    path.with_suffix(".cpg").unlink(missing_ok=True)
    assert read_file(path).table["n"][0] == "x" + "户" * 126


def workbook(path, rows, merges=(), hidden=()):
    book = openpyxl.Workbook()
    sheet = book.active
    for row in rows:
        sheet.append(row)
    for area in merges:
        sheet.merge_cells(area)
    for name in hidden:
        extra = book.create_sheet(name, 0)
        extra.append(["编号", "户数"])
        extra.append([99, 99])
        extra.sheet_state = "hidden"
    book.active = len(hidden)
    book.save(path)
    return path


def test_a_workbook_with_title_merged_headers_total_and_hidden_sheet(tmp_path):
    path = workbook(
        tmp_path / "表.xlsx",
        [
            ["清华园街道楼栋户数统计表", None, None, None, None],
            ["编号", "坐标", None, "住户", None],
            [None, "经度", "纬度", "户数", "老年人"],
            [1, 116.3, 40.0, "３０", "约12人"],
            [None, None, None, None, None],
            ["02", 116.31, 40.0, "1,230", "-"],
            ["合 计", None, None, 1260, 12],
        ],
        merges=["A1:E1", "A2:A3", "B2:C2", "D2:E2"],
        hidden=["底稿"],
    )
    raw = read_file(path)
    assert list(raw.table.columns) == ["编号", "经度", "纬度", "户数", "老年人", ROW]
    assert raw.table["编号"].tolist() == [1, "02"]
    assert raw.table["户数"].tolist() == ["３０", "1,230"]
    assert raw.table[ROW].tolist() == [4, 6]
    assert [(each["row"], each["why"]) for each in raw.dropped] == [
        (1, "above_header"),
        (2, "above_header"),
        (7, "total_row"),
    ]


def test_a_plain_workbook_and_a_chosen_sheet(tmp_path):
    path = workbook(tmp_path / "a.xlsx", [["x", "y", "甲"], [1, 2, "=1+1"]], hidden=["底稿"])
    assert list(read_file(path).table.columns) == ["x", "y", "甲", ROW]
    assert read_file(path, layer="底稿").table["户数"].tolist() == [99]
    with pytest.raises(FileError):
        read_file(path, layer="没有")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_text_tables_in_every_encoding(tmp_path, encoding, separator):
    path = tmp_path / "a.csv"
    lines = [["某街道住户表", "", ""], ["编号", "户数", "备注"], ["001", "3", '"甲\n乙"'], ["总计：", "3", ""]]
    path.write_bytes("\r\n".join(separator.join(line) for line in lines).encode(encoding))
    raw = read_file(path)
    assert raw.table["编号"].tolist() == ["001"]
    assert raw.table["备注"].tolist() == ["甲\n乙"]
    assert [each["why"] for each in raw.dropped] == ["above_header", "total_row"]


def test_decoding_never_guesses_wrongly_between_the_two():
    for words in ("清华园街道", "户数", "街道，办事处"):
        assert decode(words.encode("utf-8")) == words
        assert decode(words.encode("gb18030")) == words
    assert decode(b"\xff\xff\xff") is None


@contextmanager
def listener():
    """A server on loopback that counts what asks it."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(404)
            self.end_headers()

        do_HEAD = do_GET  # noqa: N815 - the server's own name

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def refused(path, **options):
    with pytest.raises(GridgeoError) as caught:
        read_file(path, **options)
    for lang in ("zh", "en"):
        with using_language(lang):
            said = str(caught.value)
            assert "Traceback" not in said
            assert "\n" not in said
    return caught.value


def test_texts_that_reach_for_other_files_or_the_network_are_refused(tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b\n1,2\n")
    with listener() as (address, asked):
        source = f"<SrcDataSource>{secret}</SrcDataSource>"
        vrt = f'<OGRVRTDataSource><OGRVRTLayer name="x">{source}</OGRVRTLayer></OGRVRTDataSource>'
        far = vrt.replace(str(secret), f"/vsicurl/{address}/x.csv")
        sql = vrt.replace("</SrcDataSource>", "</SrcDataSource><SrcSQL>SELECT * FROM secret</SrcSQL>")
        gdalg = json.dumps({"type": "gdal_streamed_alg", "command_line": f"gdal vector pipeline ! read {secret}"})
        both = '{"type":"FeatureCollection","features":[],"x":' + gdalg + "}"
        wfs = f"<OGRWFSDataSource><URL>{address}/wfs</URL></OGRWFSDataSource>"
        wms = f'<GDAL_WMS><Service name="WMS"><ServerUrl>{address}</ServerUrl></Service></GDAL_WMS>'
        rss = f'<rss xmlns:georss="x"><channel><link>{address}</link></channel></rss>'
        for text in (vrt, far, sql, gdalg, wfs, wms, rss, f'"{address}"', "PG:host=127.0.0.1", f"/vsicurl/{address}/a"):
            path = tmp_path / "a.geojson"
            path.write_text(text)
            refused(path)
            with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
                archive.writestr("a.geojson", text)
            refused(tmp_path / "a.zip")
        path.write_text(both)
        assert len(read_file(path).table) == 0
        for name in (
            f"/vsicurl/{address}/a.geojson",
            f"{address}/a.geojson",
            "/vsizip//vsicurl/x",
            "PG:host=127.0.0.1",
            "/vsis3/b/k",
            "MySQL:x",
            "a\x00b",
        ):
            refused(name)
        assert asked == []


def test_network_links_and_entities_of_kml_lead_nowhere(tmp_path):
    with listener() as (address, asked):
        path = tmp_path / "a.kml"
        point = "<Placemark><name>甲</name><Point><coordinates>116,40</coordinates></Point></Placemark>"
        link = f"<NetworkLink><Link><href>{address}/x.kml</href></Link></NetworkLink>"
        head = '<?xml version="1.0"?>{}<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{}</Document></kml>'
        path.write_text(head.format("", point + link))
        assert len(read_file(path).table) == 1
        path.write_text(
            head.format('<!DOCTYPE k [<!ENTITY x SYSTEM "file:///etc/passwd">]>', point.replace("甲", "&x;"))
        )
        refused(path)
        assert asked == []


def nested_wkb(depth):
    return struct.pack("<BII", 1, 7, 1) * depth + struct.pack("<BIdd", 1, 1, 0.0, 0.0)


def test_nested_geometries_break_at_most_the_child(tmp_path):
    data = pa.table({"geometry": [nested_wkb(200_000)], "a": [1]})
    meta = {
        "version": "1.0.0",
        "primary_column": "geometry",
        "columns": {"geometry": {"encoding": "WKB", "geometry_types": []}},
    }
    pq.write_table(data.replace_schema_metadata({"geo": json.dumps(meta)}), tmp_path / "a.parquet")
    refused(tmp_path / "a.parquet")
    (tmp_path / "a.geojson").write_text('{"type":"FeatureCollection","features":' + "[" * 20_000 + "]" * 20_000 + "}")
    refused(tmp_path / "a.geojson")


def zipped(path, *members, **options):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def test_zips_that_are_traps_are_refused_before_anything_is_unpacked(tmp_path):
    outside = tmp_path / "out.csv"
    for name in ("../out.csv", "/out.csv", "C:\\out.csv", "a/../../out.csv", "\\\\server\\x.csv"):
        refused(zipped(tmp_path / "a.zip", (name, "编号,户数\n1,2\n")))
    assert not outside.exists()
    link = zipfile.ZipInfo("a.csv")
    link.external_attr = 0o120777 << 16
    refused(zipped(tmp_path / "a.zip", (link, "/etc/passwd")))
    refused(zipped(tmp_path / "a.zip", ("a.csv", b"0" * 60_000_000)))
    refused(zipped(tmp_path / "a.zip", ("a.txt", "x"), ("b.pdf", "y")))
    refused(zipped(tmp_path / "a.zip", ("a.csv", "编号,户数\n1,2\n"), ("b.csv", "编号,户数\n1,2\n")))
    inner = zipped(tmp_path / "i.zip", ("a.csv", "编号,户数\n1,2\n")).read_bytes()
    refused(zipped(tmp_path / "a.zip", ("i.csv", inner)))
    assert (
        len(read_file(zipped(tmp_path / "a.zip", ("a.csv", "编号,户数\n1,2\n"), ("__MACOSX/._a.csv", "x"))).table) == 1
    )


def test_a_zip_that_lies_about_a_length_is_refused(tmp_path):
    path = zipped(tmp_path / "a.zip", ("a.csv", "编号,户数\n" + "1,2\n" * 5000))
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.index(mark) + offset
        data[at : at + 4] = struct.pack("<I", 100)
    path.write_bytes(bytes(data))
    refused(path)


def test_endless_views_in_a_geopackage_are_not_read(tmp_path):
    import sqlite3

    path = tmp_path / "a.gpkg"
    frame().to_file(path, layer="good")
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute(
            "CREATE VIEW bad AS WITH RECURSIVE n(fid) AS (SELECT 1 UNION ALL SELECT fid + 1 FROM n) SELECT fid FROM n"
        )
        database.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('bad', 'features', 'bad')"
        )
    assert len(read_file(path).table) == 2
    refused(path, layer="bad")


def test_a_reader_that_takes_too_long_is_stopped(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("编号,户数\n" + "1,2\n" * 10)
    assert refused(path, timeout_s=0.01).key == "unreadable_file"


@pytest.mark.parametrize(
    "content", [b"", b"\x00\x01\x02", b"%PDF-1.4", b"\x80\x04\x95pickle", b"\xff\xd8\xff", b"a" * 10, b"\n\n\n"]
)
def test_other_content_is_refused_whatever_its_name(tmp_path, content):
    for name in ("a.csv", "a.shp"):
        path = tmp_path / name
        path.write_bytes(content)
        refused(path)


def test_pickle_and_graphml_are_never_read(tmp_path):
    import pickle

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    for content in (pickle.dumps(Evil()), b"<graphml><node id='__import__(\"os\")'/></graphml>"):
        (tmp_path / "a.geojson").write_bytes(content)
        refused(tmp_path / "a.geojson")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("kind", ["gpkg", "fgb", "parquet", "shp"])
def test_a_file_cut_short_is_refused_or_whole(tmp_path, kind):
    path = make_vector(kind, tmp_path)
    whole = path.read_bytes()
    for part in (0.3, 0.9):
        path.write_bytes(whole[: int(len(whole) * part)])
        try:
            raw = read_file(path)
        except FileError:
            continue
        assert len(raw.table) == 2, (kind, part)


def test_a_workbook_with_a_flipped_byte_is_refused_or_whole(tmp_path):
    rows = [["编号", "户数"], *([i, i] for i in range(50))]
    path = workbook(tmp_path / "a.xlsx", rows)
    whole = path.read_bytes()
    rng = np.random.default_rng(4)
    for _ in range(6):
        data = bytearray(whole)
        data[rng.integers(100, len(data))] ^= 0x55
        path.write_bytes(bytes(data))
        try:
            raw = read_file(path)
        except FileError:
            continue
        assert raw.table["户数"].tolist() == list(range(50))


def test_what_a_file_is_is_told_by_content(tmp_path):
    for kind in ("gpkg", "geojson", "fgb", "parquet"):
        path = make_vector(kind, tmp_path)
        assert sniff(path.rename(tmp_path / f"x-{kind}.txt")) == kind
    assert sniff(workbook(tmp_path / "b.bin", [["a", "b"]])) == "xlsx"
    with pytest.raises(FileError):
        sniff(tmp_path)


def test_a_table_in_memory_is_not_a_file():
    with pytest.raises(TypeError):
        read_file(io.BytesIO(b"x"))
    assert isinstance(pd.DataFrame(), pd.DataFrame)
