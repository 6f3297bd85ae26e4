"""Needs and volunteers: each need finds somebody of its kind nearby, within what everybody can take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gridgeo.coverage.assess import list_services
from gridgeo.errors import InputError
from gridgeo.matching.pairs import Pairs
from gridgeo.matching.paths import solve_transport
from gridgeo.matching.transport import serve_whole
from gridgeo.matching.walks import nearest_walk, read_capacity, require_people, walk_pairs
from gridgeo.network import Network
from gridgeo.network.measure import Flags, Ints, require_positive

UNMET = ("no_kind", "no_position", "out_of_reach", "all_full")
"""Why a need stays unmet: nobody does that; the need, or everybody who does that, is nowhere on the map; nobody near
does; those near are taken, or too few."""


@dataclass(frozen=True, eq=False)
class Matching:
    """Needs and who meets them. Made by `match_needs`.

    Parameters
    ----------
    matches : DataFrame
        ``need_id``, ``need_kind``, ``person_id``, ``distance_m`` (walking); a need that takes several people has
        several rows.
    unmet : DataFrame
        ``need_id``, ``need_kind``, ``reason`` (one of `UNMET`), ``nearest_m`` (walk to the nearest of that kind, inf
        for none).
    people : DataFrame
        ``person_id``, ``kinds``, ``capacity``, ``load`` (needs met), ``placed`` (whether the map knows where).
    summary : dict
        ``needs``, ``met``, ``unmet``, ``met_share``, ``reasons``, ``people``, ``people_without_position``,
        ``distance_m`` in all and ``mean_distance_m``.
    basis : dict
        What the figures rest on: plain values by name.
    """

    matches: pd.DataFrame
    unmet: pd.DataFrame
    people: pd.DataFrame
    summary: dict[str, Any]
    basis: dict[str, Any]


def match_needs(
    network: Network,
    needs: gpd.GeoDataFrame,
    people: gpd.GeoDataFrame,
    *,
    cutoff_m: float = 1000.0,
    role: str = "volunteer",
    default_capacity: int = 1,
) -> Matching:
    """Match open needs with people of their kind near them, within what each can take.

    Of all ways to do so this one meets the most needs and, among those, has the shortest walks in all: exactly, see
    `gridgeo.matching.transport`. The order of the tables does not matter.

    Parameters
    ----------
    network : Network
        The network.
    needs : GeoDataFrame of Point
        Layer ``needs``; those met already are left out. ``amount`` is how many people a need takes: it is met by all
        of them or not at all.
    people : GeoDataFrame of Point
        Layer ``people``; ``kinds`` lists what each does, separated by ``;``, and ``capacity`` how many needs they
        take. Positions as `gridgeo.positions.place_layer` gives them; one may be missing.
    cutoff_m : float, optional
        The greatest walking distance in metres, inclusive.
    role : str, optional
        Who is asked.
    default_capacity : int, optional
        The capacity of who did not say.

    Returns
    -------
    Matching
        Who meets which need, and why the others stay unmet.

    Raises
    ------
    InputError
        If a layer has faults, or the cutoff or the capacity cannot be.
    CRSError
        If a layer is not in the network's system.
    """
    require_positive(cutoff_m, key="bad_cutoff")
    if default_capacity < 0:
        raise InputError("bad_capacity", value=default_capacity)
    needs, people = require_people("needs", needs), require_people("people", people)
    if "status" in needs:
        needs = needs[needs["status"].fillna("open") == "open"].reset_index(drop=True)
    people = people[people["role"] == role].reset_index(drop=True)
    capacity = read_capacity(people, default=default_capacity)
    amount = needs["amount"].fillna(1).to_numpy(dtype=np.int64) if "amount" in needs else np.ones(len(needs), np.int64)
    kinds = _offered(people)
    pairs = walk_pairs(network, needs, people, cutoff_m=cutoff_m)
    pairs = pairs.pick(_same_kind(needs, kinds, pairs))
    served = _serve(pairs, amount, capacity)
    met = np.bincount(pairs.asker[served > 0], minlength=len(needs)) == amount
    matches = _matches(needs, people, pairs, served)
    unmet = _unmet(network, needs, people, kinds, pairs, met)
    load = np.bincount(pairs.giver[served > 0], minlength=len(people))
    told = people[["person_id"]].assign(
        kinds=[";".join(sorted(each)) for each in kinds],
        capacity=capacity,
        load=load,
        placed=~people.geometry.isna().to_numpy(),
    )
    summary = {
        "needs": len(needs),
        "met": int(met.sum()),
        "unmet": int((~met).sum()),
        "met_share": float(met.mean()) if len(met) else float("nan"),
        "reasons": {reason: int((unmet["reason"] == reason).sum()) for reason in UNMET},
        "people": len(people),
        "people_without_position": int((~told["placed"]).sum()),
        "distance_m": round(float(matches["distance_m"].sum()), 3),
        "mean_distance_m": round(float(matches["distance_m"].mean()), 3) if len(matches) else float("nan"),
    }
    basis = {
        "distance": "walking distance",
        "cutoff_m": float(cutoff_m),
        "inclusive": True,
        "max_access_m": network.max_access_m,
        "role": role,
        "default_capacity": default_capacity,
        "objective": "most needs met, then least walking distance in all",
    }
    return Matching(matches, unmet, pd.DataFrame(told), summary, basis)


def _offered(people: gpd.GeoDataFrame) -> list[frozenset[str]]:
    if "kinds" not in people:
        return [frozenset()] * len(people)
    return [frozenset(list_services(each)) for each in people["kinds"]]


def _same_kind(needs: gpd.GeoDataFrame, kinds: list[frozenset[str]], pairs: Pairs) -> Flags:
    names, wanted = np.unique(needs["need_kind"].str.strip().to_numpy(dtype=object).astype(str), return_inverse=True)
    offered = np.array([[name in each for name in names] for each in kinds], dtype=bool).reshape(-1, len(names))
    same: Flags = offered[pairs.giver, wanted[pairs.asker]]
    return same


def _serve(pairs: Pairs, amount: Ints, capacity: Ints) -> Ints:
    """Solve; needs that take several people at once make it a harder problem, so only they pay for it."""
    if (amount[np.unique(pairs.asker)] > 1).any():
        return serve_whole(pairs, amount, capacity)
    return solve_transport(pairs, amount, capacity)


def _matches(needs: gpd.GeoDataFrame, people: gpd.GeoDataFrame, pairs: Pairs, served: Ints) -> pd.DataFrame:
    at = np.flatnonzero(served)
    return pd.DataFrame(
        {
            "need_id": needs["need_id"].to_numpy()[pairs.asker[at]],
            "need_kind": needs["need_kind"].to_numpy()[pairs.asker[at]],
            "person_id": people["person_id"].to_numpy()[pairs.giver[at]],
            "distance_m": pairs.cost[at] / 1000.0,
        }
    )


def _unmet(
    network: Network,
    needs: gpd.GeoDataFrame,
    people: gpd.GeoDataFrame,
    kinds: list[frozenset[str]],
    pairs: Pairs,
    met: Flags,
) -> pd.DataFrame:
    """Say of each need that stays unmet why, from the plainest reason on."""
    rows = np.flatnonzero(~met)
    near = np.bincount(pairs.asker, minlength=len(needs)) > 0
    nowhere = needs.geometry.isna().to_numpy()
    wanted = needs["need_kind"].str.strip().to_numpy(dtype=object)
    reason = np.full(len(needs), "", dtype=object)
    nearest_m = np.full(len(needs), np.inf)
    for kind in sorted(set(wanted[rows])):
        mine = rows[wanted[rows] == kind]
        able = people.loc[np.array([kind in each for each in kinds], dtype=bool)]
        nearest_m[mine] = nearest_walk(network, needs.iloc[mine], able)
        lost = nowhere[mine] | bool(able.geometry.isna().all())
        reason[mine] = np.where(near[mine], "all_full", np.where(lost, "no_position", "out_of_reach"))
        if able.empty:
            reason[mine] = "no_kind"
    return pd.DataFrame(
        {
            "need_id": needs["need_id"].to_numpy()[rows],
            "need_kind": needs["need_kind"].to_numpy()[rows],
            "reason": pd.Series(reason[rows], dtype="str"),
            "nearest_m": nearest_m[rows],
        }
    )
