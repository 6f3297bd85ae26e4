"""What a programme is: levels, kinds of stations, services, and the rules it must meet. All of it data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from gridgeo.network.persons import PERSONS
from gridgeo.plan import Name
from gridgeo.texts import has_text, text

GRID_LEVEL = "grid"
"""The level that blocks are joined to: the last of a plan, whatever people call it. What is below divides no ground."""


@dataclass(frozen=True)
class Radius:
    """How far a station serves (服务半径): metres or minutes, in a straight line or on foot.

    Parameters
    ----------
    value : float
        How far.
    unit : {'m', 'min'}
        Metres, or minutes of a person's walk.
    walk : {'walking', 'straight'}
        Along streets, or as a circle on paper.
    person : str, optional
        Who walks, one of `gridgeo.network.persons.PERSONS`; an adult where minutes are given and nobody is named.
    """

    value: float
    unit: Literal["m", "min"] = "m"
    walk: Literal["walking", "straight"] = "walking"
    person: str | None = None

    @property
    def walker(self) -> str | None:
        """Who walks: the person named; for minutes an adult where nobody is named."""
        return self.person or ("adult" if self.unit == "min" else None)

    @property
    def metres(self) -> float:
        """What the person walks on the level in the time; the radius itself in metres."""
        return self.value * PERSONS[self.walker].speed_m_per_min if self.unit == "min" and self.walker else self.value

    def __str__(self) -> str:
        said = text(f"programmes.radius.{self.walk}_{self.unit}", value=f"{self.value:g}")
        return said if self.walker is None else f"{said} ({worded('person', self.walker)})"


@dataclass(frozen=True)
class Bound:
    """How many of something there must be.

    Parameters
    ----------
    low, high : float
        At least and at most, inclusive; inf where there is no upper end.
    about : float, optional
        The round number that the bound stands for ("about 100").
    """

    low: float
    high: float
    about: float | None = None

    def holds(self, number: float) -> bool:
        """Tell whether a number is within the bound.

        Parameters
        ----------
        number : float
            The number.

        Returns
        -------
        bool
            True from `low` to `high`, both inclusive.
        """
        return self.low <= number <= self.high

    def __str__(self) -> str:
        low, high = f"{self.low:,.12g}", f"{self.high:,.12g}"
        if self.about is not None:
            return f"≈ {self.about:,.12g} ({low}–{high})"
        if self.low == self.high:
            return f"= {low}"
        if self.high == float("inf"):
            return f"≥ {low}"
        return f"≤ {high}" if self.low == 0 else f"{low}–{high}"


@dataclass(frozen=True)
class Selector:
    """Which things of a plan a rule is about.

    Parameters
    ----------
    layer : {'level', 'station', 'service', 'people', 'need', 'enterprise', 'landuse', 'zoning'}
        What they are.
    key : str
        Which of them: a level, a kind of station, a service, a role, a kind of need, …; ``*`` for all.
    where : mapping
        What else must hold: ``grid_kind``, ``at`` (a station's level), ``time``, ``status``.
    distinct : str, optional
        Count the different entries of this column instead of rows.
    among : tuple of str
        The only entries that count then; any when empty.
    """

    layer: str
    key: str
    where: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    distinct: str | None = None
    among: tuple[str, ...] = ()


@dataclass(frozen=True)
class Post:
    """One line of a staffing rule.

    Parameters
    ----------
    number : Bound
        How many people.
    role, time : str, optional
        Of which role, working how (``full``, ``seconded``, ``part``); any when left out.
    """

    number: Bound
    role: str | None = None
    time: str | None = None


@dataclass(frozen=True)
class ProgrammeLevel:
    """One level of a programme.

    Parameters
    ----------
    level : str
        Its key, the same as in the plan; the grid's is ``grid``.
    name : Name
        What people call it.
    within : str, optional
        The level above; None for the highest.
    role, station : str, optional
        What makes up a level that divides no ground: people of a role (党员中心户), a kind of station (楼栋党小组).
    """

    level: str
    name: Name
    within: str | None = None
    role: str | None = None
    station: str | None = None


@dataclass(frozen=True)
class StationKind:
    """One kind of station.

    Parameters
    ----------
    station : str
        Its key: the value of ``stations.station_kind``.
    name : Name
        What people call it.
    level : str, optional
        The level it belongs to.
    radius : Radius, optional
        How far it serves.
    services : tuple of str
        What it offers.
    assumed : tuple of str
        Which of these values the programme does not state: an office puts its own in their place.
    """

    station: str
    name: Name
    level: str | None = None
    radius: Radius | None = None
    services: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Service:
    """One service.

    Parameters
    ----------
    service : str
        Its key: an entry of ``stations.services``.
    name : Name
        What people call it.
    groups : tuple of str
        Whom it is for: columns of ``households``.
    """

    service: str
    name: Name
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rule:
    """One rule: what must hold, in words and as values.

    Parameters
    ----------
    rule : str
        Its key.
    kind : str
        One of `gridgeo.programmes.kinds.KINDS`.
    name : Name
        What it says.
    basis : str
        The programme's own words for it, or the standard it comes from (口径).
    asks : mapping
        The kind's values, parsed: see `gridgeo.programmes.kinds`.
    assumed : tuple of str
        Which of these values the programme does not state.
    """

    rule: str
    kind: str
    name: Name
    basis: str = ""
    asks: Mapping[str, Any] = field(default_factory=dict)
    assumed: tuple[str, ...] = ()

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 - values are of the kind's own types
        return self.asks[key]


@dataclass(frozen=True)
class Programme:
    """A programme as data. Read one with `gridgeo.programmes.read_programme`.

    Parameters
    ----------
    name : str
        Its key.
    title, place, about : Name
        What it is called, whose it is, and what it is about.
    levels : tuple of ProgrammeLevel
        The highest first.
    stations, services : tuple
        The kinds of stations and the services.
    households : Bound
        How many households a general grid holds.
    grid_kinds : tuple of str
        The kinds of grids it knows.
    rules : tuple of Rule
        The rules, in their order.
    example : mapping
        What its worked example is made of, see `gridgeo.programme_run.build_example`.
    source : str
        The TOML text it was read from.
    """

    name: str
    title: Name
    place: Name
    about: Name
    levels: tuple[ProgrammeLevel, ...]
    stations: tuple[StationKind, ...]
    services: tuple[Service, ...]
    households: Bound
    grid_kinds: tuple[str, ...]
    rules: tuple[Rule, ...]
    example: Mapping[str, Any]
    source: str

    def station_kind(self, station: str) -> StationKind | None:
        """Return a kind of station.

        Parameters
        ----------
        station : str
            Its key.

        Returns
        -------
        StationKind or None
            None where the programme has no such kind.
        """
        return next((each for each in self.stations if each.station == station), None)

    def assumptions(self, rule: Rule) -> tuple[tuple[str, object], ...]:
        """Return the numbers behind a rule that the programme does not state itself.

        Parameters
        ----------
        rule : Rule
            The rule.

        Returns
        -------
        tuple of (str, object)
            What each is called in the file, and its value; of the kind of station where the rule has no radius itself.
        """
        own = [(name, rule[name]) for name in rule.assumed]
        about = rule.asks.get("to")
        kind = self.station_kind(about.key) if isinstance(about, Selector) and about.layer == "station" else None
        if kind is not None and "radius" in kind.assumed and "radius" in rule.asks and rule["radius"] is None:
            own.append(("radius", kind.radius))
        if rule.kind == "blank":
            asked = [each for each in self.stations if each.station in (rule["stations"] or [each.station])]
            own += [("radius", each.radius) for each in asked if "radius" in each.assumed]
        # Where a band has no number of its own, it is that of the programme's grids.
        return tuple((name, self.households if value is None else value) for name, value in own)

    def name_of(self, selector: Selector) -> Name:
        """Return what people call what a selector chooses.

        Parameters
        ----------
        selector : Selector
            The selector.

        Returns
        -------
        Name
            The programme's own name for it, else its key.
        """
        named: dict[tuple[str, str], Name] = {("people", each.role): each.name for each in self.levels if each.role}
        named |= {("level", each.level): each.name for each in self.levels}
        named |= {("station", each.station): each.name for each in self.stations}
        named |= {("service", each.service): each.name for each in self.services}
        if selector.key == "*":
            name = both(f"all.{selector.layer}")
        else:
            name = named.get((selector.layer, selector.key)) or worded("role", selector.key)
        for column, value in selector.where.items():
            more = named.get(("level", value)) if column == "at" else worded(column, value)
            name = name if more is None else Name(f"{name.zh}（{more.zh}）", f"{name.en} ({more.en})")
        return name


def both(key: str, **values: object) -> Name:
    """Give one text of ``texts/programmes.toml`` in both languages.

    Parameters
    ----------
    key : str
        Its entry.
    **values : object
        Its placeholders.

    Returns
    -------
    Name
        Both wordings.
    """

    def word(lang: str) -> str:
        said = {name: getattr(value, lang) if isinstance(value, Name) else value for name, value in values.items()}
        return text(f"programmes.{key}", lang, **said)

    return Name(word("zh"), word("en"))


def worded(kind: str, code: str) -> Name:
    """Word a code that gridgeo knows a word for.

    Parameters
    ----------
    kind : str
        What it is a code of: ``role``, ``group``, ``layer``, ….
    code : str
        The code.

    Returns
    -------
    Name
        Its wording; the code itself where there is none.
    """
    return both(f"{kind}.{code}") if has_text(f"programmes.{kind}.{code}") else Name(code, code)


def join_names(names: Iterable[Name]) -> Name:
    """Put names behind each other.

    Parameters
    ----------
    names : iterable of Name
        The names.

    Returns
    -------
    Name
        All of them in both languages; a dash for none.
    """
    every = list(names)
    return Name("、".join(each.zh for each in every) or "–", ", ".join(each.en for each in every) or "–")
