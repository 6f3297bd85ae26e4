"""Lengths as whole numbers, so that equal distances are equal and the same question always gets the same answer.

Walking lengths are kept in whole *units* of 2**-18 m (about 4 micrometres), rounded up: sums of whole numbers do not
depend on the order of adding, so a distance is the same bit for bit however a network is cut, ordered or updated. A
path of a thousand edges is at most 4 mm too long. Distances are *told* in whole millimetres.

In a *key* the lowest `RANK_BITS` bits name the station: the least key is the least distance and, among equal
distances, the station of the lowest rank. A key fits the 53 bits that a float holds exactly.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from gridgeo.errors import InputError

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]

UNIT_BITS = 18
"""A metre has 2**18 units."""

RANK_BITS = 14
"""A solve tells up to 2**14 - 2 stations apart."""

MAX_UNITS = 1 << (53 - RANK_BITS)
"""No distance may reach this: 2,097 km."""

_UNITS_PER_METRE = float(1 << UNIT_BITS)
# Coordinates of millions of metres carry an error of about 2**-31 m: forgive it before rounding up.
_NOISE = 2.0**-7


def to_units(length_m: Floats) -> Ints:
    """Turn metres into whole units, rounded up.

    Parameters
    ----------
    length_m : ndarray of float
        Lengths in metres.

    Returns
    -------
    ndarray of int64
        Lengths in units; an excess of under 2**-7 of a unit, the noise of coordinates, is not rounded up.
    """
    return np.maximum(np.ceil(length_m * _UNITS_PER_METRE - _NOISE), 0).astype(np.int64)


def to_metres(units: Ints) -> Floats:
    """Turn units into metres, to the nearest millimetre.

    Parameters
    ----------
    units : ndarray of int64
        Lengths in units.

    Returns
    -------
    ndarray of float
        Lengths in metres, each the float nearest to a whole number of millimetres.
    """
    return np.asarray(((units * 1000 + (1 << (UNIT_BITS - 1))) >> UNIT_BITS) / 1000.0, dtype=np.float64)


def limit_units(cutoff_m: float) -> int:
    """Return the greatest number of units that `to_metres` tells as within a cutoff.

    Parameters
    ----------
    cutoff_m : float
        The cutoff in metres, inclusive.

    Returns
    -------
    int
        ``to_metres(u) <= cutoff_m`` holds exactly for the units ``u`` up to this.
    """
    cutoff_mm = int(cutoff_m * 1000)
    while (cutoff_mm + 1) / 1000 <= cutoff_m:
        cutoff_mm += 1
    while cutoff_mm / 1000 > cutoff_m:
        cutoff_mm -= 1
    return (((cutoff_mm + 1) << UNIT_BITS) - (1 << (UNIT_BITS - 1)) - 1) // 1000


def require_positive(value: float, *, key: str) -> float:
    """Refuse a parameter that is not a finite number above zero.

    Parameters
    ----------
    value : float
        The parameter.
    key : str
        Entry of ``texts/errors.toml`` that words the refusal, with ``{value}``.

    Returns
    -------
    float
        The parameter as a float.

    Raises
    ------
    InputError
        If it is no number, not finite, zero or below.
    """
    try:
        # True is 1 to Python, and nobody means a metre by it.
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        raise InputError(key, value=value) from None
    if not math.isfinite(number) or number <= 0:
        raise InputError(key, value=value)
    return number


def require_cutoffs(cutoff_m: float | tuple[float, ...]) -> tuple[float, ...]:
    """Return cutoffs as a tuple, each once.

    Parameters
    ----------
    cutoff_m : float or tuple of float
        One or several cutoffs.

    Returns
    -------
    tuple of float
        The cutoffs, in the order given.

    Raises
    ------
    InputError
        If there is none, or one is not a finite number above zero.
    """
    given = tuple(cutoff_m) if isinstance(cutoff_m, (tuple, list, np.ndarray)) else (cutoff_m,)
    if not given:
        raise InputError("bad_cutoff", value="()")
    return tuple(dict.fromkeys(require_positive(cutoff, key="bad_cutoff") for cutoff in given))


def expand_ranges(start: Ints, stop: Ints) -> tuple[Ints, Ints]:
    """List the members of many ranges, one behind the other.

    Parameters
    ----------
    start, stop : ndarray of int64, shape (n,)
        The ranges; each ends before its `stop`.

    Returns
    -------
    which, member : ndarray of int64
        For each member the range it belongs to, and the member itself.
    """
    count = np.maximum(stop - start, 0)
    which = np.repeat(np.arange(len(start)), count)
    shift = start - np.concatenate([[0], np.cumsum(count)[:-1]]) if len(start) else start
    member = np.arange(len(which)) + shift[which]
    return which, member
