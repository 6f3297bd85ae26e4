"""Files with random bytes changed, 250 of each of ten kinds: a sentence or all rows, never anything else.

Every file goes the whole way of `read_file`: content sniffed, zip checked, read in a bounded child that has only the
one driver it needs. The child lives on from file to file (see ``forked_reader.py``), since starting it is what costs.
"""

from __future__ import annotations

import io
import re
import zipfile
from itertools import pairwise
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import pytest
import shapely
from forked_reader import LastingReaders
from osmium.osm.mutable import Node, Way

from gridgeo.errors import FileError
from gridgeo.readers import bounded
from gridgeo.readers.bounded import read_file, read_osm_tables
from gridgeo.readers.sniff import decode
from gridgeo.texts import LANGUAGES, using_language

ROWS = 12
MUTATIONS = 250
PATIENCE_S = 20.0


@pytest.fixture(scope="module")
def readers():
    started = LastingReaders()
    yield started
    started.close()


@pytest.fixture
def quick(readers, monkeypatch):
    monkeypatch.setattr(bounded, "start_child", readers)


def table():
    rng = np.random.default_rng(1)
    columns = {"名称": [f"清华园{i}号" for i in range(ROWS)], "户数": np.arange(ROWS), "半径": rng.uniform(0, 9, ROWS)}
    shapes = [shapely.Point(116.3 + i / 1000, 40).buffer(1e-4, quad_segs=2) for i in range(ROWS)]
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=4326)


def make_parts(kind, folder):
    """Write the table as one kind of file; return the file, and those of its parts that are to be changed."""
    path = folder / f"a.{kind}"
    if kind == "parquet":
        table().to_parquet(path)
    elif kind == "csv":
        table().drop(columns="geometry").to_csv(path, index=False, encoding="gbk")
    elif kind == "xlsx":
        table().drop(columns="geometry").to_excel(path, index=False)
    elif kind == "shp":
        table().to_file(path, encoding="GBK")
        return path, [path.with_suffix(suffix) for suffix in (".shp", ".shx", ".dbf")]
    else:
        table().to_file(path, driver="KML" if kind == "kml" else None)
    return path, [path]


def change(data, rng):
    """Change one to five bytes, half the time near the beginning, where headers are."""
    changed = np.frombuffer(data, dtype="uint8").copy()
    count, end = rng.integers(1, 6), len(data) if rng.random() < 0.5 else min(len(data), 200)
    changed[rng.integers(0, end, count)] = rng.integers(0, 256, count)
    return changed.tobytes()


def change_inside(data, rng):
    """Change a member of a workbook and pack it again with a sum that fits: nothing but its own XML tells."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice([each for each in members if each.startswith("xl/")])
    members[name] = change(members[name], rng)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for each, content in members.items():
            archive.writestr(each, content)
    return out.getvalue()


def account(raw):
    """Count all rows that are told of: read, or listed as left out."""
    left_out = {each["row"] for each in raw.dropped if each["why"] not in {"beyond_columns", "merged_number"}}
    return len(raw.table) + len(left_out)


def rows_of_text(data):
    """Count the lines of a table of text that hold anything but separators."""
    lines = decode(data).replace("\r", "\n").split("\n")
    return sum(
        1
        for line in lines
        if line.replace('"', "").strip(",;\t| \x1c\x1d\x1e\x1f\x0b\x0c\x85\u2028\u2029\u3000\ufeff\u200b")
    )


def require_sentence(error, path, which):
    """See that what was raised is one sentence that names the file and tells nothing of the machine."""
    for lang in LANGUAGES:
        with using_language(lang):
            said = str(error)
        assert "Traceback" not in said, which
        assert "\n" not in said, which
        assert path.name in said, which
        assert str(path.parent) not in said, which


@pytest.mark.parametrize("kind", ["gpkg", "shp", "geojson", "kml", "fgb", "parquet", "csv", "xlsx"])
def test_changed_bytes_end_in_a_sentence_or_in_all_rows(kind, tmp_path, quick):
    path, parts = make_parts(kind, tmp_path)
    whole = [part.read_bytes() for part in parts]
    rng = np.random.default_rng(20_261_122)
    refused = 0
    for at in range(MUTATIONS):
        chosen = at % len(parts)
        data = (change_inside if kind == "xlsx" and at % 2 else change)(whole[chosen], rng)
        parts[chosen].write_bytes(data)
        try:
            raw = read_file(path, timeout_s=PATIENCE_S)
        except FileError as error:
            refused += 1
            require_sentence(error, path, (kind, at))
        else:
            expected = rows_of_text(data) - 1 if kind == "csv" else ROWS
            assert account(raw) == expected, (kind, at)
            assert isinstance(raw.table, pd.DataFrame)
        parts[chosen].write_bytes(whole[chosen])
    assert refused > 0
    assert len(read_file(path).table) == ROWS


def write_extract(path):
    """Write streets and buildings that share their nodes, and a gate, as PBF or XML."""
    with osmium.SimpleWriter(str(path)) as writer:
        for at in range(4 * ROWS):
            where = (116.3 + at % 4 * 1e-4, 40 + at // 4 * 1e-4)
            writer.add_node(Node(id=at + 1, location=where, tags={"barrier": "gate"} if at == 5 else {}))
        for at in range(ROWS):
            own = [4 * at + 1, 4 * at + 2, 4 * at + 3]
            writer.add_way(Way(id=at + 1, nodes=own, tags={"highway": "residential", "name": f"清华{at}街"}))
        for at in range(ROWS):
            ring = [4 * at + 1, 4 * at + 2, (4 * at + 5) % (4 * ROWS) + 1, 4 * at + 1]
            writer.add_way(Way(id=ROWS + at + 1, nodes=ring, tags={"building": "yes"}))
    return path


def streets_of(data):
    """Count by another parser the streets that two known nodes in a row make, and those that lack a node."""
    plain = re.sub(rb"<osm [^>]*>", b"<osm>", data)  # its attributes say nothing of streets
    root = ET.fromstring(plain)  # noqa: S314 - our own file
    at = {node.get("id"): (node.get("lon"), node.get("lat")) for node in root.iter("node") if node.get("lon")}
    drawn = cut = 0
    for way in root.iter("way"):
        places = [at.get(nd.get("ref")) for nd in way.iter("nd")]
        street = any(tag.get("k") == "highway" for tag in way.iter("tag"))
        if street and any(one and two and one != two for one, two in pairwise(places)):
            drawn, cut = drawn + 1, cut + (None in places)
    return drawn, cut


@pytest.mark.parametrize("kind", ["osm", "osm.pbf"])
def test_changed_bytes_of_an_extract_end_in_a_sentence_or_in_all_streets(kind, tmp_path, quick):
    path = write_extract(tmp_path / f"a.{kind}")
    whole, rng, refused = path.read_bytes(), np.random.default_rng(20_261_122), 0
    for at in range(MUTATIONS):
        data = change(whole, rng)
        path.write_bytes(data)
        try:
            tables, cut = read_osm_tables(path, timeout_s=PATIENCE_S)
        except FileError as error:
            refused += 1
            require_sentence(error, path, (kind, at))
        else:
            assert (len(tables["streets"]), cut) == (streets_of(data) if kind == "osm" else (ROWS, 0)), (kind, at)
    assert refused > 0
    path.write_bytes(whole)
    tables, _ = read_osm_tables(path)
    assert (len(tables["streets"]), len(tables["buildings"]), len(tables["gates"])) == (ROWS, ROWS, 1)
