"""The child process that reads a file from outside, so that a malformed one can break nothing but the child.

Started by `gridgeo.readers.bounded` only: ``python -m gridgeo.readers.child REQUEST OUT``.
"""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path
from typing import Any

from gridgeo.errors import FileError
from gridgeo.texts import using_language

MEMORY_BYTES = 6_000_000_000


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
    if kind == "osm":
        from gridgeo.readers.osm_pass import leave_tables  # noqa: PLC0415 - see above

        return {"cut": leave_tables(path, folder, box=said["box"], streets_only=said["streets_only"])}
    from gridgeo.readers.handing import leave_layer  # noqa: PLC0415 - see above

    return leave_layer(path, kind, folder, layer=said["layer"], first=said["first"])


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
