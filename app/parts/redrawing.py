"""Redrawing grids in the app: what was done on the map becomes edits of the living plan."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
import streamlit as st

from app.parts.component import Event, take_events
from app.parts.live import perform
from app.state import cache
from app.state.drafts import keep_scenario, list_scenarios, scenario_key
from app.state.sign_in import reader, require_planner
from app.state.workspace import State, Workspace
from gridgeo.errors import InputError
from gridgeo.maps import editing
from gridgeo.maps.features import from_degrees
from gridgeo.plan import Plan
from gridgeo.redraw import Edit, find_done, make_edit, read_edit
from gridgeo.scenario import Scenario, plan_key
from gridgeo.texts import text

MAP = "redraw"
_DESK = "redraw_desk"


def desk() -> dict[str, Any]:
    """Return what this session has in hand: chosen blocks, the state it saw, offers of the last split.

    Returns
    -------
    dict
        ``chosen``, ``turn`` (counts up when the page chooses), ``seen``, ``offers``.
    """
    fresh: dict[str, Any] = {"chosen": [], "turn": 0, "seen": None, "offers": ()}
    found: dict[str, Any] = st.session_state.setdefault(_DESK, fresh)
    return found


def hear_map(path: Path) -> None:
    """Do what the reader did on the map since the page was last drawn.

    Parameters
    ----------
    path : Path
        The plan file.
    """
    for event in take_events(MAP):
        _do(path, event)


def edit_plan(path: Path, edit: Edit) -> None:
    """Make an edit that was decided on what this session saw.

    Parameters
    ----------
    path : Path
        The plan file.
    edit : Edit
        The edit.

    Raises
    ------
    GridgeoError
        If it cannot be made; nothing is changed.
    """
    require_planner()
    work = cache.living(path)
    outcome = work.apply(edit, seen=desk()["seen"], who=reader().name)
    desk().update(seen=work.current().head, offers=outcome.offers)


def step(path: Path, kind: str) -> None:
    """Undo or redo one edit.

    Parameters
    ----------
    path : Path
        The plan file.
    kind : {'undo', 'redo'}
        Which.

    Raises
    ------
    GridgeoError
        If there is none, or somebody else changed the plan since.
    """
    require_planner()
    work = cache.living(path)
    (work.undo if kind == "undo" else work.redo)(seen=desk()["seen"], who=reader().name)
    desk().update(seen=work.current().head, offers=())


def choose(blocks: Sequence[str]) -> None:
    """Choose blocks for the reader.

    Parameters
    ----------
    blocks : sequence of str
        The blocks.
    """
    desk().update(chosen=list(blocks), turn=desk()["turn"] + 1)


def save_scenario(path: Path, name: str, steps: int, *, take_back: bool) -> str:
    """Save the last edits as a scenario.

    Parameters
    ----------
    path : Path
        The plan file.
    name : str
        What it is to be called.
    steps : int
        How many of the edits that stand.
    take_back : bool
        Whether to undo them in the plan, so that it is what they are compared with.

    Returns
    -------
    str
        What to tell the reader.

    Raises
    ------
    GridgeoError
        If the name is empty or taken, or something cannot be written.
    """
    require_planner()
    work, name = cache.living(path), name.strip()
    plan = work.current().plan
    if not name:
        raise InputError("scenario_unnamed")
    if scenario_key(name) in list_scenarios(work):
        raise InputError("scenarios_of_one_name", value=name)
    records = [plan.edits[rev - 1] for rev in find_done(plan.edits)[0][-steps:]]
    keep_scenario(work, Scenario(name, tuple(read_edit(json.loads(each.edit)) for each in records), plan_key(plan)))
    if take_back:
        work.undo(len(records), seen=desk()["seen"], who=reader().name)
        desk().update(seen=work.current().head, offers=())
    return text("redraw_page.kept", name=name)


def grids_of(plan: Plan, blocks: Sequence[str]) -> list[str]:
    """Return the grids that hold some blocks.

    Parameters
    ----------
    plan : Plan
        The plan.
    blocks : sequence of str
        The blocks.

    Returns
    -------
    list of str
        Grid ids, in order.
    """
    mine = plan.blocks["grid_id"][plan.blocks["block_id"].isin(blocks)]
    return sorted(mine.dropna().unique())


def streets_through(plan: Plan, grid: str) -> list[str]:
    """Return the named streets that run through a grid: those it can be split along.

    Parameters
    ----------
    plan : Plan
        The plan.
    grid : str
        The grid.

    Returns
    -------
    list of str
        Their names.
    """
    shape = plan.grids.geometry[(plan.grids["grid_id"] == grid).to_numpy()].iloc[0].buffer(-15)
    hit = plan.streets.iloc[plan.streets.sindex.query(shape, predicate="intersects")]
    return sorted(hit["name"].dropna().unique())


def _do(path: Path, event: Event) -> None:
    if "chosen" in event:
        desk().update(chosen=event["chosen"], offers=())
    elif "paint" in event:
        edit = {"blocks": [event["paint"]["key"]], "to": event["paint"]["to"]}
        perform(lambda: edit_plan(path, make_edit("move_blocks", edit)))
    elif "assign" in event:
        perform(_assign, path, event["assign"])
    elif "line" in event:
        perform(_split_along, path, event["line"])
    elif "step" in event:
        perform(step, path, event["step"])


def _assign(path: Path, blocks: Sequence[str]) -> None:
    """Assign blocks to the grid that stands beside the map for them."""
    _, target = aim(cache.living(path).current(), blocks)
    edit_plan(path, make_edit("move_blocks", blocks=list(blocks), to=target))


def _split_along(path: Path, line: Sequence[Sequence[float]]) -> None:
    """Split the chosen grid along a drawn line, else the grid that the line runs through farthest."""
    plan = cache.living(path).current().plan
    drawn = from_degrees(line, plan.crs)
    chosen = grids_of(plan, desk()["chosen"])
    if len(chosen) != 1:
        inside = shapely.length(shapely.intersection(plan.grids.geometry.to_numpy(), shapely.LineString(drawn)))
        if not inside.max(initial=0.0):
            raise InputError("line_crosses_no_grid")
        chosen = [str(plan.grids["grid_id"].iloc[int(np.argmax(inside))])]
    edit_plan(path, make_edit("split_grid", grid=chosen[0], line=drawn))


def held_by_grid(plan: Plan) -> dict[str, int]:
    """Count the households of every grid.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    dict
        Grid id → households.
    """
    held = editing.held_by_grid(plan)
    return {str(grid): held.get(grid, 0) for grid in plan.grids["grid_id"]}


def neighbours_first(state: State, blocks: Sequence[str]) -> list[str]:
    """Return all grids, the nearest to some blocks first.

    Parameters
    ----------
    state : State
        The plan.
    blocks : sequence of str
        The blocks.

    Returns
    -------
    list of str
        Grid ids.
    """
    plan = state.plan
    mine = plan.blocks["block_id"].isin(blocks).to_numpy()
    ids = [str(grid) for grid in plan.grids["grid_id"]]
    if not mine.any():
        return ids
    away = shapely.distance(plan.grids.geometry.to_numpy(), shapely.union_all(plan.blocks.geometry.to_numpy()[mine]))
    return [ids[row] for row in np.argsort(np.maximum(away, 1), kind="stable")]


def aim(state: State, blocks: Sequence[str], said: object = None) -> tuple[list[str], str]:
    """Settle which grid some blocks are to go to.

    Parameters
    ----------
    state : State
        The plan, with grids.
    blocks : sequence of str
        The blocks.
    said : object, optional
        What the reader picked. Households are part of what the browser sends, so it may be outdated and no grid at all.

    Returns
    -------
    order : list of str
        All grids: the nearest first, those that hold the blocks already last.
    target : str
        What the reader picked; the first in order where they did not.
    """
    own = set(grids_of(state.plan, blocks))
    order = sorted(neighbours_first(state, blocks), key=own.__contains__)
    hand = desk()
    shown = next((str(grid) for grid in (said, hand.get("target")) if grid in order), None)
    if shown is not None and shown != hand.get("offered"):
        hand["picked"] = shown
    picked = hand.get("picked")
    # A grid that holds all of them already is no aim. A browser that has not yet drawn the last step still names it.
    if picked in order and own != {picked}:
        target = picked
    elif blocks or shown is None:
        # A grid the reader has not picked gives way to the neighbours of what is chosen next.
        target = hand["offered"] = order[0]
    else:
        target = shown
    hand["target"] = target
    return order, target


def undoable(work: Workspace) -> tuple[int, int]:
    """Count what can be undone and done again.

    Parameters
    ----------
    work : Workspace
        The living plan.

    Returns
    -------
    tuple of int
        Edits that stand, and edits taken back.
    """
    done, undone = find_done(work.current().plan.edits)
    return len(done), len(undone)
