"""The referee's last rule: households that walk farther to their own grid's station than to another grid's."""

from __future__ import annotations

import pandas as pd

from gridgeo.coverage import Coverage, assess_coverage
from gridgeo.plan import Plan, locate
from gridgeo.redraw import Finding


def judge_walks(plan: Plan, coverage: Coverage, *, grids: set[str] | None = None) -> list[Finding]:
    """Name the grids whose households walk farther to their own grid's station than to another grid's.

    Parameters
    ----------
    plan : Plan
        The plan.
    coverage : Coverage
        Its coverage.
    grids : set of str, optional
        Only these grids; all that have a station when left out.

    Returns
    -------
    list of Finding
        One for each grid and each other grid's station, with the number of households; equal distances are no
        finding. A grid without a station of its own has none.
    """
    stations = plan.open_stations
    home = dict(zip(stations["station_id"], _grids_of(plan, stations), strict=True))
    walks = coverage.households
    nearest = walks["station_id"].map(home)
    own = {grid for grid in home.values() if isinstance(grid, str) and (grids is None or grid in grids)}
    elsewhere = walks["grid_id"].isin(own) & walks["station_id"].notna() & (nearest != walks["grid_id"]).to_numpy()
    found = []
    for grid in sorted(walks["grid_id"][elsewhere].dropna().unique()):
        rows = (elsewhere & (walks["grid_id"] == grid)).to_numpy()
        mine = stations[[home[station] == grid for station in stations["station_id"]]]
        alone = assess_coverage(coverage.network, plan.households[rows], mine, cutoff_m=coverage.cutoffs_m).households
        farther = alone["distance_m"].to_numpy() > walks["distance_m"].to_numpy()[rows]
        count: dict[tuple[str, str], int] = {}
        answers = zip(
            alone["station_id"].astype("object").to_numpy()[farther],
            walks["station_id"].astype("object").to_numpy()[rows][farther],
            walks["households"].to_numpy()[rows][farther],
            strict=True,
        )
        for mine_id, other, held in answers:
            pair = (mine_id if isinstance(mine_id, str) else "–", str(other))
            count[pair] = count.get(pair, 0) + int(held)
        for (mine_id, other), held in sorted(count.items()):
            said: dict[str, object] = {"households": held, "own": mine_id, "other": other, "grid": home[other] or "–"}
            found.append(Finding("nearer_elsewhere", str(grid), said=said))
    return found


def _grids_of(plan: Plan, stations: pd.DataFrame) -> list[str | None]:
    blocks = locate(stations.geometry, plan.blocks, "block_id")
    grids = blocks.map(plan.blocks.set_index("block_id")["grid_id"])
    return [grid if isinstance(grid, str) else None for grid in grids]
