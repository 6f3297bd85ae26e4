"""Data in and out at the size of a large sub-district: import, write, read back, as ratios to bare pyogrio.

Usage: ``python benchmarks/data.py [--households N] [--streets N] [--profile import|write|read]``
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import pstats
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import shapely

from gridgeo.plan import Name, Plan, PlanInfo, make_plan
from gridgeo.readers import prepare_import, read_file
from gridgeo.store import read_plan, write_plan

CRS = 4548
X0, Y0, SPACING = 440_000.0, 4_420_000.0, 50.0


def make_layers(households: int, streets: int) -> dict[str, gpd.GeoDataFrame]:
    """Make a grid of streets with a vertex at every crossing, and households anywhere on its ground."""
    lines = max(2, round((streets / 2) ** 0.5))
    at = np.arange(lines + 1) * SPACING
    x, y = np.meshgrid(at[:-1], at)
    starts = np.concatenate([np.column_stack([x.ravel(), y.ravel()]), np.column_stack([y.ravel(), x.ravel()])])
    step = np.concatenate([np.tile([SPACING, 0], (x.size, 1)), np.tile([0, SPACING], (x.size, 1))])
    shapes = shapely.linestrings(np.stack([starts, starts + step / 2, starts + step], axis=1) + np.array([X0, Y0]))
    shapes = shapes[:streets]
    rng = np.random.default_rng(1)
    points = shapely.points(rng.uniform(0, lines * SPACING, (households, 2)) + np.array([X0, Y0]))
    people = {name: rng.integers(0, 9, households) for name in ("households", "elderly", "children")}
    return {
        "boundary": gpd.GeoDataFrame(
            geometry=[shapely.box(X0, Y0, X0 + lines * SPACING, Y0 + lines * SPACING)], crs=CRS
        ),
        "streets": gpd.GeoDataFrame(
            {
                "street_id": [f"s{i}" for i in range(len(shapes))],
                "name": [f"第{i % 997}大街" for i in range(len(shapes))],
                "street_class": rng.choice(["residential", "service", "primary"], len(shapes)),
            },
            geometry=shapes,
            crs=CRS,
        ),
        "households": gpd.GeoDataFrame(
            {"household_id": [f"h{i}" for i in range(households)], **people}, geometry=points, crs=CRS
        ),
    }


def time_best(work, times: int = 3) -> tuple[float, float]:
    """Return the seconds of the fastest of some runs, by the clock and of the processor, children included."""
    runs = []
    for _ in range(times):
        begun, spent = time.perf_counter(), sum(os.times()[:4])
        work()
        runs.append((time.perf_counter() - begun, sum(os.times()[:4]) - spent))
    return min(took for took, _ in runs), min(took for _, took in runs)


def start_children(files: dict[str, Path]) -> None:
    """Read files of one row: nearly all of it is the start of a child process for each."""
    for file in files.values():
        read_file(file)


def make_works(folder: Path, files: dict[str, Path], plan: Plan, tables: dict[str, gpd.GeoDataFrame]):
    """Return for each step gridgeo's work and what plain pyogrio does of it."""
    stored = {layer: getattr(plan, layer) for layer in tables}

    def write_bare():
        (folder / "bare.gpkg").unlink(missing_ok=True)
        for layer, frame in stored.items():
            pyogrio.write_dataframe(frame, folder / "bare.gpkg", layer=layer, append=(folder / "bare.gpkg").exists())

    def read_bare():
        for layer in tables:
            pyogrio.read_dataframe(folder / "bare.gpkg", layer=layer, use_arrow=True)

    def read_files():
        for file in files.values():
            pyogrio.read_dataframe(file)

    def import_files():
        report = prepare_import(**files)
        assert report.plan is not None, report.findings.faults[:3]

    return {
        "import": (import_files, read_files),
        "write": (lambda: write_plan(plan, folder / "plan.gpkg"), write_bare),
        "read": (lambda: read_plan(folder / "plan.gpkg"), read_bare),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--households", type=int, default=100_000)
    parser.add_argument("--streets", type=int, default=50_000)
    parser.add_argument("--profile", choices=["import", "write", "read"])
    asked = parser.parse_args()
    layers = make_layers(asked.households, asked.streets)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = {}
        for layer, frame in layers.items():
            files[layer] = folder / f"{layer}.gpkg"
            frame.to_file(files[layer])
        tables = {layer: layers[layer] for layer in ("streets", "households")}
        plan = make_plan(PlanInfo(Name("甲", "A")), CRS, **tables)
        works = make_works(folder, files, plan, tables)
        if asked.profile:
            write_plan(plan, folder / "plan.gpkg")
            with cProfile.Profile() as profile:
                works[asked.profile][0]()
            pstats.Stats(profile).sort_stats("cumulative").print_stats(45)
            return
        small = {}
        for layer, frame in layers.items():
            small[layer] = folder / f"small-{layer}.gpkg"
            frame.head(1).to_file(small[layer])
        started = time_best(lambda: start_children(small))
        result = {"three children": {"seconds": round(started[0], 2), "processor": round(started[1], 2)}}
        for step, (ours, bare) in works.items():
            mine, theirs = time_best(ours, 2 if step == "import" else 3), time_best(bare)
            result[step] = {
                "seconds": round(mine[0], 2),
                "pyogrio": round(theirs[0], 2),
                "ratio": round(mine[0] / theirs[0], 2),
                "processor": round(mine[1], 2),
                "processor ratio": round(mine[1] / theirs[1], 2),
            }
        print(json.dumps({"households": asked.households, "streets": len(layers["streets"]), **result}, indent=1))


if __name__ == "__main__":
    main()
