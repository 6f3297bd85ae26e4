"""The forms that values of a programme file take: a radius with its unit, a number with its bounds, a share, …."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from gridgeo.network.persons import PERSONS
from gridgeo.plan import Name
from gridgeo.programmes.model import Bound, Post, Radius, Selector
from gridgeo.schema import GRID_KINDS, LAYERS, TIMES
from gridgeo.texts import text

ABOUT = 0.1
"""How far "about 100" reaches to either side: a tenth."""

SELECTED = ("level", "station", "service", "people", "need", "enterprise", "landuse", "zoning")
"""What a selector may choose."""

_WHERE = {"level": ("grid_kind",), "station": ("at",), "people": ("time",), "need": ("status",)}
_UNITS = {"m": "m", "米": "m", "公尺": "m", "km": "km", "公里": "km", "min": "min", "分钟": "min", "分": "min"}
_NUMBER = r"\d+(?:\.\d+)?"


@dataclass(frozen=True)
class Declared:
    """What a programme declares, so that values can be checked against it.

    Parameters
    ----------
    level, station, service : tuple of str
        The keys declared.
    """

    level: tuple[str, ...] = ()
    station: tuple[str, ...] = ()
    service: tuple[str, ...] = ()


@dataclass
class BadValueError(Exception):
    """A value is not what it must be; becomes a fault of the file.

    Parameters
    ----------
    key : str
        Entry of ``texts/errors.toml``.
    value : object
        The value.
    values : dict
        Further placeholders.
    """

    key: str
    value: object
    values: dict[str, object] = field(default_factory=dict)


def read_name(value: object) -> Name:
    """Read a name in both languages; one text stands for both.

    Parameters
    ----------
    value : object
        ``{ zh = "…", en = "…" }``, or a text.

    Returns
    -------
    Name
        The name.

    Raises
    ------
    BadValueError
        If it is neither.
    """
    if isinstance(value, str) and value.strip():
        return Name(value, value)
    if isinstance(value, dict) and value.keys() == {"zh", "en"} and all(_said(each) for each in value.values()):
        return Name(value["zh"], value["en"])
    raise _not("name", value)


def read_value(form: str, value: object, declared: Declared) -> Any:  # noqa: ANN401 - of the form's own type
    """Read a value of a form.

    Parameters
    ----------
    form : str
        One of `FORMS`.
    value : object
        What the file holds.
    declared : Declared
        What the programme declares.

    Returns
    -------
    object
        The value in the form's own type.

    Raises
    ------
    BadValueError
        If it is not of the form.
    """
    return FORMS[form](value, declared)


def _text(value: object, _: Declared) -> str:
    if isinstance(value, str) and _said(value):
        return value.strip()
    raise _not("text", value)


def _texts(value: object, declared: Declared) -> tuple[str, ...]:
    if isinstance(value, list) and value:
        return tuple(_text(each, declared) for each in value)
    raise _not("texts", value)


def _radius(value: object, _: Declared) -> Radius:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise BadValueError("programme_no_unit", value)
    if not isinstance(value, str):
        raise _not("radius", value)
    found = re.fullmatch(rf"\s*({_NUMBER})\s*(\D*?)\s*", value)
    if found and not found[2]:
        raise BadValueError("programme_no_unit", value)
    if found is None or found[2] not in _UNITS or not 0 < float(found[1]) < math.inf:
        raise _not("radius", value)
    unit = _UNITS[found[2]]
    return Radius(float(found[1]), "min") if unit == "min" else Radius(float(found[1]) * (1000 if unit == "km" else 1))


def _bound(value: object, _: Declared) -> Bound:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return Bound(value, value)
    if isinstance(value, str):
        said = value.replace(",", "").strip()
        for pattern, make in _BOUNDS.items():
            found = re.fullmatch(pattern, said)
            if found:
                bound = make(*(float(number) for number in found.groups()))
                if bound.low <= bound.high:
                    return bound
    raise _not("bound", value)


_BOUNDS: Mapping[str, Callable[..., Bound]] = {
    rf"({_NUMBER})": lambda number: Bound(number, number),
    rf"({_NUMBER})\s*\+": lambda low: Bound(low, math.inf),
    rf"<=\s*({_NUMBER})": lambda high: Bound(0.0, high),
    rf"({_NUMBER})\s*[-–~至]\s*({_NUMBER})": Bound,
    rf"[~约]\s*({_NUMBER})": lambda about: Bound(about * (1 - ABOUT), about * (1 + ABOUT), about),
}


def _share(value: object, _: Declared) -> float:
    if isinstance(value, str):
        found = re.fullmatch(rf"\s*({_NUMBER})\s*[%％]\s*", value)
        number = float(found[1]) / 100 if found else math.nan
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        number = float(value)
    else:
        number = math.nan
    if 0 <= number <= 1:
        return number
    raise _not("share", value)


def _month(value: object, _: Declared) -> str:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", value):
        return value
    raise _not("month", value)


def _flag(value: object, _: Declared) -> bool:
    if isinstance(value, bool):
        return value
    raise _not("flag", value)


def _count(value: object, _: Declared) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    raise _not("count", value)


def _one_of(name: str, allowed: Iterable[str]) -> Callable[[object, Declared], str]:
    names = tuple(allowed)

    def read(value: object, _: Declared) -> str:
        if isinstance(value, str) and value in names:
            return value
        raise _unknown(name, value, names)

    return read


def _declared(what: str) -> Callable[[object, Declared], str]:
    def read(value: object, declared: Declared) -> str:
        known: tuple[str, ...] = getattr(declared, what)
        if isinstance(value, str) and value in known:
            return value
        raise _unknown(what, value, known)

    return read


def _several(read: Callable[[object, Declared], str]) -> Callable[[object, Declared], tuple[str, ...]]:
    def read_all(value: object, declared: Declared) -> tuple[str, ...]:
        if not isinstance(value, list) or not value:
            raise _not("texts", value)
        return tuple(read(each, declared) for each in value)

    return read_all


def _selector(value: object, declared: Declared) -> Selector:
    if not isinstance(value, dict):
        raise _not("selector", value)
    chosen = [name for name in SELECTED if name in value]
    if len(chosen) != 1:
        raise _not("selector", value)
    layer, key = chosen[0], value[chosen[0]]
    filters = _WHERE.get(layer, ())
    known = (layer, "distinct", *(("among",) if "distinct" in value else ()), *filters)
    strange = [name for name in value if name not in known]
    if strange:
        raise _unknown("key", strange[0], known)
    if key != "*":
        _declared(layer)(key, declared) if layer in ("level", "station", "service") else _text(key, declared)
    where = {name: _text(value[name], declared) for name in filters if name in value}
    for name, allowed in (("grid_kind", GRID_KINDS), ("time", TIMES), ("status", ("open", "met"))):
        if name in where:
            _one_of(name, allowed)(where[name], declared)
    if "at" in where:
        _declared("level")(where["at"], declared)
    distinct = _text(value["distinct"], declared) if "distinct" in value else None
    among = _texts(value["among"], declared) if "among" in value else ()
    return Selector(layer, str(key), MappingProxyType(where), distinct, among)


def _of_layers(form: str, layers: tuple[str, ...]) -> Callable[[object, Declared], Selector]:
    """Read a selector that may choose only some things: one walks to a station, not to a zoning."""

    def read(value: object, declared: Declared) -> Selector:
        selector = _selector(value, declared)
        if selector.layer not in layers:
            raise _not(form, value)
        return selector

    return read


def _per(value: object, declared: Declared) -> Selector:
    if isinstance(value, str):
        return Selector("level", _declared("level")(value, declared))
    selector = _selector(value, declared)
    if selector.layer != "station":
        raise _not("per", value)
    return selector


def _posts(value: object, declared: Declared) -> tuple[Post, ...]:
    if not isinstance(value, list) or not value:
        raise _not("posts", value)
    posts = []
    for each in value:
        if not isinstance(each, dict) or "number" not in each or not {"role", "time"} & set(each):
            raise _not("posts", each)
        strange = [name for name in each if name not in ("number", "role", "time")]
        if strange:
            raise _unknown("key", strange[0], ("number", "role", "time"))
        role = _text(each["role"], declared) if "role" in each else None
        time = _one_of("time", TIMES)(each["time"], declared) if "time" in each else None
        posts.append(Post(_bound(each["number"], declared), role, time))
    return tuple(posts)


def _zoning(value: object, declared: Declared) -> str:
    name = _text(value, declared)
    if name.startswith("level:"):
        _declared("level")(name.removeprefix("level:"), declared)
    return name


def _said(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and value.isprintable()


def _not(form: str, value: object) -> BadValueError:
    return BadValueError("programme_wrong_form", _short(value), {"wanted": text(f"programmes.form.{form}")})


def _unknown(what: str, value: object, allowed: Iterable[str]) -> BadValueError:
    known = ", ".join(allowed) or "–"
    said: dict[str, object] = {"what": text(f"programmes.what.{what}"), "allowed": known}
    return BadValueError("programme_unknown", _short(value), said)


def _short(value: object) -> str:
    said = str(value)
    return said if len(said) <= 80 else f"{said[:80]}…"  # noqa: PLR2004 - what fits a sentence


FORMS: Mapping[str, Callable[[object, Declared], Any]] = MappingProxyType(
    {
        "text": _text,
        "texts": _texts,
        "radius": _radius,
        "bound": _bound,
        "share": _share,
        "month": _month,
        "flag": _flag,
        "count": _count,
        "selector": _selector,
        "provider": _of_layers("provider", ("station", "service", "people")),
        "stations_of": _of_layers("stations_of", ("station", "service")),
        "per": _per,
        "posts": _posts,
        "zoning": _zoning,
        "level": _declared("level"),
        "station": _declared("station"),
        "stations": _several(_declared("station")),
        "services": _several(_declared("service")),
        "walk": _one_of("walk", ("walking", "straight")),
        "person": _one_of("person", PERSONS),
        "grid_kind": _one_of("grid_kind", GRID_KINDS),
        "grid_kinds": _several(_one_of("grid_kind", GRID_KINDS)),
        "street_rank": _one_of("street_rank", ("main", "great")),
        "spaced": _one_of("spaced", ("households", "streets")),
        "visited": _one_of("visited", ("households", "enterprises")),
        "layers": _several(_one_of("layer", LAYERS)),
    }
)
"""Form → how it is read."""
