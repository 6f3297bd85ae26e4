"""The five worked examples: their sizes, marked as made up, the same for the same seed."""

from __future__ import annotations

from dataclasses import replace

import pytest

import gridgeo
from gridgeo.errors import InputError, MissingDataError
from gridgeo.examples import EXAMPLES, make_example
from gridgeo.examples.tables import SOURCE
from gridgeo.sharing import share_rooms
from gridgeo.visits import assess_visits
from gridgeo.zonings import zonings_coincide

MADE = ("stations", "people", "needs", "visits", "enterprises", "zonings")


@pytest.fixture(scope="module")
def plan():
    plan = gridgeo.read_plan(gridgeo.bundled_plan_path("qinghuayuan"))
    communities = plan.units[plan.units["level"] == "community"]
    blocks = gridgeo.enclose_blocks(plan.district, plan.streets, communities=communities)
    # Where the grids run does not matter here, so nobody waits for good ones.
    cut = gridgeo.partition_grids(blocks, plan.households, communities=communities, effort=0.05)
    return plan.replace(blocks=cut.blocks, grids=cut.grids)


@pytest.fixture(scope="module")
def examples(plan):
    return {name: make_example(name, plan, zonings=name != "tashan") for name in EXAMPLES}


def count(layer, column):
    return layer[column].value_counts().to_dict()


def test_each_example_has_its_programmes_own_sizes(examples, plan):
    gutang = examples["gutang"]
    roles = count(gutang.people, "role")
    assert (roles["talent"], roles["volunteer"], len(gutang.needs)) == (310, 451, 206)
    assert len(set(gutang.people.loc[gutang.people["role"] == "volunteer", "kinds"])) == 6
    assert assess_visits(gutang, month="2026-10").summary()["visited"].tolist() == [4215]
    assert assess_visits(gutang, month="2026-10", of="enterprises").summary()["visited"].tolist() == [98]
    off = zonings_coincide(gutang, "demonstration", "level:community")
    assert len(off.mismatch) == 1
    assert off.mismatch["households"].sum() > 0
    tinghu = count(examples["tinghu"].stations, "station_kind")
    assert (tinghu["branch"], tinghu["building_group"], tinghu["grid_station"]) == (268, 1030, len(plan.grids))
    assert set(examples["tinghu"].people["grid_id"]) == set(plan.grids["grid_id"])
    dafeng = examples["dafeng"]
    assert count(dafeng.stations, "station_kind") == {
        "volunteer_station": 15, "estate_centre": 2, "volunteer_base": 2, "hub": 1, "home_care": 1,
    }  # fmt: skip
    assert len(dafeng.people) == 2600
    assert dafeng.people["station_id"].notna().all()
    assert len(share_rooms(dafeng.stations)) >= 4
    assert {"women", "workers"} <= set(dafeng.households)
    nanwan = examples["nanwan"]
    assert count(nanwan.people, "role") == {"member": 1600}
    assert (nanwan.needs["status"] == "met").sum() / len(nanwan.needs) == pytest.approx(0.98, abs=0.005)
    tashan = examples["tashan"]
    assert len(tashan.enterprises) == 82
    assert count(tashan.stations, "station_kind")["branch"] == len(plan.grids)
    assert tashan.people["capacity"].sum() >= plan.households["households"].sum()


@pytest.mark.parametrize("name", EXAMPLES)
def test_everything_is_marked_as_made_up_and_fits_together(examples, plan, name):
    made = examples[name]
    for layer in MADE:
        frame = getattr(made, layer)
        assert frame["estimated"].all()
        assert (frame["source"] == SOURCE).all()
    assert not {"name", "phone"} & set(made.people)
    assert gridgeo.check_plan(made) == []
    assert (made.stations.distance(made.district) == 0).all()
    assert sum("虚构" in note.zh for note in made.info.notes) == 1
    assert len(make_example("dafeng", made).info.notes) <= len(made.info.notes) + 1


@pytest.mark.parametrize("name", ["gutang", "nanwan"])
def test_the_same_seed_gives_the_same_tables(examples, plan, name):
    again, other = make_example(name, plan), make_example(name, plan, seed=1)
    for layer in MADE:
        one, two = getattr(examples[name], layer), getattr(again, layer)
        assert one.drop(columns="geometry").equals(two.drop(columns="geometry"))
        assert one.geometry.to_wkb().equals(two.geometry.to_wkb())
    assert not other.people.geometry.to_wkb().equals(again.people.geometry.to_wkb())


def test_departments_zone_the_ground_each_in_its_own_way(plan):
    home = plan.blocks["community_id"].value_counts().index[0]
    blocks = plan.blocks[plan.blocks["community_id"] == home]
    small = plan.replace(
        info=replace(plan.info, levels=plan.info.levels[-2:]),
        units=plan.units[plan.units["unit_id"] == home].assign(parent_id=None),
        blocks=blocks,
        grids=plan.grids[plan.grids["community_id"] == home],
        households=plan.households[plan.households["community_id"] == home],
        stations=plan.stations.iloc[:0],
    )
    made = make_example("tashan", small)
    assert set(made.zonings["zoning"]) == {"police", "urban", "civil"}
    assert len(made.zonings) == 3 * len(blocks)
    kept = make_example("tashan", made, zonings=False)
    assert kept.zonings.drop(columns="geometry").equals(made.zonings.drop(columns="geometry"))


def test_what_cannot_be_an_example_is_refused(plan):
    with pytest.raises(InputError):
        make_example("atlantis", plan)
    with pytest.raises(MissingDataError):
        make_example("gutang", plan.replace(grids=plan.grids.iloc[:0]))
