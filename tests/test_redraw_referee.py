"""The referee, the crosswalk and the hand-over list on the town drawn in `redraw_places`."""

import random

import geopandas as gpd
import pytest
import shapely
from bundled import assess_place
from redraw_places import CRS, town

from gridgeo.errors import GridgeoError
from gridgeo.redraw import cross_grids, find_breaks, judge_plan, list_handover, make_edit, suggest_repairs, try_edit
from gridgeo.scenario import assess_fresh, judge_walks
from gridgeo.texts import using_language


def after(plan, kind, **values):
    return try_edit(plan, make_edit(kind, **values)).plan


def rules(findings):
    return [(one.rule, one.item, one.blocks) for one in findings]


def test_a_town_in_order_has_no_findings():
    assert judge_plan(town()) == []


def test_every_repair_suggested_mends_what_it_is_suggested_for():
    """Break the town at random; make each repair and judge anew, from the layers alone."""
    rng, seen = random.Random(4), set()  # noqa: S311 (no secret)
    plan = after(town(), "set_households", household="H00", households=40)
    while len(seen) < 6:
        blocks = rng.sample(list(plan.blocks["block_id"]), 2)
        try:
            broken = after(plan, "move_blocks", blocks=blocks, to=rng.choice(list(plan.grids["grid_id"])))
        except GridgeoError:
            continue
        for finding, repairs in find_breaks(plan, broken):
            for repair in repairs:
                mended = try_edit(broken, repair).plan
                fresh = mended.replace(blocks=mended.blocks.copy(), grids=mended.grids.copy())
                assert (finding.rule, finding.item) not in {(one.rule, one.item) for one in judge_plan(fresh)}
                seen.add((finding.rule, repair.kind))


def test_the_least_repair_comes_first_and_breaks_nothing_else():
    low = after(town(), "set_households", household="H11", households=20)
    low = after(low, "set_households", household="H01", households=60)
    # G1 holds 280, G2 400: one block of 100 from G2 to G1 gives 380 and 300.
    (finding,) = judge_plan(low)
    first, *_ = suggest_repairs(low, finding)
    assert first.kind == "move_blocks"
    assert (len(first.get("blocks")), first.get("to")) == (1, "G1")
    assert judge_plan(try_edit(low, first).plan) == []


def test_each_rule_is_found_and_its_first_repair_mends_it():
    plan = town()
    plan = plan.replace(
        landuse=gpd.GeoDataFrame(
            {"landuse_id": ["L"], "name": ["花园"], "landuse_kind": ["residential"]},
            geometry=[shapely.box(10, 110, 90, 190)],
            crs=CRS,
        )
    )
    cases = [
        (after(plan, "move_blocks", blocks=["B00", "B01"], to="G2"), {"too_few", "too_many"}),
        (after(plan, "move_blocks", blocks=["B00"], to="G4"), {"in_pieces", "not_on_foot", "across_communities"}),
    ]
    for broken, expected in cases:
        breaks = find_breaks(plan, broken)
        assert expected <= {finding.rule for finding, _ in breaks}
        for finding, repairs in breaks:
            if finding.rule in expected:
                assert 1 <= len(repairs) <= 3, finding
                mended = try_edit(broken, repairs[0]).plan
                assert (finding.rule, finding.item) not in {(one.rule, one.item) for one in judge_plan(mended)}
            for language in ("zh", "en"):
                with using_language(language):
                    assert finding.message


def test_the_blocks_apart_are_named():
    broken = after(town(), "move_blocks", blocks=["B00"], to="G4")
    found = rules(judge_plan(broken, households_per_grid=(1, 900)))
    assert ("in_pieces", "G4", ("B00",)) in found
    assert ("across_communities", "G4", ("B00",)) in found


def test_a_compound_cut_in_two_is_named_and_made_whole():
    plan = town()
    plan = plan.replace(
        landuse=gpd.GeoDataFrame(
            {"landuse_id": ["L"], "name": ["花园"], "landuse_kind": ["residential"]},
            geometry=[shapely.box(10, 10, 90, 190)],
            crs=CRS,
        )
    )
    broken = after(plan, "move_blocks", blocks=["B01", "B11"], to="G2")
    (finding,) = [one for one in judge_plan(broken) if one.rule == "split_compound"]
    assert finding.item == "花园"
    repairs = suggest_repairs(broken, finding)
    assert [edit.kind for edit in repairs] == ["move_blocks"]
    assert not [one for one in judge_plan(try_edit(broken, repairs[0]).plan) if one.rule == "split_compound"]


def test_a_station_that_an_edit_takes_from_its_grid_is_named():
    plan = after(town(), "move_station", station="S1", at=[50, 50])
    moved = after(plan, "move_blocks", blocks=["B00"], to="G2")
    (finding,) = [one for one in judge_plan(moved, before=plan) if one.rule == "station_changed_grid"]
    assert (finding.item, finding.said) == ("S1", {"old": "G1", "new": "G2"})
    assert suggest_repairs(moved, finding) == (make_edit("move_blocks", blocks=["B00"], to="G1"),)
    outside = after(plan, "move_station", station="S1", at=[-50, 50])
    assert rules(judge_plan(outside)) == [("station_without_grid", "S1", ())]


def test_dedicated_and_locked_grids_may_leave_the_band():
    plan = after(town(), "set_households", household="H00", households=900)
    assert rules(judge_plan(plan)) == [("too_many", "G1", ())]
    assert judge_plan(after(plan, "set_grid_kind", grid="G1", grid_kind="dedicated")) == []
    assert judge_plan(after(plan, "lock_grid", grid="G1")) == []


def test_households_nearer_to_another_grids_station_are_counted():
    plan = town()
    # Ten metres to the west of the middle, so that each point's street is the one to its west, 40 m away.
    plan = plan.replace(households=plan.households.set_geometry(plan.households.translate(-10, 0)))
    plan = after(plan, "move_station", station="S1", at=[0, 0])
    plan = after(plan, "move_station", station="S2", at=[100, 210])
    # On the street to S1 and S2: B00 50 and 260 m, B10 150 and 160, B01 150 and 160, B11 250 and 60.
    coverage = assess_fresh(plan, (300.0,))
    (finding,) = judge_walks(plan, coverage)
    assert finding.item == "G1"
    assert finding.said == {"households": 100, "own": "S1", "other": "S2", "grid": "G2"}
    assert judge_walks(plan, coverage, grids={"G3"}) == []


def test_the_crosswalk_adds_up_and_says_what_became_of_each_grid():
    before = after(town(), "renumber_grids")
    plan = after(before, "merge_grids", grids=["G1", "G2"], into="G1")
    plan = after(plan, "split_grid", grid="G4", street="V3")
    plan = after(plan, "renumber_grids", grids=["G3"], code="9")
    table = cross_grids(before, plan)
    assert table[["old_grid", "new_grid", "relation", "households"]].to_numpy().tolist() == [
        ["G1", "G1", "merged", 400.0],
        ["G2", "G1", "merged", 400.0],
        ["G3", "G3", "recoded", 400.0],
        ["G4", "G4", "split", 200.0],
        ["G4", "G5", "split", 200.0],
    ]
    assert table["households"].sum() == plan.households["households"].sum()
    assert table["share_of_old"].tolist() == [1, 1, 1, 0.5, 0.5]
    assert table["share_of_new"].tolist() == [0.5, 0.5, 1, 1, 1]
    assert cross_grids(before, before)["relation"].eq("same").all()
    # A code that was in use once is not given again: G2's, gone with the merge.
    more = after(plan, "new_grid", blocks=["B00"])
    assert more.grids.set_index("grid_id")["code"]["G6"] not in set(before.grids["code"])


def test_unknown_persons_stay_unknown_in_the_crosswalk():
    plan = town()
    households = plan.households.copy()
    households.loc[0, "persons"] = None
    table = cross_grids(plan.replace(households=households), plan.replace(households=households))
    assert table["persons"].isna().tolist() == [True, False, False, False]


def test_the_handover_list_names_buildings_households_and_staff():
    plan = town()
    plan = plan.replace(
        buildings=gpd.GeoDataFrame(
            {"building_id": ["W1", "W2", "W3"], "name": ["一号楼", None, None]},
            geometry=[shapely.box(40, 40, 60, 60), shapely.box(10, 10, 20, 20), shapely.box(110, 110, 120, 120)],
            crs=CRS,
        ),
        grids=plan.grids.assign(staff=["张", "王", None, None]),
    )
    moved = after(plan, "move_blocks", blocks=["B00"], to="G2")
    table = list_handover(plan, moved)
    assert table["building_id"].tolist() == ["W1", "W2"]
    first = table.iloc[0]
    assert (first["from_grid"], first["from_staff"], first["to_grid"], first["to_staff"]) == ("G1", "张", "G2", "王")
    assert (first["building_name"], first["household_id"], first["households"], first["elderly"]) == (
        "一号楼", "H00", 100, 10,
    )  # fmt: skip
    assert table["households"].tolist() == [100, 0]
    assert len(list_handover(plan, plan)) == 0


@pytest.mark.parametrize("place", ["qinghuayuan"])
def test_the_referee_finds_on_a_real_place_what_the_partition_check_finds(place):
    from gridgeo.partition import Partition, check_partition

    plan = assess_place(place).plan
    found = {(one.rule, one.item) for one in judge_plan(plan)}
    names = {
        "grid_too_small": "too_few", "grid_too_large": "too_many", "grid_in_pieces": "in_pieces",
        "grid_across_communities": "across_communities", "grid_not_on_foot": "not_on_foot",
    }  # fmt: skip
    checked = set()
    for fault in check_partition(Partition(plan.blocks, plan.grids)):
        # The check also says why a grid cannot be in the band: `grid_too_small_community`.
        rule = next((names[key] for key in names if fault.key.startswith(key)), None)
        if rule:
            checked.add((rule, str(fault.values.get("grid", fault.value))))
    mine = {each for each in found if each[0] in names.values()}
    assert mine == checked
