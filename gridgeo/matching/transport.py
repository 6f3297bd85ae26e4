"""Who takes whom: exact transport between places that ask and places that give.

First as much as possible is served, then the way is as short as possible. How much can be served is a maximum flow
(`scipy.sparse.csgraph.maximum_flow`, whole numbers); the shortest way to serve that much is a linear program (HiGHS)
whose corners are whole numbers, since its matrix is that of a network (Ahuja, Magnanti and Orlin, *Network Flows*,
1993, ch. 11), see `gridgeo.matching.program`.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import maximum_flow

from gridgeo.errors import GridgeoError
from gridgeo.matching.pairs import Pairs
from gridgeo.matching.program import Program
from gridgeo.network.measure import Floats, Ints

_FIRST = 8
"""How many of the nearest givers of each asker the first program knows."""

_STEPS = (8, 40)
"""How many of the nearest givers are tried before all, when only the amount matters."""

_CLOSE = 40
"""Only pairs with so many of the nearest givers are looked at before the last step."""

_MANY, _STRIDES = 2000, (8, 4, 2)
"""From how many askers on parts of them go first, and which: every eighth, …"""


def serve_most(pairs: Pairs, supply: Ints, capacity: Ints) -> int:
    """Find how much can be served at most.

    Parameters
    ----------
    pairs : Pairs
        The pairs.
    supply : ndarray of int64, shape (askers,)
        What each asks for.
    capacity : ndarray of int64, shape (givers,)
        What each can give.

    Returns
    -------
    int
        The amount.
    """
    asked = int(supply[np.unique(pairs.asker)].sum())
    bound = min(asked, int(capacity[np.unique(pairs.giver)].sum()))
    rank = pairs.rank()
    for most in _STEPS:
        if most < rank.max(initial=0) and int(_flow(pairs.pick(rank < most), supply, capacity).sum()) == bound:
            return bound
    return int(_flow(pairs, supply, capacity).sum())


def level_loads(pairs: Pairs, supply: Ints, capacity: Ints, amount: int) -> int:
    """Find the smallest largest load with which an amount can still be served.

    Parameters
    ----------
    pairs : Pairs
        The pairs.
    supply, capacity : ndarray of int64
        What is asked for, and what each can give.
    amount : int
        The amount, from `serve_most`.

    Returns
    -------
    int
        The largest load of a giver.
    """
    low = -(-amount // max(len(np.unique(pairs.giver)), 1))
    high = int(capacity.max(initial=0))
    while low < high:
        middle = (low + high) // 2
        if serve_most(pairs, supply, np.minimum(capacity, middle)) >= amount:
            high = middle
        else:
            low = middle + 1
    return low


def serve_nearest(pairs: Pairs, supply: Ints, capacity: Ints, amount: int) -> Ints:
    """Serve an amount with the shortest way in all.

    Parameters
    ----------
    pairs : Pairs
        The pairs.
    supply, capacity : ndarray of int64
        What is asked for, and what each can give.
    amount : int
        How much is to be served; it must be possible.

    Returns
    -------
    ndarray of int64, shape (pairs,)
        What each pair serves.

    Raises
    ------
    GridgeoError
        If the solver finds no answer.
    """
    if amount == 0:
        return np.zeros(len(pairs.cost), dtype=np.int64)
    asked = np.zeros(pairs.askers, dtype=np.int64)
    asked[pairs.asker] = supply[pairs.asker]
    active = np.flatnonzero(asked)
    # One giver more takes what stays unserved. It is the farthest of all: where everybody serves it is left alone.
    every = Pairs(
        np.concatenate([pairs.asker, active]),
        np.concatenate([pairs.giver, np.full(len(active), pairs.givers)]),
        np.concatenate([pairs.cost, np.full(len(active), pairs.cost.max(initial=0) + 1)]),
        pairs.askers,
        pairs.givers + 1,
    )
    short = int(asked.sum()) - amount
    most = np.append(capacity, short)
    rank = every.rank()
    known = (rank < _FIRST) & (asked[every.asker] > 0)
    known[len(pairs.cost) :] = True
    if int(_flow(every.pick(known), asked, most).sum()) < asked.sum():
        known |= _flow(every, asked, most) > 0
    program = Program(every, asked, known, close=np.flatnonzero((rank < _CLOSE) & (asked[every.asker] > 0)))
    for stride in _STRIDES if len(active) > _MANY else ():
        # First a part of the askers, with a part of what can be given: its prices are nearly right for all.
        some = active[::stride]
        share = float(asked[some].sum() / asked.sum())
        program.solve(some, np.append(capacity * share, np.inf), least=0.0)
    return program.solve(active, most.astype(np.float64), least=float(short), proven=True)[: len(pairs.cost)]


def serve_whole(pairs: Pairs, amount: Ints, capacity: Ints) -> Ints:
    """Serve as many askers as possible in full, each by as many different givers as it asks for, the nearest in all.

    Parameters
    ----------
    pairs : Pairs
        The pairs.
    amount : ndarray of int64, shape (askers,)
        How many givers each takes; part of that is no use to it.
    capacity : ndarray of int64, shape (givers,)
        How many askers each can serve.

    Returns
    -------
    ndarray of int64, shape (pairs,)
        1 for a pair that serves.
    """
    n = len(pairs.cost)
    if n == 0:
        return np.zeros(0, dtype=np.int64)
    row, one = np.arange(n), np.ones(n)
    each = coo_array((one, (pairs.asker, row)), shape=(pairs.askers, n))
    whole = coo_array((-amount.astype(np.float64), (np.arange(pairs.askers), np.arange(pairs.askers))))
    teams = _beside(each, whole)
    give = _beside(
        coo_array((one, (pairs.giver, row)), shape=(pairs.givers, n)), coo_array((pairs.givers, pairs.askers))
    )
    rules = [LinearConstraint(teams, 0, 0), LinearConstraint(give, -np.inf, capacity)]
    met = np.concatenate([np.zeros(n), np.ones(pairs.askers)])
    most = _decide(-met, rules)
    count = int(np.rint(most[n:]).sum())
    way = np.concatenate([pairs.cost.astype(np.float64), np.zeros(pairs.askers)])
    best = _decide(way, [*rules, LinearConstraint(csr_array(met[None, :]), count, count)])
    return np.rint(best[:n]).astype(np.int64)


def _decide(cost: Floats, rules: list[LinearConstraint]) -> Floats:
    done = milp(
        cost, constraints=rules, integrality=np.ones(len(cost)), bounds=Bounds(0, 1), options={"mip_rel_gap": 0}
    )
    if done.status != 0:
        raise GridgeoError("no_solution", detail=done.message)
    return np.asarray(done.x, dtype=np.float64)


def _beside(one: coo_array, other: coo_array) -> csr_array:
    row = np.concatenate([one.row, other.row])
    column = np.concatenate([one.col, other.col + one.shape[1]])
    data = np.concatenate([one.data, other.data])
    return csr_array((data, (row, column)), shape=(one.shape[0], one.shape[1] + other.shape[1]))


def _flow(pairs: Pairs, supply: Ints, capacity: Ints) -> Ints:
    """Return a flow of the greatest amount, pair by pair."""
    if len(pairs.cost) == 0:
        return np.zeros(0, dtype=np.int64)
    source, sink = pairs.askers + pairs.givers, pairs.askers + pairs.givers + 1
    asker, giver = np.arange(pairs.askers), np.arange(pairs.givers)
    most = np.minimum(supply[pairs.asker], capacity[pairs.giver])
    row = np.concatenate([np.full(pairs.askers, source), pairs.asker, pairs.askers + giver])
    column = np.concatenate([asker, pairs.askers + pairs.giver, np.full(pairs.givers, sink)])
    data = np.concatenate([supply, most, capacity]).astype(np.int32)
    graph = csr_array((data, (row.astype(np.int32), column.astype(np.int32))), shape=(sink + 1, sink + 1))
    flow = maximum_flow(graph, source, sink).flow
    found: Ints = np.asarray(flow[pairs.asker, pairs.askers + pairs.giver]).ravel().astype(np.int64)
    return found
