"""Draw docs/images/engine-*.png from the bundled places: what circles and node snapping get wrong.

Run it from anywhere: ``python tools/draw_engine_figures.py``; it also prints the figures that docs/engine.md quotes.
"""

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from scipy.spatial import cKDTree

from gridgeo.coverage import Coverage, assess_coverage
from gridgeo.network import build_network
from gridgeo.network.measure import RANK_BITS, Flags
from gridgeo.plan import Plan
from gridgeo.readers import bundled_plan_path
from gridgeo.service_area import service_areas
from gridgeo.store import read_plan

ROOT = Path(__file__).resolve().parents[1]
CUTOFF_M = 500.0
TALL = 0.8
COLOURS = {"both": "#2b7a4b", "wrong_in": "#d1495b", "wrong_out": "#e0a100", "neither": "#9aa0a6"}


def main() -> None:
    """Draw the figure of each place and print its counts."""
    mpl.use("Agg")
    for place in ("qinghuayuan", "nanshan"):
        plan = read_plan(bundled_plan_path(place))
        network = build_network(plan.streets, barriers=plan.barriers, gates=plan.gates)
        coverage = assess_coverage(network, plan.households, plan.stations, cutoff_m=CUTOFF_M)
        circle = coverage.nearest_straight_m(np.arange(len(plan.households))) <= CUTOFF_M
        node = covered_by_nodes(coverage)
        weight = plan.households["households"].to_numpy()
        for name, guess in (("circles", circle), ("node snapping", node)):
            wrong = guess != coverage.covered
            print(
                f"{place}: {name} misjudge {weight[wrong].sum():,} of {weight.sum():,} households; covered are "
                f"{weight[coverage.covered].sum():,} ({weight[wrong].sum() / weight[coverage.covered].sum():.0%})"
            )
        draw(plan, coverage, circle, node, ROOT / "docs" / "images" / f"engine-{place}.png")


def covered_by_nodes(coverage: Coverage) -> Flags:
    """Decide as tools do that move every point to its nearest node, and count no leg."""
    network = coverage.network
    tree = cKDTree(network.node_xy)
    posts = np.unique(tree.query(coverage.roster.counted_access.xy)[1])
    home = tree.query(coverage.household_access.xy)[1]
    from gridgeo.network.routes import solve_nodes  # noqa: PLC0415 (only this drawing does it wrong on purpose)

    key = solve_nodes(network.links, posts.astype(np.int64), np.zeros(len(posts)))
    found: Flags = key[home] / (1 << (RANK_BITS + 18)) <= CUTOFF_M
    return found


def draw(plan: Plan, coverage: Coverage, circle: Flags, node: Flags, path: Path) -> None:
    """Draw two maps side by side: circles against walking, node snapping against walking."""
    bounds = plan.households.total_bounds + np.array([-250, -250, 250, 250])
    shape = (bounds[3] - bounds[1]) / (bounds[2] - bounds[0])
    figure, panels = plt.subplots(1, 2, figsize=(11, 5.3 * shape + 1.1), layout="constrained")
    areas = service_areas(coverage.network, plan.stations, cutoffs_m=(CUTOFF_M,))
    walkable = plan.streets[plan.streets["walkable"]]
    for panel, guess, title in zip(
        panels, (circle, node), ("Circles of 500 m", "Points moved to the nearest junction"), strict=True
    ):
        lines = [np.asarray(line.coords)[:, :2] for line in walkable.geometry.explode().to_numpy()]
        panel.add_collection(LineCollection(lines, colors="#d5d8dc", linewidths=0.5))
        areas.plot(ax=panel, color="#2b7a4b", linewidth=1.1, alpha=0.45)
        if guess is circle:
            for x, y in zip(plan.stations.geometry.x, plan.stations.geometry.y, strict=True):
                panel.add_patch(plt.Circle((x, y), CUTOFF_M, fill=False, edgecolor="#3b5ba9", linewidth=0.8))
        kinds = np.select(
            [coverage.covered & guess, ~coverage.covered & guess, coverage.covered & ~guess],
            ["both", "wrong_in", "wrong_out"],
            "neither",
        )
        size = 6 + np.sqrt(plan.households["households"].to_numpy()) * 2.2
        colours = [COLOURS[kind] for kind in kinds]
        panel.scatter(plan.households.geometry.x, plan.households.geometry.y, s=size, c=colours, zorder=3, linewidths=0)
        panel.scatter(plan.stations.geometry.x, plan.stations.geometry.y, s=50, c="#1b2a4b", marker="*", zorder=4)
        panel.set_title(title, fontsize=11)
        panel.set_aspect("equal")
        panel.set_xticks([])
        panel.set_yticks([])
        panel.set(xlim=bounds[[0, 2]], ylim=bounds[[1, 3]], xlabel="", ylabel="")
    labels = {
        "both": "covered, and told so", "wrong_in": "told covered, but farther than 500 m on foot",
        "wrong_out": "covered, but told not", "neither": "not covered, and told so",
    }  # fmt: skip
    handles = [Line2D([], [], marker="o", linestyle="", color=COLOURS[kind], label=labels[kind]) for kind in labels]
    handles.append(Line2D([], [], color="#2b7a4b", alpha=0.6, label="streets within 500 m on foot"))
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    note = "© OpenStreetMap contributors, ODbL 1.0; households are estimates"
    panels[1].text(
        0.99, 0.01, note, transform=panels[1].transAxes, ha="right", va="bottom", fontsize=6, color="#444444"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100 if shape < TALL else 78)  # both pictures stay under 300 KB
    plt.close(figure)


if __name__ == "__main__":
    main()
