"""What edits touched: so that two planners' edits that have nothing to do with each other are both made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gridgeo.errors import InputError
from gridgeo.plan import Plan
from gridgeo.redraw import Change, Edit, require_current, try_edit
from gridgeo.schema import LAYERS

_WHOLE = ("split_grid", "merge_grids", "rebalance_grids")
_FOLLOWS = {"community_id", "households", "persons", "load", "area_m2", "compactness", "corners", "geometry"}
_FOLLOWS |= {"bounds_zh", "bounds_en"}
"""Columns of a grid that follow from its blocks: when they change, only the grid's membership did."""

Items = frozenset[tuple[str, str]]
UNKNOWN: Items = frozenset({("all", "")})
"""Stands for what another process changed: nobody here knows which rows."""


def name_items(plan: Plan, changes: Iterable[Change]) -> Items:
    """Name the rows that changes touch; a grid of which only what follows from its blocks changes, as its members.

    Parameters
    ----------
    plan : Plan
        The plan before the changes.
    changes : iterable of Change
        The changes.

    Returns
    -------
    frozenset of tuple
        Pairs of a layer, or ``"members"``, and an id.
    """
    found = set()
    for change in changes:
        column = LAYERS[change.layer].id_column
        named = (change.before if change.after is None else change.after) or {}
        key = str(named[column] if column in named else getattr(plan, change.layer)[column].iloc[change.row])
        follows = change.layer == "grids" and change.before and change.after and set(change.after) <= _FOLLOWS
        found.add(("members" if follows else change.layer, key))
        if change.layer == "grids":
            found.add(("members", key))
    return frozenset(found)


def require_apart(plan: Plan, edit: Edit, seen: str, touched: Mapping[str, Items]) -> None:
    """Refuse an edit that touches what was changed since it was decided on.

    Parameters
    ----------
    plan : Plan
        The plan as it is now.
    edit : Edit
        The edit.
    seen : str
        The log's head that it was decided on.
    touched : mapping
        Seal of an edit → what it touched, of the edits made in this process.

    Raises
    ------
    PlanError
        If it does, or if nobody knows.
    InputError
        If the edit cannot be made on this plan.
    """
    seals = ["", *(record.seal for record in plan.edits)]
    since = plan.edits[seals.index(seen) :] if seen in seals else plan.edits
    others = frozenset[tuple[str, str]]().union(*(touched.get(record.seal, UNKNOWN) for record in since))
    if seen not in seals or others >= UNKNOWN:
        require_current(plan, seen)
    try:
        mine = name_items(plan, try_edit(plan, edit).changes)
    except InputError:
        # What it asks for may have become impossible by the other's change: that is what to show.
        require_current(plan, seen)
        raise
    if edit.kind in _WHOLE:
        mine |= {("members", grid) for grid in edit.get("grids") or (edit.get("grid"),)}
    else:
        mine = frozenset(item for item in mine if item[0] != "members")
    if mine & others:
        require_current(plan, seen)
