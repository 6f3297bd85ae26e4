"""Every sentence a person reads, in Chinese and English, side by side in the TOML files of this folder.

A key is ``file.entry`` (``errors.missing_file``); an entry holds one sentence per language, with ``{name}``
placeholders. Keeping both languages in one entry makes a missing translation visible at once, and a test refuses it.
"""

from __future__ import annotations

import locale
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, partial
from importlib import resources
from typing import Any

LANGUAGES = ("zh", "en")
"""The languages every text exists in; the first is the language of the users' offices."""

_COUNTED = re.compile(
    r"\{(?P<count>\w+)\} (?P<kind>(?:[a-z-]+ )?)"
    r"(?P<noun>block|building|cell|change|column|digit|edit|fault|file|grid|household|node|pair|part|person|piece|point|"
    r"record|room|row|rule|spot|station|street|text|time|unit|value)s\b"
    r"(?: (?P<verb>are|have|lie|live|name|repeat|run|stay|stop|walk|were)\b)?"
)
"""What English counts: one of it has another form than several, which Chinese does not know."""
_SINGULAR: Mapping[str, str] = {"are": "is", "have": "has", "were": "was"}

_BRACKETS = re.compile(r"(?P<space> ?)(?P<open>[(（])(?P<parts>[^()（）]*\{[^()（）]*)(?P<close>[)）])")
_PLACE = re.compile(r"\{(\w+)[^}]*\}")
_TURNING = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_ISOLATING = re.compile("[\u2066-\u2069]")

# A context variable rather than a module global: the app serves several people, each in their own language.
_language: ContextVar[str | None] = ContextVar("gridgeo_language", default=None)


def text(key: str, lang: str | None = None, /, **values: object) -> str:
    """Return one sentence in the wanted language.

    Parameters
    ----------
    key : str
        ``file.entry``, for example ``"errors.missing_file"``.
    lang : {'zh', 'en'}, optional
        The language; the current one (see `current_language`) when left out.
    **values : object
        What the sentence's placeholders stand for. Where one is None, a part in brackets that says nothing else is left
        out, and a dash stands for it elsewhere.

    Returns
    -------
    str
        The sentence with its placeholders filled.

    Raises
    ------
    KeyError
        If there is no such text, or a placeholder has no value.
    """
    spoken = lang or current_language()
    sentence: str = _entry(key)[spoken]
    if spoken == "en" and "1" in map(str, values.values()):
        sentence = _COUNTED.sub(partial(_count_one, values), sentence)
    if any(value is None for value in values.values()):
        sentence = _BRACKETS.sub(partial(_leave_out, values), sentence)
    return sentence.format(**{name: _inside(value) for name, value in values.items()})


def _inside(value: object) -> object:
    """Give a value as it may stand in a sentence: what turns the direction of writing turns nothing beyond it."""
    if isinstance(value, str) and _TURNING.search(value):
        return f"\u2068{_ISOLATING.sub('', value)}\u2069"
    return "–" if value is None else value


def _leave_out(values: Mapping[str, object], found: re.Match[str]) -> str:
    """Leave out of a bracket what nothing is known of."""
    mark = "，" if "，" in found["parts"] else ", "
    parts = found["parts"].split(mark)
    kept = [part for part in parts if {None} != {values[name] for name in _PLACE.findall(part)}]
    return f"{found['space']}{found['open']}{mark.join(kept)}{found['close']}" if kept else ""


def _count_one(values: Mapping[str, object], found: re.Match[str]) -> str:
    """Put what is counted, and the verb behind it, into the singular where there is one of it."""
    if str(values[found["count"]]) != "1":
        return found[0]
    verb = found["verb"]
    said = "" if verb is None else f" {_SINGULAR.get(verb, f'{verb}s')}"
    return f"{{{found['count']}}} {found['kind']}{found['noun']}{said}"


def has_text(key: str, /) -> bool:
    """Tell whether a text of this key exists.

    Parameters
    ----------
    key : str
        ``file.entry``.

    Returns
    -------
    bool
        True when `text` would find it.
    """
    try:
        _entry(key)
    except KeyError:
        return False
    return True


def layer_label(layer: object) -> str:
    """Return what people call a layer.

    Parameters
    ----------
    layer : object
        Its key, as scripts use it.

    Returns
    -------
    str
        Its name in the current language; the key itself when it is no layer's.
    """
    return _label("layer", layer)


def column_label(column: object) -> str:
    """Return what people call a column of a layer.

    Parameters
    ----------
    column : object
        Its key, as scripts use it.

    Returns
    -------
    str
        Its name in the current language; the key itself when it is no column's.
    """
    return _label("column", column)


def form_label(form: str) -> str:
    """Return what people call a form that a value may have.

    Parameters
    ----------
    form : str
        ``whole_number``, ``number``, ``truth``, or types of geometries with `` / `` between them.

    Returns
    -------
    str
        Its name in the current language; a form that is none of these as it is.
    """
    return " / ".join(_label("form", each) for each in form.split(" / "))


def _label(kind: str, key: object) -> str:
    # Looked up by hand: a key may be any text of a file, dots in it too.
    entry = _load("layers")[kind].get(key) if isinstance(key, str) else None
    return str(key) if entry is None else str(entry[current_language()])


def current_language() -> str:
    """Return the language that texts are given in when none is asked for.

    Returns
    -------
    {'zh', 'en'}
        What `using_language` set, else the environment's ``GRIDGEO_LANG``, else the system's locale.
    """
    chosen = _language.get() or os.environ.get("GRIDGEO_LANG", "")[:2]
    if chosen in LANGUAGES:
        return chosen
    system = os.environ.get("LC_ALL") or os.environ.get("LANG") or locale.getlocale()[0] or ""
    return "zh" if system.lower().startswith(("zh", "chinese")) else "en"


@contextmanager
def using_language(lang: str) -> Iterator[None]:
    """Give texts in one language for the length of a ``with`` block.

    Parameters
    ----------
    lang : {'zh', 'en'}
        The language.

    Yields
    ------
    None
        Nothing; the block runs in that language.

    Raises
    ------
    ValueError
        If gridgeo does not speak that language.
    """
    if lang not in LANGUAGES:
        raise ValueError(f"lang is one of {LANGUAGES}, not {lang!r}")
    token = _language.set(lang)
    try:
        yield
    finally:
        _language.reset(token)


def catalogue(file: str) -> dict[str, Any]:
    """Return all texts of one file of this folder.

    Parameters
    ----------
    file : str
        The file's name without ``.toml``.

    Returns
    -------
    dict
        Entry → language → sentence; an entry may hold further entries (its remedy, say).
    """
    return dict(_load(file))


@cache
def _load(file: str) -> dict[str, Any]:
    source = resources.files(__package__).joinpath(f"{file}.toml")
    if not source.is_file():
        raise KeyError(file)
    return tomllib.loads(source.read_text(encoding="utf-8"))


@cache
def _entry(key: str) -> dict[str, Any]:
    file, *path = key.split(".")
    node: Any = _load(file)
    for name in path:
        node = node[name]
    if not isinstance(node, dict) or not set(LANGUAGES) <= node.keys():
        raise KeyError(key)
    return node
