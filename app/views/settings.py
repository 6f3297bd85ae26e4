"""Settings: language and looks, what figures rest on, the map behind the map, and what the plan's levels are called."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import streamlit as st

from app.parts import settings_form
from app.parts.language import language_switch
from app.parts.widgets import attempt, plain
from app.state import sign_in
from app.state.settings import Settings, config_folder, read_settings
from gridgeo.texts import text


def show(given: str | None, lang: str) -> None:
    """Draw the page.

    Parameters
    ----------
    given : str or None
        The plan file that is open.
    lang : {'zh', 'en'}
        The reader's language.
    """
    sign_in.require_planner()
    title, switch = st.columns([16, 3], vertical_alignment="center")
    title.subheader(text("app.page.settings"), anchor=False)
    with switch:
        language_switch()
    sign_in.show_reader()
    now = read_settings()
    with st.form("settings", border=False):
        looks, basis = st.columns(2, gap="medium")
        with looks.container(border=True, height="stretch"):
            settings_form.ask_looks(now)
            settings_form.ask_basemap(now)
        with basis.container(border=True, height="stretch"):
            settings_form.ask_basis(now)
        work = partial(attempt, settings_form.save_form)
        st.form_submit_button(text("app.settings.save"), type="primary", on_click=work)
    st.button(text("app.settings.reset"), on_click=partial(attempt, settings_form.save, Settings()))
    st.caption(plain(text("app.settings.file", file=config_folder() / "settings.toml")))
    if given is not None:
        settings_form.edit_levels(Path(given), lang)
