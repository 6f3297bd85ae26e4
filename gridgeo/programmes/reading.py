"""Programmes as TOML files: those that gridgeo ships, and those an office has copied and changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from gridgeo.errors import Fault, InputError
from gridgeo.plan import Name
from gridgeo.programmes.kinds import KINDS, Slot
from gridgeo.programmes.model import Bound, Programme, ProgrammeLevel, Radius, Rule, Service, StationKind
from gridgeo.programmes.values import BadValueError, Declared, read_name, read_value
from gridgeo.schema import GRID_KINDS
from gridgeo.texts import text
from gridgeo.toml_file import parse_source, read_source

PROGRAMMES = ("gutang", "tinghu", "dafeng", "nanwan", "tashan")
"""The programmes that come with gridgeo."""

_MOST_BYTES = 1_000_000
_TOP = ("name", "title", "place", "about", "grids", "level", "station", "service", "rule", "example")
_LEVEL = (Slot("level", "text", required=True), *(Slot(name, "text") for name in ("within", "role", "station")))
_STATION = (
    Slot("station", "text", required=True),
    Slot("level", "level"),
    Slot("radius", "radius"),
    Slot("walk", "walk"),
    Slot("person", "person"),
    Slot("services", "services", default=()),
    Slot("assumed", "texts", default=()),
)
_SERVICE = (Slot("service", "text", required=True), Slot("groups", "texts", default=()))
_GRIDS = (Slot("households", "bound", default=Bound(300, 500)), Slot("kinds", "grid_kinds", default=GRID_KINDS))
_RULE = (
    Slot("rule", "text", required=True),
    Slot("kind", "text", required=True),
    Slot("basis", "text", default=""),
    Slot("assumed", "texts", default=()),
)
ASSUMABLE = ("radius", "least", "most", "limit", "households", "number", "every")
"""Values that a file may call assumed: the numbers that a programme might have stated."""

_EXAMPLE = (
    Slot("place", "text"),
    Slot("tables", "text"),
    Slot("unit", "text"),
    Slot("communities", "count"),
    Slot("households", "bound"),
    Slot("dedicated", "flag", default=False),
    Slot("merged", "flag", default=False),
)

T = TypeVar("T")


def read_programme(programme: str | Path) -> Programme:
    """Read a programme.

    Parameters
    ----------
    programme : str or Path
        The name of one that comes with gridgeo, or a TOML file.

    Returns
    -------
    Programme
        The programme.

    Raises
    ------
    FileError
        If the file is missing, too large, no UTF-8 or no TOML.
    InputError
        If there is no such programme, or the file has faults; all are named with their keys.
    """
    if str(programme) in PROGRAMMES:
        source = resources.files(__package__).joinpath(f"{programme}.toml")
        return parse_programme(source.read_text(encoding="utf-8"), file=f"{programme}.toml")
    path = Path(programme)
    if path.suffix.lower() != ".toml" and not path.is_file():
        raise InputError("unknown_programme", value=str(programme), allowed=", ".join(PROGRAMMES))
    return parse_programme(read_source(path, most_bytes=_MOST_BYTES), file=path.name)


def parse_programme(source: str, *, file: str) -> Programme:
    """Make a programme of TOML text.

    Parameters
    ----------
    source : str
        The text.
    file : str
        What the errors call it; without ending it is the name of a programme that gives none.

    Returns
    -------
    Programme
        The programme.

    Raises
    ------
    FileError
        If it is no TOML.
    InputError
        If it has faults; all are named with their keys.
    """
    said = parse_source(source, file=file)
    reader = _Reader(file)
    programme = reader.read(said, source)
    if reader.faults:
        raise InputError("programme_faults", faults=reader.faults, file=file, count=len(reader.faults))
    return programme


class _Reader:
    """Reads one file and notes everything that is wrong with it."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.faults: list[Fault] = []
        self.declared = Declared()

    def read(self, said: dict[str, Any], source: str) -> Programme:
        self.known(said, _TOP, "")
        levels = self.chain([self.level(*each) for each in self.tables(said, "level")])
        self.declared = replace(
            self.declared,
            level=tuple(each.level for each in levels),
            service=self.keys(said, "service"),
            station=self.keys(said, "station"),
        )
        grids = self.slots(self.table(said, "grids"), _GRIDS, "grids")
        title = self.name(said, "title", "", required=True)
        name = said.get("name", self.file.removesuffix(".toml"))
        programme = Programme(
            name=self.value(Slot("name", "text"), name, "name", default=self.file),
            title=title,
            place=self.name(said, "place", ""),
            about=self.name(said, "about", ""),
            levels=tuple(levels),
            stations=tuple(self.station(*each) for each in self.tables(said, "station")),
            services=tuple(self.service(*each) for each in self.tables(said, "service")),
            households=grids["households"],
            grid_kinds=grids["kinds"],
            rules=tuple(self.rule(*each) for each in self.tables(said, "rule")),
            example=MappingProxyType(self.slots(self.table(said, "example"), _EXAMPLE, "example")),
            source=source,
        )
        for each in programme.levels:
            if each.station is not None and each.station not in self.declared.station:
                known = {"what": text("programmes.what.station"), "allowed": ", ".join(self.declared.station) or "–"}
                self.fault("programme_unknown", f"level ({each.level}).station", each.station, **known)
        keys = {"rule": [rule.rule for rule in programme.rules], **vars(self.declared)}
        for what, ids in keys.items():
            for twice in sorted({each for each in ids if each and ids.count(each) > 1}):
                self.fault("programme_twice", what, twice)
        return programme

    def level(self, where: str, table: dict[str, Any]) -> ProgrammeLevel:
        values = self.slots(table, _LEVEL, where, names=True)
        name = self.name(table, "name", where, required=True)
        return ProgrammeLevel(values["level"] or "", name, values["within"], values["role"], values["station"])

    def station(self, where: str, table: dict[str, Any]) -> StationKind:
        values = self.slots(table, _STATION, where, names=True)
        radius = self.radius(values, where)
        name = self.name(table, "name", where, required=True)
        assumed = self.assumed(values, ("radius",), where)
        return StationKind(values["station"] or "", name, values["level"], radius, values["services"], assumed)

    def service(self, where: str, table: dict[str, Any]) -> Service:
        values = self.slots(table, _SERVICE, where, names=True)
        return Service(values["service"] or "", self.name(table, "name", where, required=True), values["groups"])

    def rule(self, where: str, table: dict[str, Any]) -> Rule:
        kind = table.get("kind")
        if isinstance(table.get("rule"), str):
            where = f"{where} ({table['rule']})"
        if not isinstance(kind, str) or kind not in KINDS:
            if kind is not None:
                what = {"what": text("programmes.what.kind"), "allowed": ", ".join(KINDS)}
                self.fault("programme_unknown", f"{where}.kind", kind, **what)
                return Rule("", "", Name("", ""))
            kind = ""
        values = self.slots(table, (*_RULE, *KINDS.get(kind, ())), where, names=True)
        if "walk" in values:
            values["radius"] = self.radius(values, where)
        name = self.name(table, "name", where, required=True)
        kept = {slot.name: values[slot.name] for slot in KINDS.get(kind, ()) if slot.name not in ("walk", "person")}
        assumed = self.assumed(values, [slot for slot in kept if slot in ASSUMABLE], where)
        return Rule(values["rule"] or "", kind, name, values["basis"], MappingProxyType(kept), assumed)

    def assumed(self, values: dict[str, Any], allowed: Iterable[str], where: str) -> tuple[str, ...]:
        """Check which values are called assumed: only numbers that there are."""
        named: tuple[str, ...] = values["assumed"]
        for name in named:
            if name not in allowed:
                what = {"what": text("programmes.what.assumed"), "allowed": ", ".join(allowed) or "–"}
                self.fault("programme_unknown", f"{where}.assumed", name, **what)
        return tuple(name for name in named if name in allowed)

    def radius(self, values: dict[str, Any], where: str) -> Radius | None:
        """Put a radius together with how and by whom it is walked."""
        radius: Radius | None = values["radius"]
        if radius is None:
            return None
        if values["walk"] == "straight" and (radius.unit == "min" or values["person"]):
            self.fault("programme_straight_minutes", f"{where}.walk", "straight")
        return replace(radius, walk=values["walk"] or "walking", person=values["person"])

    def chain(self, levels: list[ProgrammeLevel]) -> list[ProgrammeLevel]:
        """Put the levels into their order, each within the one above; without ``within`` they stand in order."""
        known = [each.level for each in levels]
        if not levels:
            self.fault("programme_key_missing", "level", None, name="level")
        if all(each.within is None for each in levels):
            return [replace(each, within=above) for each, above in zip(levels, [None, *known], strict=False)]
        for number, each in enumerate(levels, start=1):
            if each.within is not None and each.within not in known:
                what = {"what": text("programmes.what.level"), "allowed": ", ".join(known)}
                self.fault("programme_unknown", f"level {number} ({each.level}).within", each.within, **what)
                return levels
        below = {each.within: each for each in levels}
        ordered: list[ProgrammeLevel] = []
        above: str | None = None
        while above in below and len(ordered) < len(levels):
            ordered.append(below[above])
            above = ordered[-1].level
        if len(ordered) < len(levels) or len(below) < len(levels):
            self.fault("programme_circle", "level.within", ", ".join(known))
            return levels
        return ordered

    def tables(self, said: Mapping[str, Any], key: str) -> list[tuple[str, dict[str, Any]]]:
        listed = said.get(key, [])
        if isinstance(listed, list) and all(isinstance(each, dict) for each in listed):
            return [(f"{key} {number}", each) for number, each in enumerate(listed, start=1)]
        self.fault("programme_wrong_form", key, key, wanted=text("programmes.form.tables", key=key))
        return []

    def table(self, said: Mapping[str, Any], key: str) -> dict[str, Any]:
        table = said.get(key, {})
        if isinstance(table, dict):
            return table
        self.fault("programme_wrong_form", key, table, wanted=text("programmes.form.table", key=key))
        return {}

    def keys(self, said: Mapping[str, Any], key: str) -> tuple[str, ...]:
        listed = said.get(key, [])
        return tuple(str(each[key]) for each in listed if isinstance(each, dict) and isinstance(each.get(key), str))

    def slots(
        self, table: dict[str, Any], slots: tuple[Slot, ...], where: str, *, names: bool = False
    ) -> dict[str, Any]:
        self.known(table, (*(slot.name for slot in slots), *(("name",) if names else ())), where)
        values = {}
        for slot in slots:
            if slot.name in table:
                values[slot.name] = self.value(slot, table[slot.name], f"{where}.{slot.name}", default=slot.default)
            else:
                values[slot.name] = slot.default
                if slot.required:
                    self.fault("programme_key_missing", where, None, name=slot.name)
        return values

    def value(self, slot: Slot, value: object, where: str, *, default: T) -> T | Any:  # noqa: ANN401 - the form's type
        try:
            return read_value(slot.form, value, self.declared)
        except BadValueError as bad:
            self.fault(bad.key, where, bad.value, **bad.values)
            return default

    def name(self, table: Mapping[str, Any], key: str, where: str, *, required: bool = False) -> Name:
        if key not in table:
            if required:
                self.fault("programme_key_missing", where or self.file, None, name=key)
            return Name("", "")
        try:
            return read_name(table[key])
        except BadValueError as bad:
            self.fault(bad.key, f"{where}.{key}".removeprefix("."), bad.value, **bad.values)
            return Name("", "")

    def known(self, table: Mapping[str, Any], allowed: tuple[str, ...], where: str) -> None:
        for name in table:
            if name not in allowed:
                what = {"what": text("programmes.what.key"), "allowed": ", ".join(allowed)}
                self.fault("programme_unknown", where or self.file, name, **what)

    def fault(self, key: str, where: str, value: object, **values: object) -> None:
        self.faults.append(Fault(key=key, file=self.file, column=where, value=value, values=values))
