"""Points in the order of the edges they stand on: who stands along an edge is one run of places."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridgeo.network.measure import Ints, expand_ranges

_ROW_BITS = 32


@dataclass(frozen=True, eq=False)
class Residents:
    """Points by edge. A *place* is a point's position in this order; a *row* the one it was given at.

    Parameters
    ----------
    order : ndarray of int64, shape (points,)
        The row of each place. Points off the network come first.
    start : ndarray of int64, shape (edges + 2,)
        Where each edge's run of places starts, from the edge -1 of points off the network.
    along, leg : ndarray of int64, shape (points,)
        How far along its edge each stands, and the length of its access leg, in units.
    """

    order: Ints
    start: Ints
    along: Ints
    leg: Ints

    def on_edges(self, edge: Ints) -> tuple[Ints, Ints]:
        """List who stands on edges.

        Parameters
        ----------
        edge : ndarray of int64, shape (n,)
            The edges.

        Returns
        -------
        which, place : ndarray of int64
            For everybody found the edge, as a position in `edge`, and their place.
        """
        # Edges behind the last that anybody stands on have no run of their own.
        last = len(self.start) - 1
        return expand_ranges(self.start[np.minimum(edge + 1, last)], self.start[np.minimum(edge + 2, last)])


def sort_residents(edge: Ints, along: Ints, leg: Ints) -> Residents:
    """Put points in the order of the edges they stand on.

    Parameters
    ----------
    edge, along, leg : ndarray of int64, shape (points,)
        See `gridgeo.network.access.Access`.

    Returns
    -------
    Residents
        The points in order.
    """
    code = ((edge + 1) << _ROW_BITS) + np.arange(len(edge))
    code.sort()
    code &= (1 << _ROW_BITS) - 1
    count = np.bincount(edge + 1, minlength=1)
    start = np.zeros(len(count) + 1, dtype=np.int64)
    np.cumsum(count, out=start[1:])
    return Residents(code, start, along[code], leg[code])
