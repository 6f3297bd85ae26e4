"""What the programmes ask of the solver: matching, members for households, and one zoning for all.

    python benchmarks/programmes.py [--only match care merge exact] [--seed 0]

Everything is made up: a town of streets 100 m apart (60 × 60 blocks, some streets closed), households at random along
them, needs, volunteers and members beside households. `exact` draws small cases and compares them with every way there
is. The table of docs/people.md and docs/zonings.md is printed by this script.
"""

from __future__ import annotations

import argparse
import time

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

import gridgeo
from gridgeo.matching import Pairs, assign_members, match_needs, solve_transport
from gridgeo.plan import Name, PlanInfo
from gridgeo.zonings import compare_zonings, merge_zonings
from gridgeo.zonings.labels import moved_blocks

CRS = 4548
STEP_M = 100.0
KINDS = ("housekeeping", "sport", "arts", "gardening", "medical", "special")


def lay_streets(side, dice):
    """Streets along every hundred metres, a bend in each, and one in twelve left out."""
    at = np.arange(side + 1) * STEP_M
    xs = at + np.concatenate([[0], dice.uniform(-15, 15, side - 1), [0]])
    ys = at + np.concatenate([[0], dice.uniform(-15, 15, side - 1), [0]])
    lines, kinds = [], []
    for places, turned in ((xs, True), (ys, False)):
        for number, place in enumerate(places):
            ends = [(place, other) if turned else (other, place) for other in (ys if turned else xs)]
            lines.append(shapely.LineString(ends))
            kinds.append("primary" if number % 10 == 0 else "tertiary" if number % 5 == 0 else "residential")
    return gpd.GeoDataFrame(
        {"street_id": [f"s{row}" for row in range(len(lines))], "street_class": kinds}, geometry=lines, crs=CRS
    )


def make_town(side, dice, *, points):
    """Make a plan of that town: its blocks by gridgeo, households at so many points."""
    streets = lay_streets(side, dice)
    district = shapely.box(0, 0, side * STEP_M, side * STEP_M)
    xy = dice.uniform(5, side * STEP_M - 5, (points, 2))
    households = gpd.GeoDataFrame(
        {"household_id": [f"h{row}" for row in range(points)], "households": 1 + dice.poisson(9, points)},
        geometry=shapely.points(xy),
        crs=CRS,
    )
    blocks = gridgeo.enclose_blocks(gpd.GeoSeries([district], crs=CRS), streets)
    return gridgeo.make_plan(
        PlanInfo(Name("试验城", "Test town")),
        CRS,
        units=gpd.GeoDataFrame({"unit_id": ["T"], "level": ["subdistrict"]}, geometry=[district], crs=CRS),
        streets=streets,
        blocks=blocks,
        households=households,
    )


def people_of(plan, count, dice, **columns):
    rows = dice.choice(len(plan.households), count)
    xy = shapely.get_coordinates(plan.households.geometry.to_numpy()[rows]) + dice.uniform(-20, 20, (count, 2))
    return gpd.GeoDataFrame(columns, geometry=shapely.points(xy), crs=CRS)


def report_match(plan, network, dice):
    needs = people_of(plan, 500, dice, need_id=[f"n{row}" for row in range(500)], need_kind=dice.choice(KINDS, 500))
    people = people_of(
        plan, 2000, dice, person_id=[f"p{row}" for row in range(2000)], role="volunteer", kinds=dice.choice(KINDS, 2000)
    )
    for cutoff, helpers in ((1000.0, people), (500.0, people.iloc[:600])):
        begun = time.process_time()
        found = match_needs(network, needs, helpers, cutoff_m=cutoff)
        seconds = time.process_time() - begun
        told = found.summary
        print(
            f"500 needs x {len(helpers)} volunteers within {cutoff:.0f} m: {told['met']} met, mean walk "
            f"{told['mean_distance_m']:.0f} m, {told['reasons']}, {seconds:.1f} s of processor time"
        )


def report_care(plan, network, dice):
    homes = people_of(plan, 10_000, dice, household_id=[f"x{row}" for row in range(10_000)], households=1)
    members = people_of(plan, 300, dice, person_id=[f"m{row}" for row in range(300)], role="member")
    for limit, fair in ((60, True), (60, False), (30, True)):
        begun = time.process_time()
        found = assign_members(network, homes, members, limit=limit, cutoff_m=1000, fair=fair)
        seconds = time.process_time() - begun
        told = found.summary
        print(
            f"10,000 households x 300 members, limit {limit}, {'fair' if fair else 'near'}: {told['in_care']} in care, "
            f"loads {told['smallest_load']}-{told['largest_load']}, mean walk {told['mean_distance_m']:.0f} m, "
            f"{told['reasons']}, {seconds:.1f} s of processor time"
        )


def report_merge(plan, seed):
    """Three departments, each with its own size of zone and its own search."""
    rows = []
    for name, band, own in (("police", (300, 500), 1), ("urban", (400, 650), 2), ("civil", (250, 420), 3)):
        made = gridgeo.partition_grids(plan.blocks, plan.households, households_per_grid=band, seed=own)
        rows.append(
            pd.DataFrame({"zoning": name, "block_id": made.blocks["block_id"], "zone_id": made.blocks["grid_id"]})
        )
    plan = plan.replace(zonings=pd.concat(rows, ignore_index=True))
    begun = time.process_time()
    compared = compare_zonings(plan)
    print(
        f"{len(plan.blocks)} blocks, zones {compared.summary['zonings']}: in dispute "
        f"{compared.summary['households_in_dispute']:,} of {compared.summary['households']:,} households, "
        f"{compared.summary['blocks_in_dispute']} blocks, {time.process_time() - begun:.1f} s of processor time"
    )
    begun = time.process_time()
    merged = merge_zonings(plan, households_per_grid=(300, 500), seed=seed)
    seconds = time.process_time() - begun
    faults = gridgeo.check_partition(merged.partition, district=plan.district)
    told = merged.summary
    print(
        f"merged into {told['zones']} zones, {told['in_band']:.1%} in band, {len(faults)} violations; moves "
        f"{told['households_moved']:,} of {told['households']:,} households summed over the departments "
        f"(plain overlay: {told['overlay_zones']} pieces, {told['overlay_moved']:,}; best department's own zoning "
        f"{told['best_single_moved']:,}; no zoning below {told['lower_bound']:,}), from {told['started_from']}, "
        f"{seconds:.0f} s of processor time"
    )
    print(merged.moved.to_string(index=False))


def report_exact(dice, cases=200):
    """Small cases against every way there is."""
    same = 0
    for _ in range(cases):
        n, m = int(dice.integers(1, 7)), int(dice.integers(1, 4))
        cost = dice.integers(0, 100, (n, m))
        asker, giver = np.nonzero(dice.random((n, m)) < 0.7)
        pairs = Pairs(asker, giver, cost[asker, giver], n, m)
        capacity = dice.integers(0, 4, m)
        best = (0, 0)
        for choice in np.ndindex(*(m + 1,) * n):
            taken = [(i, j) for i, j in enumerate(choice) if j < m]
            known = set(zip(asker.tolist(), giver.tolist(), strict=True))
            loads = np.bincount([j for _, j in taken], minlength=m)
            if set(taken) <= known and (loads <= capacity).all():
                best = min(best, (-len(taken), sum(int(cost[pair]) for pair in taken)))
        supply = np.ones(n, dtype=np.int64)
        served = solve_transport(pairs, supply, capacity)
        same += best == (-int(served.sum()), int((served * pairs.cost).sum()))
    print(f"transport equal to every way tried: {same} of {cases}")
    report_exact_merges(dice)


def report_exact_merges(dice, cases=20):
    """Rows of eight blocks: the merge against every zoning that keeps the band."""
    best_found, off = 0, []
    for _ in range(cases):
        homes = dice.integers(60, 140, 8)
        shapes = [shapely.box(100 * at, 0, 100 * at + 100, 100) for at in range(8)]
        zonings = [np.cumsum(np.concatenate([[0], dice.random(7) < 0.35])) for _ in range(3)]
        plan = gridgeo.make_plan(
            PlanInfo(Name("", "")),
            CRS,
            blocks=gpd.GeoDataFrame({"block_id": [f"B{at}" for at in range(8)]}, geometry=shapes, crs=CRS),
            households=gpd.GeoDataFrame(
                {"household_id": [f"h{at}" for at in range(8)], "households": homes},
                geometry=[shape.centroid for shape in shapes],
                crs=CRS,
            ),
            zonings=pd.DataFrame(
                {"zoning": f"z{k}", "block_id": f"B{at}", "zone_id": str(zone)}
                for k, zones in enumerate(zonings)
                for at, zone in enumerate(zones)
            ),
        )
        band = (180, 420)
        fewest = np.inf
        for cuts in range(1 << 7):
            label = np.cumsum([0, *((cuts >> at) & 1 for at in range(7))])
            held = np.bincount(label, weights=homes)
            if ((held >= band[0]) & (held <= band[1])).all():
                moves = sum(homes[moved_blocks(zones, label, homes.astype(float))].sum() for zones in zonings)
                fewest = min(fewest, moves)
        told = merge_zonings(plan, households_per_grid=band).summary
        best_found += told["households_moved"] == fewest and told["in_band"] == 1
        off.append(told["households_moved"] - fewest)
    print(f"merges equal to the best of every zoning: {best_found} of {cases}; at most {max(off):.0f} households more")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="*", choices=["match", "care", "merge", "exact"])
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    chosen = asked.only or ["match", "care", "merge", "exact"]
    dice = np.random.default_rng(asked.seed)
    if set(chosen) & {"match", "care", "merge"}:
        plan = make_town(60, dice, points=14_000)
        network = gridgeo.build_network(plan.streets)
    if "match" in chosen:
        report_match(plan, network, dice)
    if "care" in chosen:
        report_care(plan, network, dice)
    if "merge" in chosen:
        report_merge(plan, asked.seed)
    if "exact" in chosen:
        report_exact(dice)


if __name__ == "__main__":
    main()
