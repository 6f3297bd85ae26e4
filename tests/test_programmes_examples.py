"""Programmes from the command line: shown, copied, changed, applied, judged; bad files; cards; frames of examples."""

import json

import pytest
from commands import call_gridgeo, call_inside
from test_programmes_rules import HEAD, draw, people

from gridgeo.errors import InputError, MissingDataError
from gridgeo.plan import Name, PlanInfo
from gridgeo.programme_run import build_example, keep_unit, regroup_communities, report_on_plan
from gridgeo.programmes import parse_programme, read_programme
from gridgeo.programmes.cards import CARD_COLUMNS, make_cards
from gridgeo.store import write_plan


def gridgeo(*arguments, lang="en"):
    return call_inside("programme", *arguments, lang=lang)


def test_show_copy_change_apply_report(tmp_path):
    write_plan(draw(people=people(role=["helper"], grid_id=["G1"])), tmp_path / "plan.gpkg")
    shown = call_gridgeo("programme", "show", "tashan")
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
