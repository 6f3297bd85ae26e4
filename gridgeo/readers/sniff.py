"""What a file is, told by its content: a name promises nothing, and some formats reach for other files.

A text that GDAL takes for a virtual layer may read any file of the machine or call out over the network. So the kinds
below are the only ones that are read at all, and each only by its own reader.
"""

from __future__ import annotations

import json
import re
import struct
import zipfile
from pathlib import Path
from typing import Literal

from gridgeo.errors import FileError
from gridgeo.texts import text

Kind = Literal["gpkg", "shp", "geojson", "kml", "fgb", "parquet", "csv", "xlsx", "xls", "osm", "zip"]

VECTOR_KINDS: frozenset[Kind] = frozenset({"gpkg", "shp", "geojson", "kml", "fgb", "parquet"})
"""Kinds that hold geometries."""

TABLE_KINDS: frozenset[Kind] = frozenset({"csv", "xlsx", "xls"})
"""Kinds that hold plain tables, with coordinates in two columns."""

MOST_BYTES = 600_000_000
"""The largest file that is read."""

_HEAD = 65_536
_BLANK, _TEXT_SHARE = 0x20, 0.97
_MAGIC: tuple[tuple[bytes, Kind], ...] = (
    (b"SQLite format 3\x00", "gpkg"),
    (b"\x00\x00\x27\x0a", "shp"),
    (b"fgb\x03", "fgb"),
    (b"PAR1", "parquet"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "xls"),
)
_GEOJSON = frozenset(
    {
        "FeatureCollection", "Feature", "Point", "MultiPoint", "LineString", "MultiLineString", "Polygon",
        "MultiPolygon",
    }
)  # fmt: skip
# XML that offices do send: named, so that they know what to ask for instead.
_OTHER_XML = {b"FeatureCollection": "gml", b"gpx": "gpx"}
_ENTITY = re.compile(rb"<!ENTITY\s*(?:%\s*)?([^\s>]*)")
_DOCTYPE = re.compile(rb"<!DOCTYPE\s*([^\s>\[]*)")
_ROOT = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)[\s>/]")


def sniff(path: Path) -> Kind:
    """Tell what a file is.

    Parameters
    ----------
    path : Path
        A plain local file.

    Returns
    -------
    str
        One of the kinds that gridgeo reads.

    Raises
    ------
    FileError
        If there is no such file, it is empty or too large, or its content is none of these kinds.
    """
    head = _read_head(path)
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head.startswith(b"PK\x03\x04"):
        return _sniff_zip(path)
    if b"OSMHeader" in head[:64]:
        return "osm"
    return _sniff_text(path, head)


def _read_head(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise FileError("missing_file", file=path.name)
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except ValueError as error:  # a name with a zero byte
        raise FileError("missing_file", file=path.name) from error
    except OSError as error:
        if isinstance(error, FileError):
            raise
        raise FileError("unreadable_file", file=path.name, detail=error.strerror or error) from error
    if size > MOST_BYTES:
        raise refusal(path, "too_large", most_mb=MOST_BYTES // 1_000_000)
    if not head:
        raise refusal(path, "empty")
    return head


def refusal(path: Path, why: str, **values: object) -> FileError:
    """Word the refusal of a file.

    Parameters
    ----------
    path : Path
        The file; only its name is said.
    why : str
        Entry of ``texts/readers.toml``.
    **values : object
        Its placeholders.

    Returns
    -------
    FileError
        To be raised.
    """
    return FileError("unreadable_file", file=path.name, detail=text(f"readers.{why}", **values))


def refuse_entities(path: Path, head: bytes) -> None:
    """Refuse XML that declares entities or a document type of its own.

    Parameters
    ----------
    path : Path
        The file, for the error.
    head : bytes
        The beginning of the XML; a declaration stands before the first element.

    Raises
    ------
    FileError
        If it does; the entity is named.
    """
    declared = _ENTITY.search(head) or _DOCTYPE.search(head)
    if declared:
        raise refusal(path, "entity_anywhere", name=declared.group(1).decode("utf-8", "replace")[:40])


def decode(data: bytes) -> str | None:
    """Decode text as Chinese offices write it: with a mark, as strict UTF-8, else as GB 18030.

    Parameters
    ----------
    data : bytes
        The whole text.

    Returns
    -------
    str or None
        The text; None when it is neither.
    """
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return _decoded(data, encoding)
    found = _decoded(data, "utf-8")
    return found if found is not None else _decoded(data, "gb18030")


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _sniff_zip(path: Path) -> Kind:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, struct.error, OSError, OverflowError, ValueError, NotImplementedError) as error:
        raise refusal(path, "broken_zip") from error
    if "[Content_Types].xml" in names and any(name.startswith("xl/") for name in names):
        return "xlsx"
    return "zip"


def _sniff_text(path: Path, head: bytes) -> Kind:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith((b"{", b"[")):
        return _sniff_json(path)
    if start.startswith(b"<"):
        refuse_entities(path, head)
        plain = re.sub(rb"<\?.*?\?>|<!--.*?-->", b"", start, flags=re.DOTALL)
        found = _ROOT.search(plain)
        root = found.group(1) if found and found.start() == len(plain) - len(plain.lstrip()) else b""
        if root == b"kml":
            return "kml"
        if root == b"osm":
            return "osm"
        if root in _OTHER_XML:
            raise refusal(path, _OTHER_XML[root])
        raise refusal(path, "unknown_xml")
    wide = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    text_but_for_zeros = b"\x00" in head and not wide
    if text_but_for_zeros or _decode_start(head) is None:
        readable = sum(byte >= _BLANK or byte in b"\t\r\n\x00" for byte in head) > _TEXT_SHARE * len(head)
        why = "zero_bytes" if text_but_for_zeros else "not_text"
        raise refusal(path, why if readable else "unknown_content")
    return "csv"


def _sniff_json(path: Path) -> Kind:
    """Read JSON as a whole: a declared type counts wherever in the file it stands."""
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError, MemoryError) as error:
        raise refusal(path, "broken_json") from error
    kind = content.get("type") if isinstance(content, dict) else None
    if kind not in _GEOJSON:
        raise refusal(path, "not_geojson")
    return "geojson"


def _decode_start(head: bytes) -> str | None:
    """Decode the start of a text, which may end within a character."""
    return next((found for cut in range(4) if (found := decode(head[: len(head) - cut])) is not None), None)
