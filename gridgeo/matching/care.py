"""Households in care of named members (定岗定责联户): a limit for each member, fair shares, short ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gridgeo.errors import InputError
from gridgeo.matching.pairs import Pairs
from gridgeo.matching.paths import solve_transport
from gridgeo.matching.transport import level_loads, serve_most
from gridgeo.matching.walks import read_capacity, require_people, same_unit, snap_known, walk_pairs
from gridgeo.network import Network
from gridgeo.network.measure import Ints, require_positive

LEFT = ("no_street", "out_of_reach", "all_full")
"""Why households are in nobody's care: no street leads to them; no member is near; those near have enough."""


@dataclass(frozen=True, eq=False)
class Care:
    """Households and who takes care of them. Made by `assign_members`.

    Parameters
    ----------
    assignments : DataFrame
        ``household_id``, ``person_id``, ``households`` (how many of that point), ``distance_m`` (walking).
    members : DataFrame
        ``person_id``, ``limit``, ``households`` in care, ``points``, ``mean_distance_m`` (by household; NaN for none),
        ``placed``.
    left : DataFrame
        ``household_id``, ``households`` in nobody's care, ``reason`` (one of `LEFT`).
    summary : dict
        ``households``, ``in_care``, ``left``, ``in_care_share``, ``reasons``, ``members``,
        ``members_without_position``, ``largest_load``, ``smallest_load``, ``mean_distance_m``.
    basis : dict
        What the figures rest on: plain values by name.
    """

    assignments: pd.DataFrame
    members: pd.DataFrame
    left: pd.DataFrame
    summary: dict[str, Any]
    basis: dict[str, Any]


def assign_members(
    network: Network,
    households: gpd.GeoDataFrame,
    members: gpd.GeoDataFrame,
    *,
    limit: int = 20,
    cutoff_m: float = 1000.0,
    role: str = "member",
    fair: bool = True,
    within: str | None = None,
) -> Care:
    """Give each household to a member nearby, nobody more than the limit.

    Of all ways to do so this one takes most households in care; among those, where it is to be fair, the largest
    number that one member takes is the smallest; and among those the ways are the shortest in all (households times
    metres). Exactly, see `gridgeo.matching.paths`. A point of many households may be shared by several members.

    Parameters
    ----------
    network : Network
        The network.
    households : GeoDataFrame of Point
        Layer ``households``; ``households`` counts how many stand at the point.
    members : GeoDataFrame of Point
        Layer ``people``; a member's ``capacity``, where said, is their own limit if it is lower.
    limit : int, optional
        How many households a member takes at most.
    cutoff_m : float, optional
        The greatest walking distance in metres, inclusive.
    role : str, optional
        Who is asked.
    fair : bool, optional
        Whether the largest load is made as small as can be before ways are shortened.
    within : str, optional
        A level: members take only households of their own unit, by the columns ``<within>_id`` of both.

    Returns
    -------
    Care
        Who takes whom, and who is left and why.

    Raises
    ------
    InputError
        If a layer has faults, or the limit or the cutoff cannot be.
    CRSError
        If a layer is not in the network's system.
    """
    require_positive(cutoff_m, key="bad_cutoff")
    if limit < 1:
        raise InputError("bad_capacity", value=limit)
    households, members = require_people("households", households), require_people("people", members)
    members = members[members["role"] == role].reset_index(drop=True)
    supply = households["households"].to_numpy(dtype=np.int64)
    limits = np.minimum(read_capacity(members, default=limit), limit)
    pairs = walk_pairs(network, households, members, cutoff_m=cutoff_m)
    if within is not None:
        pairs = pairs.pick(same_unit(households, members, pairs, within))
    ceiling = level_loads(pairs, supply, limits, serve_most(pairs, supply, limits)) if fair else limit
    served = solve_transport(pairs, supply, np.minimum(limits, ceiling))
    amount = int(served.sum())
    assignments = _assignments(households, members, pairs, served)
    told = _members(members, limits, pairs, served)
    left = _left(network, households, pairs, supply, served)
    loads = told["households"]
    way = float((pairs.cost * served).sum()) / 1000.0
    summary = {
        "households": int(supply.sum()),
        "in_care": amount,
        "left": int(supply.sum()) - amount,
        "in_care_share": amount / int(supply.sum()) if supply.sum() else float("nan"),
        "reasons": {reason: int(left.loc[left["reason"] == reason, "households"].sum()) for reason in LEFT},
        "members": len(members),
        "members_without_position": int((~told["placed"]).sum()),
        "largest_load": int(loads.max()) if len(loads) else 0,
        "smallest_load": int(loads.min()) if len(loads) else 0,
        "mean_distance_m": round(way / amount, 3) if amount else float("nan"),
    }
    basis = {
        "distance": "walking distance",
        "cutoff_m": float(cutoff_m),
        "inclusive": True,
        "max_access_m": network.max_access_m,
        "role": role,
        "limit": limit,
        "within": within,
        "objective": "most households in care" + (", then smallest largest load" if fair else "") + ", then least way",
    }
    return Care(assignments, told, left, summary, basis)


def _assignments(households: gpd.GeoDataFrame, members: gpd.GeoDataFrame, pairs: Pairs, served: Ints) -> pd.DataFrame:
    at = np.flatnonzero(served)
    return pd.DataFrame(
        {
            "household_id": households["household_id"].to_numpy()[pairs.asker[at]],
            "person_id": members["person_id"].to_numpy()[pairs.giver[at]],
            "households": served[at],
            "distance_m": pairs.cost[at] / 1000.0,
        }
    )


def _members(members: gpd.GeoDataFrame, limits: Ints, pairs: Pairs, served: Ints) -> pd.DataFrame:
    n = len(members)
    load = np.round(np.bincount(pairs.giver, weights=served, minlength=n)).astype(np.int64)
    way = np.bincount(pairs.giver, weights=served * pairs.cost / 1000.0, minlength=n)
    return pd.DataFrame(
        {
            "person_id": members["person_id"].to_numpy(),
            "limit": limits,
            "households": load,
            "points": np.bincount(pairs.giver[served > 0], minlength=n),
            "mean_distance_m": np.round(np.where(load > 0, way / np.maximum(load, 1), np.nan), 3),
            "placed": ~members.geometry.isna().to_numpy(),
        }
    )


def _left(network: Network, households: gpd.GeoDataFrame, pairs: Pairs, supply: Ints, served: Ints) -> pd.DataFrame:
    left = supply - np.round(np.bincount(pairs.asker, weights=served, minlength=len(supply))).astype(np.int64)
    rows = np.flatnonzero(left)
    near = np.bincount(pairs.asker, minlength=len(supply)) > 0
    _, access = snap_known(network, households.iloc[rows], layer="households")
    reason = np.where(near[rows], "all_full", np.where(access.snapped, "out_of_reach", "no_street"))
    return pd.DataFrame(
        {
            "household_id": households["household_id"].to_numpy()[rows],
            "households": left[rows],
            "reason": pd.Series(reason, dtype="str"),
        }
    )
