"""Data: the plan's tables, editable in place, and a new plan from the office's own files."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app.parts.import_form import show_import
from app.parts.language import language_switch
from app.parts.plan_card import show_plan
from app.parts.tables import show_tables
from app.state import sign_in
from app.state.address import remember
from gridgeo.texts import text


def show(given: str | None, lang: str) -> None:  # noqa: ARG001 - every page is called alike
    """Draw the page.

    Parameters
    ----------
    given : str or None
        The plan file that is open.
    lang : {'zh', 'en'}
        The reader's language.
    """
    sign_in.require_planner()
    parts = ["tables", "import"] if given else ["import"]
    remember("part", lambda said: said if said in parts else None, parts[0])
    choice, switch = st.columns([16, 3], vertical_alignment="center")
    with switch:
        language_switch()
    with choice:
        part = st.segmented_control(
            text("app.page.data"),
            parts,
            format_func=lambda name: text(f"app.data.{name}"),
            key="part",
            required=True,
            label_visibility="collapsed",
        )
    if given is not None:
        show_plan(Path(given))
    if part == "import" or given is None:
        show_import(None if given is None else Path(given))
    else:
        show_tables(Path(given))
