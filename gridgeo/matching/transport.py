"""Who takes whom: exact transport between places that ask and places that give.

First as much as possible is served, then the way is as short as possible: `gridgeo.matching.paths` does both at once.
How much can be served under other limits is a maximum flow (`scipy.sparse.csgraph.maximum_flow`, whole numbers). Askers
that take several givers or none are a whole-number program (HiGHS).
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import maximum_flow

from gridgeo.errors import GridgeoError
from gridgeo.matching.pairs import Pairs
from gridgeo.network.measure import Floats, Ints

_STEPS = (8, 40)
"""How many of the nearest givers are tried before all, when only the amount matters."""


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
    rank = pairs.rank
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
