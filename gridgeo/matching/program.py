"""The linear program behind `gridgeo.matching.transport`: the shortest way to serve what is asked for.

It knows only some of the pairs; those that the prices show to be of use are added until none is left, so its answer is
that of all pairs. It keeps its corner from one solve to the next, so that more askers, more pairs and other limits cost
only the steps that they call for.
"""

from __future__ import annotations

import highspy
import numpy as np

from gridgeo.errors import GridgeoError
from gridgeo.matching.pairs import Pairs
from gridgeo.network.measure import Flags, Floats, Ints

_PRICE = 1e-6
"""A pair whose price is below minus this (its cost is a whole number) is of use."""

_PRIMAL = 4
"""The solver's number for its primal simplex."""

_BASIC, _LOWER = highspy.HighsBasisStatus.kBasic, highspy.HighsBasisStatus.kLower


class Program:
    """The program, its corner and its prices.

    Parameters
    ----------
    pairs : Pairs
        All pairs; the last giver takes what stays unserved.
    asked : ndarray of int64, shape (askers,)
        What each asks for.
    known : ndarray of bool, shape (pairs,)
        The pairs it begins with.
    close : ndarray of int64
        The pairs that are looked at until a proof is asked for.
    """

    def __init__(self, pairs: Pairs, asked: Ints, known: Flags, *, close: Ints) -> None:
        self.pairs, self.asked, self.known, self.close = pairs, asked, known.copy(), close
        self.basic = np.zeros(len(pairs.cost), dtype=bool)
        self.giver_status = [_BASIC] * pairs.givers
        self.worth = np.zeros(pairs.givers)
        self.seen = np.zeros(pairs.askers, dtype=bool)

    def solve(self, askers: Ints, most: Floats, *, least: float, proven: bool = False) -> Ints:
        """Serve some askers.

        Parameters
        ----------
        askers : ndarray of int64
            Which; those of the solve before and more.
        most : ndarray of float, shape (givers,)
            What each giver can give.
        least : float
            What the last giver takes at least.
        proven : bool, optional
            Whether all pairs are priced, so that the answer is the best of all.

        Returns
        -------
        ndarray of int64, shape (pairs,)
            What each pair serves.

        Raises
        ------
        GridgeoError
            If the solver finds no answer.
        """
        self._meet(askers)
        place = np.full(self.pairs.askers, -1, dtype=np.int64)
        place[askers] = np.arange(len(askers))
        rows = np.flatnonzero(self.known & (place[self.pairs.asker] >= 0))
        model = self._model(rows, place, self.asked[askers], most, least)
        priced = np.arange(len(self.pairs.cost)) if proven else self.close
        priced = priced[place[self.pairs.asker[priced]] >= 0]
        while True:
            model.run()
            status = model.getModelStatus()
            if status != highspy.HighsModelStatus.kOptimal:
                raise GridgeoError("no_solution", detail=model.modelStatusToString(status))
            price = np.array(model.getSolution().row_dual)
            self.worth = price[len(askers) :]
            gain = price[place[self.pairs.asker[priced]]] + self.worth[self.pairs.giver[priced]]
            useful = priced[~self.known[priced] & (self.pairs.cost[priced] - gain < -_PRICE)]
            if len(useful) == 0:
                break
            self.known[useful] = True
            self._add(model, useful, place)
            rows = np.concatenate([rows, useful])
        self._keep(model, rows, len(askers))
        served = np.zeros(len(self.pairs.cost), dtype=np.int64)
        served[rows] = np.rint(np.array(model.getSolution().col_value)).astype(np.int64)
        return served

    def _meet(self, askers: Ints) -> None:
        """Send askers that are new to the giver that is cheapest for them at the prices so far."""
        new = np.zeros(self.pairs.askers, dtype=bool)
        new[askers] = ~self.seen[askers]
        rows = self.close[new[self.pairs.asker[self.close]]]
        rows = np.union1d(rows, np.flatnonzero(self.known & new[self.pairs.asker]))
        asker = self.pairs.asker[rows]
        order = np.lexsort((self.pairs.cost[rows] - self.worth[self.pairs.giver[rows]], asker))
        first = rows[order[np.flatnonzero(np.diff(asker[order], prepend=-1))]]
        self.known[first] = self.basic[first] = True
        self.seen[askers] = True

    def _ends(self, rows: Ints, place: Ints) -> Ints:
        """Return the two rows of the program that each pair stands in."""
        ends = np.column_stack([place[self.pairs.asker[rows]], (place >= 0).sum() + self.pairs.giver[rows]])
        return ends.ravel().astype(np.int32)

    def _model(self, rows: Ints, place: Ints, asked: Ints, most: Floats, least: float) -> highspy.Highs:
        model = highspy.Highs()  # type: ignore[no-untyped-call]  # highspy declares no types
        for option, value in (("output_flag", False), ("threads", 1), ("presolve", "off")):
            model.setOptionValue(option, value)
        n, free = len(rows), np.full(len(most) - 1, -np.inf)
        lp = highspy.HighsLp()
        lp.num_row_, lp.num_col_ = len(asked) + len(most), n
        lp.row_lower_, lp.row_upper_ = np.concatenate([asked, free, [least]]), np.concatenate([asked, most])
        lp.col_cost_ = self.pairs.cost[rows].astype(np.float64)
        lp.col_lower_, lp.col_upper_ = np.zeros(n), np.full(n, np.inf)
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_ = np.arange(0, 2 * n + 1, 2)
        lp.a_matrix_.index_, lp.a_matrix_.value_ = self._ends(rows, place), np.ones(2 * n)
        model.passModel(lp)
        basis = highspy.HighsBasis()
        basis.col_status = [_BASIC if each else _LOWER for each in self.basic[rows].tolist()]
        basis.row_status = [_LOWER] * len(asked) + self.giver_status
        basis.valid = True
        model.setBasis(basis)
        return model

    def _add(self, model: highspy.Highs, rows: Ints, place: Ints) -> None:
        """Add pairs; from here on prices are wrong and amounts right, so the other way of solving is the quick one."""
        n = len(rows)
        begin, cost = np.arange(0, 2 * n, 2, dtype=np.int32), self.pairs.cost[rows].astype(np.float64)
        model.addCols(n, cost, np.zeros(n), np.full(n, np.inf), 2 * n, begin, self._ends(rows, place), np.ones(2 * n))
        model.setOptionValue("simplex_strategy", _PRIMAL)

    def _keep(self, model: highspy.Highs, rows: Ints, askers: int) -> None:
        basis = model.getBasis()
        self.basic[rows] = [status == _BASIC for status in basis.col_status]
        self.giver_status = list(basis.row_status)[askers:]
