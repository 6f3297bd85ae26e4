"""What an office sets once: language, looks, what figures rest on, and the map behind the map. One small TOML file."""

from __future__ import annotations

import json
import logging
import math
import os
import sys
import tempfile
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from gridgeo.assessment import DEFAULT_CUTOFFS_M, HOUSEHOLDS_PER_GRID
from gridgeo.errors import FileError, InputError
from gridgeo.maps.basemaps import OFFICE, Basemap, find_basemap, read_template
from gridgeo.network import DEFAULT_MAX_ACCESS_M, PERSONS, Person
from gridgeo.network.persons import find_walker
from gridgeo.shifts import Datum
from gridgeo.texts import LANGUAGES

CONFIG_VARIABLE = "GRIDGEO_CONFIG"
"""Names another folder than the user's own for settings, profiles and plans made in the app."""

THEMES = ("auto", "light", "dark")
BASEMAPS = ("none", "tianditu", "amap", OFFICE)
TILE_DATUMS = ("wgs84", "gcj02")
"""What an office's own tiles may be drawn in."""
MOST_CUTOFF_M = 5000.0
SPEEDS_M_PER_MIN = (10.0, 150.0)
"""The slowest and the fastest walk that can be set."""
ACCESS_M = (20.0, 1000.0)
"""The least and the greatest distance from a street that can be set."""


def usual_speeds() -> dict[str, float]:
    """Return the speeds that hold where an office sets none.

    Returns
    -------
    dict
        Person → metres per minute.
    """
    return {name: person.speed_m_per_min for name, person in PERSONS.items()}


@dataclass(frozen=True)
class Walking:
    """How people walk: what every figure of a page rests on besides its question. Plain values, for caches to compare.

    Parameters
    ----------
    person : str or None
        A name of `gridgeo.network.PERSONS`; None where plain distance is asked.
    speed_m_per_min : float or None
        That person's speed on the level.
    max_access_m : float
        How far a household or station may lie from its street.
    """

    person: str | None = None
    speed_m_per_min: float | None = None
    max_access_m: float = DEFAULT_MAX_ACCESS_M

    @property
    def walker(self) -> Person | None:
        """The person, as `gridgeo.assess_plan` takes it."""
        return None if self.person is None else find_walker(self.person, speed_m_per_min=self.speed_m_per_min)


@dataclass(frozen=True)
class Settings:
    """What is in force where nobody says otherwise.

    Parameters
    ----------
    language : {'auto', 'zh', 'en'}
        The language pages open in; by default the browser's.
    theme : {'auto', 'light', 'dark'}
        Bright or dark pages; by default as the browser asks.
    cutoffs_m : tuple of float
        The walking distances a first look asks for, in metres, the shortest first.
    person : str
        Who walks: ``any`` (plain distance) or a name of `gridgeo.network.PERSONS`.
    speeds_m_per_min : mapping
        Name of a person → walking speed on the level.
    max_access_m : float
        How far a household or station may lie from its street.
    households_per_grid : tuple of float
        The band of households a grid is to hold.
    basemap : {'none', 'tianditu', 'amap', 'office'}
        Tiles from outside behind the plan; none, unless somebody wants them.
    tianditu_key : str
        The office's own key for Tianditu's tiles.
    tile_address : str
        Where the office's own tiles are, with ``{z}``, ``{x}`` and ``{y}``.
    tile_datum : {'wgs84', 'gcj02'}
        What they are drawn in.
    """

    language: str = "auto"
    theme: str = "auto"
    cutoffs_m: tuple[float, ...] = DEFAULT_CUTOFFS_M
    person: str = "any"
    speeds_m_per_min: Mapping[str, float] = field(default_factory=usual_speeds)
    max_access_m: float = DEFAULT_MAX_ACCESS_M
    households_per_grid: tuple[float, float] = HOUSEHOLDS_PER_GRID
    basemap: str = "none"
    tianditu_key: str = ""
    tile_address: str = ""
    tile_datum: Datum = "wgs84"

    def behind(self) -> Basemap | None:
        """Return the base map that is chosen.

        Returns
        -------
        Basemap or None
            For `gridgeo.maps.basemaps.basemap_data`; None where the plan's own streets and buildings are all there is.
        """
        return find_basemap(self.basemap, key=self.tianditu_key, address=self.tile_address, datum=self.tile_datum)

    def walking(self, person: str | None = None) -> Walking:
        """Return how somebody walks under these settings.

        Parameters
        ----------
        person : str, optional
            ``any`` or a person's name; the settings' own when left out.

        Returns
        -------
        Walking
            For `app.state.cache` and `app.state.workspace`.
        """
        name = person or self.person
        if name == "any":
            return Walking(max_access_m=self.max_access_m)
        return Walking(name, self.speeds_m_per_min[name], self.max_access_m)


def config_folder() -> Path:
    """Return the folder that holds what the app keeps between two starts.

    Returns
    -------
    Path
        ``$GRIDGEO_CONFIG``, else the system's place for a user's settings; it may not be there yet.
    """
    given = os.environ.get(CONFIG_VARIABLE)
    if given:
        return Path(given)
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home()) / "gridgeo"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "gridgeo"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "gridgeo"


def read_settings() -> Settings:
    """Return the settings in force.

    Returns
    -------
    Settings
        What the file says; what it does not say, or says in no usable way, is as at first.
    """
    path = _file()
    try:
        found = path.stat()
    except OSError:
        return Settings()
    return _read(path, (found.st_mtime_ns, found.st_size))


def write_settings(settings: Settings) -> None:
    """Keep settings for the next start; the file changes in one step or not at all.

    Parameters
    ----------
    settings : Settings
        The settings.

    Raises
    ------
    FileError
        If the file cannot be written.
    """
    lines = ["# Settings of the gridgeo app; the page of that name writes them."]
    lines += [f"{name} = {toml_value(value)}" for name, value in asdict(settings).items()]
    write_whole(_file(), "\n".join([*lines, ""]))


def write_whole(path: Path, content: str) -> None:
    """Write a small text file in one step.

    Parameters
    ----------
    path : Path
        The file; its folder is made when it is not there.
    content : str
        What it is to hold.

    Raises
    ------
    FileError
        If it cannot be written; what was there stays.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(draft).replace(path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise FileError("unwritable_file", file=path.name, detail=error.strerror or error) from error


def toml_value(value: object) -> str:
    """Write a value as TOML: texts, numbers and lists of them are JSON, but for one character; a mapping is a table.

    Parameters
    ----------
    value : object
        The value.

    Returns
    -------
    str
        What stands behind the equals sign.
    """
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{toml_value(name)} = {toml_value(each)}" for name, each in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _file() -> Path:
    return config_folder() / "settings.toml"


@lru_cache(maxsize=4)
def _read(path: Path, stamp: tuple[int, int]) -> Settings:  # noqa: ARG001 - the stamp is part of the cache's key
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        # An app that will not start over a spoilt settings file helps nobody; the page of settings writes it anew.
        logging.getLogger("gridgeo.app").warning("settings.toml cannot be read; the first settings are in force")
        return Settings()
    known = {name: read(said[name]) for name, read in _READERS.items() if name in said}
    return Settings(**{name: value for name, value in known.items() if value is not None})


def _one_of(allowed: tuple[str, ...]) -> Callable[[object], str | None]:
    return lambda value: value if isinstance(value, str) and value in allowed else None


def _number(value: object, most: float = math.inf) -> float | None:
    sound = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= most
    return float(value) if sound and math.isfinite(value) else None  # type: ignore[arg-type]


def _cutoffs(value: object) -> tuple[float, ...] | None:
    numbers = [_number(each, MOST_CUTOFF_M) for each in value] if isinstance(value, list) else []
    known = sorted({number for number in numbers if number is not None})
    return tuple(known) if known and None not in numbers else None


def _within(value: object, bounds: tuple[float, float]) -> float | None:
    number = _number(value)
    return number if number is not None and bounds[0] <= number <= bounds[1] else None


def _speeds(value: object) -> dict[str, float] | None:
    """Read the speeds; a person that is not named, or not soundly, keeps the usual one."""
    if not isinstance(value, Mapping):
        return None
    said = {name: _within(value.get(name), SPEEDS_M_PER_MIN) for name in PERSONS}
    return {name: said[name] or usual for name, usual in usual_speeds().items()}


def _band(value: object) -> tuple[float, float] | None:
    numbers = [_number(each) for each in value] if isinstance(value, list) else []
    low, high = numbers if len(numbers) == 2 else (None, None)  # noqa: PLR2004 - a band has two ends
    return (low, high) if low is not None and high is not None and low <= high else None


def _template(value: object) -> str | None:
    try:
        return read_template(value) if isinstance(value, str) else None
    except InputError:
        return None


_READERS: Mapping[str, Callable[[object], Any]] = {
    "language": _one_of(("auto", *LANGUAGES)),
    "theme": _one_of(THEMES),
    "cutoffs_m": _cutoffs,
    "person": _one_of(("any", *PERSONS)),
    "speeds_m_per_min": _speeds,
    "max_access_m": lambda value: _within(value, ACCESS_M),
    "households_per_grid": _band,
    "basemap": _one_of(BASEMAPS),
    "tianditu_key": lambda value: value if isinstance(value, str) and value.isalnum() else None,
    "tile_address": _template,
    "tile_datum": _one_of(TILE_DATUMS),
}
