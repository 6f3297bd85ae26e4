"""The worked example of a programme: a plan with made-up people, needs, visits, stations and zonings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import pandas as pd

from gridgeo.errors import InputError
from gridgeo.examples.programmes import (
    add_dafeng,
    add_gutang,
    add_nanwan,
    add_tashan,
    add_tinghu,
    zone_gutang,
    zone_tashan,
)
from gridgeo.examples.tables import Dice
from gridgeo.plan import Name, Plan
from gridgeo.texts import text

EXAMPLES: Mapping[str, Callable[[Plan, Dice], Plan]] = MappingProxyType(
    {
        "gutang": add_gutang,
        "tinghu": add_tinghu,
        "dafeng": add_dafeng,
        "nanwan": add_nanwan,
        "tashan": add_tashan,
    }
)
"""What makes each programme's tables."""

_ZONINGS: Mapping[str, Callable[[Plan, Dice], pd.DataFrame]] = MappingProxyType(
    {"gutang": zone_gutang, "tashan": zone_tashan}
)


def make_example(programme: str, plan: Plan, *, seed: int = 0, zonings: bool = True) -> Plan:
    """Fill a plan with made-up tables for a programme.

    Parameters
    ----------
    programme : str
        One of `EXAMPLES`.
    plan : Plan
        A plan with units, households, blocks and grids.
    seed : int, optional
        Same seed, same tables.
    zonings : bool, optional
        Whether the zonings are made too; else the plan keeps those it has.

    Returns
    -------
    Plan
        The plan with the programme's stations instead of its own, and with people, needs, visits, enterprises and
        zonings. Every row is ``estimated`` and its ``source`` says that it is made up; a note of the plan says so too.
        No row is about a real person.

    Raises
    ------
    InputError
        If there is no such example.
    MissingDataError
        If the plan has no units, households, blocks or grids.
    """
    if programme not in EXAMPLES:
        raise InputError("unknown_choice", value=programme, allowed=", ".join(EXAMPLES))
    plan.require("units", "households", "blocks", "grids")
    made = EXAMPLES[programme](plan, Dice(plan, seed=seed, programme=programme))
    if zonings and programme in _ZONINGS:
        dice = Dice(plan, seed=seed, programme=f"{programme} zonings")
        made = made.replace(zonings=_ZONINGS[programme](plan, dice))
    note = Name(
        text("people.example_note", "zh", programme=programme), text("people.example_note", "en", programme=programme)
    )
    notes = (*(each for each in made.info.notes if each != note), note)
    return made.replace(info=replace(made.info, notes=notes))
