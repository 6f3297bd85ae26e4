"""What happens to a plan file: killed saves, full disks, other programs' locks and journals, other formats."""

from __future__ import annotations

import errno
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pyogrio
import pytest
from test_store import assert_same, run, small_plan

from gridgeo.errors import FileError, PlanError
from gridgeo.readers import bundled_plan_path
from gridgeo.schema import LAYERS
from gridgeo.store import SCHEMA_VERSION, read_plan, write_plan
from gridgeo.store.migrations import MIGRATIONS
from gridgeo.store.qgis import STYLES

KILLS = 50

# A loaded process forks one that saves the plan it is told to, and says its number.
SAVER = """
import os, sys, time
from gridgeo.store import read_plan, write_plan
plans = [read_plan(path) for path in sys.argv[2:]]
for line in sys.stdin:
    number = os.fork()
    if number == 0:
        print(os.getpid(), flush=True)
        write_plan(plans[int(line)], sys.argv[1])
        print("saved", flush=True)
        time.sleep(60)
    os.waitpid(number, 0)
    print("gone", flush=True)
"""


def stored(path):
    """Return name and counts of a sound plan file; a full read costs ten times as much."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        (info,) = database.execute("SELECT value FROM gridgeo_plan WHERE key = 'info'").fetchone()
        return json.loads(info)["name"]["zh"], database.execute("SELECT households FROM households").fetchall()


def test_fifty_killed_saves_leave_one_plan_or_the_other(tmp_path):
    rng = np.random.default_rng(3)
    path, plans = tmp_path / "a.gpkg", [small_plan("旧"), small_plan("新", households=(30, 40))]
    known = [("旧", [(3,), (4,)]), ("新", [(30,), (40,)])]
    for (name, _), plan in zip(known, plans, strict=True):
        write_plan(plan, tmp_path / f"{name}.gpkg")
    begun = time.perf_counter()
    write_plan(plans[0], path)
    took = time.perf_counter() - begun
    seen = [0]
    command = [sys.executable, "-c", SAVER, str(path), *(str(tmp_path / f"{name}.gpkg") for name, _ in known)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as saver:
        for turn in range(KILLS):
            saver.stdin.write(f"{1 - seen[-1]}\n")
            saver.stdin.flush()
            number = int(saver.stdout.readline())
            if turn % 10:
                time.sleep(rng.uniform(0, 1.6 * took))
            else:  # a busy machine may take longer than that every time
                assert saver.stdout.readline() == "saved\n"
            os.kill(number, signal.SIGKILL)
            assert list(iter(saver.stdout.readline, "gone\n")) in ([], ["saved\n"])
            seen.append(known.index(stored(path)))
        saver.stdin.close()
    assert set(seen) == {0, 1}
    assert_same(plans[seen[-1]], read_plan(path))


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_disk_that_is_full_is_told_and_the_plan_stays_whole(tmp_path, monkeypatch, step):
    path = tmp_path / "a.gpkg"
    write_plan(small_plan("旧"), path)

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        if step == "fsync":
            patched.setattr(os, "fsync", full)
        else:
            patched.setattr(Path, "replace", full)
        with pytest.raises(FileError) as caught:
            write_plan(small_plan("新"), path)
    assert "No space left" in str(caught.value)
    assert_same(small_plan("旧"), read_plan(path))
    assert [each.name for each in tmp_path.iterdir()] == ["a.gpkg"]


DISK_FULL = """
import ctypes, os, subprocess, sys
from pathlib import Path
from gridgeo.errors import GridgeoError
from gridgeo.readers import bundled_plan_path, prepare_lists
from gridgeo.redraw import apply_edit, make_edit, save_edits
from gridgeo.store import FORMATS, export_plan, read_plan, write_plan
import pandas as pd
folder, small = Path(sys.argv[1]), Path(sys.argv[2])
# The drive is this process's own: it is gone with it, however it ends.
alone = os.getuid() == 0 and ctypes.CDLL(None).unshare(0x00020000) == 0
mounted = alone and all(
    subprocess.run(["mount", *order], capture_output=True).returncode == 0
    for order in (["--make-rprivate", "/"], ["-t", "tmpfs", "-o", "size=2m", "none", folder])
)
if not mounted:
    import resource, signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
large = read_plan(bundled_plan_path("nanshan"))
path = folder / "a.gpkg"
write_plan(read_plan(small), path)
plan, before = read_plan(path), path.read_bytes()
for turn in range(120):
    plan = apply_edit(plan, make_edit("rename_grid", grid="G1", name="x" * 900 + str(turn))).plan
needs = pd.DataFrame({"need_kind": ["x" * 3000] * 900})
listed = prepare_lists(read_plan(small), needs=needs).plan
if mounted:  # fill what is left but for a little
    with open(folder / "filler", "wb") as filler:
        room = os.statvfs(folder)
        filler.write(b"0" * (room.f_bavail * room.f_frsize - 60_000))
else:
    limit = path.stat().st_size + 8192
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
for work in (
    lambda: write_plan(large, path),
    lambda: save_edits(plan, path),
    lambda: write_plan(listed, path),
    *(lambda kind=kind: export_plan(large, folder / "out", format=kind) for kind in FORMATS),
):
    try:
        work()
        print("done")
    except GridgeoError as error:
        print(error.key)
    assert path.read_bytes() == before
    left = sorted(each.name for each in folder.iterdir() if each.name not in ("filler", "out"))
    assert left == ["a.gpkg"], left
    assert not (folder / "out").exists() or not list((folder / "out").iterdir()), list((folder / "out").iterdir())
read_plan(path)
"""


def test_a_disk_that_is_really_full_leaves_everything_as_it_was(tmp_path):
    """A drive of 2 MB where one may be mounted, else a limit on files: saves, imports and exports are told."""
    folder = tmp_path / "drive"
    folder.mkdir()
    write_plan(small_plan(), tmp_path / "small.gpkg")
    done = run(DISK_FULL, folder, tmp_path / "small.gpkg", env={**os.environ, "GRIDGEO_LANG": "en"})
    said = done.stdout.split()
    assert said == ["unwritable_file"] * 11, (done.stdout, done.stderr)
    assert done.stderr == ""


def to_wal(path):
    """Leave a plan file in the journal mode that QGIS sets while it edits."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        assert database.execute("PRAGMA journal_mode = WAL").fetchone() == ("wal",)
    assert path.read_bytes()[18:20] == b"\x02\x02"


READ = """
import os, sys
from gridgeo.errors import GridgeoError
from gridgeo.readers import bundled_plan_path
from gridgeo.store import read_plan
read_plan(bundled_plan_path("qinghuayuan"))  # loads all it needs while it may
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    print(read_plan(sys.argv[1]).info.name.zh)
except GridgeoError as error:
    print(error)
"""


def test_a_file_left_in_wal_mode_is_read_also_from_a_folder_without_rights(tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir()
    path = folder / "a.gpkg"
    write_plan(small_plan("甲"), path)
    to_wal(path)
    assert_same(small_plan("甲"), read_plan(path))
    for each in (tmp_path, *tmp_path.parents[:3]):
        each.chmod(each.stat().st_mode | 0o055)
    path.chmod(0o444)
    folder.chmod(0o555)
    before = path.read_bytes()
    done = run(READ, path, env={**os.environ, "PYTHONIOENCODING": "utf-8"})
    folder.chmod(0o755)
    assert (done.stdout.strip(), done.stderr) == ("甲", "")
    assert path.read_bytes() == before
    assert [each.name for each in folder.iterdir()] == ["a.gpkg"]


def test_a_program_that_holds_the_file_open_keeps_its_state_and_the_save_is_whole(tmp_path):
    path = tmp_path / "a.gpkg"
    write_plan(small_plan("旧"), path)
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)) as other:
        other.execute("BEGIN")
        before = other.execute("SELECT value FROM gridgeo_plan WHERE key = 'info'").fetchone()
        write_plan(small_plan("新"), path)
        assert other.execute("SELECT value FROM gridgeo_plan WHERE key = 'info'").fetchone() == before
    assert_same(small_plan("新"), read_plan(path))


def make_old(path, plan):
    """Make a file of format 1: without the layers, the name and the words that came with format 2."""
    write_plan(plan, path)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for name, layer in LAYERS.items():
            if layer.since > 1:
                for table in ("gpkg_contents", "gpkg_geometry_columns", "gpkg_ogr_contents", "gpkg_metadata_reference"):
                    database.execute(f"DELETE FROM {table} WHERE table_name = ?", (name,))  # noqa: S608 - ours
                database.execute("DELETE FROM gpkg_extensions WHERE table_name = ?", (name,))
                database.execute(f'DROP TABLE IF EXISTS "rtree_{name}_geom"')
                database.execute(f'DROP TABLE "{name}"')
        (info,) = database.execute("SELECT value FROM gridgeo_plan WHERE key = 'info'").fetchone()
        said = json.loads(info)
        said.pop("personal")
        database.execute("UPDATE gridgeo_plan SET value = ? WHERE key = 'info'", (json.dumps(said),))
        database.execute("UPDATE gridgeo_plan SET value = '1' WHERE key = 'schema_version'")
        database.execute("DELETE FROM gridgeo_plan WHERE key = 'base'")
    return path


def version_of(path):
    with closing(sqlite3.connect(path)) as database:
        return database.execute("SELECT value FROM gridgeo_plan WHERE key = 'schema_version'").fetchone()[0]


def test_a_plan_of_every_older_format_opens_unchanged_and_is_saved_in_the_present_one(tmp_path):
    assert set(MIGRATIONS) == set(range(1, SCHEMA_VERSION))
    path = make_old(tmp_path / "old.gpkg", small_plan())
    before = path.read_bytes()
    plan = read_plan(path)
    assert_same(small_plan(), plan)
    assert path.read_bytes() == before
    write_plan(plan, path)
    assert version_of(path) == str(SCHEMA_VERSION)
    assert_same(small_plan(), read_plan(path))


@pytest.mark.parametrize("version", ["0", "3", "99", "-1", "1.5", ""])
def test_a_plan_of_no_known_format_is_refused(tmp_path, version):
    path = make_old(tmp_path / "a.gpkg", small_plan())
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("UPDATE gridgeo_plan SET value = ? WHERE key = 'schema_version'", (version,))
    with pytest.raises(PlanError) as caught:
        read_plan(path)
    assert caught.value.key == ("newer_plan" if version in {"3", "99"} else "not_a_plan")


def test_the_file_brings_its_styles_and_words_for_qgis(tmp_path):
    path = tmp_path / "a.gpkg"
    write_plan(read_plan(bundled_plan_path("qinghuayuan")), path)
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute(
            "SELECT f_table_name, f_geometry_column, useAsDefault, styleQML FROM layer_styles"
        ).fetchall()
        shapes = dict(database.execute("SELECT table_name, column_name FROM gpkg_geometry_columns").fetchall())
        said = database.execute(
            "SELECT table_name, metadata FROM gpkg_metadata JOIN gpkg_metadata_reference ON id = md_file_id "
            "WHERE md_standard_uri = 'http://mrcc.com/qgis.dtd' AND mime_type = 'text/xml'"
        ).fetchall()
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    assert {name for name, *_ in rows} == set(STYLES)
    for name, column, default, qml in rows:
        assert (shapes[name], default) == (column, 1)
        root = ET.fromstring(qml.split("\n", 1)[1])  # noqa: S314 - our own
        symbol = root.find("renderer-v2/symbols/symbol")
        assert symbol.get("type") == {"point": "marker", "line": "line", "polygon": "fill"}[LAYERS[name].geometry[0]]
        assert {each.get("k") for each in symbol.iter("prop")} == set(STYLES[name].properties)
        label = root.find("labeling/settings/text-style")
        assert (None if label is None else label.get("fieldName")) == STYLES[name].label
        assert STYLES[name].label in {None, *LAYERS[name].column_names()}
    assert {name for name, _ in said} == {None, *shapes}
    words = ET.fromstring(said[0][1])  # noqa: S314 - our own
    assert "清华园街道" in words.findtext("title")
    assert "OpenStreetMap" in words.findtext("rights")
    assert pyogrio.read_info(path, layer="streets")["features"] > 0
