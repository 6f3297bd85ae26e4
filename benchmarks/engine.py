"""The walking engine against plain tools, in one table: ``python benchmarks/engine.py [row ...]``.

Data: the folder ``GRIDGEO_BENCH_DATA``, by default ``../shared/data/bench`` beside the repository. Peers that are not
among gridgeo's own requirements (pandana, osmnx) are run by the Python named in ``GRIDGEO_BENCH_PEERS``; without one
their rows say "not installed". All figures are medians of interleaved repeats within one run, in seconds of the clock;
with ``GRIDGEO_BENCH_CLOCK=cpu`` in seconds of the processor, for a machine that others use at the same time.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import osmium
import shapely
from rich.console import Console
from rich.table import Table
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from towns import (
    CRS,
    CUTOFF_M,
    DATA,
    ROOT,
    draw_streets,
    interleaved,
    load_graph,
    make_stations,
    scatter,
    seconds,
    wuhan,
)

from gridgeo.coverage import add_station, assess_coverage, move_station, remove_station
from gridgeo.gaps import find_gaps
from gridgeo.network import build_network
from gridgeo.network.access import snap_points
from gridgeo.readers import bundled_plan_path
from gridgeo.readers.osm import read_osm_streets
from gridgeo.readers.walkable import is_walkable
from gridgeo.service_area import service_areas
from gridgeo.store import read_plan

NEEDED = (
    "heidelberg.osm.pbf", "union20_nodes.parquet", "union20_edges.parquet",
    "wuhan_densified_nodes.parquet", "wuhan_densified_edges.parquet",
)  # fmt: skip
console = Console(width=150)


def bare_graph(town):
    """Return the given graph, nodes as they come, of true lengths: what a plain solver is handed."""
    length = np.hypot(*(town.xy[town.u] - town.xy[town.v]).T)
    count = len(town.xy)
    ends = np.r_[town.u, town.v], np.r_[town.v, town.u]
    return csr_array((np.r_[length, length], ends), shape=(count, count)), length


def row_million(rows):
    town = wuhan(3_000_000, 2_000)
    graph, _ = bare_graph(town)
    sources = np.unique(town.u[np.random.default_rng(0).integers(0, len(town.u), 2_000)])
    ours, bare = interleaved(
        town.solve, lambda: dijkstra(graph, directed=True, indices=sources, min_only=True), repeats=5
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    rows.append(
        (
            f"{len(town.xy):,} nodes, 3,000,000 households, 2,000 stations → table",
            "≤ 2× bare dijkstra; ≤ 1.5 GB",
            f"{ours:.2f} s / {bare:.2f} s = {ours / bare:.2f}×; peak {peak:.2f} GB (this process, all of it)",
            ours <= 2 * bare and peak <= 1.5,
        )
    )
    rows.append(("  its network built, its points snapped", "", f"{town.build_s:.1f} s, {town.snap_s:.1f} s", None))
    row_what_if(rows, town)
    row_snapping(rows, town)


def row_what_if(rows, town):
    rng = np.random.default_rng(2)
    for posts in (2_000, 50, 10):
        full, coverage = seconds(lambda count=posts: town.solve(count), repeats=3)
        adds, removes, moves = [], [], []
        for _ in range(100):
            spot = shapely.Point(town.home_xy[rng.integers(len(town.home_xy))])
            new = gpd.GeoDataFrame({"station_id": ["new"]}, geometry=[spot], crs=CRS)
            adds.append(seconds(lambda one=new, now=coverage: add_station(now, one))[0])
            gone = coverage.roster.ids[rng.integers(posts)]
            removes.append(seconds(lambda one=gone, now=coverage: remove_station(now, one))[0])
            there = new.assign(station_id=gone)
            moves.append(seconds(lambda one=there, now=coverage: move_station(now, one))[0])
        full = np.median([full, seconds(lambda count=posts: town.solve(count), repeats=3)[0]])
        late = [np.percentile(times, 95) for times in (adds, removes, moves)]
        worst = max(late[:2])
        told = "p95: " + ", ".join(
            f"{name} {p95 * 1e3:.1f} ms ({full / p95:.0f}×)"
            for name, p95 in zip(("add", "remove", "move"), late, strict=True)
        )
        rows.append(
            (
                f"what-if, one station, {posts:,} there",
                "p95 ≥ 100× faster than the full run" if posts == 2_000 else "(measured)",
                f"{told}; full run {full:.2f} s",
                full / worst >= 100 if posts == 2_000 else None,
            )
        )


def row_snapping(rows, town, sample=300_000):
    """sjoin_nearest on a sample, scaled: it takes minutes for all; walls around a tenth of the households."""
    pick = np.random.default_rng(4).choice(len(town.home_xy), sample, replace=False)
    points = gpd.GeoDataFrame(geometry=shapely.points(town.home_xy[pick]), crs=CRS)
    streets = draw_streets(town.xy, town.u, town.v)
    _ = streets.sindex

    def join():
        return gpd.sjoin_nearest(points, streets, max_distance=200, distance_col="leg")

    rng = np.random.default_rng(5)
    corner = town.home_xy[rng.integers(0, len(town.home_xy), 3_000)]
    yards = shapely.box(*(corner - 40).T, *(corner + 40).T)
    walls = gpd.GeoDataFrame({"barrier_kind": "wall"}, geometry=yards, crs=CRS, index=range(len(yards)))
    gates = gpd.GeoDataFrame(
        {"gate_id": np.arange(len(yards)).astype(str)}, geometry=shapely.points(corner + np.array([40, 0])), crs=CRS
    )
    walled = build_network(streets, barriers=walls, gates=gates)
    _ = walled.segment_grid, walled.gateways
    joined = join().groupby(level=0)["leg"].first()
    off_s, on_s, peer_s = interleaved(
        lambda: snap_points(town.network, town.home_xy), lambda: snap_points(walled, town.home_xy), join
    )
    peer_s *= len(town.home_xy) / sample
    leg = town.homes.leg[pick] / 2**18
    wrong = np.abs(leg[joined.index] - joined.to_numpy()).max()
    told = f"{off_s:.1f} s / {peer_s:.0f} s = {peer_s / off_s:.0f}×"
    rows.append(
        (
            "snapping 3,000,000 points, barriers off",
            "≥ 8× sjoin_nearest, exact",
            f"{told}; largest difference {wrong * 1e3:.3f} mm",
            peer_s >= 8 * off_s and wrong < 1e-4,
        )
    )
    access = snap_points(walled, town.home_xy)
    changed = (np.abs(access.leg - town.homes.leg) > 1000).mean()
    rows.append(
        (
            f"the same, 3,000 walled yards ({changed:.1%} of legs changed)",
            "≥ 4× sjoin_nearest, exact",
            f"{on_s:.1f} s = {peer_s / on_s:.0f}×; exactness: see agreement",
            peer_s >= 4 * on_s,
        )
    )


def row_hundred_thousand(rows):
    town = wuhan(300_000, 200, nodes_wanted=100_000)
    _, length = bare_graph(town)
    truth = town.solve()
    graph = nx.Graph()
    graph.add_weighted_edges_from(zip(town.u.tolist(), town.v.tolist(), length.tolist(), strict=True))
    where, start = [], truth.network
    for row in range(len(town.stations)):
        edge = start.segment_xy[town.posts.segment[row]]
        for x, y in (edge[:2], edge[2:]):
            where.append((x, y, np.hypot(town.post_xy[row, 0] - x, town.post_xy[row, 1] - y)))
    at = {tuple(spot): node for node, spot in enumerate(town.xy.tolist())}
    for x, y, leg in where:
        graph.add_edge("posts", at[x, y], weight=leg)
    end = np.array([[at[tuple(xy[:2])], at[tuple(xy[2:])]] for xy in start.segment_xy[town.homes.segment].tolist()])
    to_end = np.hypot(*(town.xy[end] - town.home_xy[:, None]).transpose(2, 0, 1))

    def walk():
        found = nx.single_source_dijkstra_path_length(graph, "posts")
        node = np.full(len(town.xy), np.inf)
        node[[key for key in found if key != "posts"]] = [found[key] for key in found if key != "posts"]
        return (node[end] + to_end).min(axis=1)

    ours, peer = interleaved(town.solve, walk)
    rows.append(
        (
            f"{len(town.xy):,} nodes, 300,000 households, 200 stations: networkx",
            "≥ 8×",
            f"{ours:.3f} s / {peer:.2f} s = {peer / ours:.0f}× (its graph built beforehand)",
            peer >= 8 * ours,
        )
    )
    with tempfile.TemporaryDirectory() as folder:
        np.savez(
            Path(folder) / "graph.npz", x=town.xy[:, 0], y=town.xy[:, 1], u=town.u, v=town.v, length=length,
            home_x=town.home_xy[:, 0], home_y=town.home_xy[:, 1], post_x=town.post_xy[:, 0], post_y=town.post_xy[:, 1],
        )  # fmt: skip
        told = ask_peer("pandana", folder)
        if told is None:
            rows.append(("the same: pandana", "≥ 200×", "not installed (GRIDGEO_BENCH_PEERS)", None))
            return
        covered = np.load(Path(folder) / "pandana.npy") <= CUTOFF_M
    wrong = covered != truth.covered
    share = wrong.sum() / truth.covered.sum()
    counted = f"{wrong.sum():,} households wrong ({share:.0%} of those covered)"
    rows.append(
        (
            f"the same: pandana {told['version']}, nodes 6 m apart",
            "≥ 200×, its wrong counted",
            f"{told['seconds']:.1f} s = {told['seconds'] / ours:.0f}×; {counted}",
            told["seconds"] >= 200 * ours,
        )
    )
    parts = ", ".join(f"{name} {took:.2f} s" for name, took in told["parts"].items())
    rows.append(("  what pandana does in that time", "", parts, None))


def ask_peer(name, folder):
    python = os.environ.get("GRIDGEO_BENCH_PEERS")
    if not python:
        return None
    script = Path(__file__).with_name("peers.py")
    told = subprocess.run([python, str(script), name, str(folder)], capture_output=True, text=True, check=False)
    if told.returncode:
        console.print(told.stderr[-400:])
        return None
    return json.loads(told.stdout.splitlines()[-1])


def row_extract(rows):
    path = DATA / "heidelberg.osm.pbf"

    def bare():
        draw, lines = osmium.geom.WKBFactory(), []
        ways = osmium.FileProcessor(str(path), osmium.osm.NODE | osmium.osm.WAY).with_locations()
        for way in ways.with_filter(osmium.filter.EntityFilter(osmium.osm.WAY)).with_filter(
            osmium.filter.KeyFilter("highway")
        ):
            if is_walkable({tag.k: tag.v for tag in way.tags}):
                lines.append(draw.create_linestring(way))  # noqa: PERF401 (a way lives only until the next)
        return shapely.from_wkb(lines)

    ours, plain = interleaved(lambda: build_network(read_osm_streets(path)), bare)
    rows.append(
        (
            "Heidelberg PBF → network: bare pyosmium pass",
            "≤ 2×",
            f"{ours:.2f} s / {plain:.2f} s = {ours / plain:.2f}×",
            ours <= 2 * plain,
        )
    )
    with tempfile.TemporaryDirectory() as folder:
        with osmium.SimpleWriter(str(Path(folder) / "extract.osm")) as writer:
            for item in osmium.FileProcessor(str(path)):
                writer.add(item)
        told = ask_peer("osmnx", folder)
    if told is None:
        rows.append(("the same: osmnx from XML", "≥ 5×", "not installed (GRIDGEO_BENCH_PEERS)", None))
    else:
        took = told["seconds"]
        rows.append(
            (
                f"the same: osmnx {told['version']} from XML",
                "≥ 5×",
                f"{took:.1f} s = {took / ours:.0f}×",
                took >= 5 * ours,
            )
        )


def row_district(rows):
    plan = read_plan(bundled_plan_path("qinghuayuan"))

    def network():
        return build_network(plan.streets, barriers=plan.barriers, gates=plan.gates)

    def answers(ground):
        coverage = assess_coverage(ground, plan.households, plan.stations, cutoff_m=(300, 500))
        _ = coverage.households, coverage.summary(by="community")
        find_gaps(coverage, plan)
        service_areas(ground, plan.stations)

    cached = network()
    answers(cached)
    fresh, again = interleaved(lambda: answers(network()), lambda: answers(cached), repeats=5)
    rows.append(
        (
            "Qinghuayuan, plan to gaps and service areas, network built / cached",
            "< 1 s",
            f"{fresh:.3f} s / {again:.3f} s",
            fresh < 1,
        )
    )


def real_networks():
    """Seven real networks: the two bundled places with their own barriers, five cities with walls and gates put in."""
    for place in ("qinghuayuan", "nanshan"):
        plan = read_plan(bundled_plan_path(place))
        yield place, plan.streets, plan.barriers, plan.gates, plan.households, plan.stations
    nodes, edges = load_graph("union20")
    sizes = nodes["city"].value_counts()
    for number, city in enumerate(sizes.index[-5:]):
        rng = np.random.default_rng(number)
        mine = (nodes["city"] == city).to_numpy()
        inside = mine[edges["u"]] & mine[edges["v"]]
        u, v = edges.loc[inside, "u"].to_numpy(), edges.loc[inside, "v"].to_numpy()
        xy = nodes[["x", "y"]].to_numpy()
        streets = draw_streets(xy, u, v)
        homes, posts = scatter(rng, xy, u, v, 300, 25.0), scatter(rng, xy, u, v, 12)
        yards = shapely.box(*(homes[:40] - 30).T, *(homes[:40] + 30).T)
        walls = gpd.GeoDataFrame({"barrier_kind": ["wall"] * 40}, geometry=yards, crs=CRS)
        gates = gpd.GeoDataFrame(
            {"gate_id": np.arange(40).astype(str), "open": rng.random(40) < 0.7},
            geometry=shapely.points(homes[:40] + np.array([30, 5])),
            crs=CRS,
        )
        households = gpd.GeoDataFrame({"household_id": np.arange(300)}, geometry=shapely.points(homes), crs=CRS)
        yield str(city), streets, walls, gates, households, make_stations(posts)


def row_agreement(rows):
    sys.path.insert(0, str(ROOT / "tests"))
    brute = import_module("brute")
    worst, flips, count, names = 0.0, 0, 0, []
    for name, streets, barriers, gates, households, stations in real_networks():
        network = build_network(streets, barriers=barriers, gates=gates)
        found = assess_coverage(network, households, stations).households["distance_m"].to_numpy()
        cut = brute.cut_at_gates(streets, gates)
        truth = brute.walk_distances(cut, households, stations, walls=brute.Walls(barriers, gates)).min(axis=1)
        reached = np.isfinite(truth)
        if not np.array_equal(reached, np.isfinite(found)):
            worst = np.inf
        worst = max(worst, np.abs(truth[reached] - found[reached]).max())
        clear = np.abs(truth - CUTOFF_M) > 0.1
        flips += int(((truth <= CUTOFF_M) != (found <= CUTOFF_M))[clear].sum())
        count += len(found)
        names.append(name)
    told = f"{len(names)} real networks ({', '.join(names)}), {count:,} households"
    rows.append(
        (
            f"agreement with brute force, {told}, barriers and gates",
            "within 0.1 m; covered never differs beyond that",
            f"largest difference {worst:.4f} m; {flips} differ in covered",
            worst < 0.1 and flips == 0,
        )
    )


ROWS = {
    "agreement": row_agreement,
    "million": row_million,
    "hundred": row_hundred_thousand,
    "extract": row_extract,
    "district": row_district,
}


def main(names):
    missing = [name for name in NEEDED if not (DATA / name).is_file()]
    if missing:
        console.print(
            f"The benchmark needs {', '.join(missing)} in {DATA}. Put the files there, or name another folder in "
            "GRIDGEO_BENCH_DATA."
        )
        return 1
    rows = []
    for name in names or ROWS:
        console.print(f"… {name}")
        ROWS[name](rows)
    table = Table("work", "target", "measured", "holds", show_lines=True)
    for work, target, measured, holds in rows:
        table.add_row(
            work, target, measured, {True: "yes", False: "NO", None: ""}[None if holds is None else bool(holds)]
        )
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
