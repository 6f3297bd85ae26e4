"""One family of errors. Each is a sentence in the user's language that says what is wrong, where, and what to do.

Messages live in ``texts/errors.toml`` under the error's key; an entry's ``remedy`` says what to do about it.
"""

from __future__ import annotations

import errno
import os
import unicodedata
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from gridgeo.texts import column_label, form_label, has_text, layer_label, text

SHOWN_ALIKE = 5
"""How many faults of one kind a list for people words; lists for programs hold them all."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that is wrong with the data, and where.

    Parameters
    ----------
    key : str
        Entry of ``texts/errors.toml`` that words the fault.
    layer, file : str, optional
        Where it is.
    row : int, optional
        Row of the layer, counted from 1 as a table program shows it (without the header).
    column : str, optional
        In which column.
    value : object, optional
        The value that is wrong.
    values : dict, optional
        Further placeholders of the text.
    """

    key: str
    layer: str | None = None
    file: str | None = None
    row: int | None = None
    column: str | None = None
    value: object = None
    values: dict[str, object] = field(default_factory=dict)

    @property
    def column_said(self) -> str | None:
        """The column as people call it: by its name in the file, or what the plan's column is called."""
        if self.column is None:
            return None
        return str(self._placeholders()["column"])

    @property
    def message(self) -> str:
        """The fault as a sentence, in the current language."""
        return text(f"errors.{self.key}", **self._placeholders())

    @property
    def remedy(self) -> str | None:
        """What to do about it, in the current language; None when the message says it all."""
        key = f"errors.{self.key}.remedy"
        return text(key, **self._placeholders()) if has_text(key) else None

    def with_values(self, **values: object) -> Fault:
        """Return the fault with further placeholders of its text.

        Parameters
        ----------
        **values : object
            The placeholders.

        Returns
        -------
        Fault
            A new fault.
        """
        return replace(self, values={**self.values, **values})

    def as_dict(self) -> dict[str, Any]:
        """Return the fault as the contract's JSON object.

        Returns
        -------
        dict
            ``layer``, ``file``, ``row``, ``column``, ``value``, ``message``, ``remedy``.
        """
        value = self.value if isinstance(self.value, (str, int, float, bool, type(None))) else str(self.value)
        return {
            "layer": self.layer,
            "file": self.file,
            "row": self.row,
            "column": self.column,
            "value": value,
            "message": self.message,
            "remedy": self.remedy,
        }

    def _placeholders(self) -> dict[str, object]:
        where = {
            "layer": self.layer,
            "file": self.file,
            "row": self.row,
            "column": self.column,
            "value": form_label(str(self.value)) if self.key == "wrong_geometry" else self.value,
        }
        # What a file lacks it has no name for.
        return _labelled({**where, **self.values}, keep_column=self.file is not None and self.key != "missing_column")


class GridgeoError(Exception):
    """Base of every error gridgeo raises on purpose.

    Parameters
    ----------
    key : str
        Entry of ``texts/errors.toml`` that words the error.
    faults : list of Fault, optional
        The single faults behind it, when there are several.
    **values : object
        Placeholders of the text.
    """

    def __init__(self, key: str, /, *, faults: list[Fault] | None = None, **values: object) -> None:
        self.key = key
        self.values = values
        self.faults = list(faults or [])
        super().__init__(key)

    @property
    def message(self) -> str:
        """What is wrong, in the current language."""
        return text(f"errors.{self.key}", **_labelled(self.values))

    @property
    def remedy(self) -> str | None:
        """What to do about it, in the current language."""
        key = f"errors.{self.key}.remedy"
        return text(key, **_labelled(self.values)) if has_text(key) else None

    def __str__(self) -> str:
        return "\n".join([join_sentences(self.message, self.remedy), *list_faults(self.faults)])

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.key, self.faults, self.values)


_LABELS: Mapping[str, Callable[[object], str]] = MappingProxyType(
    {"layer": layer_label, "target": layer_label, "column": column_label, "into": column_label}
)


_SYSTEM: Mapping[object, str] = MappingProxyType(
    {
        os.strerror(code): errno.errorcode[code]
        for code in (
            errno.ENOENT,
            errno.EEXIST,
            errno.EACCES,
            errno.EPERM,
            errno.EROFS,
            errno.ENOSPC,
            errno.EFBIG,
            errno.EISDIR,
            errno.ENOTDIR,
            errno.ENAMETOOLONG,
        )
    }
)
"""What the system says in its own language → what it means."""


def show_plainly(name: str) -> str:
    """Return a name as it can be put into a sentence: on one line, without marks that move a terminal's cursor.

    Parameters
    ----------
    name : str
        Any text, of a file perhaps.

    Returns
    -------
    str
        The text, each such mark replaced.
    """
    return "".join(mark if mark.isprintable() or unicodedata.category(mark) in _HARMLESS else "\ufffd" for mark in name)


_HARMLESS = ("Zs", "Cf", "Co", "Cn")


def _labelled(values: dict[str, object], *, keep_column: bool = False) -> dict[str, object]:
    """Call layers and columns as people do; ``layer_key``, ``column_key`` and ``into_key`` are what scripts write.

    A column of a file keeps the name it has there.
    """
    said = dict(values)
    for name, label in _LABELS.items():
        if values.get(name) is not None:
            said[f"{name}_key"] = values[name]
            if not (name == "column" and keep_column):
                said[name] = label(values[name])
    if isinstance(wanted := values.get("wanted"), str):
        said["wanted"] = form_label(wanted)
    if (detail := values.get("detail")) in _SYSTEM:
        said["detail"] = text(f"layers.system.{_SYSTEM[detail]}")
    for name in ("file", "value"):
        if isinstance(said.get(name), (str, Path)):
            said[name] = show_plainly(str(said[name]))
    return said


def list_faults(faults: Iterable[Fault]) -> list[str]:
    """Word faults as lines; of many of one kind only the first, and how many more there are.

    Parameters
    ----------
    faults : iterable of Fault
        The faults.

    Returns
    -------
    list of str
        Faults of one layer and kind behind each other, in the current language.
    """
    return list_alike(((fault.file, fault.layer, fault.key), _told(fault)) for fault in faults)


def _told(fault: Fault) -> str:
    """Word a fault with its remedy, and the file before it where the sentence names none."""
    told = join_sentences(fault.message, fault.remedy)
    name = show_plainly(fault.file or "")
    return told if name in told else text("errors.of_file", file=name, told=told)


def list_alike(told: Iterable[tuple[Hashable, str]]) -> list[str]:
    """Make lines of sentences; of many of one kind only the first, and how many more there are.

    Parameters
    ----------
    told : iterable of (kind, sentence)
        What to list.

    Returns
    -------
    list of str
        Sentences of one kind behind each other.
    """
    kinds: dict[Hashable, list[str]] = {}
    for kind, sentence in told:
        kinds.setdefault(kind, []).append(sentence)
    lines = []
    for alike in kinds.values():
        lines += [f"- {sentence}" for sentence in alike[:SHOWN_ALIKE]]
        if len(alike) > SHOWN_ALIKE:
            lines.append(f"- {text('errors.more_alike', count=len(alike) - SHOWN_ALIKE)}")
    return lines


def join_sentences(*sentences: str | None) -> str:
    """Put sentences behind each other as their language does.

    Parameters
    ----------
    *sentences : str or None
        The sentences; None is left out.

    Returns
    -------
    str
        With a space between them, but none behind a Chinese full stop.
    """
    return " ".join(sentence for sentence in sentences if sentence).replace("。 ", "。")


def _rebuild(kind: type[GridgeoError], key: str, faults: list[Fault], values: dict[str, object]) -> GridgeoError:
    return kind(key, faults=faults, **values)


class InputError(GridgeoError, ValueError):
    """A layer or a parameter is not what it must be."""


class CRSError(InputError):
    """Coordinates are not in metres, or in no known system."""


class FileError(GridgeoError, OSError):
    """A file is missing, unreadable, or cannot be written."""


class PlanError(GridgeoError, ValueError):
    """A plan file is broken, incomplete or of a newer gridgeo."""


class MissingDataError(PlanError):
    """A plan lacks a layer that the work needs."""


class NetworkError(InputError):
    """The street network cannot carry the question."""


class PartitionError(InputError):
    """No partition can be made from these blocks."""


class ImportFaults(InputError):  # noqa: N818 - the name others script against
    """Files from outside cannot become a plan; ``faults`` lists every reason, of every file at once."""
