"""Unpacking a zip that may come from anyone: within its folder, within limits, nothing but plain files."""

from __future__ import annotations

import lzma
import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from gridgeo.errors import FileError
from gridgeo.readers.sniff import refusal, refuse_entities

MOST_UNPACKED_BYTES = 1_000_000_000
"""The most that a zip may unpack to."""

MOST_RATIO = 200
"""The most that a file of more than ten megabytes may shrink by: real data shrinks 3 to 30 times."""

MOST_MEMBERS = 2000

# All that Python's own unpacking raises over a zip of nonsense.
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)
_SMALL_BYTES = 10_000_000
_CHUNK = 1 << 20
_SHAPE_PARTS = frozenset({".shp", ".shx", ".dbf", ".prj", ".cpg"})
_SINGLE = (
    ".gpkg",
    ".geojson",
    ".json",
    ".kml",
    ".fgb",
    ".parquet",
    ".geoparquet",
    ".csv",
    ".xlsx",
    ".xls",
    ".pbf",
    ".osm",
)


def check_zip(path: Path) -> None:
    """Refuse a zip, or a workbook, that is damaged, a trap, or would unpack to too much.

    Parameters
    ----------
    path : Path
        The zip.

    Raises
    ------
    FileError
        If a member lies outside its folder, is a link, is encrypted or damaged, or is too large once unpacked.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > MOST_MEMBERS:
                raise refusal(path, "zip_members", most=MOST_MEMBERS)
            if sum(member.file_size for member in members) > MOST_UNPACKED_BYTES:
                raise refusal(path, "zip_bomb", most_mb=MOST_UNPACKED_BYTES // 1_000_000)
            for member in members:
                _check_member(path, member)
            for member in members:
                _unpack(path, archive, member, None)
    except _BROKEN as error:
        if isinstance(error, FileError):
            raise
        raise refusal(path, "broken_zip") from error


def require_plain_xml(path: Path) -> None:
    """Refuse a workbook whose XML declares entities: none ever does, and what they stand for is lost in reading.

    Parameters
    ----------
    path : Path
        The workbook, which `check_zip` passed.

    Raises
    ------
    FileError
        If one of its members does.
    """
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            with archive.open(member) as source:
                refuse_entities(path, source.read(_CHUNK))


def unpack_layer(path: Path, folder: Path) -> Path:
    """Unpack the one data set of a zip.

    Parameters
    ----------
    path : Path
        The zip, which `check_zip` passed.
    folder : Path
        An empty folder of ours; the files get plain names there, whatever they were called.

    Returns
    -------
    Path
        The file to read.

    Raises
    ------
    FileError
        If the zip holds no data set that gridgeo reads, or several.
    """
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir() and _is_data(member.filename)]
        shapes = [member for member in members if member.filename.lower().endswith(".shp")]
        singles = [member for member in members if member.filename.lower().endswith(_SINGLE)]
        if len(shapes) + len(singles) != 1:
            raise refusal(path, "zip_choice", count=len(shapes) + len(singles))
        if singles:
            target = folder / f"layer{PurePosixPath(singles[0].filename).suffix.lower()}"
            _unpack(path, archive, singles[0], target)
            return target
        stem = shapes[0].filename[:-4]
        for member in members:
            suffix = PurePosixPath(member.filename).suffix.lower()
            if member.filename[: -len(suffix)] == stem and suffix in _SHAPE_PARTS:
                _unpack(path, archive, member, folder / f"layer{suffix}")
    return folder / "layer.shp"


def _is_data(name: str) -> bool:
    """Pass over what file managers add."""
    parts = PurePosixPath(name).parts
    return bool(parts) and "__MACOSX" not in parts and not parts[-1].startswith("._")


def _check_member(path: Path, member: zipfile.ZipInfo) -> None:
    name = member.filename
    parts = PurePosixPath(name.replace("\\", "/")).parts
    outside = name.startswith(("/", "\\")) or ".." in parts or (len(name) > 1 and name[1] == ":")
    linked = stat.S_ISLNK(member.external_attr >> 16)
    if outside or linked:
        raise refusal(path, "zip_escape")
    if member.flag_bits & 1:
        raise refusal(path, "zip_encrypted")
    if member.file_size > _SMALL_BYTES and member.file_size > MOST_RATIO * max(member.compress_size, 1):
        raise refusal(path, "zip_bomb", most_mb=MOST_UNPACKED_BYTES // 1_000_000)


def _unpack(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path | None) -> None:
    """Unpack one member, or only check its sum; stop as soon as it is longer than it said."""
    length = 0
    with archive.open(member) as source:
        file = target.open("wb") if target is not None else None
        try:
            while chunk := source.read(_CHUNK):
                length += len(chunk)
                if length > member.file_size:
                    raise refusal(path, "zip_bomb", most_mb=MOST_UNPACKED_BYTES // 1_000_000)
                if file is not None:
                    file.write(chunk)
        finally:
            if file is not None:
                file.close()
