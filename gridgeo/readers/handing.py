"""A layer handed from the child process to its parent: as Arrow and JSON, from which nothing can run."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import feather

from gridgeo.readers.raw import RawLayer
from gridgeo.readers.sniff import Kind
from gridgeo.readers.tables import read_csv, read_workbook


def leave_layer(
    path: Path, kind: Kind, folder: Path, *, layer: str | None = None, first: bool = False
) -> dict[str, object]:
    """Read one layer or table of a file and leave its rows in a folder.

    Parameters
    ----------
    path : Path
        The file.
    kind : str
        What it is.
    folder : Path
        ``layer.feather`` is put there.
    layer : str, optional
        Which layer or sheet.
    first : bool
        Whether to take the first one where there are several and none was said.

    Returns
    -------
    dict
        What else there is to say of it: names of its columns, which of them are of mixed types, its system.

    Raises
    ------
    FileError
        If it cannot be read.
    """
    raw = _read(path, kind, layer=layer, first=first)
    mixed = [bool(raw.table[name].dtype == object) for name in raw.table.columns]
    columns = {f"c{at}": _as_arrow(raw.table[name], mixed[at]) for at, name in enumerate(raw.table.columns)}
    if raw.geometry is not None:
        columns["geometry"] = pa.array(raw.geometry.to_wkb(), type=pa.binary())
    feather.write_feather(pa.table(columns), str(folder / "layer.feather"), compression="uncompressed")
    return {
        "names": [str(name) for name in raw.table.columns],
        "crs": None if raw.crs is None else raw.crs.to_json(),
        "dropped": list(raw.dropped),
        "choices": list(raw.choices),
        "mixed": mixed,
        "kind": raw.kind,
    }


def _read(path: Path, kind: Kind, *, layer: str | None, first: bool) -> RawLayer:
    if kind == "csv":
        return read_csv(path)
    if kind in {"xlsx", "xls"}:
        return read_workbook(path, kind=kind, sheet=layer)
    from gridgeo.readers.vectors import read_vector  # noqa: PLC0415 - plain tables need not wait for it

    return read_vector(path, kind, layer=layer, first=first)


def _as_arrow(values: pd.Series, mixed: bool) -> pa.Array:  # noqa: FBT001 - not public
    """Return a column as Arrow takes it: of one type as it is, a mixture of numbers and texts as JSON."""
    if not mixed:
        return pa.array(values, from_pandas=True)
    cells = [None if _is_missing(cell) else json.dumps(_jsonable(cell), ensure_ascii=False) for cell in values]
    return pa.array(cells, type=pa.string())


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and value != value)  # noqa: PLR0124 - NaN


def _jsonable(value: object) -> object:
    return value if isinstance(value, (str, int, float, bool)) else str(value)
