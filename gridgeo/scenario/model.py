"""A scenario: a named list of edits on a plan, in Python and as a readable TOML file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gridgeo.errors import FileError, InputError
from gridgeo.plan import Plan
from gridgeo.redraw import VOCABULARY, Edit, make_edit, read_edit
from gridgeo.toml_file import parse_source, read_source

_ALIASES = {"assign_blocks": "move_blocks"}


@dataclass(frozen=True)
class Scenario:
    """A named list of edits. Every kind of `gridgeo.redraw.VOCABULARY` is a method that adds one edit.

    Parameters
    ----------
    name : str
        What it is called.
    edits : tuple of Edit, optional
        The edits, in order.
    plan : str, optional
        The plan it was made for, as `plan_key` names it; it is refused on another.
    why : str, optional
        What it is meant to show.

    Examples
    --------
    >>> scenario = Scenario("one gate").open_gate("G7").move_station("S1", at=(500, 20))
    >>> [edit.kind for edit in scenario.edits]
    ['open_gate', 'move_station']
    """

    name: str
    edits: tuple[Edit, ...] = ()
    plan: str | None = None
    why: str = ""

    def add(self, edit: Edit) -> Scenario:
        """Return the scenario with one edit more.

        Parameters
        ----------
        edit : Edit
            The edit.

        Returns
        -------
        Scenario
            A new scenario; this one stays as it is.
        """
        return replace(self, edits=(*self.edits, edit))

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *VOCABULARY, *_ALIASES})

    def __getattr__(self, kind: str) -> Callable[..., Scenario]:
        name = _ALIASES.get(kind, kind)
        if name not in VOCABULARY:
            msg = f"a scenario has no edit {kind!r}"
            raise AttributeError(msg)

        def add(*values: object, **named: object) -> Scenario:
            slots = [slot.name for slot in VOCABULARY[name]]
            if len(values) > len(slots):
                raise TypeError(f"{name} takes at most {len(slots)} values")
            return self.add(make_edit(name, {**dict(zip(slots, values, strict=False)), **named}))

        return add


def plan_key(plan: Plan) -> str:
    """Return what a scenario names the plan it was made for by.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    str
        The ids of its highest units; its Chinese name where it has no units.
    """
    if len(plan.units) == 0:
        return plan.info.name.zh
    top = plan.units[plan.units["level"] == plan.info.levels[0].level]
    return "+".join((top if len(top) else plan.units.iloc[:1])["unit_id"])


def require_plan(plan: Plan, scenario: Scenario) -> None:
    """Refuse a scenario that was made for another plan.

    Parameters
    ----------
    plan : Plan
        The plan.
    scenario : Scenario
        The scenario.

    Raises
    ------
    InputError
        If it names another plan.
    """
    if scenario.plan is not None and scenario.plan != plan_key(plan):
        raise InputError("scenario_of_another_plan", name=scenario.name, value=scenario.plan, plan=plan_key(plan))


def read_scenario(path: str | Path) -> Scenario:
    """Read a scenario from a TOML file.

    Parameters
    ----------
    path : str or Path
        The file: ``name``, ``plan``, ``why``, and the edits as ``[[edit]]``.

    Returns
    -------
    Scenario
        The scenario; the file's own name stands in for a missing ``name``.

    Raises
    ------
    FileError
        If the file is missing or cannot be read.
    InputError
        If an edit's form is wrong; the error says which edit.
    """
    path = Path(path)
    said = parse_source(read_source(path), file=path.name)
    unknown = [name for name in said if name not in ("name", "plan", "why", "edit")]
    if unknown:
        raise InputError("scenario_unknown_entry", file=path.name, name=unknown[0])
    listed = said.get("edit", [])
    edits: list[Edit] = []
    for number, each in enumerate(listed if isinstance(listed, list) else [listed], start=1):
        try:
            edits.append(read_edit(each))
        except InputError as error:
            raise InputError("scenario_edit", file=path.name, number=number, detail=error.message) from error
    texts: dict[str, str] = {}
    for name in ("name", "plan", "why"):
        if not isinstance(said.get(name, ""), str):
            raise InputError("scenario_entry_no_text", file=path.name, name=name)
        texts[name] = said.get(name, "")
    return Scenario(texts["name"] or path.stem, tuple(edits), texts["plan"] or None, texts["why"])


def write_scenario(scenario: Scenario, path: str | Path) -> Path:
    """Write a scenario to a TOML file that `read_scenario` reads back the same.

    Parameters
    ----------
    scenario : Scenario
        The scenario.
    path : str or Path
        Where to.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    FileError
        If it cannot be written; what was there is as it was.
    """
    path = Path(path)
    head = [("name", scenario.name), ("plan", scenario.plan), ("why", scenario.why or None)]
    lines = [*_entries(head)]
    for edit in scenario.edits:
        lines += ["", "[[edit]]", *_entries(edit.as_dict().items())]
    draft = path.with_name(f".{path.name}.draft")
    try:
        draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise FileError("unwritable_file", file=path.name, detail=error.strerror) from error
    finally:
        draft.unlink(missing_ok=True)
    return path


def _entries(values: Iterable[tuple[str, Any]]) -> list[str]:
    return [f"{name} = {_toml(value)}" for name, value in values if value is not None]


def _toml(value: object) -> str:
    """Write a value; JSON's text, numbers, flags and lists are TOML's too, but for the control character DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
