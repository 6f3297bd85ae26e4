"""The living plan: many sessions, one plan; no edit lost, none made unseen over another's."""

import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from redraw_places import snapshot, town

from app.state import folders
from app.state.folders import edit_path
from app.state.news import follow, latest
from app.state.workspace import Workspace, open_workspace
from gridgeo.errors import FileError, GridgeoError, InputError, PlanError
from gridgeo.readers import bundled_places, bundled_plan_path
from gridgeo.redraw import apply_edit, base_plan, find_done, make_edit, save_edits
from gridgeo.scenario import assess_fresh
from gridgeo.store import read_plan, write_plan


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("workspace") / "town.gpkg"
    write_plan(town(), path)
    return path


@pytest.fixture
def path(tmp_path, written):
    return Path(shutil.copy(written, tmp_path))


@pytest.fixture
def living(path):
    return Workspace(path, path)


def move(block, to):
    return make_edit("move_blocks", blocks=[block], to=to)


def grid_of(plan):
    return dict(zip(plan.blocks["block_id"], plan.blocks["grid_id"], strict=True))


def test_everybody_gets_the_same_workspace(path):
    assert open_workspace(path) is open_workspace(path.parent / "." / "town.gpkg")


def test_an_edit_is_in_the_file_at_once(living, path):
    living.apply(move("B11", "G2"), who="Li")
    stored = read_plan(path)
    assert grid_of(stored)["B11"] == "G2"
    assert stored.edits == living.current().plan.edits
    assert stored.edits[0].who == "Li"


def test_a_refused_edit_changes_nothing(living):
    before = living.current()
    with pytest.raises(InputError):
        living.apply(move("B11", "nowhere"))
    assert living.current() is before


def test_undo_and_redo_to_the_last_bit(living, path):
    before = snapshot(living.current().plan)
    living.apply(move("B11", "G2"))
    after = snapshot(living.current().plan)
    living.undo()
    assert snapshot(living.current().plan) == before
    living.redo()
    assert snapshot(living.current().plan) == after == snapshot(read_plan(path))


def test_twenty_sessions_lose_no_edit(living, path):
    """Twenty at once; some move blocks of one and the same first view."""
    seen = living.current().head
    moves = [("B11", "G2"), ("B21", "G4"), ("B02", "G1"), ("B32", "G3")]

    def session(number):
        if number < len(moves):
            living.apply(move(*moves[number]), seen=seen, who=f"p{number}")
        household = f"H{number % 4}{number // 4 % 4}"
        living.apply(make_edit("set_households", household=household, elderly=100 + number), who=f"p{number}")

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(session, range(20)))
    plan = living.current().plan
    assert len(plan.edits) == 4 + 20
    assert {record.who for record in plan.edits} == {f"p{number}" for number in range(20)}
    assert all(grid_of(plan)[block] == grid for block, grid in moves)
    assert snapshot(read_plan(path)) == snapshot(plan)
    assert snapshot(base_plan(plan)) == snapshot(base_plan(read_plan(path)))
    assert len(find_done(plan.edits)[0]) == 24


class TestStale:
    def test_an_edit_that_touches_nothing_changed_is_made(self, living):
        seen = living.current().head
        living.apply(move("B11", "G2"), who="Li")
        living.apply(move("B21", "G4"), seen=seen, who="Wang")
        assert [grid_of(living.current().plan)[block] for block in ("B11", "B21")] == ["G2", "G4"]

    def test_the_same_block_is_refused_and_the_others_change_shown(self, living):
        seen = living.current().head
        living.apply(move("B11", "G2"), who="Li")
        with pytest.raises(PlanError) as refused:
            living.apply(make_edit("new_grid", blocks=["B11"]), seen=seen)
        assert "Li" in str(refused.value)
        assert "B11" in str(refused.value)
        assert len(living.current().plan.edits) == 1

    @pytest.mark.parametrize(
        "edit",
        [
            make_edit("merge_grids", grids=["G1", "G2"]),
            make_edit("split_grid", grid="G1", line=[[-10, 100], [210, 100]]),
        ],
    )
    def test_a_whole_grid_is_not_redrawn_when_another_changed_its_blocks(self, living, edit):
        seen = living.current().head
        living.apply(move("B11", "G2"))
        with pytest.raises(PlanError):
            living.apply(edit, seen=seen)

    def test_an_edit_made_impossible_shows_the_others_change(self, living):
        seen = living.current().head
        living.apply(make_edit("merge_grids", grids=["G1", "G2"], into="G2"), who="Li")
        with pytest.raises(PlanError) as refused:
            living.apply(move("B12", "G1"), seen=seen)
        assert "Li" in str(refused.value)

    def test_undo_never_takes_back_what_was_not_seen(self, living):
        living.apply(move("B11", "G2"))
        seen = living.current().head
        living.apply(move("B21", "G4"), who="Wang")
        with pytest.raises(PlanError) as refused:
            living.undo(seen=seen)
        assert "Wang" in str(refused.value)
        living.undo(seen=living.current().head)
        assert grid_of(living.current().plan)["B21"] == "G3"

    def test_what_an_undo_touched_counts_too(self, living):
        living.apply(move("B11", "G2"))
        seen = living.current().head
        living.undo()
        with pytest.raises(PlanError):
            living.apply(move("B11", "G1"), seen=seen)
        living.apply(move("B21", "G4"), seen=seen)


class TestOutside:
    def test_another_process_is_noticed_and_its_edit_kept(self, living, path):
        seen = living.current().head
        other = apply_edit(read_plan(path), move("B11", "G2"), who="CLI").plan
        save_edits(other, path)
        assert grid_of(living.current().plan)["B11"] == "G2"
        # Nobody here knows what else the other did: the edit is refused, its change shown.
        with pytest.raises(PlanError) as refused:
            living.apply(move("B21", "G4"), seen=seen)
        assert "CLI" in str(refused.value)
        living.apply(move("B21", "G4"), seen=living.current().head)
        assert len(read_plan(path).edits) == 2

    def test_a_change_past_the_log_as_in_a_gis_is_read(self, living, path):
        before = living.current()
        with sqlite3.connect(path) as database:
            for (trigger,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                database.execute(f'DROP TRIGGER "{trigger}"')
            database.execute("UPDATE stations SET name = 'by hand' WHERE station_id = 'S1'")
        database.close()
        after = living.current()
        assert after.number > before.number
        assert after.plan.stations["name"].iloc[0] == "by hand"

    def test_a_deleted_file_is_one_sentence_and_nothing_is_lost(self, living, path):
        living.apply(move("B11", "G2"))
        kept = snapshot(living.current().plan)
        path.unlink()
        for work in (living.current, lambda: living.apply(move("B21", "G4")), living.undo):
            with pytest.raises(FileError) as gone:
                work()
            assert "town.gpkg" in str(gone.value)
        assert living.rescue() == path
        assert snapshot(read_plan(path)) == kept
        living.apply(move("B21", "G4"))

    def test_a_damaged_file_is_one_sentence_and_the_plan_goes_beside_it(self, living, path):
        kept = snapshot(living.current().plan)
        path.write_bytes(b"no plan at all")
        with pytest.raises(GridgeoError):
            living.current()
        beside = living.rescue()
        assert beside != path
        assert snapshot(read_plan(beside)) == kept
        assert path.read_bytes() == b"no plan at all"

    def test_a_plan_that_never_was_is_told(self, tmp_path):
        with pytest.raises(FileError):
            Workspace(tmp_path / "no.gpkg", tmp_path / "no.gpkg").current()


class TestCopies:
    @pytest.fixture(autouse=True)
    def _home(self, monkeypatch, tmp_path):
        monkeypatch.setenv(folders.HOME_VARIABLE, str(tmp_path / "home"))

    @pytest.mark.parametrize("place", bundled_places())
    def test_a_bundled_place_is_edited_in_a_copy(self, place, tmp_path):
        assert edit_path(bundled_plan_path(place)) == tmp_path / "home" / f"{place}.gpkg"

    def test_the_copy_is_made_by_the_first_edit_and_opened_from_then_on(self, path, tmp_path):
        before, copy = path.read_bytes(), tmp_path / "home" / "town.gpkg"
        living = Workspace(path, copy)
        living.current()
        assert not copy.exists()
        living.apply(move("B11", "G2"))
        assert grid_of(Workspace(path, copy).current().plan)["B11"] == "G2"
        assert path.read_bytes() == before

    def test_the_users_folder(self, monkeypatch):
        monkeypatch.delenv(folders.HOME_VARIABLE)
        assert folders.user_folder().name == "gridgeo"


def test_coverage_is_followed_from_edit_to_edit(living):
    living.coverage()
    living.apply(make_edit("move_station", station="S1", at=[310, 120]))
    living.apply(move("B11", "G2"))
    fresh = assess_fresh(living.current().plan, (300.0, 500.0)).households
    followed = living.coverage().households
    assert followed["station_id"].equals(fresh["station_id"])
    assert np.array_equal(followed["distance_m"], fresh["distance_m"])
    assert followed["grid_id"].equals(fresh["grid_id"])


def test_a_scenario_is_made_whole_or_not_at_all(living, path):
    living.current()
    with pytest.raises(InputError):
        living.apply_all([move("B11", "G2"), move("B11", "nowhere")])
    assert read_plan(path).edits == ()
    living.apply_all([move("B11", "G2"), move("B21", "G4")], who="Li")
    assert len(read_plan(path).edits) == 2


def test_a_layer_exchanged_is_saved_unless_another_changed_the_plan(living, path):
    seen = living.current()
    stations = seen.plan.stations.assign(name=["one", "two"])
    living.replace(seen.plan.replace(stations=stations), seen=seen.head)
    assert read_plan(path).stations["name"].tolist() == ["one", "two"]
    living.apply(move("B11", "G2"))
    with pytest.raises(PlanError):
        living.replace(seen.plan, seen=seen.head)


class TestNews:
    """How a page learns that somebody else changed what it shows."""

    def test_every_change_is_another_mark(self, living):
        living.current()
        marks = [living.mark]
        for change in (lambda: living.apply(move("B11", "G2")), living.undo, living.redo):
            change()
            marks.append(living.mark)
        assert len(set(marks)) == 4

    def test_looking_and_being_refused_is_none(self, living):
        living.current()
        mark = living.mark
        living.current()
        living.coverage()
        with pytest.raises(InputError):
            living.apply(move("B11", "G9"))
        assert living.mark == mark

    def test_what_another_program_writes_is_one_before_it_is_read(self, living, path):
        living.current()
        mark = living.mark
        save_edits(apply_edit(living.current().plan, move("B11", "G2")).plan, path)
        told = living.mark
        assert told != mark
        living.current()
        assert living.mark not in (mark, told)

    def test_a_file_that_is_gone_is_one(self, living, path):
        living.current()
        mark = living.mark
        path.unlink()
        assert living.mark != mark

    def test_it_is_told_while_an_edit_is_made(self, living):
        living.current()
        with living._lock, ThreadPoolExecutor(1) as thread:
            assert thread.submit(lambda: living.mark).result(timeout=20) == living.mark

    def test_only_who_was_shown_it_finds_it(self, living, path):
        living.current()
        shown = follow(living)
        assert latest(shown["address"]) == shown["mark"] == living.mark
        living.apply(move("B11", "G2"))
        assert latest(shown["address"]) == living.mark != shown["mark"]
        assert follow(living)["address"] == shown["address"] != follow(Workspace(path, path))["address"]
        assert latest("0" * 32) is None
