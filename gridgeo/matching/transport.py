"""Who takes whom: exact transport between places that ask and places that give.

First as much as possible is served, then the way is as short as possible. How much can be served is a maximum flow
(`scipy.sparse.csgraph.maximum_flow`, whole numbers); the shortest way to serve that much is a linear program (HiGHS)
whose corners are whole numbers, since its matrix is that of a network (Ahuja, Magnanti and Orlin, *Network Flows*,
1993, ch. 11). It is solved with the nearest pairs first; pairs that the prices show to be of use are added until none
is left, so its answer is that of all pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import maximum_flow

from gridgeo.errors import GridgeoError
from gridgeo.network.measure import Flags, Floats, Ints

_FIRST = 8
"""How many of the nearest givers of each asker the first program knows."""

_STEPS = (8, 40)
"""How many of the nearest givers are tried before all, when only the amount matters."""

_PRIMAL = 4
"""The solver's number for its primal simplex."""

_PRICE = 1e-6
"""A pair whose price is below minus this (its cost is a whole number) is of use."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Which askers can be served by which givers, and how far that is.

    Parameters
    ----------
    asker, giver : ndarray of int64, shape (pairs,)
        Positions in the two tables; each pair once.
    cost : ndarray of int64, shape (pairs,)
        The way, a whole number (millimetres).
    askers, givers : int
        How many there are of each.
    """

    asker: Ints
    giver: Ints
    cost: Ints
    askers: int
    givers: int

    def pick(self, rows: Ints | Flags) -> Pairs:
        """Return some of the pairs.

        Parameters
        ----------
        rows : ndarray
            Which.

        Returns
        -------
        Pairs
            Those.
        """
        return Pairs(self.asker[rows], self.giver[rows], self.cost[rows], self.askers, self.givers)

    def rank(self) -> Ints:
        """Return how many givers are nearer to the pair's asker than its own; ties go to the first giver.

        Returns
        -------
        ndarray of int64, shape (pairs,)
            From 0.
        """
        order = np.lexsort((self.giver, self.cost, self.asker))
        asker = self.asker[order]
        begin = np.flatnonzero(np.diff(asker, prepend=-1))
        place = np.arange(len(order)) - np.repeat(begin, np.diff(begin, append=len(order)))
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = place
        return rank


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
    short = int(asked.sum()) - amount
    # One giver more takes what stays unserved; that it is the farthest of all changes nothing but where to begin.
    lost = np.flatnonzero(asked) if short else np.zeros(0, dtype=np.int64)
    every = Pairs(
        np.concatenate([pairs.asker, lost]),
        np.concatenate([pairs.giver, np.full(len(lost), pairs.givers)]),
        np.concatenate([pairs.cost, np.full(len(lost), pairs.cost.max(initial=0) + 1)]),
        pairs.askers,
        pairs.givers + 1,
    )
    least = np.append(np.full(pairs.givers, -np.inf), short)
    most = np.append(capacity, short).astype(np.float64)
    known = every.rank() < _FIRST
    known[len(pairs.cost) :] = True
    if int(_flow(every.pick(known), asked, most.astype(np.int64)).sum()) < asked.sum():
        known |= _flow(every, asked, most.astype(np.int64)) > 0
    program = _Program(every, asked.astype(np.float64), least, most, np.flatnonzero(known))
    while True:
        program.solve()
        useful = np.flatnonzero(~known & (every.cost - program.worth() < -_PRICE))
        if len(useful) == 0:
            served = np.zeros(len(every.cost), dtype=np.int64)
            served[program.rows] = np.rint(program.values()).astype(np.int64)
            return served[: len(pairs.cost)]
        known[useful] = True
        program.add(useful)


class _Program:
    """The linear program over some of the pairs, which keeps its corner while pairs are added."""

    def __init__(self, pairs: Pairs, asked: Floats, least: Floats, most: Floats, rows: Ints) -> None:
        self.pairs, self.rows = pairs, rows
        self.model = highspy.Highs()  # type: ignore[no-untyped-call]  # highspy declares no types
        for option, value in (("output_flag", False), ("threads", 1), ("presolve", "off")):
            self.model.setOptionValue(option, value)
        lp = highspy.HighsLp()
        lp.num_row_, lp.num_col_ = pairs.askers + pairs.givers, len(rows)
        lp.row_lower_, lp.row_upper_ = np.concatenate([asked, least]), np.concatenate([asked, most])
        lp.col_cost_ = pairs.cost[rows].astype(np.float64)
        lp.col_lower_, lp.col_upper_ = np.zeros(len(rows)), np.full(len(rows), np.inf)
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_ = np.arange(0, 2 * len(rows) + 1, 2)
        lp.a_matrix_.index_, lp.a_matrix_.value_ = self._ends(rows), np.ones(2 * len(rows))
        self.model.passModel(lp)
        self.model.setBasis(self._begin())

    def _ends(self, rows: Ints) -> Ints:
        return np.column_stack([self.pairs.asker[rows], self.pairs.askers + self.pairs.giver[rows]]).ravel()

    def _begin(self) -> highspy.HighsBasis:
        """Begin where everybody goes to the nearest: the prices are right there, only some givers are overrun."""
        basic, lower = highspy.HighsBasisStatus.kBasic, highspy.HighsBasisStatus.kLower
        mine = self.pairs.pick(self.rows)
        nearest = mine.rank() == 0
        served = np.zeros(self.pairs.askers + self.pairs.givers, dtype=bool)
        served[mine.asker[nearest]] = True
        basis = highspy.HighsBasis()
        basis.col_status = [basic if near else lower for near in nearest.tolist()]
        basis.row_status = [lower if each else basic for each in served.tolist()]
        basis.valid = True
        return basis

    def solve(self) -> None:
        """Find the best corner."""
        self.model.run()
        status = self.model.getModelStatus()
        if status != highspy.HighsModelStatus.kOptimal:
            raise GridgeoError("no_solution", detail=self.model.modelStatusToString(status))

    def worth(self) -> Floats:
        """Return what each pair of all may cost at most to be of use; shape (all pairs,)."""
        price = np.array(self.model.getSolution().row_dual)
        worth: Floats = price[self.pairs.asker] + price[self.pairs.askers + self.pairs.giver]
        return worth

    def values(self) -> Floats:
        """Return what each pair of the program serves, in the order of `rows`."""
        return np.array(self.model.getSolution().col_value)

    def add(self, rows: Ints) -> None:
        """Add pairs; from here on prices are wrong and amounts right, so the other way of solving is the quick one."""
        n = len(rows)
        begin, ends = np.arange(0, 2 * n, 2, dtype=np.int32), self._ends(rows).astype(np.int32)
        cost = self.pairs.cost[rows].astype(np.float64)
        self.model.addCols(n, cost, np.zeros(n), np.full(n, np.inf), 2 * n, begin, ends, np.ones(2 * n))
        self.model.setOptionValue("simplex_strategy", _PRIMAL)
        self.rows = np.concatenate([self.rows, rows])


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
