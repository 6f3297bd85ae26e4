"""Codes and names of grids: a new grid's by rule, numbers by rule.

The rule is that of the 15-digit codes in use in Beijing (6 + 3 + 3 + 3): the code of the community, then three digits,
numbered from north to south and west to east. A grid that is split keeps its code on the side that keeps the grid; the
other side gets the next free number of its community. A code that was in use once is never given to another grid.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from gridgeo.partition.codes import number_places
from gridgeo.plan import Plan
from gridgeo.redraw.assign import find_written
from gridgeo.texts import LANGUAGES, text

_DIGITS = 3


def next_code(plan: Plan, blocks: np.ndarray) -> str | None:
    """Return the code of a grid that is made of some blocks.

    Parameters
    ----------
    plan : Plan
        The plan.
    blocks : ndarray of int
        The blocks' places.

    Returns
    -------
    str or None
        The community's code and the next number that no grid has or had; None while the plan's grids have no codes.
    """
    if not plan.grids["code"].notna().any():
        return None
    stem = _stem(plan, _community(plan, blocks))
    tails = [code[len(stem) :] for code in _used(plan, "code") if code.startswith(stem)]
    numbers = [int(tail) for tail in tails if tail.isdigit()]
    return f"{stem}{max(numbers, default=0) + 1:0{_DIGITS}}"


def next_name(plan: Plan, blocks: np.ndarray) -> str | None:
    """Return the name of a grid that is made of some blocks, where the grids around are named by number.

    Parameters
    ----------
    plan : Plan
        The plan.
    blocks : ndarray of int
        The blocks' places.

    Returns
    -------
    str or None
        The community's name and the next number that no grid has or had; None where the blocks are not of one
        community, or its grids are called otherwise.
    """
    community = _community(plan, blocks)
    if community is None:
        return None
    named = plan.units.loc[plan.units["unit_id"] == community, "name"].dropna()
    place = str(named.iloc[0]) if len(named) else community
    used = _used(plan, "name")
    for lang in LANGUAGES:
        before, after = text("partition.grid_name", lang, place=place, number="\n").split("\n")
        shape = re.compile(f"{re.escape(before)}([0-9]+){re.escape(after)}")
        numbers = [int(found[1]) for name in used if (found := shape.fullmatch(name))]
        if numbers:
            return text("partition.grid_name", lang, place=place, number=max(numbers) + 1)
    return None


def number_grids(plan: Plan, rows: list[int]) -> dict[int, str]:
    """Give grids numbers within their communities, from north to south and west to east.

    Parameters
    ----------
    plan : Plan
        The plan.
    rows : list of int
        The places of the grids to number; the codes of the others stay and are not used again.

    Returns
    -------
    dict
        The grid's place → its code.
    """
    others = plan.grids.drop(index=rows)
    taken = {str(code) for code in others["code"].dropna()}
    mine = plan.grids.iloc[sorted(rows)]
    codes: dict[int, str] = {}
    for place in np.argsort(number_places(mine)):
        row = sorted(rows)[place]
        community = plan.grids["community_id"].iloc[row]
        stem = _stem(plan, community if isinstance(community, str) else None)
        number = 1
        while (code := f"{stem}{number:0{_DIGITS}}") in taken:
            number += 1
        taken.add(code)
        codes[row] = code
    return codes


def _stem(plan: Plan, community: str | None) -> str:
    """Return what the codes of a community's grids begin with."""
    if community is None:
        top = plan.units[plan.units["level"] == plan.info.levels[0].level]
        return _unit_code(top.iloc[0]) if len(top) else ""
    unit = plan.units[plan.units["unit_id"] == community]
    return _unit_code(unit.iloc[0]) if len(unit) else community


def _unit_code(unit: pd.Series) -> str:
    return str(unit["code"] if pd.notna(unit["code"]) else unit["unit_id"])


def _community(plan: Plan, blocks: np.ndarray) -> str | None:
    """Return the community that blocks lie in, where it is one."""
    communities = plan.blocks["community_id"].iloc[blocks].dropna().unique()
    return str(communities[0]) if len(communities) == 1 else None


def _used(plan: Plan, column: str) -> set[str]:
    """Return what grids are or, by the log, ever were called."""
    gone = {found for record in plan.edits for found in find_written(record, column)}
    return {str(each) for each in plan.grids[column].dropna()} | gone
