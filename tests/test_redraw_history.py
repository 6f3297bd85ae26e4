"""The log: undo and redo to the last bit, replay, stale and altered logs, and saves that a crash cannot halve."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import pandas as pd
import pytest
from redraw_places import random_edit, snapshot, town

from gridgeo.edit_log import EditRecord, require_sound, seal_record
from gridgeo.errors import FileError, GridgeoError, InputError, PlanError
from gridgeo.partition import Partition, check_partition
from gridgeo.plan import check_plan
from gridgeo.redraw import (
    apply_edit,
    base_plan,
    edit_file,
    find_done,
    judge_plan,
    log_head,
    make_edit,
    plan_at,
    redo_edits,
    replay_log,
    save_edits,
    tabulate_log,
    undo_edits,
)
from gridgeo.scenario import assess_fresh, update_coverage
from gridgeo.store import hold_lock, read_log, read_plan, write_plan
from gridgeo.texts import using_language

RENAME = make_edit("rename_grid", grid="G1", name="甲")
MOVE = make_edit("move_blocks", blocks=["B00"], to="G2")


def edited(*edits, plan=None):
    plan = plan or town()
    for edit in edits:
        plan = apply_edit(plan, edit, who="李").plan
    return plan


def test_who_looks_after_a_grid_is_logged_saved_and_undone(tmp_path):
    write_plan(town(), tmp_path / "plan.gpkg")
    plan = edited(make_edit("staff_grid", grid="G2", staff="王 <b>"), plan=read_plan(tmp_path / "plan.gpkg"))
    save_edits(plan, tmp_path / "plan.gpkg")
    stored = read_plan(tmp_path / "plan.gpkg")
    assert stored.grids["staff"].tolist()[1] == "王 <b>"
    assert [record.kind for record in stored.edits] == ["staff_grid"]
    assert undo_edits(stored).grids["staff"].isna().all()


def test_a_record_says_who_when_what_before_and_after():
    plan = apply_edit(town(), MOVE, who="李", time=datetime(2026, 11, 21, 8, 30, tzinfo=UTC)).plan
    (record,) = plan.edits
    assert (record.rev, record.time, record.who, record.kind) == (1, "2026-11-21T08:30:00Z", "李", "move_blocks")
    assert json.loads(record.edit) == {"kind": "move_blocks", "blocks": ["B00"], "to": "G2"}
    first = json.loads(record.changes)[0]
    assert first == ["blocks", 0, {"grid_id": "G1"}, {"grid_id": "G2"}]
    table = tabulate_log(undo_edits(plan))
    assert table["kind"].tolist() == ["move_blocks", "undo"]
    assert table["what"].tolist() == ["Move B00 to grid G2", "Take back edit 1: Move B00 to grid G2"]
    assert table["stands"].tolist() == [False, False]


def test_undo_and_redo_of_any_depth_are_exact():
    states = [town()]
    rng = random.Random(5)  # noqa: S311 (no secret)
    while len(states) < 25:
        try:
            states.append(apply_edit(states[-1], random_edit(states[-1], rng)).plan)
        except GridgeoError:
            continue
    kept = [snapshot(plan) for plan in states]
    plan = states[-1]
    for depth in (1, 5, 24):
        back = undo_edits(plan, depth)
        assert snapshot(back) == kept[-1 - depth]
        assert snapshot(redo_edits(back, depth)) == kept[-1]
        assert snapshot(redo_edits(back, 1)) == kept[-depth]
    assert snapshot(states[0]) == kept[0]


def test_a_name_in_the_log_is_one_line_that_can_be_stored(tmp_path):
    plan = apply_edit(town(), RENAME, who="李\n\x00\ud800\u202e四" + "x" * 999).plan
    assert plan.edits[0].who.startswith("李    四xxx")
    assert len(plan.edits[0].who) == 200
    write_plan(plan, tmp_path / "a.gpkg")
    assert read_log(tmp_path / "a.gpkg") == plan.edits


def test_a_log_with_values_that_are_refused_today_can_still_be_read():
    plan = town()
    old = '{"kind":"set_station","station":"S1","hours":"sometimes"}'
    record = seal_record("", rev=1, time="2026-01-01T00:00:00Z", who="", kind="set_station", edit=old, changes="[]")
    assert "sometimes" in tabulate_log(replace(plan, edits=(record,)))["what"][0]


def test_a_new_edit_ends_what_could_be_redone():
    plan = undo_edits(edited(RENAME, MOVE))
    assert find_done(plan.edits) == ([1], [2])
    plan = edited(make_edit("lock_grid", grid="G4"), plan=plan)
    assert find_done(plan.edits) == ([1, 4], [])
    with pytest.raises(InputError) as caught:
        redo_edits(plan)
    assert caught.value.key == "nothing_to_redo"


def test_the_log_replayed_on_the_base_gives_the_plan():
    plan = redo_edits(undo_edits(edited(RENAME, MOVE, make_edit("split_grid", grid="G4", street="V3")), 3), 2)
    base = base_plan(plan)
    assert snapshot(base) == snapshot(town())
    assert base.edits == ()
    again = replay_log(base, plan.edits)
    assert snapshot(again) == snapshot(plan)
    assert again.edits == plan.edits
    with pytest.raises(InputError) as caught:
        replay_log(plan, plan.edits)
    assert caught.value.key == "replay_on_edited"


@pytest.mark.parametrize(
    ("key", "work"),
    [
        ("nothing_to_undo", lambda: undo_edits(town())),
        ("nothing_to_redo", lambda: redo_edits(edited(RENAME))),
        ("too_many_to_undo", lambda: undo_edits(edited(RENAME), 2)),
        ("too_many_to_redo", lambda: redo_edits(undo_edits(edited(RENAME)), 2)),
        ("bad_steps", lambda: undo_edits(edited(RENAME), 0)),
    ],
)
def test_nothing_to_undo_or_redo_is_one_sentence(key, work):
    with pytest.raises(InputError) as caught:
        work()
    assert caught.value.key == key
    assert "\n" not in str(caught.value)


def test_a_stale_edit_is_refused_with_the_others_change_shown():
    plan = town()
    seen = log_head(plan)
    other = apply_edit(plan, RENAME, who="王", time=datetime(2026, 1, 2, tzinfo=UTC)).plan
    with pytest.raises(PlanError) as caught:
        apply_edit(other, MOVE, who="李", seen=seen)
    assert caught.value.key == "stale_edit"
    for language, said in (("en", "Name grid G1 甲"), ("zh", "将网格 G1 命名为 甲")):
        with using_language(language):
            assert said in str(caught.value)
            assert "王" in str(caught.value)
            assert "2026-01-02" in str(caught.value)
    assert apply_edit(other, MOVE, seen=log_head(other)).plan.edits[-1].kind == "move_blocks"
    with pytest.raises(PlanError):
        undo_edits(other, seen="0" * 64)


def alterations(log):
    """Yield (record altered, log)."""
    yield 2, (log[0], replace(log[1], who="王"), log[2])
    yield 1, (replace(log[0], changes=log[0].changes.replace("甲", "乙")), *log[1:])
    yield 3, (*log[:2], replace(log[2], time="2020-01-01T00:00:00Z"))
    yield 2, (log[0], log[2])
    yield 1, log[1:]
    yield 2, (log[0], replace(log[2], rev=2), replace(log[1], rev=3))
    yield 2, (log[0], EditRecord(2, "", "", "rename_grid", "{}", "[]", "x"), log[2])


def test_a_log_altered_by_hand_is_refused_and_the_record_named():
    plan = edited(RENAME, MOVE, make_edit("lock_grid", grid="G4"))
    require_sound(plan.edits)
    for rev, log in alterations(plan.edits):
        bad = replace(plan, edits=log)
        for work in (
            lambda bad=bad: undo_edits(bad),
            lambda bad=bad: tabulate_log(bad),
            lambda bad=bad: base_plan(bad),
        ):
            with pytest.raises(PlanError) as caught:
                work()
            assert caught.value.key == "log_altered"
            assert f"record {rev} " in caught.value.message
        assert [(fault.key, fault.row) for fault in check_plan(bad)] == [("log_altered", rev)]
    assert check_plan(plan) == []


def test_layers_changed_past_the_log_are_found():
    plan = edited(RENAME, MOVE)
    past = plan.replace(grids=plan.grids.assign(name="乙"))
    with pytest.raises(PlanError) as caught:
        base_plan(past)
    assert caught.value.key == "log_disagrees"


def test_the_log_travels_with_the_file(tmp_path):
    path = tmp_path / "a.gpkg"
    plan = edited(RENAME, MOVE, make_edit("add_station", station="S9", at=[1 / 3, 2 / 3]))
    write_plan(plan, path)
    back = read_plan(path)
    assert back.edits == plan.edits == read_log(path)
    assert snapshot(base_plan(back))["stations"] == snapshot(base_plan(plan))["stations"]
    write_plan(undo_edits(back, 3), path)
    assert snapshot(read_plan(path))["blocks"] == snapshot(town())["blocks"]


def test_a_plan_from_before_there_were_logs_opens(tmp_path):
    path = tmp_path / "a.gpkg"
    write_plan(town(), path)
    with closing(sqlite3.connect(path)) as database:
        database.execute("DROP TABLE edits")
        database.execute("DELETE FROM gpkg_contents WHERE table_name = 'edits'")
        database.commit()
    assert read_plan(path).edits == ()


def test_a_log_of_the_wrong_form_is_no_plan(tmp_path):
    path = tmp_path / "a.gpkg"
    write_plan(edited(RENAME), path)
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE edits SET who = x'00ff'")
        database.commit()
    with pytest.raises(PlanError) as caught:
        read_plan(path)
    assert caught.value.key == "not_a_plan"


def test_two_planners_who_save_over_each_other_are_told(tmp_path):
    path = tmp_path / "a.gpkg"
    write_plan(town(), path)
    mine, theirs = read_plan(path), read_plan(path)
    save_edits(edited(RENAME, plan=theirs), path)
    with pytest.raises(PlanError) as caught:
        save_edits(edited(MOVE, plan=mine), path)
    assert caught.value.key == "stale_edit"
    assert [record.kind for record in read_log(path)] == ["rename_grid"]
    save_edits(edited(MOVE, plan=read_plan(path)), path)
    assert [record.kind for record in read_log(path)] == ["rename_grid", "move_blocks"]
    with pytest.raises(PlanError):
        edit_file(path, lambda plan: edited(RENAME, plan=plan), seen="")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.gpkg"]


def test_what_cannot_be_done_leaves_the_file_alone(tmp_path):
    path = tmp_path / "a.gpkg"
    write_plan(town(), path)
    before = path.read_bytes()
    with pytest.raises(InputError):
        edit_file(path, undo_edits)
    assert path.read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.gpkg"]


def test_many_writers_lose_no_edit(tmp_path):
    path = tmp_path / "a.gpkg"
    write_plan(town(), path)

    def write(number):
        for turn in range(3):
            edit = make_edit("rename_grid", grid=f"G{number}", name=f"{number}-{turn}")
            edit_file(path, lambda plan, edit=edit: apply_edit(plan, edit).plan)

    threads = [threading.Thread(target=write, args=(number,)) for number in (1, 2, 3, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    plan = read_plan(path)
    assert len(plan.edits) == 12
    assert plan.grids["name"].tolist() == ["1-2", "2-2", "3-2", "4-2"]
    assert snapshot(base_plan(plan))["grids"] == snapshot(town())["grids"]


def test_a_lock_that_is_not_let_go_is_one_sentence(tmp_path):
    path = tmp_path / "a.gpkg"
    write_plan(town(), path)
    with hold_lock(path), pytest.raises(FileError) as caught, hold_lock(path, patience_s=0.1):
        pass
    assert "somebody else is saving" in str(caught.value)


SAVES = """
import os, sys
from gridgeo.redraw import apply_edit, make_edit, save_edits
from gridgeo.store import read_plan

read_plan(sys.argv[1])  # what reading loads is loaded once, not by each child
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        plan = read_plan(sys.argv[1])
        print("pid", os.getpid(), flush=True)
        while True:
            edit = make_edit("move_blocks", blocks=["B01", "B11"], to=("G2", "G1")[len(plan.edits) % 2])
            plan = apply_edit(plan, edit, who="x").plan
            save_edits(plan, sys.argv[1])
            print(len(plan.edits), flush=True)
    os.waitpid(child, 0)
    print("gone", flush=True)
"""


def _await(file):
    """Wait a second at most for a file that is there for some milliseconds only."""
    until = time.monotonic() + 1.0
    while not file.exists() and time.monotonic() < until:
        pass


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is a signal of POSIX")
def test_a_save_that_is_killed_leaves_the_state_before_or_after(tmp_path):
    """Kill a program that does nothing but save, 50 times: at random moments, and as soon as a journal is there."""
    path = tmp_path / "a.gpkg"
    journal = tmp_path / "a.gpkg-journal"
    write_plan(town(), path)
    start = snapshot(read_plan(path))
    rng = random.Random(11)  # noqa: S311 (no secret)
    call = [sys.executable, "-c", SAVES, str(path)]
    made = inside = 0
    with subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        for turn in range(50):
            print(turn, file=program.stdin, flush=True)
            child = int(program.stdout.readline().split()[1])
            assert int(program.stdout.readline()) == made + 1
            if turn % 2:
                time.sleep(rng.uniform(0.0, 0.05))
            else:
                _await(journal)
            os.kill(child, signal.SIGKILL)
            said = list(iter(lambda: program.stdout.readline().strip(), "gone"))
            inside += journal.exists()
            log = read_log(path)
            require_sound(log)
            # All it said it saved is there; a save more may have been done before it could say so.
            saved = int(said[-1]) if said else made + 1
            assert len(log) in (saved, saved + 1)
            made = len(log)
            with closing(sqlite3.connect(path)) as database:
                told = database.execute("SELECT grid_id FROM blocks WHERE block_id IN ('B01', 'B11')").fetchall()
                held = database.execute("SELECT grid_id, households FROM grids ORDER BY grid_id LIMIT 2").fetchall()
            assert told == [(("G1", "G2")[made % 2],)] * 2
            assert held == [("G1", 400 - made % 2 * 200), ("G2", 400 + made % 2 * 200)]
        program.stdin.close()
    assert made >= 50
    assert inside > 0, "no kill fell into a transaction"
    plan = read_plan(path)
    assert snapshot(plan_at(plan, 0)) == start
    assert snapshot(replay_log(plan_at(plan, 0), plan.edits)) == snapshot(plan)


WALKS = {"stations", "gates", "streets", "barriers", "households"}
MAY_BREAK = {
    "move_blocks": {"grid_in_pieces", "grid_not_on_foot", "grid_across_communities"},
    "new_grid": {"grid_in_pieces", "grid_not_on_foot", "grid_across_communities"},
    "merge_grids": {"grid_in_pieces", "grid_not_on_foot"},
    "split_grid": {"grid_not_on_foot"},
    # Somebody moves in where nobody lived: the block counts from now on.
    "set_households": {"grid_not_on_foot"},
}
"""What an edit may bring about; all else it promises to leave in order: two grids stay whole where each was whole."""


def named(plan):
    """Name what `check_partition` finds, but for the band, which no edit promises to keep."""
    found = check_partition(Partition(plan.blocks, plan.grids, households_per_grid=(0.0, 1e9)))
    return {(fault.key, str(fault.value)) for fault in found if not fault.key.startswith("grid_too")}


def judged(plan):
    rules = {"in_pieces", "not_on_foot", "across_communities"}
    return {(f"grid_{one.rule}", one.item) for one in judge_plan(plan) if one.rule in rules}


def require_promised(before, after, was, now, edit):
    """Compare what is wrong with the grids with what was: an edit breaks only what it may, and the referee sees it."""
    assert now == judged(after)
    kept = set(before.grids["grid_id"]) | {None}
    new = {key for key, grid in now - was if not (edit.kind == "split_grid" and grid not in kept)}
    if edit.kind == "split_grid":
        was_whole = not {key for key, grid in was if grid == edit.get("grid")}
        new = {key for key, _ in now - was} if was_whole else set()
    assert new <= MAY_BREAK.get(edit.kind, set()), edit


def require_same_coverage(one, two, *, figures):
    assert one.households.equals(two.households)
    if figures:
        pd.testing.assert_frame_equal(one.summary(by="grid"), two.summary(by="grid"), check_exact=True)


def test_a_thousand_random_edits_keep_what_they_promise_and_as_many_undos_leave_every_bit_as_it_was():
    """After every edit: the partition's own check, and the coverage that is kept up to date against a fresh one."""
    rng = random.Random(2026)  # noqa: S311 (no secret)
    plan = base = town()
    before, shapes = snapshot(base), base.blocks.geometry.to_numpy()
    coverage, was = assess_fresh(base, (100.0, 200.0)), named(base)
    assert was == set()
    kinds = set()
    while len(plan.edits) < 1000:
        edit = random_edit(plan, rng)
        try:
            after = apply_edit(plan, edit).plan
            fresh = assess_fresh(after, (100.0, 200.0)) if differs(plan, after) & WALKS else None
        except GridgeoError:  # refused, or the last station is gone
            continue
        if differs(plan, after) & {"blocks", "grids"}:
            now = named(after)
            require_promised(plan, after, was, now, edit)
            was = now
        coverage = update_coverage(coverage, plan, after)
        if fresh is not None:
            require_same_coverage(coverage, fresh, figures=len(after.edits) % 20 == 0)
        kinds.add(edit.kind)
        plan = after
    assert len(kinds) >= 20
    # No edit moves a block's ground, so the blocks still cover the district exactly.
    assert all(one is two for one, two in zip(plan.blocks.geometry.to_numpy(), shapes, strict=True))
    assert check_partition(Partition(base.blocks, base.grids), district=base.district) == []
    whole = snapshot(plan)
    back = plan
    for _ in range(1000):
        back = undo_edits(back)
    assert snapshot(back) == before == snapshot(base)
    require_same_coverage(update_coverage(coverage, plan, back), assess_fresh(base, (100.0, 200.0)), figures=True)
    assert snapshot(redo_edits(back, 1000)) == whole
    require_sound(back.edits)


def differs(before, after):
    """Name the layers that an edit exchanged."""
    return {name for name, layer in after.layers().items() if layer is not getattr(before, name)}


def test_the_plan_as_it_was_after_any_record():
    plan, states = town(), [town()]
    for work in (
        lambda plan: edited(RENAME, plan=plan),
        lambda plan: edited(MOVE, plan=plan),
        undo_edits,
        lambda plan: edited(make_edit("lock_grid", grid="G4"), plan=plan),
        lambda plan: undo_edits(plan, 1),
        redo_edits,
    ):
        plan = work(plan)
        states.append(plan)
    assert len(plan.edits) == 6
    for rev, state in enumerate(states):
        then = plan_at(plan, rev)
        assert snapshot(then) == snapshot(state)
        assert len(then.edits) == rev
    for rev in (-1, 7):
        with pytest.raises(InputError) as caught:
            plan_at(plan, rev)
        assert caught.value.key == "unknown_rev"
