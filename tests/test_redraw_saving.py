"""Edits saved into the file where it stands: the same to the last bit, a sound GeoPackage, never half done."""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import pyogrio
import pytest
import shapely
from redraw_places import random_edit, snapshot, town

from gridgeo.errors import FileError, GridgeoError, PlanError
from gridgeo.redraw import apply_edit, make_edit, redo_edits, save_edits, undo_edits
from gridgeo.redraw import saving as saving_module
from gridgeo.store import read_log, read_plan, write_plan

RENAME = make_edit("rename_grid", grid="G1", name="甲")
MOVE = make_edit("move_blocks", blocks=["B01"], to="G2")


@pytest.fixture
def file(tmp_path):
    write_plan(town(), tmp_path / "a.gpkg")
    return tmp_path / "a.gpkg"


@pytest.fixture
def whole_writes(monkeypatch):
    """Count the saves that write the whole file."""
    count = []
    monkeypatch.setattr(saving_module, "write_plan", lambda *given: count.append(1) or write_plan(*given))
    return count


def require_sound_file(path, plan):
    """Compare what the format keeps beside the rows with the rows, as other programs would."""
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        for name, layer in plan.layers().items():
            counted = database.execute("SELECT feature_count FROM gpkg_ogr_contents WHERE table_name = ?", (name,))
            assert counted.fetchone() in ((len(layer),), None)
            if len(layer) == 0 or layer.geometry.isna().all():
                continue
            extent = database.execute(
                "SELECT min_x, min_y, max_x, max_y FROM gpkg_contents WHERE table_name = ?", (name,)
            )
            assert extent.fetchone() == pytest.approx(tuple(layer.total_bounds), abs=1e-9)
            index = f"SELECT id, minx, miny, maxx, maxy FROM rtree_{name}_geom ORDER BY id"  # noqa: S608 (ours)
            boxes = database.execute(index).fetchall()
            assert [box[0] for box in boxes] == list(range(1, len(layer) + 1))
            for (_, *box), shape in zip(boxes, layer.geometry, strict=True):
                assert shapely.box(*box).buffer(1e-9).covers(shape)
                assert box == pytest.approx(list(shape.bounds), rel=1e-6, abs=1e-3)
    for name, layer in plan.layers().items():
        if len(layer) and layer.geometry.notna().all():
            info = pyogrio.read_info(path, layer=name, force_total_bounds=True, force_feature_count=True)
            assert info["features"] == len(layer)


def structure(path):
    with closing(sqlite3.connect(path)) as database:
        return sorted(database.execute("SELECT type, name, tbl_name, sql FROM sqlite_master"), key=str)


def test_random_edits_saved_one_by_one_read_back_to_the_last_bit(file, whole_writes):
    rng = random.Random(8)  # noqa: S311 (no secret)
    plan = read_plan(file)
    before, kinds = structure(file), set()
    for turn in range(25):
        step = rng.random()
        try:
            if step < 0.15 and turn:
                plan = undo_edits(plan, rng.choice([1, 1, 2]))
            elif step < 0.25:
                plan = redo_edits(plan)
            else:
                for _ in range(rng.choice([1, 1, 3])):
                    plan = apply_edit(plan, random_edit(plan, rng), who="李").plan
        except GridgeoError:
            continue
        kinds.add(plan.edits[-1].kind)
        save_edits(plan, file)
        stored = read_plan(file)
        assert snapshot(stored) == snapshot(plan)
        assert stored.edits == plan.edits
    assert len(kinds) >= 8
    require_sound_file(file, plan)
    if not whole_writes:  # a grid in two pieces makes its layer one of another type, which takes a whole new file
        assert structure(file) == before
    assert len(whole_writes) < 10


@pytest.mark.parametrize(
    "edits",
    [
        [MOVE],
        [make_edit("split_grid", grid="G1", street="V1")],
        [make_edit("merge_grids", grids=["G1", "G2"])],
        [make_edit("add_station", station="S3", at=[1 / 3, 2 / 3], name="站", capacity=5)],
        [make_edit("remove_station", station="S1"), make_edit("add_station", station="S0", at=[5, 5])],
        [make_edit("add_street", street="N1", line=[[103, 150], [200, 200]])],
        [make_edit("add_barrier", barrier="K9", line=[[0, 0], [50, 0], [50, 50], [0, 0]], barrier_kind="water")],
        [make_edit("remove_barrier", barrier="K1")],
        [make_edit("set_households", household="H00", households=7, persons=20.5)],
        [make_edit("merge_grids", grids=["G1", "G2"]), make_edit("new_grid", blocks=["B00"]), RENAME],
    ],
    ids=lambda edits: "+".join(edit.kind for edit in edits),
)
def test_each_kind_of_edit_touches_its_rows_alone_and_is_undone(file, whole_writes, edits):
    made = structure(file)
    plan = before = read_plan(file)
    for edit in edits:
        plan = apply_edit(plan, edit).plan
    save_edits(plan, file)
    assert snapshot(read_plan(file)) == snapshot(plan)
    require_sound_file(file, plan)
    back = undo_edits(plan, len(edits))
    save_edits(back, file)
    assert snapshot(read_plan(file)) == snapshot(before)
    require_sound_file(file, back)
    assert structure(file) == made
    assert whole_writes == []


def test_a_grid_that_falls_into_pieces_is_a_row_like_others(file, whole_writes):
    plan = apply_edit(read_plan(file), make_edit("move_blocks", blocks=["B00"], to="G4")).plan
    save_edits(plan, file)
    assert "MultiPolygon" in set(plan.grids.geom_type)
    assert snapshot(read_plan(file)) == snapshot(plan)
    assert whole_writes == []
    require_sound_file(file, plan)


def test_layers_exchanged_past_the_log_are_saved_with_the_edits(file, whole_writes):
    plan = read_plan(file)
    plan = plan.replace(grids=plan.grids.assign(name="乙"))
    plan = apply_edit(plan, MOVE).plan
    save_edits(plan, file)
    assert whole_writes == [1]
    assert snapshot(read_plan(file)) == snapshot(plan)


def test_a_file_that_holds_another_plan_is_not_written_into(file):
    mine = apply_edit(read_plan(file), MOVE).plan
    other = read_plan(file)
    write_plan(other.replace(stations=other.stations.iloc[:1]), file)
    before = file.read_bytes()
    with pytest.raises(PlanError) as caught:
        save_edits(mine, file)
    assert caught.value.key == "plan_exchanged"
    assert file.read_bytes() == before


def test_a_file_from_before_plans_had_names_is_written_whole_once(file, whole_writes):
    with closing(sqlite3.connect(file)) as database:
        database.execute("DELETE FROM gridgeo_plan WHERE key = 'base'")
        database.commit()
    plan = apply_edit(read_plan(file), MOVE).plan
    save_edits(plan, file)
    plan = apply_edit(plan, RENAME).plan
    save_edits(plan, file)
    assert whole_writes == [1]
    assert snapshot(read_plan(file)) == snapshot(plan)


@pytest.mark.parametrize(
    "order",
    [
        "DELETE FROM blocks WHERE fid = 3",
        "UPDATE blocks SET fid = 99 WHERE fid = 16",
        "ALTER TABLE grids ADD COLUMN colour TEXT",
        "UPDATE gpkg_ogr_contents SET feature_count = 3",
    ],
)
def test_rows_that_are_not_where_they_should_be_make_the_file_be_written_whole(file, whole_writes, order):
    plan = apply_edit(read_plan(file), MOVE).plan
    with closing(sqlite3.connect(file)) as database:
        database.executescript("DROP TRIGGER rtree_blocks_geom_delete; DROP TRIGGER rtree_blocks_geom_update3;"
                               "DROP TRIGGER rtree_blocks_geom_update4;" + order)  # fmt: skip
        database.commit()
    save_edits(plan, file)
    assert whole_writes == [1]
    assert snapshot(read_plan(file)) == snapshot(plan)


def test_a_trigger_in_the_file_does_not_act_on_a_save(file):
    with closing(sqlite3.connect(file)) as database:
        database.execute(
            "CREATE TRIGGER gpkg_bad AFTER UPDATE ON blocks BEGIN UPDATE grids SET name = 'bad'; DELETE FROM edits; END"
        )
        database.commit()
    plan = apply_edit(read_plan(file), MOVE).plan
    save_edits(plan, file)
    assert snapshot(read_plan(file)) == snapshot(plan)
    assert read_log(file) == plan.edits


def test_columns_of_any_name_are_written(tmp_path, whole_writes):
    path = tmp_path / "a.gpkg"
    plan = town()
    odd = {'a"b': "x", "{row}": 1.5, "选": True, "select": 3}
    write_plan(plan.replace(stations=plan.stations.assign(**odd)), path)
    plan = apply_edit(read_plan(path), make_edit("remove_station", station="S1")).plan
    plan = apply_edit(plan, make_edit("add_station", station="S1", at=[3, 4])).plan
    save_edits(plan, path)
    assert snapshot(read_plan(path)) == snapshot(plan)
    assert whole_writes == []


FULL = """
import resource, signal, sys
from gridgeo.redraw import apply_edit, make_edit, save_edits
from gridgeo.store import read_plan
from gridgeo.errors import FileError
plan = read_plan(sys.argv[1])
for turn in range(300):
    plan = apply_edit(plan, make_edit("rename_grid", grid="G1", name=("甲" * 900) + str(turn))).plan
import os
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
size = os.path.getsize(sys.argv[1]) + 8192
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
try:
    save_edits(plan, sys.argv[1])
except FileError as error:
    print(error.key)
"""


@pytest.mark.skipif(os.name != "posix", reason="a limit on the size of files is POSIX's")
def test_a_full_disk_leaves_the_file_as_it_was(file, tmp_path):
    before = snapshot(read_plan(file))
    ran = subprocess.run([sys.executable, "-c", FULL, file], capture_output=True, text=True)
    assert (ran.stdout, ran.stderr) == ("unwritable_file\n", "")
    assert snapshot(read_plan(file)) == before
    assert read_log(file) == ()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.gpkg"]


def test_nobody_reads_a_plan_half_of_one_state_and_half_of_another(file, monkeypatch):
    """While the layers are read one by one, somebody else saves: the reader begins again."""
    from gridgeo.store import geopackage

    plan = read_plan(file)
    moved = apply_edit(plan, MOVE).plan
    read_layer = geopackage._read_layer
    turns = []

    def slow(path, name, *given):
        if name == "grids" and not turns:
            turns.append(1)
            save_edits(moved, file)
        return read_layer(path, name, *given)

    monkeypatch.setattr(geopackage, "_read_layer", slow)
    assert snapshot(read_plan(file)) == snapshot(moved)
    assert turns


def test_a_save_cut_short_is_taken_back_when_the_file_is_next_opened(file, tmp_path):
    """Copy the file and its journal amid a transaction that has reached the disk, as a crash leaves them."""
    before = snapshot(read_plan(file))
    crashed = tmp_path / "crashed" / "a.gpkg"
    crashed.parent.mkdir()
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute("PRAGMA cache_size = 1")
        database.execute("PRAGMA cache_spill = 1")
        database.execute("BEGIN IMMEDIATE")
        for name in [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]:
            database.execute(f'DROP TRIGGER "{name}"')
        database.execute("UPDATE blocks SET grid_id = 'G4'")
        database.execute("UPDATE households SET households = 1")
        database.execute("UPDATE streets SET name = ?", ("x" * 9000,))
        shutil.copy(file, crashed)
        shutil.copy(file.with_name("a.gpkg-journal"), crashed.with_name("a.gpkg-journal"))
        database.execute("ROLLBACK")
    assert crashed.read_bytes() != file.read_bytes()
    assert snapshot(read_plan(crashed)) == before
    assert not crashed.with_name("a.gpkg-journal").exists()


def test_a_file_that_another_program_holds_is_not_called_damaged(tmp_path, monkeypatch):
    path = tmp_path / "plan.gpkg"
    write_plan(town(), path)
    plan = read_plan(path)
    edited = apply_edit(plan, RENAME).plan
    monkeypatch.setattr("gridgeo.store.changes._BUSY_S", 0.1)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(FileError) as caught:
            save_edits(edited, path)
        assert caught.value.key == "file_held"
        other.execute("ROLLBACK")
    save_edits(edited, path)
    assert read_plan(path).grids["name"].tolist()[0] == "甲"
