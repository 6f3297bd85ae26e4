"""How long edits take on 3,600 blocks: each as milliseconds and as a share of a full partition.

Run from the repository: ``python -m benchmarks.redraw [--seed N]``. The town is made here: streets with a graded
hierarchy, 60 by 60 blocks in 16 communities, 150,000 households at 100,800 points. The partition is gridgeo's own.
Every time is also given in turns of a fixed loop of plain Python, which tells how busy the machine was.
"""

import argparse
import json
import random
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from gridgeo.blocks.edges import find_edges, write_borders
from gridgeo.errors import GridgeoError
from gridgeo.partition import partition_grids
from gridgeo.plan import Name, PlanInfo, make_plan
from gridgeo.redraw import apply_edit, find_breaks, judge_plan, make_edit, save_edits, undo_edits
from gridgeo.redraw.ground import find_ground
from gridgeo.store import write_plan

SIDE, POINTS, CRS = 60, 28, "EPSG:4547"
GOALS = {"move_blocks": 5, "split_grid": 100, "rebalance_grids": 500, "referee": 100, "save": 50}
"""Milliseconds at the 95th percentile."""


def make_town(seed):
    """Draw the town, without grids."""
    rng = np.random.default_rng(seed)
    at = np.cumsum(np.r_[0, rng.uniform(70, 130, SIDE)]).round(1)
    place = [(x, y) for x in range(SIDE) for y in range(SIDE)]
    blocks = gpd.GeoDataFrame(
        {
            "block_id": [f"B{x:02}{y:02}" for x, y in place],
            "community_id": [f"C{x // 15}{y // 15}" for x, y in place],
        },
        geometry=[shapely.box(at[x], at[y], at[x + 1], at[y + 1]) for x, y in place],
        crs=CRS,
    )
    # Neighbours share every vertex already: the corners of the squares are the only ones.
    streets = [
        (
            i,
            shapely.LineString([(at[i], at[0]), (at[i], at[-1])]),
            shapely.LineString([(at[0], at[i]), (at[-1], at[i])]),
        )
        for i in range(SIDE + 1)
    ]
    classes = ["primary" if i % 15 == 0 else "tertiary" if i % 5 == 0 else "residential" for i, _, _ in streets]
    streets = gpd.GeoDataFrame(
        {
            "street_id": [f"{way}{i}" for i, _, _ in streets for way in "VR"],
            "name": [f"{way}{i}" for i, _, _ in streets for way in "VR"],
            "street_class": np.repeat(classes, 2),
        },
        geometry=[line for _, *both in streets for line in both],
        crs=CRS,
    )
    size = POINTS * len(place)
    block = np.repeat(np.arange(len(place)), POINTS)
    bounds = blocks.bounds.to_numpy()[block]
    share = rng.uniform(0.1, 0.9, (size, 2))
    xy = bounds[:, :2] + share * (bounds[:, 2:] - bounds[:, :2])
    households = gpd.GeoDataFrame(
        {"household_id": [f"H{n}" for n in range(size)], "households": rng.integers(0, 4, size)},
        geometry=shapely.points(xy),
        crs=CRS,
    )
    blocks = write_borders(blocks, find_edges(blocks, streets))
    return make_plan(PlanInfo(Name("城", "Town")), CRS, blocks=blocks, streets=streets, households=households)


def partition_town(plan, seed):
    """Give the town its grids; return the plan and the seconds it took."""
    begun = time.perf_counter()
    made = partition_grids(plan.blocks, plan.households, streets=plan.streets, seed=seed)
    seconds = time.perf_counter() - begun
    return plan.replace(blocks=made.blocks, grids=made.grids), seconds


def draw_edit(plan, kind, rng):
    """Draw an edit as a planner would make it: a block at a border, a line across a grid, two neighbours."""
    ground = find_ground(plan)
    labels = plan.blocks["grid_id"]
    while True:
        block = rng.randrange(len(ground.ids))
        beside = [int(other) for other in ground.end[ground.start[block] : ground.start[block + 1]]]
        near = [other for other in beside if labels[other] != labels[block]]
        if not near:
            continue
        if kind == "move_blocks":
            return make_edit(kind, blocks=[str(ground.ids[block])], to=labels[near[0]])
        if kind == "rebalance_grids":
            return make_edit(kind, grids=[labels[block], labels[near[0]]])
        grid = labels[block]
        west, south, east, north = plan.grids[plan.grids["grid_id"] == grid].total_bounds
        x = rng.uniform(west, east)
        return make_edit(kind, grid=grid, line=[[x, south], [x + rng.uniform(-40, 40), north]])


def measure(plan, kind, times, rng, clock=time.perf_counter):
    """Return the milliseconds of so many edits that could be made, each on the plan after the one before."""
    taken = []
    while len(taken) < times:
        edit = draw_edit(plan, kind, rng)
        begun = clock()
        try:
            after = apply_edit(plan, edit).plan
        except GridgeoError:
            continue
        taken.append(1000 * (clock() - begun))
        plan = undo_edits(after) if kind != "move_blocks" else after
    return taken


def measure_referee(plan, times, rng):
    """Return the milliseconds that the referee takes over edits, with repairs where something broke; and how many."""
    taken, broken = [], 0
    while len(taken) < times:
        try:
            after = apply_edit(plan, draw_edit(plan, "move_blocks", rng)).plan
        except GridgeoError:
            continue
        begun = time.perf_counter()
        broken += bool(find_breaks(plan, after))
        taken.append(1000 * (time.perf_counter() - begun))
        plan = after
    return taken, broken


def measure_saves(plan, times, rng):
    """Return the milliseconds that saving an edit into the plan's file takes, and those of writing the file whole."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "town.gpkg"
        begun = time.perf_counter()
        write_plan(plan, path)
        whole = 1000 * (time.perf_counter() - begun)
        taken = []
        while len(taken) < times:
            try:
                plan = apply_edit(plan, draw_edit(plan, "move_blocks", rng)).plan
            except GridgeoError:
                continue
            begun = time.perf_counter()
            save_edits(plan, path)
            taken.append(1000 * (time.perf_counter() - begun))
    return taken, whole


def turn():
    """Return the milliseconds of a fixed loop: about 100 on a quiet machine of 2020 or later."""
    begun = time.perf_counter()
    sum(number * number for number in range(2_000_000))
    return 1000 * (time.perf_counter() - begun)


def main():
    """Measure and print one JSON object."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--seed", type=int, default=0)
    seed = reader.parse_args().seed
    turns = [turn() for _ in range(5)]
    plan, seconds = partition_town(make_town(seed), seed)
    rng = random.Random(seed)  # noqa: S311 (no secret)
    taken = {kind: measure(plan, kind, 100, rng) for kind in ("move_blocks", "split_grid", "rebalance_grids")}
    judge_plan(plan)
    taken["referee"], broken = measure_referee(plan, 100, rng)
    taken["save"], whole = measure_saves(plan, 50, rng)
    # The same on the processor's clock: what remains when other programs keep the machine busy.
    busy = measure(plan, "move_blocks", 100, rng, clock=time.process_time)
    turns += [turn() for _ in range(5)]
    loop = float(np.median(turns))
    answer = {
        "blocks": len(plan.blocks),
        "household_points": len(plan.households),
        "grids": len(plan.grids),
        "partition_s": round(seconds, 2),
        "loop_ms": round(loop, 1),
        "edits_that_broke_something": broken,
        "whole_write_ms": round(whole, 1),
    }
    for name, each in taken.items():
        p95 = float(np.percentile(each, 95))
        answer[name] = {
            "median_ms": round(float(np.median(each)), 2),
            "p95_ms": round(p95, 2),
            "goal_ms": GOALS.get(name),
            "p95_of_a_partition": round(p95 / 1000 / seconds, 5),
            "p95_in_loops": round(p95 / loop, 3),
        }
    answer["move_blocks"]["p95_cpu_ms"] = round(float(np.percentile(busy, 95)), 2)
    print(json.dumps(answer, indent=1))


if __name__ == "__main__":
    main()
