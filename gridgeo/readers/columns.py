"""Which column of a file is which column of a layer, recognised by its name in Chinese or English."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gridgeo.errors import FileError, InputError
from gridgeo.readers.names import KNOWN, PERSONAL, plain_name
from gridgeo.readers.sniff import refusal
from gridgeo.schema import LAYERS
from gridgeo.toml_file import parse_source, read_source

LISTS = ("enterprises", "people", "needs", "visits")
"""Layers that come as lists: their rows may say where they are by naming a building, a household or a unit.

In the order they are read: each may name rows of those before it.
"""

# What files usually are, the most usual first; the tables among them can do without geometries.
_USUAL = ("households", "stations", "streets", "units", "buildings", "barriers", "gates", *LISTS)
_TABLES = ("households", "stations", "gates", *LISTS)


@dataclass(frozen=True)
class ColumnMap:
    """Which column of a file is used for what.

    Parameters
    ----------
    columns : dict
        Column of the layer (or ``x``, ``y``, ``wkt``) → column of the file.
    unused : tuple of str
        Columns of the file that are left out.
    personal : tuple of str
        Those of them that are about persons.
    """

    columns: dict[str, str]
    unused: tuple[str, ...]
    personal: tuple[str, ...]


def map_columns(
    layer: str, names: Iterable[str], *, chosen: Mapping[str, str] | None = None, empty: Collection[str] = ()
) -> ColumnMap:
    """Recognise a file's columns.

    Parameters
    ----------
    layer : str
        The layer they are for, one of `gridgeo.schema.LAYERS`.
    names : iterable of str
        The file's columns.
    chosen : mapping of str to str, optional
        Columns of the layer → columns of the file that a person (or a profile) has set; these go first. A column set
        to ``""`` is left out, whatever the file's columns are called.
    empty : collection of str
        Columns without a single value: they are used only when chosen.

    Returns
    -------
    ColumnMap
        What is used for what, and what is left out.

    Raises
    ------
    InputError
        If `chosen` names a column that the layer or the file does not have.
    """
    names = list(names)
    wanted = _known_names(layer)
    columns: dict[str, str] = {}
    left_out = {column for column, name in (chosen or {}).items() if not name}
    for column, name in (chosen or {}).items():
        if column not in wanted:
            raise InputError("unknown_column", layer=layer, value=column, allowed=", ".join(wanted))
        if not name:
            continue
        if name not in names:
            raise InputError("column_not_in_file", layer=layer, column=name, allowed=", ".join(names))
        columns[column] = name
    about_persons = personal_names(layer, names)
    usable = [name for name in names if name not in about_persons and name not in empty]
    # Whole names first; then, of a header of two merged rows, the lower one alone.
    for plain in ({name: plain_name(name) for name in usable}, {name: _lower_name(name) for name in usable}):
        for column, known in wanted.items():
            if column in columns or column in left_out:
                continue
            free = {said: name for name, said in reversed(plain.items()) if name not in columns.values()}
            found = next((free[said] for said in map(plain_name, known) if said in free), None)
            if found is not None:
                columns[column] = found
    used = set(columns.values())
    unused = tuple(name for name in names if name not in used)
    return ColumnMap(columns, unused, tuple(name for name in unused if name in about_persons))


def personal_names(layer: str, names: Iterable[str]) -> set[str]:
    """Tell which of a file's columns are about persons.

    Parameters
    ----------
    layer : str
        The layer they are for, one of `gridgeo.schema.LAYERS`.
    names : iterable of str
        The file's columns.

    Returns
    -------
    set of str
        Those that say so by their names, in Chinese or English, and those that the layer keeps only when asked to.
    """
    kept = {plain_name(column.name) for column in LAYERS[layer].columns if column.personal}
    return {name for name in names if PERSONAL.search("".join(name.split())) or plain_name(name) in kept}


def mappable_columns(layer: str) -> tuple[str, ...]:
    """Return what a file's columns can be used for.

    Parameters
    ----------
    layer : str
        One of `gridgeo.schema.LAYERS`.

    Returns
    -------
    tuple of str
        The layer's columns, and ``x``, ``y``, ``wkt`` for the place of a plain table's rows.
    """
    return tuple(_known_names(layer))


def guess_layer(names: Iterable[str], geometry: str | None) -> str:
    """Tell which layer a file most likely is.

    Parameters
    ----------
    names : iterable of str
        The file's columns.
    geometry : {'point', 'line', 'polygon'}, optional
        What its geometries are; none of a plain table.

    Returns
    -------
    str
        The layer of that geometry that recognises the most of its columns, the more usual first.
    """
    names = list(names)
    possible = [
        layer for layer in _USUAL if geometry in LAYERS[layer].geometry or (geometry is None and layer in _TABLES)
    ]
    return max(
        possible, key=lambda layer: len(set(map_columns(layer, names).columns) & set(LAYERS[layer].column_names()))
    )


def read_profile(path: str | Path) -> dict[str, dict[str, str]]:
    """Read a saved mapping.

    Parameters
    ----------
    path : str or Path
        A TOML file: one table a layer, column of the layer = column of the file.

    Returns
    -------
    dict
        Layer → column → column of the file.

    Raises
    ------
    FileError
        If there is no such file, or it is no such profile.
    """
    path = Path(path)
    said: dict[str, dict[str, str]] = parse_source(read_source(path), file=path.name)
    for layer, columns in said.items():
        sound = isinstance(columns, dict) and all(isinstance(name, str) for name in columns.values())
        if layer not in LAYERS or not sound:
            raise refusal(path, "not_a_profile")
    return said


def write_profile(mappings: Mapping[str, ColumnMap], path: str | Path) -> None:
    """Save mappings for the next file of the same make.

    Parameters
    ----------
    mappings : mapping of str to ColumnMap
        By layer.
    path : str or Path
        Where to.

    Raises
    ------
    FileError
        If it cannot be written.
    """
    lines = ["# Which column of the file is which column of the layer."]
    for layer, mapping in mappings.items():
        lines += ["", f"[{layer}]"]
        lines += [f"{column} = {_quoted(name)}" for column, name in mapping.columns.items()]
    try:
        Path(path).write_text("\n".join([*lines, ""]), encoding="utf-8")
    except OSError as error:
        raise FileError("unwritable_file", file=Path(path).name, detail=error.strerror or error) from error


def _known_names(layer: str) -> dict[str, Iterable[str]]:
    """Return for every column of a layer the names that files use for it."""
    if layer not in LAYERS:
        raise InputError("unknown_choice", value=layer, allowed=", ".join(LAYERS))
    known = KNOWN.get(layer, {})
    return {
        **{column: (column, *known.get(column, ())) for column in LAYERS[layer].column_names()},
        **(KNOWN["coordinates"] if LAYERS[layer].geometry else {}),
    }


def _lower_name(name: str) -> str:
    """Return the lower of two names that a merged header has joined; empty for any other name."""
    above, joint, below = name.rpartition("_")
    # Only Chinese ones: names of programs are full of underlines that join nothing.
    return plain_name(below) if joint and above and not below.isascii() else ""


def _quoted(value: str) -> str:
    escaped = "".join(
        f"\\u{ord(letter):04x}" if ord(letter) < 32 or letter in '"\\' or ord(letter) == 127 else letter  # noqa: PLR2004
        for letter in value
    )
    return f'"{escaped}"'
