"""Many sessions on one plan at once, over the websocket as a browser does: no edit lost, no map behind."""

import time

import pytest
from redraw_places import town

from app.state.news import LOOK_S
from benchmarks.readers import Reader
from gridgeo.store import read_plan, write_plan

SECONDS = 4
MOVED = {"B01": ("G1", "G2"), "B11": ("G1", "G2"), "B21": ("G3", "G4"), "B31": ("G3", "G4")}
"""Blocks that can change sides without cutting a grid in two, whatever the others do."""


@pytest.fixture
def path(tmp_path):
    plan = town()
    write_plan(plan.replace(grids=plan.grids.assign(name=plan.grids["grid_id"])), tmp_path / "town.gpkg")
    return tmp_path / "town.gpkg"


def test_no_edit_is_lost_and_no_map_stays_behind(path, serve):
    address, names = serve(str(path)), {f"G{number}": f"G{number}" for number in range(1, 5)}
    readers = [Reader(address, block, sides, names, thinking_s=0.1) for block, sides in MOVED.items()]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.opened.wait()
        reader.begin.set()
    time.sleep(SECONDS)
    for reader in readers:
        reader.pause.set()
    # Every page asks for news once more.
    time.sleep(LOOK_S + 2)
    plan = read_plan(path)
    at_last = dict(zip(plan.blocks["block_id"], plan.blocks["grid_id"], strict=True))
    for reader in readers:
        reader.stop.set()
        reader.join()
    assert [error for reader in readers for error in reader.wrong] == []
    assert len(plan.edits) == sum(len(reader.took) for reader in readers) > 2 * len(readers)
    for reader in readers:
        assert at_last[reader.block] == reader.last
        assert reader.titles == at_last
