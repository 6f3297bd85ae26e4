"""How many rows a file says it has, counted without the library that reads it: none may be lost in silence."""

from __future__ import annotations

import json
import re
import sqlite3
import struct
from contextlib import closing
from pathlib import Path

from gridgeo.cell_types import find_loose_cell, quote_name
from gridgeo.readers.sniff import Kind, refusal

_SHAPE_HEADER, _SHAPE_ENTRY, _TABLE_HEADER = 100, 8, 32
_FGB_PREFIX, _FGB_NODE, _FGB_FEATURES, _FGB_NODE_SIZE = 12, 40, 8, 9
_PLACEMARK = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?Placemark[\s>/]")


def count_rows(path: Path, kind: Kind, layer: str, layers: int) -> int | None:
    """Count the rows of a layer by the file's own bookkeeping.

    Parameters
    ----------
    path : Path
        The file.
    kind : str
        What it is.
    layer : str
        The layer.
    layers : int
        How many layers the file has.

    Returns
    -------
    int or None
        How many rows reading must give; None where the format keeps no count.

    Raises
    ------
    FileError
        If the file's parts contradict each other.
    """
    if kind == "gpkg":
        with closing(open_tables(path)) as database:
            return int(database.execute(f"SELECT count(*) FROM {quote_name(layer)}").fetchone()[0])  # noqa: S608 - quoted
    if kind == "shp":
        return _count_shapes(path)
    if kind == "fgb":
        return _count_flat(path)
    if kind == "geojson":
        content = json.loads(path.read_bytes())
        return len(content["features"]) if content["type"] == "FeatureCollection" else 1
    if kind == "kml" and layers == 1:
        return len(_PLACEMARK.findall(re.sub(rb"<!--.*?-->", b"", path.read_bytes(), flags=re.DOTALL)))
    return None


def require_kept_types(path: Path, layer: str) -> None:
    """Refuse a GeoPackage with a cell that is not what its column says: SQLite keeps it, but it is read as 0 or 1970.

    Parameters
    ----------
    path : Path
        The file.
    layer : str
        The layer.

    Raises
    ------
    FileError
        If a column of numbers holds a text, or a column of days something else; the first is named.
    """
    with closing(open_tables(path)) as database:
        if found := find_loose_cell(database, layer):
            row, column, kind = found
            raise refusal(path, "not_of_its_type", row=row, column=column, kind=kind)


def open_tables(path: Path) -> sqlite3.Connection:
    """Open a GeoPackage for reading, with everything in it that could run switched off.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    sqlite3.Connection
        Close it.
    """
    database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    database.execute("PRAGMA trusted_schema = OFF")
    return database


def _count_shapes(path: Path) -> int:
    """Count a Shapefile's records by the index beside it; the index and the table must agree with themselves."""
    index = _beside(path, ".shx")
    table = _beside(path, ".dbf")
    if index is None or table is None:
        raise refusal(path, "no_part", part=".shx" if index is None else ".dbf")
    size = index.stat().st_size
    said = _shape_length(index)
    shapes = (size - _SHAPE_HEADER) // _SHAPE_ENTRY
    data = table.read_bytes()
    records, start, length = struct.unpack_from("<IHH", data, 4) if len(data) > _TABLE_HEADER else (0, 0, 0)
    sound = said == size and _shape_length(path) <= path.stat().st_size
    sound = sound and records == shapes and len(data) >= start + records * length
    # Rows that were deleted but not yet packed away are marked by a star, and are none.
    shapes -= data[start : start + records * length : length or 1].count(b"*")
    if not sound:
        raise refusal(path, "damaged")
    return shapes


def _shape_length(path: Path) -> int:
    """Return the length in bytes that a Shapefile's part states, counted there in words of two."""
    with path.open("rb") as file:
        head = file.read(_SHAPE_HEADER)
    return 2 * int(struct.unpack_from(">i", head, 24)[0]) if len(head) == _SHAPE_HEADER else -1


def _beside(path: Path, suffix: str) -> Path | None:
    """Return the part of a Shapefile, whatever the case of its ending."""
    return next((part for part in (path.with_suffix(suffix), path.with_suffix(suffix.upper())) if part.exists()), None)


def _count_flat(path: Path) -> int:
    """Count the features of a FlatGeobuf one behind the other: the last must end where the file ends."""
    data = path.read_bytes()
    try:
        (length,) = struct.unpack_from("<I", data, 8)
        stated, node_size = _flat_header(data[_FGB_PREFIX : _FGB_PREFIX + length])
        at = _FGB_PREFIX + length + _index_length(stated, node_size)
        count = 0
        while at < len(data):
            at += 4 + int(struct.unpack_from("<I", data, at)[0])
            count += 1
    except (struct.error, ValueError) as error:
        raise refusal(path, "damaged") from error
    if at != len(data) or (stated and count != stated):
        raise refusal(path, "damaged")
    return count


def _flat_header(header: bytes) -> tuple[int, int]:
    """Return the number of features and the index's node size out of a header, which is a FlatBuffers table."""
    (table,) = struct.unpack_from("<I", header, 0)
    fields = table - int(struct.unpack_from("<i", header, table)[0])
    (length,) = struct.unpack_from("<H", header, fields)

    def offset(field: int) -> int:
        at = 4 + 2 * field
        return int(struct.unpack_from("<H", header, fields + at)[0]) if at < length else 0

    features, node_size = 0, 16
    if offset(_FGB_FEATURES):
        (features,) = struct.unpack_from("<Q", header, table + offset(_FGB_FEATURES))
    if offset(_FGB_NODE_SIZE):
        (node_size,) = struct.unpack_from("<H", header, table + offset(_FGB_NODE_SIZE))
    return int(features), int(node_size)


def _index_length(features: int, node_size: int) -> int:
    """Return the bytes of the packed tree over so many features."""
    if features == 0 or node_size == 0:
        return 0
    if node_size == 1:
        raise ValueError(node_size)
    nodes = level = features
    while level > 1:
        level = -(-level // node_size)
        nodes += level
    return nodes * _FGB_NODE
