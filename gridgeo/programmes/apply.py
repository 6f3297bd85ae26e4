"""A programme put into a plan: its levels named, those that are missing made, and the file kept with it."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from gridgeo.errors import MissingDataError
from gridgeo.partition import group_units
from gridgeo.plan import Level, Plan
from gridgeo.programmes.model import Programme, ProgrammeLevel
from gridgeo.programmes.reading import parse_programme


def apply_programme(plan: Plan, programme: Programme) -> Plan:
    """Put a programme into a plan.

    Levels that the plan has get the programme's names; the highest is the highest, whatever key it had. A level
    between two others that the plan has not got is made, where a rule says how many units it has: units of the level
    below are put together into that many.

    Parameters
    ----------
    plan : Plan
        The plan.
    programme : Programme
        The programme.

    Returns
    -------
    Plan
        The plan with the programme's levels, and with the programme itself in its ``info``.
    """
    ground = [each for each in programme.levels if not (each.role or each.station)]
    if ground:
        plan = _rename_top(plan, ground[0].level, {each.level for each in programme.levels})
    for position in reversed(range(len(ground))):
        have = [each.level for each in plan.info.levels]
        if ground[position].level in have or position + 1 >= len(ground):
            continue
        below = ground[position + 1].level
        count = count_wanted(programme, ground[position].level)
        if count is not None and below in have and 0 < have.index(below) < len(have) - 1:
            plan = add_level(plan, ground[position], below, count)
    names = {each.level: each.name for each in programme.levels}
    levels = tuple(Level(each.level, names.get(each.level, each.name)) for each in plan.info.levels)
    return plan.replace(info=replace(plan.info, levels=levels, programme=programme.source))


def _rename_top(plan: Plan, top: str, known: set[str]) -> Plan:
    """Give the plan's highest level the programme's key, where the plan has none of that key.

    A plan may call its whole ground by a key that the programme has for something smaller ("area"): one unit with two
    levels below it is the whole all the same.
    """
    have = [each.level for each in plan.info.levels]
    whole = len(have) > 2 and (plan.units["level"] == have[0]).sum() == 1  # noqa: PLR2004 - the whole, units, grids
    if top in have or len(have) < 2 or (have[0] in known and not whole):  # noqa: PLR2004 - the only level is the grid
        return plan
    renamed = plan.units["level"].where(plan.units["level"] != have[0], top)
    levels = (replace(plan.info.levels[0], level=top), *plan.info.levels[1:])
    return plan.replace(info=replace(plan.info, levels=levels), units=plan.units.assign(level=renamed))


def applied_programme(plan: Plan, *, file: str = "") -> Programme:
    """Return the programme that a plan keeps.

    Parameters
    ----------
    plan : Plan
        The plan.
    file : str, optional
        What its file is called, for the error; its name when left out.

    Returns
    -------
    Programme
        Its programme.

    Raises
    ------
    MissingDataError
        If none was applied.
    """
    if not plan.info.programme:
        raise MissingDataError("no_programme", file=file or str(plan.info.name))
    return parse_programme(plan.info.programme, file=f"{plan.info.name}.toml")


def count_wanted(programme: Programme, level: str) -> int | None:
    """Return how many units of a level a programme's rules ask for.

    Parameters
    ----------
    programme : Programme
        The programme.
    level : str
        The level.

    Returns
    -------
    int or None
        The number of the first rule that counts this level in all; None where there is no such rule.
    """
    for rule in programme.rules:
        if rule.kind == "count" and rule["per"] is None:
            what, number = rule["what"], rule["number"]
            if (what.layer, what.key, what.distinct) == ("level", level, None) and not what.where:
                wanted: float = number.low if number.about is None else number.about
                return round(wanted)
    return None


def add_level(plan: Plan, level: ProgrammeLevel, below: str, count: int) -> Plan:
    """Put units of a level together into units of a new level above it.

    Parameters
    ----------
    plan : Plan
        The plan, with blocks.
    level : ProgrammeLevel
        The new level.
    below : str
        A level of ``units``.
    count : int
        How many units to make.

    Returns
    -------
    Plan
        The plan with the new level; unchanged where it has no blocks, or fewer units than wanted.
    """
    members = plan.units[plan.units["level"] == below]
    if len(plan.blocks) == 0 or len(members) < count:
        return plan
    held = plan.households.groupby("block_id")["households"].sum()
    blocks = plan.blocks.assign(households=plan.blocks["block_id"].map(held).fillna(0))
    blocks = _at_level(plan, blocks, below)
    parent, made = group_units(blocks, count, of=f"{below}_id", level=level.level)
    above = members["parent_id"].dropna().unique()
    names = [f"{level.name.zh}{number}" for number in range(1, len(made) + 1)]
    made = made.assign(parent_id=above[0] if len(above) == 1 else None, name=names)
    mine = plan.units["level"] == below
    raised = plan.units["unit_id"].map(parent)
    units = plan.units.assign(parent_id=raised.where(mine & raised.notna(), plan.units["parent_id"]))
    keys = [each.level for each in plan.info.levels]
    levels = list(plan.info.levels)
    levels.insert(keys.index(below), Level(level.level, level.name))
    joined = pd.concat([units, made], ignore_index=True)
    return plan.replace(info=replace(plan.info, levels=tuple(levels)), units=joined)


def _at_level(plan: Plan, blocks: pd.DataFrame, level: str) -> pd.DataFrame:
    """Give blocks the unit of a level: their community, or one above it."""
    units = plan.units.drop_duplicates("unit_id").set_index("unit_id")
    current = blocks["community_id"]
    for _ in plan.info.levels:
        higher = current.map(units["level"]) != level
        current = current.where(~higher, current.map(units["parent_id"]))
    return blocks.assign(**{f"{level}_id": current})
