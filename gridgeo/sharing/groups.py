"""Which people of a group have the service that is for them within reach."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gridgeo.coverage import Coverage, assess_coverage
from gridgeo.errors import InputError
from gridgeo.network import Network
from gridgeo.plan import Plan
from gridgeo.sharing.users import count_people


def serve_groups(
    network: Network,
    plan: Plan,
    wants: Iterable[Mapping[str, Any]],
    *,
    by: str | None = None,
    cutoff_m: float = 500.0,
    person: str | None = None,
) -> pd.DataFrame:
    """Ask for each service which people of the group it is for have it within reach.

    Parameters
    ----------
    network : Network
        The network.
    plan : Plan
        The plan; open stations count.
    wants : iterable of mapping
        Each with ``service`` (as in the stations' ``services``) and ``group`` (a column of ``households``), perhaps
        ``cutoff_m`` and ``person`` of its own.
    by : str, optional
        A level; the whole when left out.
    cutoff_m : float, optional
        The greatest walking distance in metres, inclusive.
    person : str, optional
        Who walks, see `gridgeo.assess_coverage`.

    Returns
    -------
    DataFrame
        One row for each want and unit: ``service``, ``group``, ``unit_id`` (``"all"`` for the whole), ``stations``
        that offer it, ``people`` of the group, ``served``, ``lacking``, ``rate`` (NaN where nobody is of the group or
        their number is not known), ``households_lacking`` (those where somebody of the group lives without it).

    Raises
    ------
    MissingDataError
        If there are no households, or no stations.
    InputError
        If no station offers a service, or the households do not count a group.
    """
    plan.require("households", "stations")
    rows = []
    for want in wants:
        group, service = str(want["group"]), str(want["service"])
        if group not in plan.households:
            raise InputError("missing_column", layer="households", column=group)
        coverage = assess_coverage(
            network,
            plan.households,
            plan.open_stations,
            cutoff_m=float(want.get("cutoff_m", cutoff_m)),
            person=want.get("person", person),
            service=service,
        )
        people = plan.households[group].to_numpy(dtype=np.float64)
        homes = plan.households["households"].to_numpy(dtype=np.float64) * (people > 0)
        table = pd.DataFrame(
            {
                "people": people,
                "served": people * coverage.covered,
                "lacking": people * ~coverage.covered,
                "households_lacking": homes * ~coverage.covered,
            }
        )
        unit = _units(plan, by)
        sums = table.groupby(unit, dropna=False).sum(skipna=False).rename_axis("unit_id").reset_index()
        sums.insert(0, "group", group)
        sums.insert(0, "service", service)
        sums.insert(3, "stations", len(coverage.stations))
        sums["rate"] = sums["served"] / sums["people"].where(sums["people"] > 0)
        rows.append(sums)
    columns = ["service", "group", "unit_id", "stations", "people", "served", "lacking", "rate", "households_lacking"]
    return pd.concat(rows, ignore_index=True)[columns] if rows else pd.DataFrame(columns=columns)


def find_lacking(coverage: Coverage, group: str | None = None) -> gpd.GeoDataFrame:
    """List the household points where people of a group live beyond reach.

    Parameters
    ----------
    coverage : Coverage
        The coverage, of one service where it was asked for one.
    group : str, optional
        A column of the households; all households when left out.

    Returns
    -------
    GeoDataFrame of Point
        Those households as given, with ``people`` of the group, ``distance_m``, ``reason``.

    Raises
    ------
    InputError
        If the households do not count the group.
    """
    people = count_people(coverage, group)
    rows = np.flatnonzero(~coverage.covered & (people > 0))
    told = coverage.households.iloc[rows]
    return coverage.source.iloc[rows].assign(
        people=people[rows], distance_m=told["distance_m"].to_numpy(), reason=told["reason"].to_numpy()
    )


def _units(plan: Plan, by: str | None) -> np.ndarray:
    if by is None:
        return np.full(len(plan.households), "all", dtype=object)
    if f"{by}_id" not in plan.households:
        raise InputError("missing_column", layer="households", column=f"{by}_id")
    return np.asarray(plan.households[f"{by}_id"].to_numpy())
