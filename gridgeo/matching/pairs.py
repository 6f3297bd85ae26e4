"""Pairs of who asks and who can give, with the way between them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gridgeo.network.measure import Flags, Ints


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

    @cached_property
    def rank(self) -> Ints:
        """How many givers are nearer to the pair's asker than its own, from 0; ties go to the first giver."""
        order = np.lexsort((self.giver, self.cost, self.asker))
        asker = self.asker[order]
        begin = np.flatnonzero(np.diff(asker, prepend=-1))
        place = np.arange(len(order)) - np.repeat(begin, np.diff(begin, append=len(order)))
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = place
        return rank
