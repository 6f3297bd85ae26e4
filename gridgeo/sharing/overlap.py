"""Who is served by several bodies at once: double spending (重复投入)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from gridgeo.coverage import Coverage
from gridgeo.coverage.capacity import order_walks, take_room
from gridgeo.network.measure import Floats, Ints
from gridgeo.network.reach import Reach
from gridgeo.sharing.users import count_people, list_walks, name_bodies, read_room


@dataclass(frozen=True, eq=False)
class Overlap:
    """Who is served by several bodies (重复投入). Made by `find_overlap`.

    Parameters
    ----------
    households : GeoDataFrame of Point
        The household points that stations of two bodies or more reach, with ``stations`` and ``bodies`` (how many),
        ``body_names`` and ``people`` of the group.
    pairs : DataFrame
        For every two bodies that serve somebody both: ``one``, ``other``, ``households``, ``people``.
    summary : dict
        ``households``, ``people``, ``double_served``, ``double_served_people``, ``share`` (of the people; of the
        households without a group), ``bodies``.
    """

    households: gpd.GeoDataFrame
    pairs: pd.DataFrame
    summary: dict[str, Any]


def find_overlap(coverage: Coverage, *, group: str | None = None) -> Overlap:
    """Find who is served by several bodies at once.

    A body serves whom one of its stations reaches. Where stations state a ``capacity``, it serves only those for whom
    it has room: each body by itself fills its stations as `gridgeo.allocate_capacity` does, the nearest first, a point
    as a whole; the capacity counts what is asked about, households or people of the group.

    Parameters
    ----------
    coverage : Coverage
        The coverage, of one service where it was asked for one; the stations' ``body`` says who runs them, and one
        that does not say is a body of its own.
    group : str, optional
        Count these people: a column of the households. All households when left out.

    Returns
    -------
    Overlap
        The households and the bodies.

    Raises
    ------
    InputError
        If the households do not count the group.
    """
    people, homes = count_people(coverage, group), count_people(coverage, None)
    walks, room = list_walks(coverage), read_room(coverage.stations)
    names, code = np.unique(name_bodies(coverage.stations).astype(str), return_inverse=True)
    household, body = walks.household, code[walks.station]
    if room is not None:
        household, body = _with_room(coverage, walks, body, people, room)
    served = csr_array((np.ones(len(body)), (household, body)), shape=(len(people), len(names)))
    served.sum_duplicates()
    bodies = np.diff(served.indptr)
    counts = np.bincount(walks.household, minlength=len(people))
    rows = np.flatnonzero((bodies > 1) & (people > 0))
    told = [";".join(names[served.indices[served.indptr[row] : served.indptr[row + 1]]]) for row in rows]
    double = coverage.source.iloc[rows].assign(
        stations=counts[rows],
        bodies=bodies[rows],
        body_names=pd.Series(told, dtype="str").to_numpy(),
        people=people[rows],
    )
    total, hit = float(people.sum()), float(people[rows].sum())
    summary = {
        "households": round(float(homes.sum())),
        "people": round(total),
        "double_served": round(float(homes[rows].sum())),
        "double_served_people": round(hit),
        "share": hit / total if total else float("nan"),
        "bodies": len(names),
        "with_capacity": room is not None,
    }
    return Overlap(double, _body_pairs(served, names, homes, people), summary)


def _with_room(coverage: Coverage, walks: Reach, body: Ints, people: Floats, room: Floats) -> tuple[Ints, Ints]:
    """List whom each body has room for: household, body."""
    order = order_walks(coverage, walks)
    homes, bodies = [], []
    for one in np.unique(body):
        mine = order[body[order] == one]
        found, units = np.full(len(people), -1, dtype=np.int64), np.zeros(len(people), dtype=np.int64)
        take_room(walks.station[mine], walks.household[mine], walks.units[mine], people, room.copy(), found, units)
        homes.append(np.flatnonzero(found >= 0))
        bodies.append(np.full(len(homes[-1]), one))
    return np.concatenate([*homes, np.zeros(0, np.int64)]), np.concatenate([*bodies, np.zeros(0, np.int64)])


def _body_pairs(served: csr_array, names: np.ndarray, homes: Floats, people: Floats) -> pd.DataFrame:
    """Count for every two bodies whom they serve both."""
    both = (served > 0).astype(np.float64)
    shared, shared_people = ((both.T @ (both * count[:, None])).toarray() for count in (homes, people))
    one, other = np.nonzero(np.triu(shared > 0, k=1))
    return pd.DataFrame(
        {
            "one": names[one],
            "other": names[other],
            "households": np.rint(shared[one, other]).astype(np.int64),
            "people": np.rint(shared_people[one, other]).astype(np.int64),
        }
    )
