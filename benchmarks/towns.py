"""Towns of random households and stations on real streets, and the clock, for the benchmarks of the walking engine."""

from __future__ import annotations

import os
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridgeo.coverage.assess import solve_coverage
from gridgeo.coverage.roster import make_roster
from gridgeo.network import build_network
from gridgeo.network.access import snap_points

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("GRIDGEO_BENCH_DATA", ROOT.parent / "shared" / "data" / "bench"))
CLOCK = time.process_time if os.environ.get("GRIDGEO_BENCH_CLOCK") == "cpu" else time.perf_counter
CRS = "EPSG:32650"
CUTOFF_M = 300.0


def seconds(work, repeats=1):
    """Run some work; return the median of its seconds and its last result."""
    times, result = [], None
    for _ in range(repeats):
        begun = CLOCK()
        result = work()
        times.append(CLOCK() - begun)
    return float(np.median(times)), result


def interleaved(*works, repeats=3):
    """Run several works in turn, several times; return the medians of their seconds."""
    times = [[seconds(work)[0] for work in works] for _ in range(repeats)]
    return np.median(times, axis=0).tolist()


def load_graph(name):
    nodes, edges = (pd.read_parquet(DATA / f"{name}_{part}.parquet") for part in ("nodes", "edges"))
    return nodes, edges


def draw_streets(xy, u, v):
    lines = shapely.linestrings(np.stack([xy[u], xy[v]], axis=1))
    ids = np.arange(len(lines)).astype(str)
    return gpd.GeoDataFrame({"street_id": ids}, geometry=lines, crs=CRS)


def scatter(rng, xy, u, v, count, spread=20.0):
    """Points around random spots of the streets."""
    pick, share = rng.integers(0, len(u), count), rng.random(count)[:, None]
    return xy[u[pick]] * (1 - share) + xy[v[pick]] * share + rng.normal(0, spread, (count, 2))


def make_stations(xy):
    ids = [f"s{row}" for row in range(len(xy))]
    return gpd.GeoDataFrame({"station_id": ids}, geometry=shapely.points(xy), crs=CRS)


def make_households(count):
    """Household rows without geometry: the engine has their places already."""
    return gpd.GeoDataFrame(
        {"household_id": np.arange(count)}, geometry=gpd.GeoSeries(np.full(count, None, dtype=object), crs=CRS)
    )


class Town:
    """A network with snapped households and stations."""

    def __init__(self, xy, u, v, *, homes, posts, seed=1):
        rng = np.random.default_rng(seed)
        self.xy, self.u, self.v = xy, u, v
        self.home_xy, self.post_xy = (scatter(rng, xy, u, v, count) for count in (homes, posts))
        self.build_s, self.network = seconds(lambda: build_network(draw_streets(xy, u, v)))
        self.snap_s, self.homes = seconds(lambda: snap_points(self.network, self.home_xy))
        self.stations, self.source = make_stations(self.post_xy), make_households(homes)
        self.posts = snap_points(self.network, self.stations)
        for lazy in ("links", "node_tree", "edges_at_node", "island_of_node"):
            getattr(self.network, lazy)
        _ = self.homes.residents

    def solve(self, posts=None):
        """From network and snapped points to the table of households."""
        count = len(self.stations) if posts is None else posts
        rows = self.stations.iloc[:count]
        access = self.posts if posts is None else snap_points(self.network, rows)
        roster = make_roster(rows, access)
        coverage = solve_coverage(self.network, self.source, self.homes, roster, cutoffs_m=(CUTOFF_M,))
        _ = coverage.households
        return coverage


def wuhan(homes, posts, *, nodes_wanted=None):
    nodes, edges = load_graph("wuhan_densified")
    xy, u, v = nodes[["x", "y"]].to_numpy(), edges["u"].to_numpy(), edges["v"].to_numpy()
    if nodes_wanted:
        centre = np.median(xy, axis=0)
        reach = np.sort(np.abs(xy - centre).max(axis=1))[nodes_wanted]
        inside = np.abs(xy - centre).max(axis=1) <= reach
        both = inside[u] & inside[v]
        place = np.cumsum(inside) - 1
        xy, u, v = xy[inside], place[u[both]], place[v[both]]
    return Town(xy, u, v, homes=homes, posts=posts)
