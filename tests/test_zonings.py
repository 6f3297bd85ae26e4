"""Zonings of one ground: compared by hand, merged against every zoning there could be."""

from __future__ import annotations

from itertools import permutations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import gridgeo
from gridgeo.errors import CRSError, InputError, MissingDataError
from gridgeo.partition.atoms import make_atoms
from gridgeo.partition.feasibility import find_infeasible
from gridgeo.plan import Level, Name, PlanInfo
from gridgeo.zonings import assign_zoning, compare_zonings, merge_zonings, overlay_zonings, zonings_coincide
from gridgeo.zonings.labels import moved_blocks, pair_zones, rand_index

CRS = 4548


def frame(shapes, **columns):
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS)


def row_of_blocks(homes, **zonings):
    """Blocks of 100 m in a row, B0 to the west, with so many households each, and zonings as one letter a block."""
    n = len(homes)
    shapes = [shapely.box(100 * at, 0, 100 * at + 100, 100) for at in range(n)]
    whole = shapely.box(0, 0, 100 * n, 100)
    rows = [
        {"zoning": name, "block_id": f"B{at}", "zone_id": zone}
        for name, zones in zonings.items()
        for at, zone in enumerate(zones)
        if zone != "-"
    ]
    levels = (
        Level("subdistrict", Name("街道", "s")),
        Level("area", Name("片区", "a")),
        Level("grid", Name("网格", "g")),
    )
    return gridgeo.make_plan(
        PlanInfo(Name("甲", "A"), levels=levels),
        CRS,
        units=frame(
            [whole, shapely.box(0, 0, 200, 100), shapely.box(200, 0, 100 * n, 100)], unit_id=["T", "W", "E"],
            level=["subdistrict", "area", "area"], parent_id=[None, "T", "T"],
        ),
        blocks=frame(shapes, block_id=[f"B{at}" for at in range(n)]),
        households=frame(
            [shape.centroid for shape in shapes], household_id=[f"h{at}" for at in range(n)], households=homes
        ),
        zonings=pd.DataFrame(rows),
    )  # fmt: skip


@pytest.fixture(scope="module")
def plan():
    return row_of_blocks([10, 20, 30, 40, 0, 5], police="aabbcc", urban="xxxyyz", civil="112-33")


def test_where_zonings_differ(plan):
    found = compare_zonings(plan)
    pairs = found.pairs.set_index(["one", "other"])
    # police a=x (30), b=y (40), c=z (5): B2 (30 households) and B4 (none) are elsewhere.
    told = pairs.loc[("police", "urban")]
    assert (told["households_moved"], told["blocks_moved"]) == (30, 2)
    assert told["share_moved"] == 30 / 105
    assert pairs.loc[("civil", "police"), "households_missing"] == 40
    assert found.missing.to_numpy().tolist() == [["civil", "B3", 40]]
    assert found.blocks["disagree"].tolist() == [False, False, True, True, True, False]
    assert found.summary["households_in_dispute"] == 70
    assert found.summary["households_missing"] == {"civil": 40, "police": 0, "urban": 0}


def test_pairs_of_households_treated_alike():
    one, other = np.array([0, 0, 1]), np.array([0, 1, 1])
    # Households p, p | q | r, r: of ten pairs p-q, q-r are treated otherwise: four of them.
    assert rand_index(one, other, np.array([2.0, 1.0, 2.0])) == 6 / 10
    assert np.isnan(rand_index(one, other, np.array([1.0, 0.0, 0.0])))
    assert rand_index(one, one, np.ones(3)) == 1


def test_whether_two_zonings_are_the_same():
    plan = row_of_blocks([10, 20, 30, 40], areas="wwee", demonstration="1122", moved="1222", part="11--")
    same = zonings_coincide(plan, "level:area", "demonstration")
    assert same.same
    assert same.mismatch.empty
    assert same.pairs[["one", "other", "households", "blocks", "same"]].to_numpy().tolist() == [
        ["E", "2", 70, 2, True], ["W", "1", 30, 2, True],
    ]  # fmt: skip
    off = zonings_coincide(plan, "areas", "moved")
    assert not off.same
    assert off.mismatch[["block_id", "households", "one", "other"]].to_numpy().tolist() == [["B1", 20, "w", "2"]]
    assert off.mismatch.geometry.iloc[0].equals(plan.blocks.geometry.iloc[1])
    part = zonings_coincide(plan, "areas", "part")
    assert part.mismatch["block_id"].tolist() == ["B2", "B3"]
    assert zonings_coincide(plan, "areas", "areas").same


def test_the_plain_overlay(plan):
    pieces = overlay_zonings(plan, ("police", "urban"))
    assert pieces[["police", "urban", "households", "blocks"]].to_numpy().tolist() == [
        ["a", "x", 30, 2], ["b", "x", 30, 1], ["b", "y", 40, 1], ["c", "y", 0, 1], ["c", "z", 5, 1],
    ]  # fmt: skip
    assert shapely.union_all(pieces.geometry.to_numpy()).area == plan.district.area
    assert overlay_zonings(plan)["households"].sum() == 105


def test_areas_become_a_zoning_by_households(plan):
    # Area 1 ends at x = 160: B1's 20 households stand at 150. Area 2 ends at 440 and has 0.4 of B4, where nobody lives.
    areas = frame([shapely.box(0, 0, 160, 100), shapely.box(160, 0, 440, 100)], zone_id=["1", "2"], name=["一", "二"])
    before = areas.copy()
    found = assign_zoning(plan, areas, zoning="民政", name_column="name")
    assert areas.equals(before)
    assert found.rows[["block_id", "zone_id", "zone_name"]].to_numpy().tolist() == [
        ["B0", "1", "一"], ["B1", "1", "一"], ["B2", "2", "二"], ["B3", "2", "二"], ["B4", "2", "二"],
    ]  # fmt: skip
    assert found.cut[["block_id", "zones", "households_cut", "share_kept"]].to_numpy().tolist() == [
        ["B1", 2, 0, 0.6], ["B4", 1, 0, 0.4],
    ]  # fmt: skip
    assert found.outside.to_numpy().tolist() == [["B5", 5]]
    assert found.summary["blocks_outside"] == 1
    after = plan.replace(zonings=found.rows)
    assert compare_zonings(after).missing["block_id"].tolist() == ["B5"]


def test_bad_zonings_are_refused_or_told(plan):
    areas = frame([shapely.box(0, 0, 160, 100)], zone_id=["1"])
    with pytest.raises(InputError):
        assign_zoning(plan, areas, zoning="x", id_column="code")
    with pytest.raises(InputError):
        assign_zoning(plan, frame([None], zone_id=["1"]), zoning="x")
    with pytest.raises(MissingDataError):
        assign_zoning(plan, areas.iloc[:0], zoning="x")
    with pytest.raises(CRSError):
        assign_zoning(plan, areas.to_crs(4547), zoning="x")
    with pytest.raises(InputError):
        compare_zonings(plan, ("police", "lost"))
    with pytest.raises(InputError):
        zonings_coincide(plan, "police", "level:village")
    strange = plan.replace(zonings=plan.zonings.assign(block_id=plan.zonings["block_id"].replace("B5", "B9")))
    with pytest.raises(InputError) as caught:
        compare_zonings(strange)
    assert [fault.value for fault in caught.value.faults] == ["B9"]
    with pytest.raises(MissingDataError):
        compare_zonings(plan.replace(zonings=plan.zonings.iloc[:0]))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 9)), min_size=1, max_size=7))
def test_zones_are_paired_for_the_most_in_common(rows):
    one, other, weight = (np.array(column) for column in zip(*rows, strict=True))
    moved = weight[moved_blocks(one, other, weight.astype(float))].sum()
    fewest = min(weight[np.array(names)[one] != other].sum() for names in permutations(range(4)))
    assert moved == fewest
    pair = pair_zones(one, other, weight.astype(float))
    assert len(set(pair[pair >= 0])) == (pair >= 0).sum()


def every_zoning(n):
    """All ways to cut a row of blocks into stretches."""
    for cuts in range(1 << (n - 1)):
        yield np.cumsum([0, *((cuts >> at) & 1 for at in range(n - 1))])


@pytest.mark.parametrize(
    ("homes", "zonings"),
    [
        ([100] * 8, {"a": "11222333", "b": "11122333", "c": "11122233"}),
        ([120, 80, 60, 140, 100, 90, 110, 100], {"a": "11122233", "b": "11222333", "c": "11112333"}),
        ([50, 150, 100, 100, 100, 100, 150, 50], {"a": "11112222", "b": "11222333", "c": "11122233"}),
    ],
)
def test_a_merge_equals_the_best_of_every_zoning(homes, zonings):
    plan, band = row_of_blocks(homes, **zonings), (200, 450)
    found = merge_zonings(plan, households_per_grid=band)
    assert gridgeo.check_partition(found.partition, district=plan.district) == []
    given_ = [np.array([int(zone) - 1 for zone in zones]) for zones in zonings.values()]
    weight = np.array(homes, dtype=float)

    def moves(label):
        return sum(weight[moved_blocks(zones, label, weight)].sum() for zones in given_)

    legal = [
        label
        for label in every_zoning(len(homes))
        if all(band[0] <= held <= band[1] for held in np.bincount(label, weights=weight))
    ]
    fewest = min(moves(label) for label in legal)
    assert found.summary["households_moved"] == fewest
    assert found.summary["lower_bound"] <= fewest
    assert found.moved["households_moved"].sum() == fewest
    mine = found.rows["zone_id"].to_numpy()
    assert moves(np.unique(mine, return_inverse=True)[1]) == fewest


@pytest.mark.parametrize("seed", range(12))
def test_a_merge_of_zonings_with_little_in_common_is_the_best_of_all(seed):
    """Eight blocks in a row, cut at random by each of three departments; sometimes nobody lives in one or two."""
    dice = np.random.default_rng(seed)
    homes, band = dice.integers(60, 140, 8) * (dice.random(8) < 0.85), (180, 420)
    cut = {name: np.cumsum(np.concatenate([[0], dice.random(7) < 0.35])) for name in "abc"}
    weight = homes.astype(float)
    possible = [
        sum(weight[moved_blocks(zones, label, weight)].sum() for zones in cut.values())
        for label in every_zoning(8)
        if all(band[0] <= held <= band[1] for held in np.bincount(label, weights=weight))
    ]
    found = merge_zonings(
        row_of_blocks(homes.tolist(), **{name: "".join(map(str, zones)) for name, zones in cut.items()}),
        households_per_grid=band,
    )
    assert found.summary["proven"] == bool(possible)
    if possible:
        assert (found.summary["in_band"], found.summary["households_moved"]) == (1, min(possible))


def every_division(n, near):
    """All ways to divide blocks into zones that hang together, by growing one zone after the other."""

    def divide(left):
        if not left:
            yield []
            return
        first = min(left)
        for zone in grow({first}, left - {first}):
            for others in divide(left - zone):
                yield [zone, *others]

    def grow(zone, open_):
        yield frozenset(zone)
        beside = sorted(one for one in open_ if near[one] & zone)
        for at, one in enumerate(beside):
            yield from grow(zone | {one}, open_ - set(beside[: at + 1]))

    yield from divide(frozenset(range(n)))


@pytest.mark.parametrize("seed", range(3))
def test_a_merge_of_a_square_is_the_best_of_every_division(seed):
    """Nine blocks in a square, three departments, every division into zones that hang together."""
    dice = np.random.default_rng(seed)
    homes = dice.integers(50, 150, 9)
    shapes = [
        shapely.box(100 * (at % 3), 100 * (at // 3), 100 * (at % 3) + 100, 100 * (at // 3) + 100) for at in range(9)
    ]
    near = [{m for m in range(9) if abs(n % 3 - m % 3) + abs(n // 3 - m // 3) == 1} for n in range(9)]
    cut = {name: dice.integers(0, 3, 9) for name in "abc"}
    plan = gridgeo.make_plan(
        PlanInfo(Name("甲", "A")),
        CRS,
        blocks=frame(shapes, block_id=[f"B{at}" for at in range(9)]),
        households=frame(
            [shape.centroid for shape in shapes], household_id=[f"h{at}" for at in range(9)], households=homes
        ),
        zonings=pd.DataFrame(
            {"zoning": name, "block_id": f"B{at}", "zone_id": str(zone)}
            for name, zones in cut.items()
            for at, zone in enumerate(zones)
        ),
    )
    weight, band, fewest = homes.astype(float), (180, 450), np.inf
    for zones in every_division(9, near):
        if all(band[0] <= weight[list(zone)].sum() <= band[1] for zone in zones):
            label = np.zeros(9, dtype=np.int64)
            for number, zone in enumerate(zones):
                label[list(zone)] = number
            fewest = min(fewest, sum(weight[moved_blocks(mine, label, weight)].sum() for mine in cut.values()))
    found = merge_zonings(plan, households_per_grid=band)
    assert found.summary["proven"]
    assert found.summary["households_moved"] == fewest
    assert gridgeo.check_partition(found.partition) == []


@pytest.mark.parametrize("seed", range(3))
def test_a_large_ground_is_cut_window_by_window(seed, monkeypatch):
    """Twenty blocks in a row, taken for a large ground: every rule kept, and never better than the proven best."""
    dice = np.random.default_rng(seed)
    homes, band = dice.integers(60, 140, 20), (180, 420)
    cut = {name: "".join("abcdefghijklmnopqrst"[at] for at in np.cumsum(dice.random(20) < 0.3)) for name in "xyz"}
    plan = row_of_blocks(homes.tolist(), **cut)
    best = merge_zonings(plan, households_per_grid=band)
    assert best.summary["proven"]
    monkeypatch.setattr("gridgeo.zonings.merge._MOST_ZONES", 0)
    found = merge_zonings(plan, households_per_grid=band)
    assert not found.summary["proven"]
    assert found.summary["in_band"] == 1
    assert gridgeo.check_partition(found.partition, district=plan.district) == []
    assert best.summary["households_moved"] <= found.summary["households_moved"]
    assert found.summary["households_moved"] <= 1.05 * best.summary["households_moved"]
    assert found.summary["lower_bound"] <= best.summary["households_moved"]


def test_a_merge_covers_blocks_that_a_department_left_out_and_repeats_itself():
    plan = row_of_blocks([100] * 6, a="111222", b="11--22")
    found = merge_zonings(plan, households_per_grid=(250, 350))
    assert found.rows["block_id"].tolist() == plan.blocks["block_id"].tolist()
    assert found.summary["lower_bound"] is None
    assert found.summary["households_moved"] == 0
    assert found.partition.metrics["in_band"] == 1
    assert merge_zonings(plan, households_per_grid=(250, 350)).rows.equals(found.rows)
    again = plan.replace(zonings=pd.concat([pd.DataFrame(plan.zonings.drop(columns="geometry")), found.rows]))
    assert zonings_coincide(again, "a", "merged").same


def test_a_zone_given_up_on_the_way_leaves_no_trace():
    """A warm start from a department's zoning may give a zone up: its number then stands for nobody."""
    pairs = pd.DataFrame({"a": [0, 1, 2], "b": [1, 2, 3], "length": 100.0, "strength": 0.0, "walkable": True})
    nobody = np.zeros(4, dtype=np.int64)
    atoms = make_atoms(pairs, np.zeros(4), np.full(4, 100.0), np.ones(4), nobody, low=150)
    blocks = pd.DataFrame({"block_id": list("abcd"), "community_id": None})
    gaps, dense = (
        [fault.message for fault in find_infeasible(atoms, blocks, (150, 210), np.array(label))]
        for label in ([0, 2, 2, 2], [0, 1, 1, 1])
    )
    assert gaps == dense
