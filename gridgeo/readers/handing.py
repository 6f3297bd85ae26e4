"""A layer handed from the child process to its parent: as Arrow and JSON, from which nothing can run.

The child does without pandas: loading it takes longer than reading most files.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from pyarrow import feather

Cells: TypeAlias = "Sequence[Any] | NDArray[Any] | pa.Array"
"""The cells of a column, as the library that read them gives them."""


@dataclass(frozen=True)
class Rows:
    """One layer or table of a file, as the child read it.

    Parameters
    ----------
    kind : str
        What the file is; see `gridgeo.readers.sniff.Kind`.
    names : list of str
        Its columns.
    columns : list of (sequence, ndarray or Arrow array), each of length n
        Their cells.
    numbers : sequence or ndarray of int, length n
        In which row of the file each stood; see `gridgeo.readers.raw.ROW`.
    geometry : ndarray of Geometry, length n, optional
        Its geometries; none of a plain table.
    crs : str, optional
        The system it states, as PROJ names it or as JSON.
    dropped : tuple of dict
        Rows left out; see `gridgeo.readers.raw.RawLayer`.
    choices : tuple of str
        The file's layers or visible sheets, where it can hold several.
    """

    kind: str
    names: list[str]
    columns: list[Cells]
    numbers: Sequence[int] | NDArray[np.int64]
    geometry: NDArray[np.object_] | None = None
    crs: str | None = None
    dropped: tuple[dict[str, object], ...] = ()
    choices: tuple[str, ...] = ()


def leave_rows(rows: Rows, folder: Path) -> dict[str, object]:
    """Leave rows in a folder.

    Parameters
    ----------
    rows : Rows
        What was read.
    folder : Path
        ``layer.feather`` is put there.

    Returns
    -------
    dict
        What else there is to say of it: names of its columns, which of them are of mixed types, its system.
    """
    plain = [_as_arrow(cells) for cells in rows.columns]
    arrow = {
        f"c{at}": pa.array(list(_as_json(cells)), type=pa.string()) if column is None else column
        for at, (column, cells) in enumerate(zip(plain, rows.columns, strict=True))
    }
    arrow["row"] = pa.array(rows.numbers, type=pa.int64())
    if rows.geometry is not None:
        arrow["geometry"] = pa.array(shapely.to_wkb(rows.geometry), type=pa.binary())
    feather.write_feather(pa.table(arrow), str(folder / "layer.feather"), compression="uncompressed")
    return {
        "names": _apart(rows.names),
        "crs": rows.crs,
        "dropped": list(rows.dropped),
        "choices": list(rows.choices),
        "mixed": [column is None for column in plain],
        "kind": rows.kind,
    }


def _as_arrow(cells: Cells) -> pa.Array | None:
    """Return a column of one plain type as Arrow takes it; None for any other, which goes as JSON."""
    if isinstance(cells, np.ndarray) and cells.dtype != object:
        return pa.array(cells, from_pandas=True) if cells.dtype.kind in "iufb" else None
    if isinstance(cells, (pa.Array, pa.ChunkedArray)):
        kind = cells.type
        plain = (pa.types.is_string, pa.types.is_large_string, pa.types.is_integer, pa.types.is_floating)
        # Truths of which some are missing are a mixture to whoever reads them.
        whole = pa.types.is_boolean(kind) and cells.null_count == 0
        return cells if whole or any(is_plain(kind) for is_plain in plain) else None
    if isinstance(cells, np.ndarray) and len(cells) and all(isinstance(cell, str) or cell is None for cell in cells):
        return pa.array(cells, type=pa.string()) if any(cell is not None for cell in cells) else None
    return None


def _as_json(cells: Cells) -> Iterator[str | None]:
    """Word a mixture of numbers and texts as JSON, cell by cell."""
    for cell in cells.to_pylist() if isinstance(cells, (pa.Array, pa.ChunkedArray)) else cells:
        missing = cell is None or (isinstance(cell, float) and cell != cell)  # noqa: PLR0124 - NaN
        yield None if missing else json.dumps(_jsonable(cell), ensure_ascii=False)


def _jsonable(value: object) -> object:
    return value if isinstance(value, (str, int, float, bool)) else str(value)


def _apart(names: list[str]) -> list[str]:
    """Keep repeated names apart, as those of a table of cells are."""
    found: dict[str, None] = {}
    for name in names:
        apart, times = name, 1
        while apart in found:
            times += 1
            apart = f"{name}#{times}"
        found[apart] = None
    return list(found)
