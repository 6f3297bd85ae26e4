"""The main job on both bundled places, against answers found by other means."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import shapely
from bundled import assess_place, read_place

from gridgeo.assessment import assess_plan, divide_plan
from gridgeo.coverage import assess_coverage
from gridgeo.errors import MissingDataError
from gridgeo.network import PERSONS, build_network
from gridgeo.plan import PlanInfo, make_plan
from gridgeo.texts import text


def test_blocks_cover_the_district_exactly(assessment):
    plan = assessment.plan
    ground = plan.blocks.geometry.to_numpy()
    union = shapely.union_all(ground)
    assert shapely.area(shapely.symmetric_difference(union, plan.district)) < 1e-6
    assert shapely.area(ground).sum() - shapely.area(union) == pytest.approx(0, abs=1e-6)
    assert shapely.coverage_is_valid(ground)


def test_every_block_has_a_grid_and_every_grid_its_blocks(assessment):
    plan = assessment.plan
    assert set(plan.blocks["grid_id"]) == set(plan.grids["grid_id"])
    assert plan.grids["grid_id"].is_unique
    assert plan.grids.area.sum() == pytest.approx(plan.district.area, abs=1e-6)


def test_grids_are_named_in_the_language_of_the_place(assessment):
    assert assessment.plan.grids["name"].str.fullmatch(r".+第\d+网格").all()


def test_no_household_is_lost_between_levels(assessment):
    plan, coverage = assessment.plan, assessment.coverages[0]
    total = plan.households["households"].sum()
    for level in (None, *(level.level for level in plan.info.levels)):
        assert coverage.summary(by=level)["households"].sum() == total


def test_gaps_hold_exactly_the_uncovered_households(assessment):
    coverage = assessment.coverages[0]
    table = coverage.households
    uncovered = table.loc[~table["covered"], "households"].sum()
    assert assessment.gaps["households"].sum() == uncovered
    assert (table["covered"] == (table["reason"] == "")).all()


def test_service_areas_end_at_the_cutoff(assessment):
    assert set(assessment.service_areas["cutoff_m"]) == {300.0, 500.0}
    assert set(assessment.service_areas["station_id"]) <= set(assessment.plan.stations["station_id"])
    assert (assessment.service_areas.geometry.length > 0).all()


def test_same_plan_gives_the_same_grids():
    first = assess_place("qinghuayuan").plan
    again, _, _ = divide_plan(read_place("qinghuayuan"))
    pd.testing.assert_series_equal(first.blocks["grid_id"], again.blocks["grid_id"])


def test_a_plan_with_grids_keeps_them():
    plan = assess_place("qinghuayuan").plan
    again = assess_plan(plan, cutoffs_m=(400,))
    assert again.partition is None
    assert again.plan is plan
    assert [coverage.cutoff_m for coverage in again.coverages] == [400.0]
    assert "blocks" not in again.seconds


def test_minutes_a_pace_and_an_access_limit_are_asked_for():
    """Ten minutes at 60 m/min are what a fresh assessment finds; the basis names all that was asked."""
    known = assess_place("qinghuayuan")
    slow = replace(PERSONS["elder"], speed_m_per_min=60.0)
    found = assess_plan(known.plan, cutoffs_min=(10, 5), person=slow, max_access_m=50.0)
    network = build_network(known.plan.streets, barriers=known.plan.barriers, gates=known.plan.gates, max_access_m=50.0)
    asked = assess_coverage(network, known.plan.households, known.plan.stations, cutoff_min=10, person=slow)
    assert np.array_equal(found.coverages[0].covered, asked.covered)
    assert [(each.cutoff_m, each.cutoff_min) for each in found.coverages] == [(600.0, 10.0), (300.0, 5.0)]
    basis = found.coverages[0].basis
    assert (basis["max_access_m"], basis["speed_m_per_min"], basis["cutoff_min"]) == (50.0, 60.0, 10.0)
    areas = found.service_areas
    assert set(zip(areas["cutoff_m"], areas["cutoff_min"], strict=True)) == {(600.0, 10.0), (300.0, 5.0)}


def test_at_night_nobody_is_covered_and_no_street_is_reached():
    known = assess_place("qinghuayuan")
    plan = known.plan.replace(stations=known.plan.stations.assign(hours="Mo-Fr 09:00-17:00"))
    found = assess_plan(plan, at="Sun 03:00", network=known.network)
    assert not found.coverages[0].covered.any()
    assert len(found.service_areas) == 0
    assert found.gaps["households"].sum() == plan.households["households"].sum()


def test_the_steps_are_told_in_order():
    told = []
    assess_plan(assess_place("nanshan").plan, watch=told.append)
    assert told == ["network", "coverage", "gaps", "service_areas"]


@pytest.mark.parametrize("layer", ["units", "streets", "households", "stations"])
def test_a_missing_layer_is_named(layer):
    plan = assess_place("qinghuayuan").plan
    layers = {name: frame for name, frame in plan.layers().items() if name != layer}
    with pytest.raises(MissingDataError, match=f"no {text(f'layers.layer.{layer}')}"):
        assess_plan(make_plan(PlanInfo(plan.info.name), plan.crs, **layers))
