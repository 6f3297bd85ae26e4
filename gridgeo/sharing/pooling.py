"""Stations that could be pooled: the fewest that keep today's coverage, and have room for today's users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, hstack
from scipy.sparse.csgraph import maximum_flow

from gridgeo.coverage import Coverage
from gridgeo.errors import GridgeoError
from gridgeo.network.measure import Flags, Floats, Ints
from gridgeo.sharing.users import count_people, list_walks, read_room

_SLACK = 1e-6


@dataclass(frozen=True, eq=False)
class Pooling:
    """Stations that could be pooled. Made by `pool_stations`.

    Parameters
    ----------
    keep : list of str
        The fewest stations that reach everybody who is reached today, and can take as many.
    spare : list of str
        The others: all of them together could go, and nobody would be newly without.
    each : list of str
        Stations each of which alone could go; not all of them together.
    summary : dict
        ``stations``, ``keep``, ``spare``, ``households`` and ``people`` reached, how many of them can be ``served``
        at once (all, where no station has a capacity), ``with_capacity``, ``proven`` (always True: the solver proved
        that fewer do not do).
    """

    keep: list[str]
    spare: list[str]
    each: list[str]
    summary: dict[str, Any]


def pool_stations(coverage: Coverage, *, group: str | None = None) -> Pooling:
    """Find the fewest stations that keep today's coverage: what the others cost is spent twice.

    A set cover, solved exactly: minimise the stations kept so that every household point reached today is reached by
    one of them; of equally few, those that come first in the layer. Where stations state a ``capacity``, those kept
    must also be able to take as many users as all of them can take today, each user at a station that reaches them: a
    station without a capacity takes everybody, a point may be shared by several stations, and the capacity counts what
    is asked about, households or people of the group.

    Parameters
    ----------
    coverage : Coverage
        The coverage, of one service where it was asked for one.
    group : str, optional
        Only where people of this group live: a column of the households. All households when left out.

    Returns
    -------
    Pooling
        What to keep and what could go.

    Raises
    ------
    InputError
        If the households do not count the group.
    GridgeoError
        If the solver finds no answer.
    """
    people = np.rint(count_people(coverage, group)).astype(np.int64)
    walks, room = list_walks(coverage), read_room(coverage.stations)
    counted = people[walks.household] > 0
    station, household = walks.station[counted], walks.household[counted]
    ids = coverage.stations["station_id"].astype("str").to_numpy(dtype=object)
    reached, users = _alike(station, household, people, len(ids))
    spots = np.unique(household)
    alone = np.zeros(len(ids), dtype=bool)
    alone[reached[reached.sum(axis=1) == 1].argmax(axis=1)] = True
    needed = _needed(reached, users, room) | alone if room is not None else alone
    kept = _cover(reached) if room is None else _cover_with_room(reached, users, room)
    summary = {
        "stations": len(ids),
        "keep": int(kept.sum()),
        "spare": int((~kept).sum()),
        "households": round(float(count_people(coverage, None)[spots].sum())),
        "people": int(people[spots].sum()),
        "served": _most(reached, users, room),
        "with_capacity": room is not None,
        "proven": True,
    }
    return Pooling(sorted(ids[kept]), sorted(ids[~kept]), sorted(ids[~needed]), summary)


def _alike(station: Ints, household: Ints, people: Ints, count: int) -> tuple[Flags, Ints]:
    """Put points together that the same stations reach: which stations, and how many people."""
    spots, row = np.unique(household, return_inverse=True)
    reached = np.zeros((len(spots), count), dtype=bool)
    reached[row, station] = True
    packed, alike = np.unique(np.packbits(reached, axis=1), axis=0, return_inverse=True)
    sets = np.unpackbits(packed, axis=1, count=count).astype(bool) if len(packed) else np.zeros((0, count), dtype=bool)
    return sets, np.rint(np.bincount(alike.ravel(), weights=people[spots], minlength=len(sets))).astype(np.int64)


def _most(reached: Flags, users: Ints, room: Floats | None) -> int:
    """Find how many can be served at once: a maximum flow from points over stations."""
    every = int(users.sum())
    if room is None or every == 0:
        return every
    rows, columns = reached.shape
    source, sink = rows + columns, rows + columns + 1
    point, station = np.nonzero(reached)
    most = np.minimum(room, every).astype(np.int64)
    start = np.concatenate([np.full(rows, source), point, rows + np.arange(columns)])
    end = np.concatenate([np.arange(rows), rows + station, np.full(columns, sink)])
    data = np.concatenate([users, users[point], most]).astype(np.int32)
    graph = csr_array((data, (start.astype(np.int32), end.astype(np.int32))), shape=(sink + 1, sink + 1))
    return int(maximum_flow(graph, source, sink).flow_value)


def _needed(reached: Flags, users: Ints, room: Floats) -> Flags:
    """Tell without which station alone fewer could be served."""
    most = _most(reached, users, room)
    without = [np.where(np.arange(len(room)) == one, 0.0, room) for one in range(len(room))]
    return np.array([_most(reached, users, left) < most for left in without], dtype=bool)


def _cover(reached: Flags) -> Flags:
    """Choose the fewest stations so that every point has one."""
    rows, count = reached.shape
    if rows == 0:
        return np.zeros(count, dtype=bool)
    rules = [LinearConstraint(csr_array(reached.astype(np.float64)), 1, np.inf)]
    return _decide(_prices(count), rules, count)


def _cover_with_room(reached: Flags, users: Ints, room: Floats) -> Flags:
    """Choose the fewest stations so that every point has one, and as many can be served as by all."""
    rows, count = reached.shape
    if rows == 0:
        return np.zeros(count, dtype=bool)
    point, station = np.nonzero(reached)
    pair, one, n = np.arange(len(point)), np.ones(len(point)), len(point)
    # First whether a station is kept, then how many of a point it takes; who takes nobody is taken by nobody.
    none = csr_array((rows, count))
    served = hstack([none, csr_array((one, (point, pair)), shape=(rows, n))])
    most = np.minimum(room, float(users.sum()))
    load = csr_array((one, (station, pair)), shape=(count, n))
    within = hstack([csr_array((-most, (np.arange(count), np.arange(count))), shape=(count, count)), load])
    cap = np.minimum(users[point], most[station]).astype(np.float64)
    only = hstack([csr_array((-cap, (pair, station)), shape=(n, count)), csr_array((one, (pair, pair)), shape=(n, n))])
    rules = [
        LinearConstraint(hstack([csr_array(reached.astype(np.float64)), csr_array((rows, n))]), 1, np.inf),
        LinearConstraint(served, 0, users),
        LinearConstraint(within, -np.inf, 0),
        LinearConstraint(only, -np.inf, 0),
        LinearConstraint(csr_array(np.append(np.zeros(count), one)[None, :]), _most(reached, users, room) - _SLACK),
    ]
    kept = _decide(np.append(_prices(count), np.zeros(n)), rules, count)
    if _most(reached, users, np.where(kept, room, 0.0)) < _most(reached, users, room):
        raise GridgeoError("no_solution", detail="rounding")
    return kept


def _prices(count: int) -> Floats:
    """Price stations alike; among equally few, those that come first: a little more for each place in the order."""
    prices: Floats = 1 + np.arange(count) / (count * count + 1)
    return prices


def _decide(cost: Floats, rules: list[LinearConstraint], count: int) -> Flags:
    whole = (np.arange(len(cost)) < count).astype(np.int64)
    upper = np.where(whole, 1.0, np.inf)
    done = milp(cost, constraints=rules, integrality=whole, bounds=Bounds(0, upper), options={"mip_rel_gap": 0})
    if done.status != 0:
        raise GridgeoError("no_solution", detail=done.message)
    kept: Flags = np.rint(done.x[:count]).astype(bool)
    return kept
