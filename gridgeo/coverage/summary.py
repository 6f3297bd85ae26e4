"""Coverage in figures: rates over all households, for the whole and for each unit of any level."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gridgeo.errors import InputError
from gridgeo.network.measure import Floats
from gridgeo.plan import Plan

PEOPLE = ("persons", "elderly", "children", "disabled", "low_income")
"""Groups of people that are counted beside the households."""


def summarise(households: pd.DataFrame, *, by: str | None = None) -> pd.DataFrame:
    """Count covered households and people.

    Parameters
    ----------
    households : DataFrame
        `Coverage.households`.
    by : str, optional
        A level: rows are grouped by the column ``<by>_id``; those without one form a row with a missing id.

    Returns
    -------
    DataFrame
        One row per unit, indexed by ``<by>_id`` (one row ``"all"`` when `by` is left out): ``households``, ``covered``,
        ``coverage_rate`` (over all households, NaN where there are none), ``beyond_cutoff``, ``unreachable``,
        ``unsnapped``, then for each group of people present its count, ``<group>_covered`` and ``<group>_rate``: NaN
        where one household's count is not known.

    Raises
    ------
    InputError
        If the households carry no such level.
    """
    if by is None:
        group = pd.Series("all", index=households.index, name="unit")
    elif f"{by}_id" in households:
        group = households[f"{by}_id"]
    else:
        raise InputError("missing_column", layer="households", column=f"{by}_id")
    weight = _counts(households, "households") if "households" in households else np.ones(len(households))
    covered, reason = households["covered"].to_numpy(), households["reason"].to_numpy()
    figures = {"households": weight, "covered": weight * covered}
    figures |= {name: weight * (reason == name) for name in ("beyond_cutoff", "unreachable", "unsnapped")}
    for name in PEOPLE:
        if name in households:
            people = _counts(households, name)
            figures |= {name: people, f"{name}_covered": people * covered}
    total = pd.DataFrame(figures).groupby(group.to_numpy(), dropna=False).sum(skipna=False)
    total.index.name = group.name
    whole = [name for name in figures if not name.startswith("persons")]
    total[whole] = total[whole].round().astype("int64")
    total.insert(2, "coverage_rate", total["covered"] / total["households"].where(total["households"] > 0))
    for name in PEOPLE:
        if name in households:
            at = list(total).index(f"{name}_covered") + 1
            total.insert(at, f"{name}_rate", total[f"{name}_covered"] / total[name].where(total[name] > 0))
    return total


def unit_names(plan: Plan, level: str | None) -> pd.DataFrame:
    """Return what the units of a level are called.

    Parameters
    ----------
    plan : Plan
        The plan.
    level : str or None
        A level of the plan; None for the whole, which has no units.

    Returns
    -------
    DataFrame
        ``code`` and ``name`` by unit id.
    """
    if level == plan.info.levels[-1].level:
        table, key = plan.grids, "grid_id"
    else:
        table, key = plan.units[plan.units["level"] == level], "unit_id"
    return pd.DataFrame(table[["code", "name"]]).set_axis(table[key], axis="index")


def _counts(households: pd.DataFrame, column: str) -> Floats:
    return households[column].to_numpy(dtype=np.float64)
