"""Long columns that change in a few places: cut into pages, so that only pages with a change are copied."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from gridgeo.network.measure import Ints

_PAGE_BITS = 12
_PAGE = 1 << _PAGE_BITS


@dataclass(frozen=True, eq=False)
class Pages:
    """A column of numbers that shares its unchanged pages with the column it was made from.

    Parameters
    ----------
    pages : list of ndarray
        The column, in pieces of 4,096; never changed.
    """

    pages: list[npt.NDArray[Any]]

    @cached_property
    def full(self) -> npt.NDArray[Any]:
        """The whole column; shape (n,)."""
        return np.concatenate(self.pages)

    def get(self, places: Ints) -> npt.NDArray[Any]:
        """Return what some places hold.

        Parameters
        ----------
        places : ndarray of int64, shape (m,)
            The places, in ascending order.

        Returns
        -------
        ndarray, shape (m,)
            Their values.
        """
        parts = [self.pages[page][places[part] & (_PAGE - 1)] for page, part in _by_page(places)]
        return np.concatenate(parts) if parts else self.pages[0][:0]

    def put(self, places: Ints, values: npt.NDArray[Any]) -> Pages:
        """Return the column with some places changed.

        Parameters
        ----------
        places : ndarray of int64, shape (m,)
            The places, in ascending order, each once.
        values : ndarray, shape (m,)
            What they hold from now on.

        Returns
        -------
        Pages
            A new column; this one stays as it is.
        """
        pages = self.pages.copy()
        for page, part in _by_page(places):
            changed = pages[page].copy()
            changed[places[part] & (_PAGE - 1)] = values[part]
            pages[page] = changed
        return Pages(pages)


def cut_pages(values: npt.NDArray[Any]) -> Pages:
    """Cut a column into pages.

    Parameters
    ----------
    values : ndarray, shape (n,)
        The column.

    Returns
    -------
    Pages
        The same, not copied.
    """
    return Pages([values[begin : begin + _PAGE] for begin in range(0, max(len(values), 1), _PAGE)])


def _by_page(places: Ints) -> list[tuple[int, slice]]:
    """List the pages that hold the places, each with the part of the list that it holds."""
    if len(places) == 0:
        return []
    page = places >> _PAGE_BITS
    first = np.flatnonzero(np.concatenate([[True], page[1:] != page[:-1]]))
    cuts = [*first.tolist(), len(places)]
    return [(number, slice(*pair)) for number, pair in zip(page[first].tolist(), pairwise(cuts), strict=True)]
