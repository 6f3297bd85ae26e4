"""The child process that reads a file from outside, so that a malformed one can break nothing but the child.

Started by `gridgeo.readers.bounded` only: ``python -m gridgeo.readers.child REQUEST OUT``.
"""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import feather

from gridgeo.errors import FileError
from gridgeo.readers.tables import read_csv, read_workbook

MEMORY_BYTES = 6_000_000_000


def main(request: str, out: str) -> int:
    """Read what the request says and leave the result in a folder.

    Parameters
    ----------
    request : str
        JSON: ``path``, ``kind``, ``layer``, ``first``.
    out : str
        The folder; ``layer.feather`` and ``said.json`` are put there.

    Returns
    -------
    int
        0; a refusal is a result, too.
    """
    _limit_memory()
    said = json.loads(request)
    path, kind, layer = Path(said["path"]), said["kind"], said["layer"]
    folder = Path(out)
    try:
        if kind == "csv":
            raw = read_csv(path)
        elif kind in {"xlsx", "xls"}:
            raw = read_workbook(path, kind=kind, sheet=layer)
        else:
            from gridgeo.readers.vectors import read_vector  # noqa: PLC0415 - plain tables need not wait for it

            raw = read_vector(path, kind, layer=layer, first=said["first"])
    except FileError as error:
        _say(folder, {"key": error.key, "values": {name: str(value) for name, value in error.values.items()}})
        return 0
    mixed = [bool(raw.table[name].dtype == object) for name in raw.table.columns]
    columns = {f"c{at}": _as_arrow(raw.table[name], mixed[at]) for at, name in enumerate(raw.table.columns)}
    if raw.geometry is not None:
        columns["geometry"] = pa.array(raw.geometry.to_wkb(), type=pa.binary())
    feather.write_feather(pa.table(columns), str(folder / "layer.feather"), compression="uncompressed")
    _say(
        folder,
        {
            "names": [str(name) for name in raw.table.columns],
            "crs": None if raw.crs is None else raw.crs.to_json(),
            "dropped": list(raw.dropped),
            "choices": list(raw.choices),
            "mixed": mixed,
            "kind": raw.kind,
        },
    )
    return 0


def _limit_memory() -> None:
    """Bound the memory of this process, where the system can."""
    try:
        import resource  # noqa: PLC0415 - there is none on Windows
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


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


def _say(folder: Path, said: dict[str, object]) -> None:
    (folder / "said.json").write_text(json.dumps(said, ensure_ascii=False, default=str), encoding="utf-8")


def run(request: str, out: str) -> int:
    """Do `main`, and end in a number whatever happens: the parent words it.

    Parameters
    ----------
    request, out : str
        As for `main`.

    Returns
    -------
    int
        0 when done, 3 when memory did not suffice, 4 for anything else.
    """
    try:
        return main(request, out)
    except MemoryError:
        return 3
    except Exception:  # noqa: BLE001 - whatever it is
        traceback.print_exc()
        return 4


if __name__ == "__main__":
    raise SystemExit(run(sys.argv[1], sys.argv[2]))
