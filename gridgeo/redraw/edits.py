"""The vocabulary of edits: every change a person can ask for, as a small record of a kind and its values.

The same records come from Python, from a TOML file, from the command line and from the app.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import Any, Literal
from unicodedata import category

import shapely

from gridgeo.errors import InputError
from gridgeo.network.hours import is_open_at
from gridgeo.schema import BARRIER_KINDS, GRID_KINDS, STREET_CLASSES
from gridgeo.texts import text

ValueKind = Literal["id", "ids", "text", "hours", "number", "count", "flag", "point", "line", "shape"]


@dataclass(frozen=True)
class Slot:
    """One value of an edit.

    Parameters
    ----------
    name : str
        Its name.
    kind : str
        What it holds: ``id`` or ``text``, ``ids`` (several), ``hours`` (as OSM writes opening hours), ``number``,
        ``count`` (a whole number from zero), ``flag``, ``point`` ([x, y] in the plan's metres), ``line`` (a list of
        points), ``shape`` (the same; a polygon when the last point is the first).
    required : bool
        Whether the edit cannot do without.
    allowed : tuple of str
        The only values; empty for any.
    """

    name: str
    kind: ValueKind
    required: bool = False
    allowed: tuple[str, ...] = ()


def _need(name: str, kind: ValueKind, allowed: tuple[str, ...] = ()) -> Slot:
    return Slot(name, kind, required=True, allowed=allowed)


_STATION = (
    Slot("name", "text"),
    Slot("station_kind", "text"),
    Slot("level", "text"),
    Slot("services", "text"),
    Slot("capacity", "number"),
    Slot("service_radius_m", "number"),
    Slot("hours", "hours"),
)
_MOST_TEXT, _MOST_POINTS, _MOST_PEOPLE, _FARTHEST_M, _MOST_SHOWN = 1000, 10_000, 10**9, 1e8, 80
# Marks that make what follows be shown from right to left. Names may hold them, as pages and files show them apart from
# the words around them; a line of the terminal cannot.
_TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_PEOPLE = tuple(Slot(name, "count") for name in ("elderly", "children", "disabled", "low_income"))

VOCABULARY: MappingProxyType[str, tuple[Slot, ...]] = MappingProxyType(
    {
        "move_blocks": (_need("blocks", "ids"), _need("to", "id")),
        "split_grid": (_need("grid", "id"), Slot("street", "text"), Slot("line", "line"), Slot("new", "id")),
        "merge_grids": (_need("grids", "ids"), Slot("into", "id")),
        "new_grid": (_need("blocks", "ids"), Slot("grid", "id"), Slot("name", "text"), Slot("code", "text")),
        "set_grid_kind": (_need("grid", "id"), _need("grid_kind", "text", GRID_KINDS)),
        "lock_grid": (_need("grid", "id"), Slot("locked", "flag")),
        "rename_grid": (_need("grid", "id"), _need("name", "text")),
        "staff_grid": (_need("grid", "id"), Slot("staff", "text")),
        "renumber_grids": (Slot("grids", "ids"), Slot("code", "text")),
        "rebalance_grids": (_need("grids", "ids"), Slot("low", "number"), Slot("high", "number")),
        "add_station": (_need("station", "id"), _need("at", "point"), *_STATION),
        "move_station": (_need("station", "id"), _need("at", "point")),
        "remove_station": (_need("station", "id"),),
        "open_station": (_need("station", "id"),),
        "close_station": (_need("station", "id"),),
        "set_station": (_need("station", "id"), *_STATION),
        "open_gate": (_need("gate", "id"), Slot("hours", "hours")),
        "close_gate": (_need("gate", "id"),),
        "add_street": (
            _need("street", "id"),
            _need("line", "line"),
            Slot("street_class", "text", allowed=STREET_CLASSES),
            Slot("name", "text"),
            Slot("bridge", "flag"),
            Slot("tunnel", "flag"),
        ),
        "close_street": (_need("street", "id"),),
        "open_street": (_need("street", "id"),),
        "add_barrier": (
            _need("barrier", "id"),
            _need("line", "shape"),
            _need("barrier_kind", "text", BARRIER_KINDS),
            Slot("name", "text"),
        ),
        "remove_barrier": (_need("barrier", "id"),),
        "set_households": (
            _need("household", "id"),
            Slot("households", "count"),
            Slot("persons", "number"),
            *_PEOPLE,
        ),
    }
)
"""Every kind of edit and the values it takes. docs/edits.md says what each does."""


@dataclass(frozen=True)
class Edit:
    """One change asked for. Make one with `make_edit`.

    Parameters
    ----------
    kind : str
        One of `VOCABULARY`.
    values : tuple of (str, object)
        Its values in the vocabulary's order; numbers, text, flags, and tuples of them.
    """

    kind: str
    values: tuple[tuple[str, Any], ...]

    def get(self, name: str) -> Any:  # noqa: ANN401 (a value of the vocabulary)
        """Return one value.

        Parameters
        ----------
        name : str
            Its name.

        Returns
        -------
        object
            The value; None when the edit does not give it.
        """
        return dict(self.values).get(name)

    def as_dict(self) -> dict[str, Any]:
        """Return the edit as it stands in a file.

        Returns
        -------
        dict
            ``kind`` and the values, with lists for tuples.
        """
        return {"kind": self.kind, **{name: _listed(value) for name, value in self.values}}

    def as_json(self) -> str:
        """Return the edit as one line of JSON, always the same for the same edit.

        Returns
        -------
        str
            JSON.
        """
        return json.dumps(self.as_dict(), ensure_ascii=False, separators=(",", ":"))

    def __str__(self) -> str:
        return describe_edit(self)


def make_edit(kind: str, values: Mapping[str, object] | None = None, /, **more: object) -> Edit:
    """Make an edit, its form checked.

    Parameters
    ----------
    kind : str
        One of `VOCABULARY`.
    values : mapping, optional
        Its values by name.
    **more : object
        Further values by name.

    Returns
    -------
    Edit
        The edit. Whether what it names exists is only known with a plan: see `gridgeo.redraw.try_edit`.

    Raises
    ------
    InputError
        If there is no such kind, a value is missing, unknown, or not of its kind.

    Examples
    --------
    >>> make_edit("move_blocks", blocks=["B1", "B2"], to="G7").as_dict()
    {'kind': 'move_blocks', 'blocks': ['B1', 'B2'], 'to': 'G7'}
    """
    if kind not in VOCABULARY:
        raise InputError("edit_unknown_kind", value=_shown_raw(kind), allowed=", ".join(VOCABULARY))
    given = {**(values or {}), **more}
    slots = VOCABULARY[kind]
    unknown = [name for name in given if name not in {slot.name for slot in slots}]
    if unknown:
        allowed = ", ".join(slot.name for slot in slots)
        raise InputError("edit_unknown_value", kind=kind, name=_shown_raw(unknown[0]), allowed=allowed)
    done = []
    for slot in slots:
        value = given.get(slot.name)
        if value is not None:
            done.append((slot.name, _read(kind, slot, value)))
        elif slot.required:
            raise InputError("edit_missing_value", kind=kind, name=slot.name)
    return Edit(kind, tuple(done))


def read_edit(said: object) -> Edit:
    """Make an edit from what stands in a file.

    Parameters
    ----------
    said : object
        A table with ``kind`` and the values; ``why``, a remark for people, is passed over.

    Returns
    -------
    Edit
        The edit.

    Raises
    ------
    InputError
        If it is no table, has no kind, or its form is wrong.
    """
    if not isinstance(said, Mapping) or not isinstance(said.get("kind"), str):
        raise InputError("edit_without_kind", allowed=", ".join(VOCABULARY))
    return make_edit(said["kind"], {name: value for name, value in said.items() if name not in ("kind", "why")})


def recall_edit(said: Mapping[str, Any]) -> Edit:
    """Make an edit of what an earlier one said of itself, without asking again whether its values are in order.

    Parameters
    ----------
    said : mapping
        What `Edit.as_dict` gave, of this gridgeo or an older one.

    Returns
    -------
    Edit
        The edit.

    Raises
    ------
    InputError
        If there is no such kind.
    """
    kind = str(said.get("kind"))
    if kind not in VOCABULARY:
        raise InputError("edit_unknown_kind", value=_shown_raw(kind), allowed=", ".join(VOCABULARY))
    return Edit(kind, tuple((name, _tupled(value)) for name, value in said.items() if name != "kind"))


def describe_edit(edit: Edit) -> str:
    """Say in a sentence what an edit does.

    Parameters
    ----------
    edit : Edit
        The edit.

    Returns
    -------
    str
        The sentence, in the current language.
    """
    values = {slot.name: edit.get(slot.name) for slot in VOCABULARY[edit.kind]}
    shown = {name: None if value is None else _shown(value) for name, value in values.items()}
    return text(f"edits.{edit.kind}", **shown)


def _read(kind: str, slot: Slot, value: object) -> Any:  # noqa: ANN401 (a value of the vocabulary)
    done = _READERS[slot.kind](value)
    if done is None:
        wanted = text(f"edits.value_{slot.kind}")
        raise InputError("edit_wrong_value", kind=kind, name=slot.name, value=_shown_raw(value), wanted=wanted)
    if slot.allowed and done not in slot.allowed:
        raise InputError("edit_wrong_value", kind=kind, name=slot.name, value=done, wanted=" / ".join(slot.allowed))
    return done


def is_plain(value: str, *, turning: bool = True) -> bool:
    """Tell whether text is fit for names: no control characters, not too long.

    Parameters
    ----------
    value : str
        The text.
    turning : bool
        Whether marks are allowed that turn the direction of writing.

    Returns
    -------
    bool
        Whether it is.
    """
    return len(value) <= _MOST_TEXT and not any(
        category(each) in ("Cc", "Cs", "Zl", "Zp") or (each in _TURNING and not turning) for each in value
    )


def _text(value: object) -> str | None:
    return (value.strip() or None) if isinstance(value, str) and is_plain(value.strip()) else None


def _hours(value: object) -> str | None:
    hours = _text(value)
    try:
        return None if hours is None or not isinstance(is_open_at(hours, 0), bool) else hours
    except ValueError:
        return None


def _texts(value: object) -> tuple[str, ...] | None:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, Iterable):
        return None
    read = [_text(item) for item in items]
    known = tuple(dict.fromkeys(item for item in read if item is not None))
    return known if known and None not in read else None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _amount(value: object) -> float | None:
    number = _number(value)
    return None if number is None or number < 0 else number


def _count(value: object) -> int | None:
    number = _amount(value)
    return None if number is None or number > _MOST_PEOPLE or number != int(number) else int(number)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        return None
    try:
        number = float(value)
    except (OverflowError, TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _point(value: object) -> tuple[float, float] | None:
    if isinstance(value, shapely.Point) and not value.is_empty:
        value = (value.x, value.y)
    if isinstance(value, str) or not isinstance(value, Iterable):
        return None
    numbers = [_number(each) for each in value]
    if len(numbers) != 2 or numbers[0] is None or numbers[1] is None:  # noqa: PLR2004 (x and y)
        return None
    return (numbers[0], numbers[1]) if max(abs(numbers[0]), abs(numbers[1])) <= _FARTHEST_M else None


def _points(value: object) -> tuple[tuple[float, float], ...] | None:
    if isinstance(value, shapely.LineString):
        value = list(value.coords)
    elif isinstance(value, shapely.Polygon):
        value = list(value.exterior.coords)
    if isinstance(value, str) or not isinstance(value, Iterable):
        return None
    value = list(islice(value, _MOST_POINTS + 1))
    if len(value) > _MOST_POINTS:
        return None
    points = [_point(each) for each in value]
    known = [point for point in points if point is not None]
    if len(known) != len(points) or len(set(known)) < 2:  # noqa: PLR2004 (a line has two ends)
        return None
    return tuple(known)


_READERS: MappingProxyType[str, Callable[[object], Any]] = MappingProxyType(
    {
        "id": _text,
        "text": _text,
        "hours": _hours,
        "ids": _texts,
        "number": _amount,
        "count": _count,
        "flag": _flag,
        "point": _point,
        "line": _points,
        "shape": _points,
    }
)


def _listed(value: object) -> Any:  # noqa: ANN401 (JSON)
    return [_listed(each) for each in value] if isinstance(value, tuple) else value


def _tupled(value: object) -> Any:  # noqa: ANN401 (a value of the vocabulary)
    return tuple(_tupled(each) for each in value) if isinstance(value, list) else value


def _shown_raw(value: object) -> str:
    """Show what may be anything in a sentence: on one line, and not at length."""
    try:
        said = _shown(value)
    except ValueError:  # Python refuses to write out a whole number of thousands of digits
        said = type(value).__name__
    said = "".join(each if is_plain(each, turning=False) else "\ufffd" for each in said[: _MOST_SHOWN + 1])
    return said if len(said) <= _MOST_SHOWN else f"{said[:_MOST_SHOWN]}…"


def _shown(value: object) -> str:
    if value is None:
        return text("edits.nothing")
    if isinstance(value, bool):
        return text("edits.yes" if value else "edits.no")
    if isinstance(value, tuple) and value and isinstance(value[0], tuple):
        return text("edits.points", count=len(value))
    if isinstance(value, (tuple, list)):
        return ", ".join(f"{each:.1f}" if isinstance(each, float) else str(each) for each in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
