"""The plan file: it comes back as it went, a failure leaves the old one whole, and nothing hostile runs."""

from __future__ import annotations

import resource
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely

from gridgeo.errors import FileError, GridgeoError, InputError, MissingDataError, PlanError
from gridgeo.plan import Level, Name, PlanInfo, make_plan
from gridgeo.readers import bundled_plan_path
from gridgeo.schema import LAYERS
from gridgeo.store import SCHEMA_VERSION, read_plan, write_plan

CRS = 4548


def frame(shapes, **columns):
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS)


def small_plan(name="甲", households=(3, 4)):
    """Two blocks of one community, each a grid, one household point in each.

    ::

        +----+----+
        | h1 | h2 |   B1 -> G1, B2 -> G2
        +----+----+
    """
    west, east = shapely.box(0, 0, 100, 100), shapely.box(100, 0, 200, 100)
    both = shapely.box(0, 0, 200, 100)
    info = PlanInfo(
        name=Name(name, "A"),
        levels=(
            Level("town", Name("镇", "town")),
            Level("village", Name("村", "village")),
            Level("grid", Name("网格", "grid")),
        ),
        attribution="© someone",
        notes=(Name("估算 ‘甲’", 'estimated "a"'),),
    )
    return make_plan(
        info,
        CRS,
        units=frame([both, both], unit_id=["T", "V"], level=["town", "village"], parent_id=[None, "T"]),
        streets=frame([shapely.LineString([(0, 0), (200, 0.1)])], street_id=["s"], street_class=["service"]),
        barriers=frame(
            [shapely.LineString([(0, 50), (10, 50)]), shapely.box(5, 5, 6, 6)],
            barrier_id=["b", "w"], barrier_kind=["wall", "water"]
        ),
        buildings=frame(
            [west, shapely.MultiPolygon([west, shapely.box(300, 0, 301, 1)])],
            building_id=["1", "2"], levels=[np.nan, 6.5],
        ),
        blocks=frame([west, east], block_id=["B1", "B2"], community_id=["V", "V"], grid_id=["G1", "G2"]),
        grids=frame([west, east], grid_id=["G1", "G2"], code=["001", "002"], locked=[True, False]),
        households=frame(
            [shapely.Point(50, 50), shapely.Point(150, 50)],
            household_id=["h1", "h2"], households=list(households), persons=[7.0, np.nan], remark=["=1+1", None],
        ),
        stations=frame([shapely.Point(1 / 3, 2 / 3)], station_id=["S"], name=["服务站"], capacity=[np.nan]),
    )  # fmt: skip


def assert_same(one, two):
    assert one.info == two.info
    assert one.crs == two.crs
    for name, layer in one.layers().items():
        other = two.layers()[name]
        assert list(layer.columns) == list(other.columns)
        assert layer.drop(columns="geometry").equals(other.drop(columns="geometry"))
        assert shapely.equals_identical(layer.geometry.to_numpy(), other.geometry.to_numpy()).all()


def test_a_plan_comes_back_to_the_last_bit(tmp_path):
    plan = small_plan()
    write_plan(plan, tmp_path / "方 案.gpkg")
    back = read_plan(tmp_path / "方 案.gpkg")
    assert_same(plan, back)
    assert list(back.households["village_id"]) == ["V", "V"]
    assert list(back.households["town_id"]) == ["T", "T"]
    assert [path.name for path in tmp_path.iterdir()] == ["方 案.gpkg"]


@pytest.mark.parametrize("place", ["qinghuayuan", "nanshan"])
def test_bundled_plans_come_back_to_the_last_bit(tmp_path, place):
    plan = read_plan(bundled_plan_path(place))
    write_plan(plan, tmp_path / "a.gpkg")
    assert_same(plan, read_plan(tmp_path / "a.gpkg"))


def test_a_plan_is_a_proper_geopackage_that_other_programs_list(tmp_path):
    write_plan(small_plan(), tmp_path / "a.gpkg")
    listed = dict(pyogrio.list_layers(tmp_path / "a.gpkg"))
    assert set(listed) == {*LAYERS, "edits", "gridgeo_plan", "layer_styles"}
    assert listed["grids"] == "MultiPolygon"
    assert listed["buildings"] == "MultiPolygon"
    stored = pyogrio.read_dataframe(tmp_path / "a.gpkg", layer="households")
    assert "grid_id" not in stored
    with closing(sqlite3.connect(tmp_path / "a.gpkg")) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (10300,)
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        kinds = dict(database.execute("SELECT table_name, data_type FROM gpkg_contents").fetchall())
    tables = {name: "features" if layer.geometry else "attributes" for name, layer in LAYERS.items()}
    assert kinds == {**tables, **dict.fromkeys(("edits", "gridgeo_plan", "layer_styles"), "attributes")}


def test_writing_replaces_in_one_step_and_keeps_rights(tmp_path):
    path = tmp_path / "a.gpkg"
    write_plan(small_plan("旧"), path)
    path.chmod(0o640)
    link = tmp_path / "link.gpkg"
    link.symlink_to(path)
    write_plan(small_plan("新"), link)
    assert link.is_symlink()
    assert read_plan(path).info.name.zh == "新"
    assert path.stat().st_mode & 0o777 == 0o640


def test_reading_does_not_touch_the_file(tmp_path):
    path = tmp_path / "a.gpkg"
    write_plan(small_plan(), path)
    before = path.read_bytes()
    path.chmod(0o444)
    read_plan(path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["a.gpkg"]


def one_sentence(error, *words):
    said = str(error.value)
    assert isinstance(error.value, GridgeoError)
    assert "Traceback" not in said
    for word in words:
        assert word in said


def test_what_cannot_be_read_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("GRIDGEO_LANG", "en")
    with pytest.raises(FileError) as caught:
        read_plan(tmp_path / "none.gpkg")
    one_sentence(caught, "no file")
    for content in (b"", b"hello", b"SQLite format 3", b"SQLite format 3\x00"):
        (tmp_path / "bad.gpkg").write_bytes(content)
        with pytest.raises((PlanError, FileError)) as caught:
            read_plan(tmp_path / "bad.gpkg")
        one_sentence(caught, "bad.gpkg")
    with closing(sqlite3.connect(tmp_path / "plain.gpkg")) as database:
        database.execute("CREATE TABLE a (b)")
    with pytest.raises(PlanError) as caught:
        read_plan(tmp_path / "plain.gpkg")
    one_sentence(caught, "not a gridgeo plan")
    gpd.GeoDataFrame(geometry=[shapely.Point(0, 0)], crs=CRS).to_file(tmp_path / "foreign.gpkg")
    with pytest.raises(PlanError) as caught:
        read_plan(tmp_path / "foreign.gpkg")
    one_sentence(caught, "not a gridgeo plan")


def changed(tmp_path, *statements):
    path = tmp_path / "changed.gpkg"
    path.unlink(missing_ok=True)
    write_plan(small_plan(), path)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for function in ("IsEmpty", "MinX", "MaxX", "MinY", "MaxY"):  # the spatial index's triggers call these
            database.create_function(f"ST_{function}", 1, lambda _: 0)
        for statement in statements:
            database.execute(statement)
    return path


def test_a_newer_plan_is_refused_by_name(tmp_path, monkeypatch):
    monkeypatch.setenv("GRIDGEO_LANG", "en")
    path = changed(tmp_path, "UPDATE gridgeo_plan SET value = value + 1 WHERE key = 'schema_version'")
    assert SCHEMA_VERSION == 2
    with pytest.raises(PlanError) as caught:
        read_plan(path)
    one_sentence(caught, "newer gridgeo", "Update gridgeo")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE gridgeo_plan SET value = '{' WHERE key = 'info'",
        "UPDATE gridgeo_plan SET value = '{}' WHERE key = 'info'",
        "UPDATE gridgeo_plan SET value = '[1]' WHERE key = 'info'",
        "UPDATE gridgeo_plan SET value = 'nowhere' WHERE key = 'crs'",
        "UPDATE gridgeo_plan SET value = NULL WHERE key = 'crs'",
        "UPDATE gridgeo_plan SET value = 'one' WHERE key = 'schema_version'",
        "DELETE FROM gridgeo_plan",
        "DROP TABLE gridgeo_plan",
    ],
)
def test_a_plan_table_of_nonsense_is_no_plan(tmp_path, statement):
    with pytest.raises(PlanError):
        read_plan(changed(tmp_path, statement))


def test_a_missing_layer_is_named(tmp_path):
    with pytest.raises(PlanError) as caught:
        read_plan(changed(tmp_path, "DELETE FROM gpkg_contents WHERE table_name = 'stations'"))
    one_sentence(caught, "stations")
    with pytest.raises(MissingDataError):
        small_plan().require("gates")


@pytest.mark.parametrize("value", ["'many'", "x'00'"])
def test_a_cell_that_is_not_of_its_type_is_named_and_never_read_as_zero(tmp_path, value):
    with pytest.raises(FileError) as failed:
        read_plan(changed(tmp_path, f"UPDATE households SET persons = {value} WHERE household_id = 'h2'"))  # noqa: S608
    assert all(said in str(failed.value) for said in ("row 2", "households", "persons"))


def test_faults_inside_are_all_named(tmp_path):
    path = changed(tmp_path, "UPDATE households SET households = -1", "UPDATE stations SET capacity = -5")
    with pytest.raises(InputError) as caught:
        read_plan(path)
    found = {(fault.layer, fault.row, fault.key) for fault in caught.value.faults}
    assert found == {
        ("households", 1, "negative_value"),
        ("households", 2, "negative_value"),
        ("stations", 1, "negative_value"),
    }


ENDLESS = "CREATE VIEW {} AS WITH RECURSIVE n(fid) AS (SELECT 1 UNION ALL SELECT fid + 1 FROM n) SELECT fid FROM n"


@pytest.mark.parametrize(
    "statements",
    [
        [ENDLESS.format("extra")],
        ["DROP TABLE gridgeo_plan", ENDLESS.format("gridgeo_plan")],
        ["DELETE FROM gpkg_contents WHERE table_name = 'gates'", "DROP TABLE gates", ENDLESS.format("gates")],
        ["CREATE TRIGGER evil AFTER INSERT ON gridgeo_plan BEGIN DELETE FROM gridgeo_plan; END"],
        ["CREATE TABLE t (a, b AS (hex(zeroblob(900000000))))"],
        ["CREATE VIRTUAL TABLE v USING fts4(a)", "CREATE VIEW w AS SELECT * FROM v"],
    ],
)
def test_hostile_views_and_triggers_are_refused_at_once(tmp_path, statements):
    path = changed(tmp_path, *statements)
    with pytest.raises(PlanError):
        read_plan(path)


def test_a_plan_cut_short_never_reads_as_a_smaller_plan(tmp_path):
    whole = bundled_plan_path("qinghuayuan").read_bytes()
    path = tmp_path / "cut.gpkg"
    for part in np.linspace(0.001, 0.999, 25):
        path.write_bytes(whole[: int(len(whole) * part)])
        with pytest.raises((FileError, PlanError)):
            read_plan(path)


def test_random_damage_ends_in_a_sentence_or_in_the_same_number_of_rows(tmp_path):
    rng = np.random.default_rng(7)
    source = tmp_path / "a.gpkg"
    write_plan(small_plan(), source)
    whole = np.frombuffer(source.read_bytes(), dtype="uint8")
    counts = {name: len(layer) for name, layer in small_plan().layers().items()}
    path = tmp_path / "b.gpkg"
    refused = 0
    for _ in range(60):
        data = whole.copy()
        at = rng.integers(0, len(data), 40)
        data[at] = rng.integers(0, 256, 40)
        path.write_bytes(data.tobytes())
        try:
            plan = read_plan(path)
        except GridgeoError:
            refused += 1
        else:
            assert {name: len(layer) for name, layer in plan.layers().items()} == counts
    assert refused > 0


@pytest.mark.parametrize("name", ["a.txt", "no/a.gpkg", "folder.gpkg"])
def test_where_nothing_can_be_written_is_one_sentence(tmp_path, name):
    (tmp_path / "folder.gpkg").mkdir()
    with pytest.raises(FileError) as caught:
        write_plan(small_plan(), tmp_path / name)
    one_sentence(caught, name.rsplit("/", maxsplit=1)[-1])
    assert [path.name for path in tmp_path.iterdir()] == ["folder.gpkg"]


def run(code, *arguments, **options):
    """Run Python in a child, as a plain user where the tests run as root: root may write anywhere."""
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, check=False, **options
    )


SAVE = """
import sys
from gridgeo.errors import FileError
from gridgeo.readers import bundled_plan_path
from gridgeo.store import read_plan, write_plan
plan = read_plan(bundled_plan_path("nanshan"))
{before}
try:
    write_plan(plan, sys.argv[1])
except FileError as error:
    print(error.key)
"""


def test_a_size_limit_leaves_the_old_plan_whole(tmp_path):
    path = tmp_path / "a.gpkg"
    write_plan(small_plan(), path)
    before = path.read_bytes()
    for limit in (50_000, 400_000, 900_000):
        done = run(
            SAVE.format(before=f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))"), path
        )
        assert (done.stdout.strip(), done.stderr) == ("unwritable_file", "")
        assert path.read_bytes() == before
        assert [each.name for each in tmp_path.iterdir()] == ["a.gpkg"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_folder_without_rights_is_one_sentence(tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir()
    path = folder / "a.gpkg"
    write_plan(small_plan(), path)
    before = path.read_bytes()
    folder.chmod(0o555)
    # Root passes every check of rights, so the child gives its rights up first.
    give_up = "import os\nif os.getuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)"
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents:
        if parent == Path(tempfile.gettempdir()):
            break
        parent.chmod(0o755)
    done = run(SAVE.format(before=give_up), path)
    assert (done.stdout.strip(), done.stderr) == ("unwritable_file", "")
    folder.chmod(0o755)
    assert path.read_bytes() == before
