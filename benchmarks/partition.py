"""Blocks and grids against other libraries, on the streets of Wuhan: the table of docs/partition.md.

    python benchmarks/partition.py [--sizes s m l] [--peers METIS GerryChain MaxP Skater AZP] [--seconds 200]

Streets are read from ``wuhan_streets.parquet`` in the folder that the environment's GRIDGEO_BENCH_DATA names (default
``../shared/data/bench`` beside the repository). Households are synthetic and marked so: a gamma-distributed density per
block, 40 a block on average, none above 300. Peers are used when they are installed (``pip install pymetis gerrychain
spopt``, in an environment of their own choice); every solver gets the same atoms, weights and street strengths, runs
alone and is given --seconds at most. Times are seconds of the processor, which a busy machine does not stretch as it
does the clock's; medians of three for what takes under 10 s.
"""

from __future__ import annotations

import argparse
import importlib.util
import multiprocessing
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from queue import Empty

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridgeo.blocks import BOUNDING_CLASSES, enclose_blocks
from gridgeo.blocks.edges import GREAT_CLASSES, MAIN_CLASSES, read_borders
from gridgeo.blocks.faces import draw_faces, share_borders
from gridgeo.blocks.slivers import find_slivers, locate_faces
from gridgeo.blocks.superblocks import split_superblocks
from gridgeo.partition import check_partition, partition_grids
from gridgeo.partition.atoms import Atoms, make_atoms, pair_table
from gridgeo.partition.grid_layer import dissolve_grids, measure_partition
from gridgeo.partition.search import Objective, Task, count_all, search, search_pool

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("GRIDGEO_BENCH_DATA", Path(__file__).parents[2] / "shared" / "data" / "bench"))
HALF_M = {"s": 1_650, "m": 9_600, "l": 30_000}
BAND = (300, 500)
MIDDLE = 400
PER_BLOCK, MOST_PER_BLOCK = 40, 300
POOLED = 5_000
WIDE_CLASSES = (*GREAT_CLASSES, "secondary", "secondary_link")
MAIN_STREETS = tuple(one for one in MAIN_CLASSES if not one.endswith("_link"))


def read_streets():
    raw = gpd.read_parquet(DATA / "wuhan_streets.parquet")
    kinds = raw["highway"].astype(str)
    frame = gpd.GeoDataFrame(
        {"street_id": [f"s{row}" for row in range(len(raw))], "name": None, "street_class": kinds},
        geometry=raw.geometry.to_numpy(),
        crs=raw.crs,
    )
    return frame[kinds.isin(BOUNDING_CLASSES)].reset_index(drop=True)


def clip(streets, half_m):
    centre = shapely.get_coordinates(shapely.centroid(streets.geometry.to_numpy()))
    x, y = np.median(centre, axis=0)
    district = shapely.box(x - half_m, y - half_m, x + half_m, y + half_m)
    return district, streets[streets.intersects(district)].reset_index(drop=True)


def invent_households(blocks, seed=1, per_block=PER_BLOCK):
    dice = np.random.default_rng(seed)
    weight = np.minimum(blocks.area.to_numpy(), 250_000) ** 0.7 * dice.gamma(1.2, 1, len(blocks))
    for _ in range(30):
        weight = np.minimum(weight * per_block * len(blocks) / weight.sum(), MOST_PER_BLOCK)
    return np.round(weight)


def keep_streets(raw, streets, shapes, reaches=(20, 30)):
    """Return which share of the length of main streets still bounds blocks, and how much are dead ends (km).

    Counted is what bounds a raw face, of tertiary streets and above without ramps. It is kept if a block border lies
    within the reach. A dual carriageway that ends within a block bounds its own median but no block: where the first
    face on either side that is no sliver is one and the same, a lost stretch is a dead end and does not count.
    """
    segments = share_borders(raw)
    middle = (segments.start + segments.end) / 2
    main = streets[streets["street_class"].isin(MAIN_STREETS)].geometry.to_numpy()
    counted = np.zeros(len(middle), dtype=bool)
    counted[shapely.STRtree(main).query(shapely.points(middle), predicate="dwithin", distance=0.01)[0]] = True
    middle, length = middle[counted], segments.length[counted]
    along = (segments.end - segments.start)[counted] / np.maximum(length, 1e-9)[:, None]
    borders = shapely.STRtree(share_borders(shapes).lines())
    away = borders.query_nearest(shapely.points(middle), return_distance=True, all_matches=False)[1]
    lost = np.flatnonzero(away > min(reaches))
    real = raw[~find_slivers(raw, width_m=20, area_m2=1200)]
    beside = np.full((2, len(lost)), -1)
    for side, turn in enumerate((np.array([-1, 1]), np.array([1, -1]))):
        for step in (1, *range(4, 64, 4)):
            place = shapely.points(middle[lost] + step * turn * along[lost][:, ::-1])
            found = locate_faces(place, real)
            beside[side] = np.where(beside[side] < 0, found, beside[side])
    spur = np.zeros(len(middle), dtype=bool)
    spur[lost] = (beside[0] == beside[1]) & (beside[0] >= 0)
    whole = length[~spur].sum()
    return [length[~spur & (away <= reach)].sum() / whole for reach in reaches], length[spur].sum() / 1e3


def report_blocks(district, streets, blocks, seconds):
    """Print what the first half of the issue's table asks of blocks."""
    shapes = blocks.geometry.to_numpy()
    raw = draw_faces(np.r_[streets.geometry.to_numpy(), [district.boundary]])
    raw = raw[shapely.intersects(district, shapely.point_on_surface(raw))]
    kept, dead_ends = keep_streets(raw, streets, shapes)
    gap = shapely.symmetric_difference(shapely.union_all(shapes), district).area
    overlap = abs(float(shapely.area(shapes).sum()) - district.area)
    print(
        f"blocks {len(blocks)} of {len(raw)} faces ({find_slivers(raw, width_m=16).sum()} under 16 m), "
        f"{seconds:.1f} s; "
        f"gap {gap:.1e} m2, area off {overlap:.1e} m2, slivers under 16 m {find_slivers(shapes, width_m=16).sum()}, "
        f"main streets within 20/30 m of a border {kept[0]:.4f} / {kept[1]:.4f}, besides {dead_ends:.1f} km dead ends"
    )


def split_to(blocks, wanted):
    """Split blocks at invented sites until there are about `wanted` atoms, as superblocks are split."""
    dice = np.random.default_rng(2)
    shapes = blocks.geometry.to_numpy()
    share = np.maximum(1, np.round(wanted * blocks.area / blocks.area.sum())).astype(int).to_numpy()
    west, south, east, north = shapely.bounds(shapes).T
    sites = []
    for row in np.flatnonzero(share > 1):
        xy = dice.uniform((west[row], south[row]), (east[row], north[row]), (6 * share[row], 2))
        inside = shapely.points(xy)
        sites.append(inside[shapely.contains_properly(shapes[row], inside)][: share[row]])
    sites = np.concatenate(sites)
    parts, parent = split_superblocks(
        shapes, share > 1, sites, np.full(len(sites), 2.0), inner_ways=np.empty(0, object), most=1, part=1
    )
    full = ~shapely.is_empty(parts)
    frame = gpd.GeoDataFrame(
        {"block_id": [f"B{row}" for row in range(full.sum())]}, geometry=parts[full], crs=blocks.crs
    )
    del parent
    return frame


def run_alone(solve: Callable[[], np.ndarray], seconds: float):
    """Run a solver in a process of its own; None where it does not answer in time."""
    queue = multiprocessing.get_context("fork").Queue()

    def work():
        begun = time.process_time()
        try:
            label = np.asarray(solve())
        except Exception as error:  # noqa: BLE001 - a peer's failure is a result to print
            queue.put((None, f"{type(error).__name__}: {error}"[:90]))
        else:
            queue.put((label, time.process_time() - begun))

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    try:
        answer = queue.get(timeout=seconds)
    except Empty:
        answer = (None, f"nothing in {seconds:.0f} s")
    process.kill()
    process.join()
    return answer


def ours(task, effort=1.0):
    return lambda: search(task, seed=0, effort=effort)[0]


def metis(atoms, k):
    import pymetis  # noqa: PLC0415 - a peer, used when installed

    adjacency = pymetis.CSRAdjacency(atoms.start, atoms.end)
    cost = np.maximum(1, np.round(atoms.length * (1.35 - atoms.strength))).astype(int)
    return lambda: pymetis.part_graph(
        k, adjacency=adjacency, vweights=np.maximum(1, atoms.weight).astype(int), eweights=cost
    )[1]


def gerrychain(atoms, k):
    import networkx as nx  # noqa: PLC0415 - as above
    from gerrychain import Graph  # noqa: PLC0415 - as above
    from gerrychain.partition import recursive_tree_part  # noqa: PLC0415 - as above

    row = np.repeat(np.arange(len(atoms)), np.diff(atoms.start))
    graph = nx.Graph()
    graph.add_nodes_from((node, {"pop": float(w)}) for node, w in enumerate(atoms.weight))
    graph.add_edges_from(zip(row.tolist(), atoms.end.tolist(), strict=True))

    def solve():
        random.seed(0)
        found = partial(recursive_tree_part, Graph.from_networkx(graph))(
            range(k), atoms.weight.sum() / k, "pop", 0.25, node_repeats=1
        )
        return np.array([found[node] for node in range(len(atoms))])

    return solve


def spopt(atoms, k, name, blocks):
    from libpysal.weights import W  # noqa: PLC0415 - a peer, used when installed
    from spopt import region  # noqa: PLC0415 - as above

    row = np.repeat(np.arange(len(atoms)), np.diff(atoms.start))
    near = pd.Series(atoms.end).groupby(row).apply(list).to_dict()
    weights = W({node: near.get(node, []) for node in range(len(atoms))}, silence_warnings=True)
    centre = blocks.geometry.centroid
    frame = blocks[["geometry"]].assign(pop=atoms.weight, x=centre.x.to_numpy(), y=centre.y.to_numpy())

    def solve():
        if name == "MaxP":
            model = region.MaxPHeuristic(frame, weights, ["x", "y"], "pop", BAND[0], top_n=2)
        elif name == "Skater":
            model = region.Skater(frame, weights, ["x", "y"], n_clusters=k, floor=1)
        else:
            model = region.AZP(frame, weights, ["x", "y"], n_clusters=k, random_state=0)
        model.solve()
        return np.asarray(model.labels_)

    return solve


def measure(name, label, seconds, blocks, atoms, edges):
    named = blocks.assign(
        grid_id=[f"g{one}" for one in label], community_id=None, households=atoms.weight.astype(int), persons=0.0
    )
    grids = dissolve_grids(named.drop(columns="borders", errors="ignore"))
    figures = measure_partition(named, grids, BAND, edges)
    pieces = int((shapely.get_num_geometries(grids.geometry.to_numpy()) - 1).sum())
    print(
        f"{name:<12}{seconds:9.3f} s  grids {len(grids):5}  in band {figures['in_band']:.4f}  "
        f"deviation {figures['max_deviation']:.2f}  compactness {figures['compactness']:.3f}  "
        f"fragments {pieces}  {measure_streets(label, blocks, edges)}",
        flush=True,
    )


def measure_streets(label, blocks, edges):
    """Say which share of the borders runs along streets, which share of these streets is a border, and the bound."""
    if edges is None:
        return ""
    grid = pd.Series(np.asarray(label), index=blocks["block_id"].to_numpy())
    inner = edges[edges["block_b"].notna()]
    length = inner["length_m"].to_numpy()
    cut = (inner["block_a"].map(grid) != inner["block_b"].map(grid)).to_numpy()
    told = []
    for words, classes in (("main", MAIN_CLASSES), ("secondary+", WIDE_CLASSES), ("primary+", GREAT_CLASSES)):
        along = inner["street_class"].isin(classes).to_numpy()
        share, used, most = length[cut & along].sum(), length[along].sum(), length[cut].sum()
        told.append(f"{words} {share / most:.3f} ({share / used:.2f} of them; bound {min(1, used / most):.2f})")
    return ", ".join(told)


def median_of_three(solve, seconds):
    label, took = run_alone(solve, seconds)
    if label is not None and took < 10:
        again = [run_alone(solve, seconds)[1] for _ in range(2)]
        took = float(np.median([took, *(one for one in again if isinstance(one, float))]))
    return label, took


def make_task(blocks, weight=None):
    pairs, rim = pair_table(blocks, read_borders(blocks))
    whole = np.zeros(len(blocks), dtype=np.int64)
    weight = invent_households(blocks) if weight is None else weight
    atoms: Atoms = make_atoms(pairs, rim, weight, blocks.area.to_numpy(), whole, low=BAND[0])
    count = len(atoms)
    nobody = np.full(count, -1, dtype=np.int64)
    return Task(atoms, *BAND, Objective(), np.zeros(count, bool), nobody, count_all(atoms, *BAND))


def compare(blocks, weight, peers, seconds):
    edges = read_borders(blocks)
    task = make_task(blocks, weight)
    atoms = task.atoms
    search(task, seed=0, effort=0.0)  # compile before the clock runs
    k = max(1, round(weight.sum() / MIDDLE))
    label, took = median_of_three(ours(task), seconds)
    measure("gridgeo", label, took, blocks, atoms, edges)
    half, half_took = median_of_three(ours(task, 0.5), seconds)
    measure("  effort 0.5", half, half_took, blocks, atoms, edges)
    if len(atoms) < POOLED:
        best, best_took = run_alone(lambda: search_pool(task, seed=0, effort=1.0, size=8), seconds)
        measure("  pool of 8", best, best_took, blocks, atoms, edges)
    solvers = {
        "METIS": ("pymetis", lambda: metis(atoms, k)),
        "GerryChain": ("gerrychain", lambda: gerrychain(atoms, k)),
    }
    for name in ("MaxP", "Skater", "AZP"):
        solvers[name] = ("spopt", lambda name=name: spopt(atoms, k, name, blocks))
    for name in peers:
        package, make = solvers[name]
        if importlib.util.find_spec(package) is None:
            print(f"{name:<12} not installed")
            continue
        label, its = median_of_three(make(), seconds)
        if label is None:
            print(f"{name:<12} {its}", flush=True)
            continue
        measure(name, label, its, blocks, atoms, edges)
        if name == "METIS":
            print(
                f"{'':<12} gridgeo takes {took / its:.1f} times as long as METIS, at half effort {half_took / its:.1f}"
            )


def households_at(blocks, weight):
    return gpd.GeoDataFrame(
        {
            "household_id": [f"h{row}" for row in range(len(blocks))],
            "households": weight.astype(int),
            "estimated": True,
        },
        geometry=blocks.geometry.representative_point().to_numpy(),
        crs=blocks.crs,
    )


def warm_start(blocks, weight):
    """Change 10 % of the counts by up to 60 % and start from today's grids."""
    dice = np.random.default_rng(3)
    first = partition_grids(blocks, households_at(blocks, weight))
    changed = np.where(dice.random(len(weight)) < 0.1, np.round(weight * dice.uniform(0.4, 1.6, len(weight))), weight)
    begun = time.process_time()
    again = partition_grids(blocks, households_at(blocks, changed), keep=first.blocks)
    print(
        f"warm start   {time.process_time() - begun:.1f} s with all layers: "
        f"{again.metrics['moved_share']:.4f} of households moved, in band {again.metrics['in_band']:.4f}"
    )


def with_communities(blocks, weight):
    """Communities of about 2,000 households as hard borders (grids of a first partition, joined)."""
    first = partition_grids(blocks, households_at(blocks, weight), households_per_grid=(1500, 2500))
    bounded = blocks.assign(community_id=first.blocks["grid_id"].to_numpy())
    partition = partition_grids(bounded, households_at(bounded, weight))
    faults = pd.Series([fault.key for fault in check_partition(partition)], dtype="str").value_counts().to_dict()
    print(
        f"communities  {len(first.grids)}: in band {partition.metrics['in_band']:.4f}, largest deviation "
        f"{partition.metrics['max_deviation']:.2f}, cannot be {len(partition.infeasible)}, violations {faults}"
    )


def count_compiled(size, effort):
    """Time one search compiled and as plain Python (the same functions, not compiled), in processes of their own."""
    code = (
        "import sys, time; sys.path.insert(0, 'benchmarks'); import partition as p\n"
        f"task = p.make_task(p.enclose_blocks(*p.clip(p.read_streets(), p.HALF_M['{size}'])))\n"
        "p.search(task, seed=0, effort=0.0); begun = time.process_time()\n"
        f"p.search(task, seed=0, effort={effort}); print(time.process_time() - begun)"
    )
    took = []
    for off in ("0", "1"):
        set_so = {**os.environ, "NUMBA_DISABLE_JIT": off}
        took.append(float(subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, env=set_so)))
    print(f"compiled     {took[0]:.3f} s, the same in plain Python {took[1]:.1f} s: {took[1] / took[0]:.0f} times")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--sizes", nargs="*", default=["s", "m", "l"])
    parser.add_argument("--peers", nargs="*", default=["METIS", "GerryChain", "MaxP", "Skater", "AZP"])
    parser.add_argument("--seconds", type=float, default=200)
    options = parser.parse_args()
    streets = read_streets()
    for size in options.sizes:
        district, near = clip(streets, HALF_M[size])
        begun = time.process_time()
        blocks = enclose_blocks(district, near)
        took = time.process_time() - begun
        print(f"\n== {size}: {len(near)} streets, {district.area / 1e6:.0f} km2")
        report_blocks(district, near, blocks, took)
        if size == "l":
            begun = time.process_time()
            blocks = split_to(blocks, 31_000)
            print(
                f"split to {len(blocks)} atoms, {time.process_time() - begun:.1f} s; lines between them are no streets"
            )
        weight = invent_households(blocks)
        compare(blocks, weight, options.peers, options.seconds)
        if size == "s":
            count_compiled(size, 0.05)
        if size != "l":
            warm_start(blocks, weight)
            with_communities(blocks, weight)


if __name__ == "__main__":
    main()
