"""Columns are looked at once, where they come in: what is no flag or no number is refused with every row named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import SupportsInt

import numpy as np
import pandas as pd

from gridgeo.errors import Fault, InputError
from gridgeo.network.measure import Flags, Floats


def read_flags(frame: pd.DataFrame, column: str, *, layer: str, default: bool) -> Flags:
    """Return a column of true and false.

    Parameters
    ----------
    frame : DataFrame
        The layer.
    column : str
        The column; it may be missing.
    layer : str
        What the layer is called in an error.
    default : bool
        What holds where there is no such column.

    Returns
    -------
    ndarray of bool, shape (n,)
        The flags.

    Raises
    ------
    InputError
        If a value is empty or none of true, false, 1, 0: the text "no" is not taken for true.
    """
    if column not in frame:
        return np.full(len(frame), default)
    values = frame[column].array
    if pd.api.types.is_bool_dtype(values) and not pd.isna(values).any():
        return np.asarray(values, dtype=bool)
    wrong = [row for row, value in enumerate(values) if pd.isna(value) or value not in (True, False)]
    _refuse(frame, column, layer, [("wrong_type", row, "truth") for row in wrong])
    return np.array([bool(value) for value in values], dtype=bool)


def read_numbers(frame: pd.DataFrame, column: str, *, layer: str, missing: bool, least: float = -np.inf) -> Floats:
    """Return a column of numbers.

    Parameters
    ----------
    frame : DataFrame
        The layer.
    column : str
        The column.
    layer : str
        What the layer is called in an error.
    missing : bool
        Whether a value may be empty.
    least : float, optional
        No value is less than this.

    Returns
    -------
    ndarray of float, shape (n,)
        The numbers; NaN where empty.

    Raises
    ------
    InputError
        If a value is no number, not finite, below the least, or empty where it must not be.
    """
    values = frame[column].reset_index(drop=True)
    numbers = np.asarray(pd.to_numeric(values, errors="coerce").astype("float64"))
    empty = values.isna().to_numpy(dtype=bool)
    faults = [("wrong_type", row, "number") for row in np.flatnonzero(np.isnan(numbers) & ~empty)]
    faults += [("not_finite", row, "") for row in np.flatnonzero(np.isinf(numbers))]
    faults += [("negative_value", row, "") for row in np.flatnonzero(np.isfinite(numbers) & (numbers < least))]
    if not missing:
        faults += [("missing_value", row, "") for row in np.flatnonzero(empty)]
    _refuse(frame, column, layer, faults)
    return numbers


def require_distinct(frame: pd.DataFrame, column: str, *, layer: str) -> None:
    """Refuse a column of ids in which one is missing or repeated, 1 and "1" being the same.

    Parameters
    ----------
    frame : DataFrame
        The layer.
    column : str
        The column.
    layer : str
        What the layer is called in an error.

    Raises
    ------
    InputError
        If there is no such column, or an id is missing or repeated; every row is named.
    """
    if column not in frame:
        raise InputError("missing_column", layer=layer, column=column)
    ids = frame[column].reset_index(drop=True)
    if ids.dtype == object:
        ids = ids.astype("str")
    if ids.is_unique and not ids.isna().any():
        return
    faults = [("missing_value", row, "") for row in np.flatnonzero(ids.isna())]
    faults += [("duplicate_id", row, "") for row in np.flatnonzero(ids.duplicated() & ids.notna())]
    _refuse(frame, column, layer, faults)


def _refuse(frame: pd.DataFrame, column: str, layer: str, found: Sequence[tuple[str, SupportsInt, str]]) -> None:
    if found:
        values = frame[column].array
        faults = [
            Fault(
                key=key, layer=layer, row=int(row) + 1, column=column, value=values[int(row)], values={"wanted": wanted}
            )
            for key, row, wanted in found
        ]
        raise InputError("faults_in_layer", faults=faults, layer=layer, count=len(faults))
