"""The child process that reads a file from outside, so that a malformed one can break nothing but the child.

Started by `gridgeo.readers.bounded` only: ``python -m gridgeo.readers.child REQUEST OUT``.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridgeo.errors import FileError
from gridgeo.readers.sniff import TABLE_KINDS, Kind
from gridgeo.texts import using_language

if TYPE_CHECKING:
    from gridgeo.readers.handing import Rows

MEMORY_BYTES = 6_000_000_000
_SPARED = ("pandas", "geopandas")


def main(request: str, out: str) -> int:
    """Read what the request says and leave the result in a folder.

    Parameters
    ----------
    request : str
        JSON: ``path``, ``kind``, ``lang`` (of a refusal); ``layer``, ``first``; of an OSM extract ``box``,
        ``streets_only``.
    out : str
        The folder; ``said.json`` and ``layer.feather``, or a file for each layer of an OSM extract, are put there.

    Returns
    -------
    int
        0; a refusal is a result, too.
    """
    _limit_memory()
    said = json.loads(request)
    folder = Path(out)
    try:
        with using_language(said["lang"]):
            _say(folder, _read(said, folder))
    except FileError as error:
        _say(folder, {"key": error.key, "values": {name: str(value) for name, value in error.values.items()}})
    return 0


def _read(said: dict[str, Any], folder: Path) -> dict[str, object]:
    """Leave the rows in the folder; return what else is to be said of them."""
    path, kind = Path(said["path"]), said["kind"]
    # Each kind loads only what it needs: starting the child is what a small file waits for.
    with _doing_without(*(() if kind == "parquet" else _SPARED)):
        if kind == "osm":
            from gridgeo.readers.osm_pass import leave_tables  # noqa: PLC0415 - see above

            return {"cut": leave_tables(path, folder, box=said["box"], streets_only=said["streets_only"])}
        from gridgeo.readers.handing import leave_rows  # noqa: PLC0415 - see above

        return leave_rows(_find_rows(path, kind, said), folder)


def _find_rows(path: Path, kind: Kind, said: dict[str, Any]) -> Rows:
    if kind in TABLE_KINDS:
        from gridgeo.readers.tables import read_csv, read_workbook  # noqa: PLC0415 - see above

        return read_csv(path) if kind == "csv" else read_workbook(path, kind=kind, sheet=said["layer"])
    with _doing_without(*(() if kind == "parquet" else ("pyproj",))):
        from gridgeo.readers.vectors import read_vector  # noqa: PLC0415 - see above

    return read_vector(path, kind, layer=said["layer"], first=said["first"])


class _Barrier:
    """Bars the import of packages that are not loaded yet."""

    def __init__(self, packages: tuple[str, ...]) -> None:
        self.packages = packages

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> None:
        """Say that there is no such package, where it is one of these."""
        if name in self.packages:
            raise ModuleNotFoundError(name=name)


@contextmanager
def _doing_without(*packages: str) -> Iterator[None]:
    """Have libraries that load these packages where they find them not find them."""
    barrier = _Barrier(packages)
    sys.meta_path.insert(0, barrier)
    try:
        yield
    finally:
        sys.meta_path.remove(barrier)


def _limit_memory() -> None:
    """Bound the memory of this process, where the system can."""
    try:
        import resource  # noqa: PLC0415 - there is none on Windows
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


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
