"""What a partition is asked for, checked before anything is done."""

from __future__ import annotations

from collections.abc import Iterable

import geopandas as gpd
import numpy as np
import pandas as pd

from gridgeo.errors import PartitionError
from gridgeo.partition.search import Objective


def read_band(band: object) -> tuple[float, float]:
    """Return the two ends of a band.

    Parameters
    ----------
    band : (float, float)
        How many households a grid holds at least and at most.

    Returns
    -------
    (float, float)
        The same as numbers.

    Raises
    ------
    PartitionError
        If these are not two finite numbers above zero, the smaller first.
    """
    given = list(band) if isinstance(band, Iterable) else [band]
    ends = pd.to_numeric(pd.Series(given, dtype=object), errors="coerce").astype(float).tolist()
    if len(ends) != 2 or not (0 < ends[0] <= ends[1] < np.inf):  # noqa: PLR2004 - two ends
        low, high = [*given, None, None][:2]
        raise PartitionError("bad_band", low=low, high=high)
    return ends[0], ends[1]


def check_options(objective: Objective | None, *, seed: object, effort: object, pool: object) -> None:
    """Refuse options that are no number, or none that can be meant.

    Parameters
    ----------
    objective : Objective, optional
        Its weights must be finite, from zero on.
    seed : object
        Must be a whole number.
    effort : object
        Must be a finite number from zero on.
    pool : object
        Must be a whole number from zero on.

    Raises
    ------
    PartitionError
        If one is not.
    """
    weights = {} if objective is None else vars(objective)
    for name, value in {"effort": effort, **weights}.items():
        if not isinstance(value, (int, float)) or not 0 <= value < np.inf:
            raise PartitionError("bad_option", name=name, value=value, wanted=">= 0")
    for name, value, least in (("seed", seed, -np.inf), ("pool", pool, 0)):
        if not isinstance(value, (int, np.integer)) or value < least:
            raise PartitionError("bad_option", name=name, value=value, wanted="0, 1, 2, …")


def check_workload(households: gpd.GeoDataFrame, workload: str | None) -> None:
    """Refuse a workload that cannot be balanced.

    Parameters
    ----------
    households : GeoDataFrame
        Layer ``households``.
    workload : str, optional
        The column that the band is about.

    Raises
    ------
    PartitionError
        If there is no such column, or it holds anything but numbers from zero on and empty cells.
    """
    if workload is None:
        return
    if workload not in households:
        raise PartitionError("no_workload", column=workload)
    amounts = pd.to_numeric(households[workload].astype(object), errors="coerce")
    wrong = np.flatnonzero(~(np.isfinite(amounts) & (amounts >= 0)) & households[workload].notna())
    if len(wrong):
        first = {"row": int(wrong[0]) + 1, "value": households[workload].iloc[wrong[0]]}
        raise PartitionError("bad_workload", column=workload, count=len(wrong), **first)
