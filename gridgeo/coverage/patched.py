"""Long columns that change in a few places: the change is kept beside the column, not copied into it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from gridgeo.network.measure import Ints

_REBASE = 8
"""A column is copied when one value in this many has changed."""


@dataclass(frozen=True, eq=False)
class Patched:
    """A column of numbers and what changed in it.

    Parameters
    ----------
    base : ndarray, shape (n,)
        The column as it was; shared, never changed.
    rows : ndarray of int64, shape (k,)
        The rows that changed, in order.
    values : ndarray, shape (k,)
        What they hold now.
    """

    base: npt.NDArray[Any]
    rows: Ints
    values: npt.NDArray[Any]

    @cached_property
    def full(self) -> npt.NDArray[Any]:
        """The whole column as it is now; shape (n,)."""
        if len(self.rows) == 0:
            return self.base
        whole = self.base.copy()
        whole[self.rows] = self.values
        return whole

    def get(self, rows: Ints) -> npt.NDArray[Any]:
        """Return what some rows hold now.

        Parameters
        ----------
        rows : ndarray of int64, shape (m,)
            The rows.

        Returns
        -------
        ndarray, shape (m,)
            Their values.
        """
        found = self.base[rows]
        if len(self.rows):
            at = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
            found = np.where(self.rows[at] == rows, self.values[at], found)
        return found

    def put(self, rows: Ints, values: npt.NDArray[Any]) -> Patched:
        """Return the column with some rows changed.

        Parameters
        ----------
        rows : ndarray of int64, shape (m,)
            The rows, each once.
        values : ndarray, shape (m,)
            What they hold from now on.

        Returns
        -------
        Patched
            A new column; this one stays as it is.
        """
        if len(rows) == 0:
            return self
        every = np.concatenate([rows, self.rows])
        held = np.concatenate([values, self.values]).astype(self.base.dtype)
        # The first of equal rows is the newest.
        merged, first = np.unique(every, return_index=True)
        changed = Patched(self.base, merged, held[first])
        return column(changed.full) if len(merged) * _REBASE > len(self.base) else changed


def column(values: npt.NDArray[Any]) -> Patched:
    """Return a column in which nothing has changed yet.

    Parameters
    ----------
    values : ndarray, shape (n,)
        The column.

    Returns
    -------
    Patched
        The column.
    """
    return Patched(values, np.zeros(0, dtype=np.int64), values[:0])
