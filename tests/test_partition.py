"""Grids on a chessboard small enough to check by hand and by brute force, and on the bundled places."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridgeo.blocks import enclose_blocks
from gridgeo.blocks.edges import find_edges, read_borders
from gridgeo.blocks.faces import share_borders
from gridgeo.errors import PartitionError
from gridgeo.partition import Objective, Partition, check_partition, group_buildings, partition_grids
from gridgeo.partition.atoms import make_atoms, pair_table
from gridgeo.partition.dedicated import assign_dedicated, find_dedicated
from gridgeo.partition.exact import solve_region
from gridgeo.partition.feasibility import is_feasible
from gridgeo.partition.levels import group_units, partition_communities

CRS = "EPSG:4547"
SIDE = 100.0


def chessboard(columns, rows, *, community=None, main_x=(), barrier_x=()):
    """Draw square blocks of 100 m; vertical lines at `main_x` are primary, at `barrier_x` a motorway, others lanes."""
    lines = []
    for x in range(columns + 1):
        kind = "motorway" if x in barrier_x else "primary" if x in main_x else "residential"
        lines.append((kind, f"经{x}路", [(x * SIDE, -20), (x * SIDE, rows * SIDE + 20)]))
    for y in range(rows + 1):
        cuts = [0, *[x for x in range(columns + 1) if x in barrier_x], columns]
        # Lanes end at a motorway: there is no crossing.
        for a, b in pairwise(cuts):
            ends = [(a * SIDE + (2 if a in barrier_x else -20), y * SIDE)]
            ends.append((b * SIDE - (2 if b in barrier_x else -20), y * SIDE))
            lines.append(("residential", f"纬{y}街", ends))
    streets = gpd.GeoDataFrame(
        {
            "street_id": [f"s{number}" for number in range(len(lines))],
            "street_class": [line[0] for line in lines],
            "name": [line[1] for line in lines],
        },
        geometry=[shapely.LineString(line[2]) for line in lines],
        crs=CRS,
    )
    cells = [(x, y) for y in range(rows) for x in range(columns)]
    blocks = gpd.GeoDataFrame(
        {
            "block_id": [f"B{x}-{y}" for x, y in cells],
            "community_id": [None if community is None else community(x, y) for x, y in cells],
        },
        geometry=[shapely.box(x * SIDE, y * SIDE, (x + 1) * SIDE, (y + 1) * SIDE) for x, y in cells],
        crs=CRS,
    )
    return blocks, streets


def homes(blocks, counts, **columns):
    counts = np.broadcast_to(counts, len(blocks))
    return gpd.GeoDataFrame(
        {"household_id": [f"h{number}" for number in range(len(blocks))], "households": counts, **columns},
        geometry=blocks.geometry.representative_point().to_numpy(),
        crs=CRS,
    )


def keys(faults):
    return sorted(fault.key for fault in faults)


def only_sizes(faults):
    """Tell whether nothing is wrong but sizes."""
    return all(fault.key.startswith(("grid_too_small", "grid_too_large")) for fault in faults)


def assert_sound(partition):
    """Check the promise of every partition against networkx: all blocks in grids, grids in one piece each."""
    blocks = partition.blocks
    assert blocks["grid_id"].notna().all()
    assert set(blocks["grid_id"]) == set(partition.grids["grid_id"])
    segments = share_borders(blocks.geometry.to_numpy())
    graph = nx.Graph()
    graph.add_nodes_from(range(len(blocks)))
    both = segments.right >= 0
    graph.add_edges_from(zip(segments.left[both].tolist(), segments.right[both].tolist(), strict=True))
    for _, mine in blocks.reset_index(drop=True).groupby("grid_id"):
        assert nx.is_connected(graph.subgraph(mine.index))
    assert partition.grids["households"].sum() == blocks["households"].sum()
    assert partition.grids.area.sum() == pytest.approx(blocks.area.sum(), abs=1e-6)


def test_a_chessboard_falls_into_equal_grids():
    """8 by 8 blocks of 50 households, 400 a grid: eight grids, all in the band."""
    blocks, streets = chessboard(8, 8)
    partition = partition_grids(blocks, homes(blocks, 50), streets=streets)
    assert_sound(partition)
    assert check_partition(partition, district=shapely.box(0, 0, 800, 800)) == []
    assert partition.metrics["in_band"] == 1.0
    assert partition.metrics["grids"] == 8
    assert partition.infeasible == []


def test_the_border_follows_the_main_street():
    """Two grids of 4 by 4 blocks fit either way; the only primary street decides."""
    blocks, streets = chessboard(8, 4, main_x=(4,))
    partition = partition_grids(blocks, homes(blocks, 25), streets=streets)
    assert partition.metrics["grids"] == 2
    assert partition.metrics["main_street_share"] == pytest.approx(1.0)
    west = partition.blocks[partition.blocks.centroid.x < 400]
    assert len(set(west["grid_id"])) == 1


def test_same_seed_same_grids_and_nothing_is_mutated():
    blocks, streets = chessboard(10, 10)
    people = homes(blocks, np.random.default_rng(4).integers(10, 90, 100))
    before = blocks.copy(), people.copy(), streets.copy()
    one, other = (partition_grids(blocks, people, streets=streets, seed=7) for _ in range(2))
    assert one.blocks["grid_id"].tolist() == other.blocks["grid_id"].tolist()
    for frame, was in zip((blocks, people, streets), before, strict=True):
        assert frame.equals(was)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.integers(3, 9), st.integers(3, 9), st.integers(0, 1000))
def test_any_counts_give_whole_grids(columns, rows, seed):
    blocks, streets = chessboard(columns, rows, main_x=(2,))
    counts = np.random.default_rng(seed).integers(0, 200, columns * rows)
    partition = partition_grids(blocks, homes(blocks, np.maximum(counts, 1)), streets=streets, seed=seed)
    assert_sound(partition)
    assert only_sizes(check_partition(partition))


def test_small_boards_are_as_good_as_brute_force():
    """On 3 by 4 blocks, no division into two connected halves within the band has a shorter border."""
    blocks, streets = chessboard(3, 4)
    partition = partition_grids(blocks, homes(blocks, 60), streets=streets, households_per_grid=(360, 360))
    grid = nx.grid_2d_graph(3, 4)
    cells = [(x, y) for y in range(4) for x in range(3)]
    best = np.inf
    for bits in range(1 << 12):
        if bits.bit_count() != 6:
            continue
        mine = [cell for number, cell in enumerate(cells) if bits >> number & 1]
        rest = [cell for cell in cells if cell not in mine]
        if nx.is_connected(grid.subgraph(mine)) and nx.is_connected(grid.subgraph(rest)):
            best = min(best, nx.cut_size(grid, mine))
    outer = partition.grids.length.sum()
    assert (outer - 2 * (300 + 400)) / 2 == pytest.approx(best * SIDE)


def test_grids_stay_inside_their_community():
    blocks, streets = chessboard(8, 8, community=lambda x, y: "A" if x + y < 8 else "B")
    partition = partition_grids(blocks, homes(blocks, 50), streets=streets)
    assert_sound(partition)
    assert partition.blocks.groupby("grid_id")["community_id"].nunique().max() == 1
    assert "grid_across_communities" not in keys(check_partition(partition))


def test_grids_do_not_reach_across_a_motorway():
    """A motorway without a crossing between 4 by 6 and 4 by 6 blocks: every grid lies on one side."""
    blocks, streets = chessboard(8, 6, barrier_x=(4,))
    partition = partition_grids(blocks, homes(blocks, 50), streets=streets)
    assert_sound(partition)
    side = partition.blocks.centroid.x < 400
    assert side.groupby(partition.blocks["grid_id"]).nunique().max() == 1
    assert check_partition(partition) == []


def test_a_pocket_too_small_for_a_grid_joins_and_is_named():
    """One column of 6 blocks with 10 households each behind a motorway cannot be a grid of its own."""
    blocks, streets = chessboard(8, 6, barrier_x=(1,))
    counts = [10 if x == 0 else 50 for y in range(6) for x in range(8)]
    partition = partition_grids(blocks, homes(blocks, counts), streets=streets)
    assert_sound(partition)
    assert set(keys(check_partition(partition))) == {"grid_not_on_foot"}


@pytest.mark.parametrize(
    ("held", "low", "high", "possible"),
    [(299, 300, 500, False), (300, 300, 500, True), (501, 300, 500, False), (599, 300, 500, False),
     (600, 300, 500, True), (1000, 300, 500, True), (550, 300, 500, False)],
)  # fmt: skip
def test_what_can_be_shared_out(held, low, high, possible):
    assert is_feasible(held, low, high) is possible


def test_a_community_of_550_is_said_with_what_would_help():
    blocks, streets = chessboard(5, 2, community=lambda *_: "110108014002")
    partition = partition_grids(blocks, homes(blocks, 55), streets=streets)
    assert_sound(partition)
    (fault,) = partition.infeasible
    assert fault.key == "infeasible_between"
    assert "110108014002 has 550 households" in fault.message
    assert "300 to 550" in fault.remedy
    assert "275 to 500" in fault.remedy
    faults = check_partition(partition)
    assert {fault.key for fault in faults} <= {"grid_too_small_community", "grid_too_large_community"}
    assert "110108014002 has 550 to share" in faults[0].message
    assert partition.metrics["in_band_possible"] == 1.0


def test_a_building_of_600_households_is_said():
    blocks, streets = chessboard(4, 4)
    partition = partition_grids(blocks, homes(blocks, [600, *[50] * 15]), streets=streets)
    assert_sound(partition)
    assert [fault.key for fault in partition.infeasible] == ["infeasible_block"]
    (fault,) = check_partition(partition)
    assert fault.key == "grid_too_large_block"
    assert "an upper limit of 600" in fault.remedy
    assert partition.metrics["in_band_possible"] == 1.0
    assert partition.metrics["in_band"] < 1.0


def test_a_block_between_full_ones_is_said():
    """200 households at the end of a row, beside one of 400: 200 is too few, 600 too many."""
    blocks, streets = chessboard(4, 1)
    partition = partition_grids(blocks, homes(blocks, [200, 400, 200, 200]), streets=streets)
    assert_sound(partition)
    assert [fault.key for fault in partition.infeasible] == ["infeasible_hemmed"]
    assert "B0-0" in partition.infeasible[0].message
    (fault,) = check_partition(partition)
    assert fault.key in {"grid_too_small_hemmed", "grid_too_large_hemmed"}


def test_blocks_that_cannot_all_be_in_the_band_are_said():
    """Five blocks of 250 in a row pair up to 500; each fits a grid, but one of five stays alone."""
    blocks, streets = chessboard(5, 1)
    partition = partition_grids(blocks, homes(blocks, 250), streets=streets)
    assert_sound(partition)
    assert [fault.key for fault in partition.infeasible] == ["infeasible_together"]
    assert keys(check_partition(partition)) == ["grid_too_small_together"]
    assert partition.metrics["in_band"] == pytest.approx(2 / 3)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 400), min_size=9, max_size=9).filter(any))
def test_the_exact_bound_is_what_brute_force_finds(counts):
    """On 3 by 3 blocks: the least number of lived-in blocks outside the band, over all divisions into whole grids."""
    blocks, streets = chessboard(3, 3)
    pairs, rim = pair_table(blocks, find_edges(blocks, streets))
    counts = np.maximum(counts, 1).astype(float)
    atoms = make_atoms(pairs, rim, counts, blocks.area.to_numpy(), np.zeros(9, np.int64), low=300)
    graph = nx.Graph(list(zip(pairs["a"], pairs["b"], strict=True)))
    good = []
    for bits in range(1, 1 << 9):
        mine = [cell for cell in range(9) if bits >> cell & 1]
        if 300 <= counts[mine].sum() <= 500 and nx.is_connected(graph.subgraph(mine)):
            good.append(bits)
    best = {0: 0}
    for bits in good:
        for taken, inside in list(best.items()):
            if not taken & bits:
                best[taken | bits] = max(best.get(taken | bits, 0), inside + bits.bit_count())
    label, outside = solve_region(atoms, (300, 500))
    assert outside == 9 - max(best.values())
    held = np.bincount(label, weights=counts)
    size = np.bincount(label)
    assert size[(held < 300) | (held > 500)].sum() == outside


def test_no_households_no_blocks_no_band():
    blocks, streets = chessboard(2, 2)
    for people, band, key in (
        (homes(blocks, 0), (300, 500), "no_households"),
        (homes(blocks, 50).iloc[:0], (300, 500), "no_households"),
        (homes(blocks, 50), (500, 300), "bad_band"),
        (homes(blocks, 50), (0, 300), "bad_band"),
    ):
        with pytest.raises(PartitionError) as caught:
            partition_grids(blocks, people, streets=streets, households_per_grid=band)
        assert caught.value.key == key
    with pytest.raises(PartitionError) as caught:
        partition_grids(blocks.iloc[:0], homes(blocks, 50))
    assert caught.value.key == "no_blocks"
    with pytest.raises(PartitionError) as caught:
        partition_grids(blocks, homes(blocks, 50), workload="shops")
    assert caught.value.key == "no_workload"


@pytest.mark.parametrize(
    ("key", "options"),
    [
        ("bad_band", {"households_per_grid": (300,)}),
        ("bad_band", {"households_per_grid": ("a", "b")}),
        ("bad_band", {"households_per_grid": None}),
        ("bad_option", {"seed": "x"}),
        ("bad_option", {"effort": float("nan")}),
        ("bad_option", {"effort": -1}),
        ("bad_option", {"pool": 1.5}),
        ("bad_option", {"objective": Objective(street=float("nan"))}),
        ("bad_workload", {"workload": "minus"}),
        ("bad_workload", {"workload": "endless"}),
        ("bad_workload", {"workload": "words"}),
        ("missing_column", {"communities": gpd.GeoDataFrame({"name": ["A"]}, geometry=[shapely.box(0, 0, 9, 9)])}),
        ("missing_column", {"keep": gpd.GeoDataFrame({"name": ["A"]}, geometry=[shapely.box(0, 0, 9, 9)])}),
    ],
)
def test_what_cannot_be_meant_is_said(key, options):
    blocks, streets = chessboard(3, 3)
    people = homes(blocks, 50, minus=-3.0, endless=np.inf, words="许多")
    with pytest.raises(PartitionError) as caught:
        partition_grids(blocks, people, streets=streets, **options)
    assert caught.value.key == key
    assert str(caught.value)


def test_odd_but_clear_input_gives_whole_grids():
    """Seeds below zero, locks on unknown grids, today's grids elsewhere, half the households outside all blocks."""
    blocks, streets = chessboard(6, 6)
    people = homes(blocks, 50)
    today = partition_grids(blocks, people, streets=streets)
    elsewhere = today.grids.assign(geometry=today.grids.translate(1e5, 0))
    for options in (
        {"seed": -7},
        {"keep": today.blocks, "grids": today.grids.assign(grid_id="nowhere", locked=True).iloc[:1]},
        {"keep": elsewhere},
        {"households_per_grid": (1e6, 2e6)},
    ):
        assert_sound(partition_grids(blocks, people, streets=streets, effort=0.1, **options))
    half = partition_grids(blocks, people.assign(geometry=people.translate(300, 0)), streets=streets, effort=0.1)
    assert half.metrics["households_outside"] == 900


def test_blocks_drawn_over_each_other_are_named_with_their_place():
    blocks, _ = chessboard(6, 6)
    twice = pd.concat([blocks, blocks.iloc[:1].assign(block_id="again")], ignore_index=True)
    twice = gpd.GeoDataFrame(twice, crs=CRS)
    (fault,) = [one for one in check_partition(partition_grids(twice, homes(twice, 50))) if one.key == "blocks_overlap"]
    assert "50, 50" in fault.remedy


def test_workload_replaces_the_count():
    """All old people live in the west, so the western grids are smaller, and each holds 30 to 50 of them."""
    blocks, streets = chessboard(8, 8)
    elderly = np.where(blocks.centroid.x < 400, 8, 2)
    partition = partition_grids(
        blocks, homes(blocks, 50, elderly=elderly), streets=streets, workload="elderly", households_per_grid=(30, 50)
    )
    assert_sound(partition)
    assert partition.grids["load"].between(30, 50).all()
    assert partition.grids["load"].sum() == 320
    assert partition.metrics["households"] == 3200


def test_a_warm_start_moves_few_households():
    blocks, streets = chessboard(16, 16)
    random = np.random.default_rng(1)
    counts = random.integers(20, 60, 256)
    first = partition_grids(blocks, homes(blocks, counts), streets=streets)
    changed = np.where(random.random(256) < 0.1, (counts * random.uniform(0.5, 1.5, 256)).astype(int), counts)
    again = partition_grids(blocks, homes(blocks, changed), streets=streets, keep=first.blocks)
    assert_sound(again)
    assert again.metrics["in_band"] == 1.0
    assert again.metrics["moved_share"] <= 0.08
    moved = first.blocks["grid_id"] != again.blocks["grid_id"]
    assert again.metrics["households_moved"] == again.blocks.loc[moved, "households"].sum()
    untouched = partition_grids(blocks, homes(blocks, counts), streets=streets, keep=first.blocks)
    assert untouched.metrics["moved_share"] <= 0.02


def test_a_locked_grid_stays_with_all_it_says():
    blocks, streets = chessboard(8, 8)
    first = partition_grids(blocks, homes(blocks, 50), streets=streets)
    chosen = first.grids["grid_id"].iloc[3]
    locked = first.grids.assign(locked=first.grids["grid_id"] == chosen, staff="张三")
    random = np.random.default_rng(2).integers(20, 90, 64)
    again = partition_grids(blocks, homes(blocks, random), streets=streets, keep=first.blocks, grids=locked)
    assert_sound(again)
    was = first.blocks.loc[first.blocks["grid_id"] == chosen, "block_id"]
    now = again.blocks.loc[again.blocks["grid_id"] == chosen, "block_id"]
    assert set(was) == set(now)
    kept = again.grids.set_index("grid_id").loc[chosen]
    assert kept["locked"]
    assert kept["staff"] == "张三"


def test_a_dedicated_area_is_a_grid_of_its_own():
    """A campus of 3 by 3 blocks in the middle, a park in a corner that cuts off nothing."""
    blocks, streets = chessboard(9, 9)
    areas = gpd.GeoDataFrame(
        {"name": ["大学", "公园"]},
        geometry=[shapely.box(300, 300, 600, 600), shapely.box(0, 0, 200, 100)],
        crs=CRS,
    )
    counts = [0 if 3 <= x < 6 and 3 <= y < 6 else 40 for y in range(9) for x in range(9)]
    partition = partition_grids(blocks, homes(blocks, counts), streets=streets, dedicated=areas)
    assert_sound(partition)
    dedicated = partition.grids[partition.grids["grid_kind"] == "dedicated"].set_index("name")
    assert set(dedicated.index) == {"大学", "公园"}
    assert dedicated.loc["大学", "area_m2"] == pytest.approx(90_000)
    assert dedicated.loc["公园", "households"] == 80
    assert check_partition(partition) == []


def test_empty_ground_cut_off_by_a_campus_joins_it():
    """A strip of empty blocks behind the campus has no other neighbour."""
    blocks, streets = chessboard(6, 4)
    campus = gpd.GeoDataFrame({"name": ["大学"]}, geometry=[shapely.box(400, 0, 500, 400)], crs=CRS)
    counts = [0 if x >= 4 else 50 for y in range(4) for x in range(6)]
    partition = partition_grids(blocks, homes(blocks, counts), streets=streets, dedicated=campus)
    assert_sound(partition)
    dedicated = partition.grids[partition.grids["grid_kind"] == "dedicated"]
    assert dedicated["area_m2"].tolist() == pytest.approx([80_000])


def test_areas_are_found_in_the_landuse():
    landuse = gpd.GeoDataFrame(
        {
            "landuse_id": list("abcd"),
            "name": ["大学", "校内公园", None, "小区"],
            "landuse_kind": ["university", "park", "park", "residential"],
        },
        geometry=[shapely.box(0, 0, 500, 500), shapely.box(10, 10, 300, 300), shapely.box(600, 0, 900, 300),
                  shapely.box(1000, 0, 1300, 300)],
        crs=CRS,
    )  # fmt: skip
    assert find_dedicated(landuse)["name"].tolist() == ["大学"]
    assert len(find_dedicated(landuse, named=False)) == 2
    people = gpd.GeoDataFrame({"households": [900]}, geometry=[shapely.Point(400, 400)], crs=CRS)
    assert find_dedicated(landuse, households=people)["name"].tolist() == ["校内公园"]
    blocks, _ = chessboard(10, 5)
    assert (assign_dedicated(blocks, find_dedicated(landuse)) == 0).sum() == 25


def test_communities_grow_around_their_points():
    _, streets = chessboard(10, 10, main_x=(5,))
    district = shapely.box(0, 0, 1000, 1000)
    drawn = enclose_blocks(district, streets)
    points = gpd.GeoDataFrame(
        {"unit_id": ["110108014001", "110108014002"], "name": ["东", "西"]},
        geometry=[shapely.Point(850, 450), shapely.Point(150, 550)],
        crs=CRS,
    )
    named, units = partition_communities(drawn, homes(drawn, 40), points)
    assert named["community_id"].notna().all()
    assert units["name"].tolist() == ["东", "西"]
    assert units["estimated"].all()
    assert units.geometry.iloc[0].contains(points.geometry.iloc[0])
    assert shapely.symmetric_difference(units.union_all(), district).area < 1e-6
    assert set(units.geom_type) == {"Polygon"}
    held = gpd.sjoin(homes(drawn, 40), units, predicate="within")["unit_id"].value_counts()
    assert held.min() >= 30


def test_levels_nest():
    """16 communities of 4 blocks make 4 areas: each community in one area, each area in one piece."""
    blocks, streets = chessboard(8, 8, community=lambda x, y: f"{x // 2}-{y // 2}")
    first = partition_grids(blocks, homes(blocks, 100), streets=streets)
    parent, areas = group_units(first.blocks, 4)
    assert sorted(parent.index) == sorted(set(blocks["community_id"]))
    assert len(areas) == 4
    assert set(areas.geom_type) == {"Polygon"}
    assert areas.area.sum() == pytest.approx(640_000)
    with pytest.raises(PartitionError):
        group_units(first.blocks, 17)


def test_as_many_units_are_made_as_are_wanted():
    """Four communities in a row, one of them with most of the households: three areas of them, none torn apart."""
    blocks, streets = chessboard(8, 2, community=lambda x, _: f"{x // 2}")
    counts = [400 if community == "1" else 20 for community in blocks["community_id"]]
    first = partition_grids(blocks, homes(blocks, 20), streets=streets).blocks.assign(households=counts)
    for n in (1, 2, 3, 4):
        parent, areas = group_units(first, n)
        assert len(areas) == n
        assert set(areas.geom_type) == {"Polygon"}
        assert parent.nunique() == n


def test_building_groups_nest_in_grids():
    """Two grids of 4 by 4 houses with 25 households: four groups of 100 each, side by side, the ground shared out."""
    blocks, streets = chessboard(8, 4, main_x=(4,))
    people = homes(blocks, 25)
    named = partition_grids(blocks, people, streets=streets).blocks
    group, units = group_buildings(named, people)
    assert units["households"].tolist() == [100] * 8
    assert units["buildings"].tolist() == [4] * 8
    assert units["parent_id"].value_counts().tolist() == [4, 4]
    assert set(group) == set(units["unit_id"])
    for grid, mine in units.groupby("parent_id"):
        ground = named[named["grid_id"] == grid].union_all()
        assert shapely.symmetric_difference(mine.union_all(), ground).area < 1e-6
        assert mine.area.sum() == pytest.approx(ground.area)
    home = units.set_index("unit_id").geometry
    assert all(
        home[group[one]].covers(place) for one, place in zip(people["household_id"], people.geometry, strict=True)
    )
    # All of one building stay together, though its points lie in different rows.
    house = gpd.GeoDataFrame({"building_id": ["b"]}, geometry=[shapely.box(140, 10, 160, 390)], crs=CRS)
    group, units = group_buildings(named, people, buildings=house)
    inside = people.geometry.intersects(house.geometry[0]).to_numpy()
    assert inside.sum() == 4
    assert len(set(group[inside])) == 1
    assert units["households"].sum() == 800
    with pytest.raises(PartitionError):
        group_buildings(named, people, households_per_group=(140, 60))


def test_a_grid_says_what_bounds_it():
    """Two grids side by side: the primary street 经4路 lies east of one and west of the other."""
    blocks, streets = chessboard(8, 4, main_x=(4,))
    grids = partition_grids(blocks, homes(blocks, 25), streets=streets).grids
    west = grids.iloc[int(grids.centroid.x.argmin())]
    east = grids.iloc[int(grids.centroid.x.argmax())]
    assert west["bounds_zh"] == "东至经4路，南至纬0街，西至经0路，北至纬4街。"
    assert east["bounds_zh"] == "东至经8路，南至纬0街，西至经4路，北至纬4街。"
    assert west["bounds_en"] == "East to 经4路; south to 纬0街; west to 经0路; north to 纬4街."
    assert west["corners"] == "[[0.0, 400.0], [400.0, 400.0], [400.0, 0.0], [0.0, 0.0]]"


def test_every_kind_of_fault_is_found():
    """A sound partition, broken in one way at a time: the check names that way and no other."""
    blocks, streets = chessboard(8, 8, community=lambda x, y: "A" if x < 4 else "B")
    good = partition_grids(blocks, homes(blocks, 50), streets=streets)
    assert check_partition(good) == []

    def broken(blocks=good.blocks, grids=good.grids, **options):
        return keys(check_partition(Partition(blocks, grids, {}, (300, 500)), **options))

    shifted = good.blocks.copy()
    shifted.geometry = [shapely.box(0, 0, 150, 100), *shifted.geometry.iloc[1:]]
    assert "blocks_overlap" in broken(shifted)
    assert broken(district=shapely.box(0, 0, 900, 800)) == ["blocks_leave_gaps"]
    first = good.grids["grid_id"].iloc[0]
    far = good.blocks.index[good.blocks.distance(good.grids.geometry.iloc[0]) > 300][0]
    moved = good.blocks.assign(grid_id=good.blocks["grid_id"].where(good.blocks.index != far, first))
    assert {"grid_in_pieces", "grid_not_on_foot"} <= set(broken(moved))
    lost = good.blocks.assign(grid_id=good.blocks["grid_id"].where(good.blocks.index != far, None))
    assert "block_without_grid" in broken(lost)
    other = good.blocks.assign(community_id=good.blocks["community_id"].where(good.blocks.index != 0, "C"))
    assert broken(other) == ["grid_across_communities"]
    few = good.grids.assign(households=[299, *good.grids["households"].iloc[1:]])
    assert broken(grids=few) == ["grid_too_small"]
    many = good.grids.assign(households=[501, *good.grids["households"].iloc[1:]])
    assert broken(grids=many) == ["grid_too_large"]
    twice = good.grids.assign(code=["X", "X", *good.grids["code"].iloc[2:]])
    assert broken(grids=twice) == ["duplicate_id", "duplicate_id"]
    house = gpd.GeoDataFrame({"building_id": ["b"]}, geometry=[shapely.box(90, 10, 110, 30)], crs=CRS)
    assert broken(buildings=house) == ["building_split"]


def test_a_pool_is_at_least_as_good():
    blocks, streets = chessboard(12, 12, main_x=(3, 7))
    people = homes(blocks, np.random.default_rng(5).integers(20, 60, 144))
    pooled = partition_grids(blocks, people, streets=streets, pool=3)
    assert_sound(pooled)
    assert pooled.metrics["in_band"] == 1.0


def test_bundled_places(assessment):
    """Every violation on a bundled place is one of size; what cannot be right is said with a remedy."""
    plan, partition = assessment.plan, assessment.partition
    faults = check_partition(partition, district=plan.district, buildings=plan.buildings)
    assert_sound(partition)
    assert only_sizes(faults)
    # At most one grid that the check cannot prove to be inevitable.
    assert sum(fault.key in {"grid_too_small", "grid_too_large"} for fault in faults) <= 1
    assert all(fault.remedy for fault in faults)
    assert partition.metrics["in_band_possible"] > 0.97
    assert all(fault.remedy for fault in partition.infeasible)
    assert partition.grids["code"].is_unique
    assert partition.grids["bounds_zh"].str.startswith("东至").all()
    assert isinstance(read_borders(partition.blocks), pd.DataFrame)
    assert partition.metrics["households_outside"] == 0


def test_a_folder_called_coverage_is_no_package(tmp_path):
    (tmp_path / "coverage").mkdir()
    ran = subprocess.run(
        [sys.executable, "-c", "from gridgeo.partition import annealing; import sys; print('coverage' in sys.modules)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stdout) == (0, "False\n"), ran.stderr
