"""What the pages let a reader take along: every file is made, opens, and holds what the page showed."""

import io
import zipfile

import openpyxl
import pandas as pd
import pyogrio
import pytest
from redraw_places import town

from app.parts import downloads, takeaways
from app.parts.whatif import open_draft
from app.state import environment
from app.state.drafts import keep_scenario
from app.state.folders import HOME_VARIABLE
from app.state.settings import CONFIG_VARIABLE, Settings
from app.state.workspace import open_workspace
from gridgeo.assessment import assess_plan
from gridgeo.scenario import Scenario, plan_key
from gridgeo.store import write_plan
from gridgeo.texts import using_language

BAND = (300.0, 500.0)


@pytest.fixture
def work(monkeypatch, tmp_path):
    monkeypatch.setenv(CONFIG_VARIABLE, str(tmp_path / "config"))
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.delenv(environment.SIGN_IN_VARIABLE, raising=False)
    write_plan(town(), tmp_path / "town.gpkg")
    return open_workspace(tmp_path / "town.gpkg")


@pytest.fixture
def taken(monkeypatch, tmp_path):
    """Make every file that is offered."""
    made = {}

    def take(_key, _name, *, tables, layers, map_file=None, maps=None):
        book = openpyxl.load_workbook(io.BytesIO(downloads.pack_workbook(tables)))
        made["sheets"] = {
            sheet.title: pd.DataFrame(list(sheet.values)[1:], columns=next(sheet.values)) for sheet in book
        }
        assert zipfile.ZipFile(io.BytesIO(downloads.pack_csv(tables))).testzip() is None
        (tmp_path / "taken.gpkg").write_bytes(downloads.pack_geopackage(layers))
        made["layers"] = {name: pyogrio.read_dataframe(tmp_path / "taken.gpkg", layer=name) for name in layers}
        for encoding in ("utf-8", "gbk"):
            assert zipfile.ZipFile(io.BytesIO(downloads.pack_shapefiles(layers, encoding))).testzip() is None
        made["maps"] = [make() for make in [*(maps or {}).values(), *([map_file] if map_file else [])]]

    monkeypatch.setattr(takeaways, "offer_downloads", take)
    monkeypatch.setattr(downloads, "offer_downloads", take)
    return made


def test_the_grids_that_are_redrawn(work, taken):
    takeaways.offer_grids(work.current(), BAND, "zh")
    assert taken["sheets"]["grids"]["grid_id"].tolist() == ["G1", "G2", "G3", "G4"]
    assert len(taken["layers"]["blocks"]) == len(work.current().plan.blocks)
    assert b"<html" in taken["maps"][0]


def test_a_scenario_that_is_tried_out(work, taken):
    plan = work.current().plan
    key = keep_scenario(work, Scenario("x <b>", (), plan_key(plan)).remove_station("S2"))
    takeaways.offer_draft(work.target, open_draft(work, key), "en")
    assert taken["sheets"]["stations"]["station_id"].tolist() == ["S1"]
    whole = taken["sheets"]["figures"].query("level == 'all' and group == 'households' and cutoff_m == 300").iloc[0]
    homes = taken["layers"]["households"]
    assert homes.loc[homes["covered"].astype(bool), "households"].sum() == whole["covered"]
    assert b"<html" in taken["maps"][0]


def test_scenarios_side_by_side(work, taken):
    plan = work.current().plan
    pair = [Scenario(name, (), plan_key(plan)).remove_station(name) for name in ("S1", "S2")]
    takeaways.offer_comparison(work.target, work.current(), pair, Settings().cutoffs_m, 300.0, "en")
    assert set(taken["sheets"]["figures"]["scenario"]) == {"S1", "S2"}
    lost = taken["layers"]["households"]
    assert set(lost["change"]) == {"lost"}
    assert lost.geometry.notna().all()
    assert len(taken["maps"]) == 2


def test_grids_carry_their_households_and_rates(taken):
    found = assess_plan(town())
    with using_language("zh"):
        downloads.offer_answer(
            "x", found.plan, found.coverages, gaps=found.gaps, service_areas=found.service_areas, map_file=lambda: b""
        )
    grids = taken["layers"]["grids"].set_index("unit_id")
    summary = found.coverages[0].summary(by="grid")
    assert grids["rate_300"].to_dict() == pytest.approx(summary["coverage_rate"].to_dict(), nan_ok=True)
    assert grids["households"].to_dict() == summary["households"].to_dict()
    assert set(taken["layers"]["units"]["level"]) == {level.level for level in found.plan.info.levels[:-1]}
    basis = taken["sheets"]["数据口径"]
    assert basis["max_access_m"].tolist() == ["200.0", "200.0"]
    assert "步行距离" in basis["sentence"][0]
    assert not taken["sheets"]["盲区"]["cause"].astype("str").str.contains("_").any()
