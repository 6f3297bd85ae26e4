"""A worked example from the command line: built, judged, written; and the same figures as in the documents."""

import json
import re

import geopandas as gpd
import pandas as pd
import pytest
from commands import call_gridgeo
from conftest import ROOT
from test_programmes_rules import HEAD, draw, people

from gridgeo.errors import InputError, MissingDataError
from gridgeo.plan import Name, PlanInfo
from gridgeo.programme_run import build_example, keep_unit, regroup_communities, report_on_plan
from gridgeo.programmes import PROGRAMMES, parse_programme, read_programme
from gridgeo.programmes.cards import CARD_COLUMNS, make_cards
from gridgeo.store import read_plan, write_plan

COLUMNS = ["number", "name", "zh", "mark", "value", "wanted", "places", "sentence", "basis"]
MARKS = {"met": "✓", "not_met": "✗", "unknown": "?"}


def gridgeo(*arguments, lang="en"):
    return call_gridgeo("programme", *arguments, lang=lang)


def table_of(name):
    """Return the table of rules of a programme's page."""
    page = (ROOT / "docs" / "programmes" / f"{name}.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \|(.*)\|$", page, flags=re.MULTILINE)
    return pd.DataFrame(
        [[number, *(cell.strip() for cell in rest.split("|"))] for number, rest in rows], columns=COLUMNS
    )


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    path = tmp_path_factory.mktemp("example") / "gutang.gpkg"
    ran = gridgeo("apply", "gutang", path, "--example", "--json")
    assert ran.returncode == 0, ran.stderr
    return path, json.loads(ran.stdout)


def test_the_example_has_the_programmes_own_size_and_says_that_it_is_made_up(example):
    path, said = example
    assert said["layers"]["needs"] == 206
    assert any("made up" in note for note in said["notes"])
    plan = read_plan(path)
    roles = plan.people["role"].value_counts()
    assert (roles["talent"], roles["volunteer"]) == (310, 451)
    for layer in ("people", "needs", "visits", "enterprises", "stations"):
        assert getattr(plan, layer)["estimated"].all(), layer


def test_the_report_by_command_line_is_the_one_in_the_documents(example, tmp_path):
    path, _ = example
    ran = gridgeo("report", path, "--out", tmp_path / "report", "--json")
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)
    rules, page = said["rules"], table_of("gutang")
    assert len(rules) == len(page) == 23
    for column in ("name", "value", "wanted", "sentence", "basis"):
        assert page[column].tolist() == [rule[column] for rule in rules]
    assert page["places"].tolist() == [str(rule["places"]) for rule in rules]
    assert page["mark"].tolist() == [MARKS[rule["state"]] for rule in rules]
    assert said["counts"] == pd.Series([rule["state"] for rule in rules]).value_counts().to_dict() | {"unknown": 0}
    assert said["estimated"]
    written = pd.read_csv(tmp_path / "report" / "rules.csv")
    assert written["number"].tolist() == [rule["value"] for rule in rules]
    places = sum(len(gpd.read_file(tmp_path / "report" / "places.gpkg", layer=name)) for name in ("points", "polygons"))
    assert places == sum(rule["places"] for rule in rules)
    assert {"units.csv", "rules.xlsx", "map.html"} <= {file.name for file in (tmp_path / "report").iterdir()}


@pytest.mark.parametrize("name", PROGRAMMES)
def test_the_documents_hold_every_rule(name):
    page, programme = table_of(name), read_programme(name)
    assert page["name"].tolist() == [rule.name.en for rule in programme.rules]
    assert page["zh"].tolist() == [rule.name.zh for rule in programme.rules]
    assert page["basis"].tolist() == [rule.basis for rule in programme.rules]
    assert set(page["mark"]) <= set(MARKS.values())


def test_show_copy_change_apply_report(tmp_path):
    write_plan(draw(), tmp_path / "plan.gpkg")
    shown = gridgeo("show", "tashan")
    assert shown.stdout.rstrip("\n") == read_programme("tashan").source.rstrip("\n")
    (tmp_path / "mine.toml").write_text(
        HEAD + '[[rule]]\nrule = "r"\nname = "grids"\nkind = "nesting"\n', encoding="utf-8"
    )
    applied = gridgeo("apply", tmp_path / "mine.toml", tmp_path / "plan.gpkg", lang="zh")
    assert applied.returncode == 0, applied.stderr
    assert "街道 – 社区 – 网格" in applied.stdout
    table = gridgeo("report", tmp_path / "plan.gpkg", lang="zh")
    assert "达标 1 条，未达标 0 条，无法判断 0 条。" in table.stdout
    again = json.loads(gridgeo("show", tmp_path / "plan.gpkg", "--json").stdout)
    assert again["programme"]["rule"][0]["kind"] == "nesting"
    assert len(json.loads(gridgeo("list", "--json").stdout)["programmes"]) == 5


def test_bad_data_and_bad_use(tmp_path):
    write_plan(draw(), tmp_path / "plan.gpkg")
    (tmp_path / "bad.toml").write_text(HEAD.replace('"210 m"', "210"), encoding="utf-8")
    for arguments, said in (
        (("report", tmp_path / "plan.gpkg"), "No programme is applied to plan.gpkg."),
        (("apply", "atlantis", tmp_path / "plan.gpkg"), "There is no programme atlantis;"),
        (("apply", tmp_path / "bad.toml", tmp_path / "plan.gpkg"), "station 1.radius: the radius 210 has no unit."),
        (("report", tmp_path / "none.gpkg"), "There is no file"),
    ):
        ran = gridgeo(*arguments)
        assert (ran.returncode, ran.stdout) == (1, "")
        assert said in ran.stderr
        assert "Traceback" not in ran.stderr
    assert gridgeo("report").returncode == 2
    faults = json.loads(gridgeo("apply", tmp_path / "bad.toml", tmp_path / "plan.gpkg", "--json").stdout)["faults"]
    assert (faults[0]["file"], faults[0]["column"]) == ("bad.toml", "station 1.radius")


def test_cards_name_the_grids_worker_and_the_communitys_stations():
    programme = parse_programme(
        HEAD + '[[rule]]\nrule = "card"\nname = "card"\nkind = "contact"\nrole = "grid_head"\n', file="x.toml"
    )
    plan = draw(people=people(role=["grid_head"], grid_id=["G1"], name=["Zhang"], phone=["139"]))
    cards = make_cards(plan, programme).set_index("household_id")
    assert list(cards.columns) == list(CARD_COLUMNS[1:])
    assert cards["worker"].tolist() == ["p0"] * 3 + [""] * 7
    assert cards["phone"].eq("").all()
    assert cards.loc["h0", "stations"] == "post"
    assert cards.loc["h9", "stations"] == ""
    told = PlanInfo(name=Name("图", "x"), levels=plan.info.levels, personal=True)
    named = draw().replace(info=told, people=people(role=["grid_head"], grid_id=["G1"], name=["Zhang"], phone=["139"]))
    assert make_cards(named, programme)[["worker", "phone"]].iloc[0].tolist() == ["Zhang", "139"]
    staffed = plan.replace(grids=plan.grids.assign(staff=["Li", "", "", ""]))
    assert make_cards(staffed, programme)["worker"].iloc[0] == "Li"


def test_the_frames_of_examples():
    plan = draw()
    one = keep_unit(plan, "C1")
    assert one.households["household_id"].tolist() == [f"h{n}" for n in range(5)]
    assert [level.level for level in one.info.levels] == ["community", "grid"]
    assert keep_unit(plan, "largest").units["unit_id"].tolist() in (["C1"], ["C2"])
    with pytest.raises(InputError, match="There is no C9"):
        keep_unit(plan, "C9")
    three = regroup_communities(plan, 3)
    assert three.blocks["community_id"].nunique() == 3
    assert len(three.info.notes) == 1
    with pytest.raises(InputError, match="no made-up tables"):
        build_example(parse_programme(HEAD, file="mine.toml"))
    with pytest.raises(MissingDataError, match="No programme is applied"):
        report_on_plan(plan)
