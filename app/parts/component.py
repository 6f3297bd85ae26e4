"""The map inside a page: one component for all pages, hosted from ``gridgeo/web`` and fed with patches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st
from streamlit.components.v1 import declare_component

from app.state.chunks import keep_chunks
from app.state.settings import read_settings
from gridgeo.maps.basemaps import basemap_data
from gridgeo.maps.chunks import is_cut, is_large
from gridgeo.maps.document import WEB
from gridgeo.maps.patches import patch_layer

_component = declare_component("plan_map", path=WEB)

Event = dict[str, Any]


def take_events(key: str) -> list[Event]:
    """Return what the reader did on a map since the page last asked, oldest first.

    Ask before the map is shown, so that one run of the page does what was asked for and shows it.

    Parameters
    ----------
    key : str
        The map's name on its page.

    Returns
    -------
    list of dict
        Each with one of: ``pick`` (layer, row, key), ``chosen`` (keys), ``paint`` (key, to), ``line`` (corners in
        degrees), ``place`` (a point in degrees), ``drag`` (layer, key, to in degrees), ``step`` (undo or redo).
    """
    state = _state(key)
    answer = st.session_state.get(key) or {}
    fresh = [event for event in answer.get("events", ()) if event["number"] > state["seen"]]
    if fresh:
        state["seen"] = fresh[-1]["number"]
    if any("need" in event for event in fresh):
        state["sent"] = {}
    return [event for event in fresh if "need" not in event and "news" not in event]


def show_map(
    data: Mapping[str, Any],
    *,
    key: str,
    lang: str,
    height: int,
    fit: list[list[float]] | None = None,
    edit: Mapping[str, Any] | None = None,
    linked: str | None = None,
    news: Mapping[str, Any] | None = None,
) -> None:
    """Show a map; only what the browser does not hold yet travels.

    Parameters
    ----------
    data : mapping
        What `gridgeo.maps.PlanMap.component_data` returns.
    key : str
        The map's name on its page.
    lang : {'zh', 'en'}
        The language of legend and cards.
    height : int
        Its height in pixels.
    fit : list, optional
        South-west and north-east corner that the view is to move to, once.
    edit : mapping, optional
        What can be done on it: see `editing`.
    linked : str, optional
        Maps of one name on a page move together.
    news : mapping, optional
        What `app.state.news.follow` says: the page is drawn again once the plan is another one.
    """
    state = _state(key)
    layers: dict[str, Any] = {}
    patches: dict[str, Any] = {}
    for name, layer in data["layers"].items():
        before = state["sent"].get(name)
        if before is None or before["version"] == layer["version"]:
            layers |= {} if before is not None else {name: _travelling(layer)}
            continue
        change = None if is_cut(before) or is_cut(layer) else patch_layer(before, layer)
        if change is None:
            layers[name] = _travelling(layer)
        else:
            patches[name] = {**change, "from": before["version"]}
    state["sent"] = dict(data["layers"])
    if fit is not None and fit != state["fit"]:
        state["number"] += 1
    state["fit"] = fit
    _component(
        options=data["options"],
        frame=data["frame"],
        wanted=[[name, layer["version"]] for name, layer in data["layers"].items()],
        layers=layers,
        patches=patches,
        command={"number": state["number"], "fit": fit} if fit is not None else None,
        edit=edit,
        linked=linked,
        basemap=basemap_data(read_settings().behind(), data["frame"]["bounds"]),
        news=news,
        seen=state["seen"],
        lang=lang,
        height=height,
        key=key,
    )


def editing(
    *,
    choose: str | None = None,
    tools: Sequence[str] = ("choose",),
    drag: Sequence[str] = (),
    pick: Sequence[str] = (),
    chosen: Sequence[str] | None = None,
    turn: int = 0,
    paint: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Say what can be done on a map.

    Parameters
    ----------
    choose : str, optional
        The layer whose features are chosen by click or lasso.
    tools : sequence of {'choose', 'lasso', 'line', 'place'}
        The tools offered.
    drag : sequence of str
        Layers of points that can be dragged.
    pick : sequence of str
        Layers whose clicked feature is told.
    chosen : sequence of str, optional
        What is chosen from now on; taken once for each `turn`.
    turn : int
        Counts up when the page itself changes what is chosen.
    paint : mapping, optional
        ``to`` and ``look``: a click on a feature gives it this look at once, and is told as ``paint``.

    Returns
    -------
    dict
        For `show_map`.
    """
    return {
        "choose": choose,
        "tools": list(tools),
        "drag": list(drag),
        "pick": list(pick),
        "chosen": None if chosen is None else list(chosen),
        "turn": turn,
        "paint": paint,
    }


def _travelling(layer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what of a layer travels at once: all of it, or all but the places of very many features."""
    return keep_chunks(layer) if is_large(layer) else layer


def _state(key: str) -> dict[str, Any]:
    fresh: dict[str, Any] = {"sent": {}, "seen": 0, "number": 0, "fit": None}
    state: dict[str, Any] = st.session_state.setdefault(f"{key}_map", fresh)
    return state
