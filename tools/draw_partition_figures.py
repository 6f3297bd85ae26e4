"""Draw the pictures of docs/partition.md: blocks and grids of both bundled places.

python tools/draw_partition_figures.py [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

import geopandas as gpd
import matplotlib as mpl
import numpy as np

from gridgeo.blocks import enclose_blocks
from gridgeo.blocks.edges import MAIN_CLASSES
from gridgeo.partition import partition_grids
from gridgeo.plan import Plan
from gridgeo.readers import bundled_plan_path
from gridgeo.store import read_plan

mpl.use("Agg")
import matplotlib.pyplot as plt

FOLDER = Path(__file__).parents[1] / "docs" / "images"
PLACES = {"qinghuayuan": (8, 11), "nanshan": (12, 5.8)}


def draw(areas: gpd.GeoDataFrame, plan: Plan, size: tuple[float, float], path: Path, *, label: str | None) -> None:
    """Draw areas over buildings and main streets."""
    figure, axes = plt.subplots(figsize=size)
    hue = colour(areas)
    areas.assign(hue=hue).plot(ax=axes, column="hue", cmap="tab20", alpha=0.5, edgecolor="black", linewidth=0.8)
    plan.buildings.plot(ax=axes, color="#00000055")
    main = plan.streets[plan.streets["street_class"].isin(MAIN_CLASSES)]
    main.plot(ax=axes, color="#b00000", linewidth=0.6)
    if label is not None:
        for place, text in zip(areas.geometry.representative_point(), areas[label], strict=True):
            axes.annotate(str(text), (place.x, place.y), ha="center", va="center", fontsize=6)
    west, south, east, north = plan.district.bounds
    axes.set(xlim=(west, east), ylim=(south, north))
    axes.set_axis_off()
    figure.tight_layout(pad=0.2)
    figure.savefig(path, dpi=80, pil_kwargs={"optimize": True})
    plt.close(figure)


def colour(areas: gpd.GeoDataFrame) -> np.ndarray:
    """Give each area a colour that none beside it has."""
    one, other = areas.sindex.query(areas.geometry, predicate="intersects")
    hue = np.full(len(areas), -1)
    for area in range(len(areas)):
        beside = hue[other[one == area]]
        free = np.setdiff1d(np.arange(20), beside)
        hue[area] = free[area % len(free)]
    return hue


def main() -> None:
    """Draw both places' blocks and grids."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, size in PLACES.items():
        plan = read_plan(bundled_plan_path(name))
        units = plan.units[plan.units["level"] == "community"]
        blocks = enclose_blocks(
            plan.district,
            plan.streets,
            plan.barriers,
            gates=plan.gates,
            buildings=plan.buildings,
            households=plan.households,
            communities=units,
        )
        partition = partition_grids(blocks, plan.households, communities=units)
        draw(blocks, plan, size, folder / f"partition_{name}_blocks.png", label=None)
        draw(partition.grids, plan, size, folder / f"partition_{name}_grids.png", label="households")
        print(name, len(blocks), "blocks", partition.metrics)


if __name__ == "__main__":
    main()
