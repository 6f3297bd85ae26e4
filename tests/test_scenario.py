"""Scenarios: in Python and as files, followed step by step, compared side by side."""

import json
import random

import pandas as pd
import pytest
from bundled import assess_place
from commands import call_gridgeo
from commands import call_inside as gridgeo
from conftest import ROOT
from redraw_places import random_edit, snapshot, town

from gridgeo.errors import GridgeoError, InputError
from gridgeo.redraw import apply_edit, make_edit, undo_edits
from gridgeo.scenario import (
    Scenario,
    ScenarioResult,
    assess_fresh,
    compare,
    plan_key,
    read_scenario,
    run_scenario,
    update_coverage,
    write_scenario,
)
from gridgeo.store import read_plan, write_plan

CUTOFFS = (100.0, 200.0)
FILES = sorted((ROOT / "docs" / "scenarios").glob("*.toml"))


def same_coverage(one, two, *, levels=(None, "grid", "community")):
    pd.testing.assert_frame_equal(one.households, two.households, check_exact=True)
    for by in levels:
        pd.testing.assert_frame_equal(one.summary(by=by), two.summary(by=by), check_exact=True)


def test_every_edit_is_a_method_and_the_scenario_stays_as_it_is():
    empty = Scenario("two posts")
    full = empty.add_station("S9", at=(150, 250)).open_gate("D2").assign_blocks(["B00"], to="G2")
    assert [edit.kind for edit in full.edits] == ["add_station", "open_gate", "move_blocks"]
    assert full.edits[2] == make_edit("move_blocks", blocks=["B00"], to="G2")
    assert empty.edits == ()
    with pytest.raises(AttributeError):
        empty.fly()
    with pytest.raises(TypeError):
        empty.open_gate("D2", "06:00", "more")
    with pytest.raises(InputError):
        empty.open_gate()


def test_a_scenario_survives_its_file(tmp_path):
    scenario = Scenario('甲"乙\\\n', plan="T", why="看 what\x7f").add_station(
        "S9", at=(1 / 3, 2), name="站", capacity=5
    )
    scenario = scenario.split_grid("G1", line=[(0, 90), (200, 112)]).lock_grid("G1", locked=False)
    path = write_scenario(scenario, tmp_path / "a.toml")
    assert read_scenario(path) == scenario
    (tmp_path / "b.toml").write_text('[[edit]]\nkind = "close_gate"\ngate = "D1"\nwhy = "night"\n', encoding="utf-8")
    assert read_scenario(tmp_path / "b.toml") == Scenario("b").close_gate("D1")


def test_its_edits_are_offered_as_it_is_written():
    assert {"add_station", "open_gate", "assign_blocks", "edits"} <= set(dir(Scenario("a")))


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("toml_syntax", 'name = "a'),
        ("scenario_unknown_entry", 'colour = "red"'),
        ("scenario_edit", '[[edit]]\nkind = "fly"'),
        ("scenario_edit", '[[edit]]\nkind = "open_gate"'),
        ("scenario_edit", "edit = 3"),
        ("scenario_entry_no_text", "plan = 3"),
        ("scenario_entry_no_text", "name = ['a']"),
        ("toml_not_utf8", b"\x80\x00" * 99),
        ("toml_not_utf8", 'name = "a"'.encode("utf-16")),
        ("toml_too_large", b"#" * 10_000_001),
        ("toml_syntax", "a = " + "[" * 5000 + "]" * 5000),
        ("toml_syntax", "n = " + "9" * 5000),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "bytes",
)
def test_a_file_that_is_wrong_is_one_sentence(tmp_path, key, said):
    path = tmp_path / "a.toml"
    path.write_bytes(said if isinstance(said, bytes) else said.encode())
    with pytest.raises(GridgeoError) as caught:
        read_scenario(path)
    assert caught.value.key == key
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_another_plan_are_one_sentence(tmp_path):
    with pytest.raises(GridgeoError) as caught:
        read_scenario(tmp_path / "no.toml")
    assert caught.value.key == "missing_file"
    assert plan_key(town()) == "T"
    before = snapshot(plan := town())
    with pytest.raises(InputError) as caught:
        run_scenario(plan, Scenario("x", plan="U").open_gate("D2"))
    assert caught.value.key == "scenario_of_another_plan"
    with pytest.raises(InputError) as caught:
        run_scenario(plan, Scenario("x").open_gate("D2").open_gate("D2"))
    assert caught.value.key == "scenario_edit_refused"
    assert "edit 2" in caught.value.message
    assert snapshot(plan) == before


def test_coverage_kept_up_to_date_equals_coverage_from_scratch():
    rng = random.Random(3)  # noqa: S311 (no secret)
    plan = town()
    coverage = assess_fresh(plan, CUTOFFS)
    followed = set()
    while len(plan.edits) < 40:
        try:
            after = apply_edit(plan, random_edit(plan, rng)).plan
            fresh = assess_fresh(after, CUTOFFS)
        except GridgeoError:
            continue
        coverage = update_coverage(coverage, plan, after)
        # The figures are the households counted: asked of every tenth.
        levels = (None, "grid", "community") if len(after.edits) % 10 == 0 else ()
        same_coverage(coverage, fresh, levels=levels)
        same_coverage(coverage.at(200), fresh.at(200), levels=levels)
        followed.add(after.edits[-1].kind)
        plan = after
    assert len(followed) >= 12
    back = undo_edits(plan, 20)
    same_coverage(update_coverage(coverage, plan, back), assess_fresh(back, CUTOFFS))


def test_the_access_limit_follows_from_step_to_step():
    plan = town()
    coverage = assess_fresh(plan, CUTOFFS, max_access_m=30.0)
    scenario = Scenario("x").open_gate("D2")
    after = run_scenario(plan, scenario, cutoffs_m=CUTOFFS, max_access_m=30.0).coverages[0]
    same_coverage(after, assess_fresh(apply_edit(plan, scenario.edits[0]).plan, CUTOFFS, max_access_m=30.0))
    asked = assess_fresh(plan, CUTOFFS, max_access_m=30.0, person="elder")
    assert update_coverage(asked, plan, apply_edit(plan, scenario.edits[0]).plan).network.max_access_m == 30.0
    other = ScenarioResult(Scenario("–"), plan, (coverage,))
    assert run_scenario(plan, Scenario("–"), cutoffs_m=CUTOFFS, base=other).coverages[0].network.max_access_m == 200.0


def test_a_comparison_by_hand():
    plan = town()
    # Ten metres to the west of the middle, so that each point's street is the one to its west, 40 m away.
    plan = plan.replace(households=plan.households.set_geometry(plan.households.translate(-10, 0)))
    base = run_scenario(plan, Scenario("now"), cutoffs_m=CUTOFFS)
    less = run_scenario(plan, Scenario("less").close_station("S2"), cutoffs_m=CUTOFFS, base=base)
    drawn = run_scenario(plan, Scenario("drawn").move_blocks(["B00"], "G2"), cutoffs_m=CUTOFFS)
    found = compare(base, less, drawn)
    # S2 stands at (300, 300): the two blocks to its east are 40 + 50 m from it, the two to its
    # west 40 + 150. S1 reaches one: the gate D2, closed, stands in the street before the other.
    lost = found.households[(found.households["scenario"] == "less") & (found.households["cutoff_m"] == 100)]
    assert sorted(lost["household_id"]) == ["H32", "H33"]
    assert set(lost["change"]) == {"lost"}
    assert set(lost["base_station_id"]) == {"S2"}
    assert set(lost["base_distance_m"]) == {90.0}
    head = found.headline()
    row = head[(head["scenario"] == "less") & (head["cutoff_m"] == 100) & (head["group"] == "households")].iloc[0]
    assert row[["total", "base_covered", "covered", "change"]].tolist() == [1600, 300, 100, -200]
    assert row[["base_rate", "rate"]].tolist() == [0.1875, 0.0625]
    elderly = head[(head["scenario"] == "less") & (head["cutoff_m"] == 100) & (head["group"] == "elderly")].iloc[0]
    assert elderly["change"] == -20
    figures = found.figures
    east = figures[
        (figures["scenario"] == "less") & (figures["unit_id"] == "E") & (figures["cutoff_m"] == 100)
    ].set_index("group")
    assert east.loc["households", "change"] == -200
    assert found.grids[["scenario", "grid_id", "change", "blocks_in", "blocks_out"]].to_numpy().tolist() == [
        ["drawn", "G1", "redrawn", "", "B00"],
        ["drawn", "G2", "redrawn", "B00", ""],
    ]
    assert not (found.households["scenario"] == "drawn").any()


def test_new_and_lost_grids_count_from_and_to_nothing():
    plan = town()
    base = run_scenario(plan, Scenario("now"), cutoffs_m=CUTOFFS)
    merged = run_scenario(plan, Scenario("m").merge_grids(["G1", "G2"], into="G1").new_grid(["B33"]), cutoffs_m=CUTOFFS)
    found = compare(base, merged)
    assert found.grids.set_index("grid_id")["change"].to_dict() == {
        "G1": "redrawn", "G2": "gone", "G4": "redrawn", "G5": "new",
    }  # fmt: skip
    grids = found.figures[(found.figures["level"] == "grid") & (found.figures["group"] == "households")]
    near = grids[grids["cutoff_m"] == 100].set_index("unit_id")
    assert near.loc["G2", ["total", "base_total"]].tolist() == [0, 400]
    assert near.loc["G5", ["total", "base_total"]].tolist() == [100, 0]
    assert near["change"].sum() == 0


def test_what_cannot_be_compared_is_one_sentence():
    plan = town()
    base = run_scenario(plan, Scenario("now"), cutoffs_m=CUTOFFS)
    for key, results in (
        ("nothing_to_compare", []),
        ("scenarios_of_one_name", [base, base]),
        ("not_comparable", [run_scenario(plan, Scenario("x"), cutoffs_m=(300.0,))]),
    ):
        with pytest.raises(InputError) as caught:
            compare(base, *results)
        assert caught.value.key == key


def test_the_commands_edit_undo_redo_and_log(tmp_path):
    path, edits = tmp_path / "a.gpkg", tmp_path / "edits.toml"
    write_plan(town(), path)
    write_scenario(Scenario("e", plan="T").move_blocks(["B00", "B01"], "G2").rename_grid("G1", "甲"), edits)
    ran = call_gridgeo("edit", path, edits, "--who", "李", "--json")
    assert (ran.returncode, ran.stderr) == (0, "")
    answer = json.loads(ran.stdout)
    assert [edit["kind"] for edit in answer["edits"]] == ["move_blocks", "rename_grid"]
    # S1 stands on the corner of four blocks; the first of them, B00, has gone to G2.
    broken = {(each["rule"], each["item"]) for each in answer["breaks"]}
    assert broken == {("too_few", "G1"), ("too_many", "G2"), ("station_changed_grid", "S1")}
    assert answer["breaks"][0]["repairs"]
    assert gridgeo("undo", path, "2").returncode == 0
    assert snapshot(read_plan(path))["blocks"] == snapshot(town())["blocks"]
    assert gridgeo("redo", path).returncode == 0
    listed = json.loads(gridgeo("log", path, "--json").stdout)["edits"]
    assert [(each["kind"], each["who"] == "李") for each in listed[:2]] == [
        ("move_blocks", True),
        ("rename_grid", True),
    ]
    assert [each["stands"] for each in listed] == [True, False, False, False, False]
    shown = gridgeo("log", path, lang="zh")
    assert "已撤销" in shown.stdout
    ran = gridgeo("undo", path, "7")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.count("\n") == 1
    before = path.read_bytes()
    write_scenario(Scenario("e").rename_grid("G1", "乙").rename_grid("G9", "x"), edits)
    assert gridgeo("edit", path, edits).returncode == 1
    assert path.read_bytes() == before


def test_the_command_compare_prints_and_writes_tables(tmp_path):
    path, edits = tmp_path / "a.gpkg", tmp_path / "less.toml"
    plan = town()
    write_plan(plan.replace(households=plan.households.set_geometry(plan.households.translate(-10, 0))), path)
    write_scenario(Scenario("less").close_station("S2"), edits)
    ran = call_gridgeo("compare", path, edits, "--cutoff", "100", "--out", tmp_path / "out")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "-200" in ran.stdout
    names = ["figures.csv", "grids.csv", "households.csv"]
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == names
    households = pd.read_csv(tmp_path / "out" / "households.csv")
    assert sorted(households["household_id"]) == ["H32", "H33"]


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_the_scenarios_of_the_documents_give_one_table_everywhere(file, tmp_path):
    plan = assess_place("qinghuayuan").plan
    path = tmp_path / "a.gpkg"
    write_plan(plan, path)
    base = run_scenario(plan, Scenario("now"))
    found = compare(base, run_scenario(plan, read_scenario(file), base=base)).headline()
    answer = json.loads(gridgeo("compare", path, file, "--json").stdout)["figures"]
    told = pd.DataFrame(answer, columns=found.columns)
    assert told["covered"].tolist() == found["covered"].tolist()
    assert told["change"].tolist() == found["change"].tolist()
    assert told["group"].tolist() == found["group"].tolist()
    assert found["change"].abs().sum() > 0


def test_there_are_scenarios_in_the_documents():
    assert len(FILES) >= 3


@pytest.mark.parametrize(
    "asked",
    [
        {"person": "elder"},
        {"person": "wheelchair", "cutoffs_min": (2.0, 5.0)},
        {"service": "elderly"},
        {"at": "Sat 19:00"},
    ],
    ids="+".join,
)
def test_a_what_if_for_a_person_a_service_or_a_time_is_answered(asked):
    plan = town()
    plan = plan.replace(
        stations=plan.stations.assign(
            services=["elderly", "elderly;meals"], hours=["Mo-Su 08:00-20:00", "Mo-Fr 09:00-17:00"]
        ),
        gates=plan.gates.assign(hours=["06:00-22:00", None]),
    )
    scenario = Scenario("x").move_station("S2", at=(200, 120)).open_gate("D2").close_street("V30")
    base = run_scenario(plan, Scenario("now"), cutoffs_m=CUTOFFS, **asked)
    result = run_scenario(plan, scenario, cutoffs_m=CUTOFFS, base=base, **asked)
    for known, coverage in zip(base.coverages, result.coverages, strict=True):
        followed = update_coverage(known, plan, result.plan)
        same_coverage(followed, coverage)
        assert followed.basis == coverage.basis
    assert not compare(base, result).households.empty
    if "person" in asked:
        with pytest.raises(InputError) as caught:
            compare(run_scenario(plan, Scenario("now"), cutoffs_m=base.coverages[0].cutoffs_m), result)
        assert caught.value.key == "not_comparable"


def test_the_command_handover_lists_what_goes_where(tmp_path):
    path, edits = tmp_path / "a.gpkg", tmp_path / "e.toml"
    write_plan(town(), path)
    write_scenario(Scenario("e").rename_grid("G4", "乙").move_blocks(["B01"], "G2"), edits)
    would = json.loads(gridgeo("handover", path, edits, "--json").stdout)
    assert [row["household_id"] for row in would["handover"]] == ["H01"]
    assert (would["handover"][0]["from_grid"], would["handover"][0]["to_grid"]) == ("G1", "G2")
    assert sum(row["households"] for row in would["crosswalk"]) == 1600
    assert json.loads(gridgeo("handover", path, "--json").stdout)["handover"] == []
    assert gridgeo("edit", path, edits).returncode == 0
    ran = call_gridgeo("handover", path, "--out", tmp_path / "out", lang="zh")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "H01" in ran.stdout
    table = pd.read_csv(tmp_path / "out" / "handover.csv")
    assert table["household_id"].tolist() == ["H01"]
    assert json.loads(gridgeo("handover", path, "--since", "2", "--json").stdout)["handover"] == []
    ran = gridgeo("handover", path, "--since", "3")
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (1, "", 1)


def test_a_closed_station_is_not_counted_by_the_command_line():
    from gridgeo.assessment import assess_plan
    from gridgeo.cli.answers import assessment_answer

    plan = apply_edit(town(), make_edit("close_station", station="S1")).plan
    assert len(plan.stations) == 2
    assert assessment_answer(assess_plan(plan), [])["stations"] == 1
