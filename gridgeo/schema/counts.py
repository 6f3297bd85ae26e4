"""Counts that one layer keeps of another: they must agree, or two pages show two figures."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from gridgeo.errors import Fault


def check_counts(blocks: pd.DataFrame, grids: pd.DataFrame, households: pd.DataFrame) -> Iterator[Fault]:
    """Name blocks and grids whose households are not those that stand in them: somebody edited the file by hand.

    Parameters
    ----------
    blocks, grids, households : DataFrame
        The layers of one plan; each household knows its block and grid.

    Yields
    ------
    Fault
        One for each block and grid; none for layers that keep no counts.
    """
    for layer, frame in (("blocks", blocks), ("grids", grids)):
        key = f"{layer[:-1]}_id"
        if "households" not in frame or not frame["households"].any():
            continue
        lived = households.groupby(key)["households"].sum()
        found = frame[key].map(lived).fillna(0).to_numpy(dtype=np.float64)
        for row in np.flatnonzero(found != frame["households"].to_numpy(dtype=np.float64)):
            said: dict[str, object] = {"kept": int(frame["households"].iloc[row]), "found": int(found[row])}
            yield Fault(key="stale_count", layer=layer, row=int(row) + 1, value=frame[key].iloc[row], values=said)
