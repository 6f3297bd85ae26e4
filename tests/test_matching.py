"""Needs and volunteers, households and members: optimal against every possible way on small cases."""

from __future__ import annotations

from itertools import combinations, product

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment, linprog

import gridgeo
from gridgeo.errors import CRSError, InputError
from gridgeo.matching import Pairs, assign_members, level_loads, match_needs, serve_most, serve_whole, solve_transport

CRS = 4548
FEW = settings(max_examples=60, deadline=None)


@pytest.fixture(scope="module")
def lane():
    """One street of 1,000 m along y = 0: the walk between (a, 0) and (b, 0) is |a - b|."""
    street = gpd.GeoDataFrame(
        {"street_id": ["s"], "street_class": ["residential"]},
        geometry=[shapely.LineString([(x, 0) for x in range(0, 1001, 100)])],
        crs=CRS,
    )
    return gridgeo.build_network(street)


def people(xs, *, role="volunteer", **columns):
    shapes = [None if x is None else shapely.Point(x, 0) for x in xs]
    table = {"person_id": [f"p{at}" for at in range(len(xs))], "role": [role] * len(xs), **columns}
    return gpd.GeoDataFrame(table, geometry=shapes, crs=CRS)


def needs(xs, kinds, **columns):
    shapes = [None if x is None else shapely.Point(x, 0) for x in xs]
    table = {"need_id": [f"n{at}" for at in range(len(xs))], "need_kind": kinds, **columns}
    return gpd.GeoDataFrame(table, geometry=shapes, crs=CRS)


def households(xs, counts):
    table = {"household_id": [f"h{at}" for at in range(len(xs))], "households": counts}
    return gpd.GeoDataFrame(table, geometry=[shapely.Point(x, 0) for x in xs], crs=CRS)


@st.composite
def cases(draw, *, most_supply):
    n, m = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    cost = draw(st.lists(st.one_of(st.none(), st.integers(0, 9)), min_size=n * m, max_size=n * m))
    known = [(at // m, at % m, value) for at, value in enumerate(cost) if value is not None]
    asker, giver, value = (np.array([row[at] for row in known], dtype=np.int64) for at in range(3))
    supply = draw(st.lists(st.integers(0, most_supply), min_size=n, max_size=n))
    capacity = draw(st.lists(st.integers(0, 3), min_size=m, max_size=m))
    return Pairs(asker, giver, value, n, m), np.array(supply), np.array(capacity)


def every_way(pairs, supply, capacity):
    """All ways to serve single units: (served, largest load, cost)."""
    cost = {(i, j): c for i, j, c in zip(pairs.asker, pairs.giver, pairs.cost, strict=True)}
    units = [i for i in range(pairs.askers) for _ in range(supply[i])]
    for choice in product([None, *range(pairs.givers)], repeat=len(units)):
        taken = [(i, j) for i, j in zip(units, choice, strict=True) if j is not None]
        load = np.bincount([j for _, j in taken], minlength=pairs.givers)
        if all(pair in cost for pair in taken) and (load <= capacity).all():
            yield len(taken), int(load.max()), sum(cost[pair] for pair in taken)


@FEW
@given(cases(most_supply=2))
def test_transport_equals_every_way_tried(case):
    pairs, supply, capacity = case
    ways = list(every_way(pairs, np.minimum(supply, 2), capacity))
    most = max(served for served, _, _ in ways)
    assert serve_most(pairs, supply, capacity) == most
    served = solve_transport(pairs, supply, capacity)
    assert int(served.sum()) == most
    assert (np.bincount(pairs.asker, weights=served, minlength=pairs.askers) <= supply).all()
    assert (np.bincount(pairs.giver, weights=served, minlength=pairs.givers) <= capacity).all()
    assert int((served * pairs.cost).sum()) == min(cost for done, _, cost in ways if done == most)
    if most:
        level = level_loads(pairs, supply, capacity, most)
        assert level == min(load for done, load, _ in ways if done == most)


@FEW
@given(cases(most_supply=3))
def test_teams_equal_every_way_tried(case):
    pairs, amount, capacity = case
    served = serve_whole(pairs, amount, capacity)
    whole = np.bincount(pairs.asker, weights=served, minlength=pairs.askers) == amount
    assert (np.bincount(pairs.giver, weights=served, minlength=pairs.givers) <= capacity).all()
    near = [[at for at in range(len(pairs.cost)) if pairs.asker[at] == i] for i in range(pairs.askers)]
    options = [[(), *combinations(rows, count)] if count else [()] for rows, count in zip(near, amount, strict=True)]
    best = (0, 0)
    for choice in product(*options):
        rows = [at for team in choice for at in team]
        if (np.bincount(pairs.giver[rows], minlength=pairs.givers) <= capacity).all():
            met = sum(len(team) == count for team, count in zip(choice, amount, strict=True))
            best = min(best, (-met, int(pairs.cost[rows].sum())))
    assert (-int(whole.sum()), int((served * pairs.cost).sum())) == best


@pytest.mark.parametrize("seed", range(6))
def test_transport_equals_a_linear_program(seed):
    """Points of several, givers too few by a little, many equal costs: where chains of exchanges are long."""
    rng = np.random.default_rng(seed)
    n, m = 60, 12
    asker, giver = np.nonzero(rng.random((n, m)) < 0.4)
    pairs = Pairs(asker, giver, rng.integers(0, 40, len(asker)), n, m)
    supply = rng.integers(0, 6, n)
    capacity = rng.multinomial(int(supply.sum() * (0.8 + 0.1 * (seed % 4))), np.full(m, 1 / m))
    served = solve_transport(pairs, supply, capacity)
    most = serve_most(pairs, supply, capacity)
    assert served.sum() == most
    rows = [(pairs.asker == i, supply[i]) for i in range(n)] + [(pairs.giver == j, capacity[j]) for j in range(m)]
    matrix, limits = np.array([row for row, _ in rows], dtype=float), [limit for _, limit in rows]
    best = linprog(pairs.cost, A_ub=matrix, b_ub=limits, A_eq=np.ones((1, len(asker))), b_eq=[most])
    assert (matrix @ served <= limits).all()
    assert int((served * pairs.cost).sum()) == round(best.fun)


def test_an_assignment_equals_the_best_known_way():
    rng = np.random.default_rng(1)
    cost = rng.integers(0, 1000, (40, 30))
    asker, giver = (each.ravel() for each in np.indices(cost.shape))
    pairs = Pairs(asker, giver, cost.ravel(), 40, 30)
    supply, capacity = np.ones(40, dtype=np.int64), np.ones(30, dtype=np.int64)
    row, column = linear_sum_assignment(cost)
    assert serve_most(pairs, supply, capacity) == 30
    assert int((solve_transport(pairs, supply, capacity) * pairs.cost).sum()) == cost[row, column].sum()


def test_most_needs_come_before_short_ways(lane):
    # n0 at 100 has p0 next to it, but only p0 can go to n1; so n0 takes p1, farther away.
    found = match_needs(
        lane, needs([100, 0], ["medical"] * 2), people([90, 250], kinds=["medical", "arts;medical"]), cutoff_m=200
    )
    assert found.matches[["need_id", "person_id", "distance_m"]].to_numpy().tolist() == [
        ["n0", "p1", 150.0], ["n1", "p0", 90.0],
    ]  # fmt: skip
    assert (found.summary["needs"], found.summary["met"], found.summary["distance_m"]) == (2, 2, 240.0)


def test_every_unmet_need_says_why(lane):
    found = match_needs(
        lane,
        needs(
            [50, 50, 1000, None, 500, 0, 0], ["medical", "medical", "medical", "medical", "chess", "lost", " medical "]
        ),
        people([50, None], kinds=["medical", "lost"], capacity=[2, 5]),
        cutoff_m=300,
    )
    assert found.unmet.set_index("need_id")["reason"].to_dict() == {
        "n2": "out_of_reach", "n3": "no_position", "n4": "no_kind", "n5": "no_position", "n6": "all_full",
    }  # fmt: skip
    assert found.unmet.set_index("need_id")["nearest_m"].to_dict() == {
        "n2": 950.0, "n3": np.inf, "n4": np.inf, "n5": np.inf, "n6": 50.0,
    }  # fmt: skip
    assert found.people[["person_id", "load", "placed"]].to_numpy().tolist() == [["p0", 2, True], ["p1", 0, False]]
    assert found.summary["reasons"] == {"no_kind": 1, "no_position": 2, "out_of_reach": 1, "all_full": 1}


def test_the_cutoff_is_inclusive_and_met_needs_and_other_roles_are_left_out(lane):
    wanted = needs([0, 0], ["a", "a"], status=["open", "met"])
    assert match_needs(lane, wanted, people([100], kinds=["a"]), cutoff_m=100).summary["met"] == 1
    assert match_needs(lane, wanted, people([100], kinds=["a"]), cutoff_m=99.999).summary["met"] == 0
    found = match_needs(lane, wanted, people([100], kinds=["a"], role="staff"), cutoff_m=100)
    assert (found.summary["people"], found.unmet["reason"].tolist()) == (0, ["no_kind"])


def test_a_need_of_several_people_is_met_in_full_or_not_at_all(lane):
    wanted = needs([0, 10], ["a", "a"], amount=[2, 3])
    found = match_needs(lane, wanted, people([0, 20, 40], kinds=["a"] * 3), cutoff_m=100)
    assert found.matches["need_id"].tolist() == ["n0", "n0"]
    assert found.matches["distance_m"].sum() == 20.0
    assert found.unmet["reason"].tolist() == ["all_full"]


def test_the_order_of_the_tables_does_not_matter(lane):
    rng = np.random.default_rng(3)
    wanted = needs(rng.integers(0, 50, 12) * 20, ["a", "b"] * 6)
    there = people(rng.integers(0, 50, 9) * 20, kinds=["a;b", "a", "b"] * 3)
    one = match_needs(lane, wanted, there, cutoff_m=300)
    two = match_needs(lane, wanted.iloc[::-1], there.sample(frac=1, random_state=0), cutoff_m=300)
    assert one.matches.equals(two.matches)
    assert one.unmet.equals(two.unmet)


def test_members_take_fair_shares_near_them(lane):
    homes = households([0, 120, 200, 560], [3, 3, 2, 4])
    found = assign_members(lane, homes, people([0, 200, 1000], role="member"), limit=10, cutoff_m=500)
    # Twelve for three is four each: the third is only near enough to the easternmost four.
    assert found.summary["in_care"] == 12
    assert found.summary["largest_load"] == 4
    assert found.members["households"].tolist() == [4, 4, 4]
    assert found.assignments["households"].sum() == 12
    near = assign_members(lane, homes, people([0, 200, 1000], role="member"), limit=10, cutoff_m=500, fair=False)
    assert near.summary["largest_load"] > 4
    assert near.summary["mean_distance_m"] < found.summary["mean_distance_m"]


def test_who_is_left_says_why(lane):
    homes = pd.concat([households([0, 900], [5, 2]), households([0], [1]).assign(household_id="far").set_geometry(
        gpd.GeoSeries([shapely.Point(0, 5000)], crs=CRS))])  # fmt: skip
    found = assign_members(lane, homes, people([0], role="member", capacity=[3]), limit=4, cutoff_m=500)
    assert found.left.sort_values("household_id").to_numpy().tolist() == [
        ["far", 1, "no_street"], ["h0", 2, "all_full"], ["h1", 2, "out_of_reach"],
    ]  # fmt: skip
    assert found.members["limit"].tolist() == [3]


def test_members_stay_within_their_unit(lane):
    homes = households([0, 100], [1, 1]).assign(grid_id=["G1", "G2"])
    there = people([0, 100], role="member", grid_id=["G2", None])
    found = assign_members(lane, homes, there, cutoff_m=500, within="grid")
    assert found.assignments[["household_id", "person_id"]].to_numpy().tolist() == [["h1", "p0"]]
    with pytest.raises(InputError):
        assign_members(lane, homes, there, within="community")


def test_nobody_there_is_an_answer(lane):
    found = match_needs(lane, needs([0], ["a"]), people([]), cutoff_m=100)
    assert found.unmet["reason"].tolist() == ["no_kind"]
    care = assign_members(lane, households([0], [2]), people([None], role="member"))
    assert care.summary["left"] == 2
    assert care.summary["members_without_position"] == 1


def test_bad_input_is_refused_in_a_sentence(lane):
    sound, there = needs([0], ["a"]), people([0], kinds=["a"])
    for wanted, who, values in (
        (sound.drop(columns="need_kind"), there, {}),
        (pd.concat([sound, sound]), there, {}),
        (sound, people([0], capacity=[-1]), {}),
        (sound, there, {"cutoff_m": 0}),
        (sound, there, {"default_capacity": -1}),
        (sound.to_crs(4547), there, {}),
    ):
        with pytest.raises((InputError, CRSError)) as caught:
            match_needs(lane, wanted, who, **values)
        assert caught.value.message
    with pytest.raises(InputError):
        assign_members(lane, households([0], [1]), there, limit=0)
