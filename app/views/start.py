"""The start: no plan is open yet, so say how to open one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st

from app.parts.language import language_switch
from app.parts.widgets import attempt, plain
from app.state import plans, sign_in, uploads
from gridgeo.readers import bundled_places, bundled_plan_path
from gridgeo.texts import text


def show() -> None:
    """Draw the page."""
    title, switch = st.columns([16, 3], vertical_alignment="center")
    title.subheader(text("app.start"), anchor=False)
    with switch:
        language_switch()
    look, opening, making = st.columns(3, gap="medium")
    with look.container(border=True, height="stretch"):
        st.markdown(f"**{text('app.start.look')}**")
        st.write(text("app.start.look_why"))
        for name in bundled_places():
            path = bundled_plan_path(name)
            label = plain(str(plans.plan_title(path)))
            st.button(label, key=f"open_{name}", on_click=partial(attempt, plans.open_plan, path), width="stretch")
    with opening.container(border=True, height="stretch"):
        st.markdown(f"**{text('app.start.open')}**")
        choose_known()
        if sign_in.reader().may_edit:
            open_file()
    if sign_in.reader().may_edit:
        with making.container(border=True, height="stretch"):
            st.markdown(f"**{text('app.start.import')}**")
            st.write(text("app.start.import_why"))
            st.page_link(st.session_state["pages"]["data"], label=text("app.start.import_link"), icon="➡️")


def choose_known() -> None:
    """List the plans that were opened lately; a click opens one."""
    for known in plans.known_plans():
        st.button(
            plain(known.path.name),
            key=f"known_{known.key}",
            help=plain(str(known.path.parent)),
            on_click=partial(plans.choose_plan, known.key),
            width="stretch",
        )


def open_file() -> None:
    """Open a plan file that is handed over, or named by its path."""
    for path in uploads.choose_files("plan_upload", ["gpkg"]):
        _offer(path, plans.adopt_plan)
    named = uploads.choose_path("plan_path")
    if named:
        _offer(named, plans.open_plan)


def _offer(path: Path, work: Callable[[Path], None]) -> None:
    label = text("app.start.open_file", file=plain(path.name))
    st.button(label, key=f"open_{plans.plan_key(path)}", type="primary", on_click=partial(attempt, work, path))
