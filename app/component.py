"""The map inside a page: one component for all pages, hosted from ``gridgeo/web`` and fed with patches."""

from __future__ import annotations

from typing import Any

import streamlit as st
from streamlit.components.v1 import declare_component

from gridgeo.maps.document import WEB

_component = declare_component("plan_map", path=WEB)


def show_map(data: dict[str, Any], *, key: str, lang: str, height: int, fit: list[list[float]] | None = None) -> Any:  # noqa: ANN401
    """Show a map; only layers that the browser does not hold yet travel.

    Parameters
    ----------
    data : dict
        What `gridgeo.maps.PlanMap.component_data` returns.
    key : str
        The map's name on its page.
    lang : {'zh', 'en'}
        The language of legend and cards.
    height : int
        Its height in pixels.
    fit : list, optional
        South-west and north-east corner that the view is to move to, once.

    Returns
    -------
    dict or None
        What the reader last clicked: ``layer`` and ``row``.
    """
    state = st.session_state.setdefault(f"{key}_map", {"sent": {}, "answered": None, "number": 0, "fit": None})
    answer = st.session_state.get(key) or {}
    if answer.get("need") and answer["event"] != state["answered"]:
        state["sent"] = {}
    state["answered"] = answer.get("event")
    wanted = [[layer_id, layer["version"]] for layer_id, layer in data["layers"].items()]
    fresh = {name: data["layers"][name] for name, version in wanted if state["sent"].get(name) != version}
    state["sent"] = dict(wanted)
    if fit is not None and fit != state["fit"]:
        state["number"] += 1
    state["fit"] = fit
    _component(
        options=data["options"],
        frame=data["frame"],
        wanted=wanted,
        layers=fresh,
        command={"number": state["number"], "fit": fit} if fit is not None else None,
        lang=lang,
        height=height,
        key=key,
    )
    return answer.get("pick")
