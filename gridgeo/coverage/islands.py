"""Islands: parts of the street network that no street joins to the rest, and who hangs on them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gridgeo.coverage.model import Coverage
from gridgeo.network.measure import UNIT_BITS

_NAMES = 3


def list_islands(coverage: Coverage) -> pd.DataFrame:
    """List the islands of the network, the longest first.

    Parameters
    ----------
    coverage : Coverage
        The coverage; its households are counted by where they stand.

    Returns
    -------
    DataFrame
        One row per island, indexed by ``island`` from 0: ``name`` (its longest named streets, with commas; missing
        where none has a name), ``street_m``, ``households``, ``stations``, ``uncovered`` households.
    """
    network = coverage.network
    of_edge = network.island_of_node[network.edge_u]
    count = int(of_edge.max(initial=-1)) + 1
    access, weight = coverage.household_access, coverage.weights
    on = access.edge >= 0
    island = of_edge[access.edge[on]]
    posts = coverage.roster.counted_access
    where = of_edge[posts.edge[posts.edge >= 0]]
    uncovered = (weight * ~coverage.covered)[on]
    table = pd.DataFrame(
        {
            "name": _name_islands(coverage, of_edge, count),
            "street_m": np.bincount(of_edge, weights=network.edge_cost, minlength=count) / (1 << UNIT_BITS),
            "households": np.bincount(island, weights=weight[on], minlength=count).round().astype(np.int64),
            "stations": np.bincount(where, minlength=count),
            "uncovered": np.bincount(island, weights=uncovered, minlength=count).round().astype(np.int64),
        }
    )
    return table.rename_axis("island")


def _name_islands(coverage: Coverage, of_edge: np.ndarray, count: int) -> pd.Series[str]:
    network, names = coverage.network, np.full(count, None, dtype=object)
    if "name" in network.streets:
        length = np.hypot(*(network.segment_xy[:, 2:] - network.segment_xy[:, :2]).T)
        rows = pd.DataFrame(
            {
                "island": of_edge[network.segment_edge],
                "name": network.streets["name"].to_numpy()[network.segment_row],
                "length": length,
            }
        ).dropna()
        total = rows.groupby(["island", "name"])["length"].sum().sort_values(ascending=False, kind="stable")
        for island, group in total.groupby(level="island", sort=False):
            names[int(str(island))] = ", ".join(group.index.get_level_values("name")[:_NAMES])
    return pd.Series(names, dtype="str")
