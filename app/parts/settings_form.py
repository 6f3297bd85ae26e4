"""The widgets of the settings page: each says what it does, and nothing is kept that the app could not use."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import streamlit as st

from app.parts.language import NAMES
from app.parts.theme import apply_theme
from app.parts.widgets import attempt, person_name
from app.state import sign_in
from app.state.settings import (
    ACCESS_M,
    BASEMAPS,
    MOST_CUTOFF_M,
    SPEEDS_M_PER_MIN,
    THEMES,
    TILE_DATUMS,
    Settings,
    write_settings,
)
from app.state.workspace import open_workspace
from gridgeo.errors import InputError
from gridgeo.maps.basemaps import OFFICE, read_template
from gridgeo.network.persons import PERSONS
from gridgeo.plan import Level, Name
from gridgeo.texts import LANGUAGES, text

LEAST_CUTOFF_M = 50.0
MOST_CUTOFFS = 3


def ask_looks(now: Settings) -> None:
    """Draw the choices of language and theme.

    Parameters
    ----------
    now : Settings
        What is in force.
    """
    st.markdown(f"**{text('app.settings.reader')}**")
    languages = ("auto", *LANGUAGES)
    st.radio(
        text("app.settings.language"),
        languages,
        index=languages.index(now.language),
        format_func=lambda lang: NAMES.get(lang) or text("app.settings.language.auto"),
        key="set_language",
        horizontal=True,
    )
    st.radio(
        text("app.settings.theme"),
        THEMES,
        index=THEMES.index(now.theme),
        format_func=lambda theme: text(f"app.settings.theme.{theme}"),
        key="set_theme",
        horizontal=True,
        help=text("app.settings.theme.help"),
    )


def ask_basemap(now: Settings) -> None:
    """Draw the choice of the map behind the map.

    Parameters
    ----------
    now : Settings
        What is in force.
    """
    st.markdown(f"**{text('app.settings.basemap')}**")
    st.radio(
        text("app.settings.basemap"),
        BASEMAPS,
        index=BASEMAPS.index(now.basemap),
        format_func=lambda name: text(f"app.settings.basemap.{name}"),
        key="set_basemap",
        label_visibility="collapsed",
    )
    st.caption(text("app.settings.basemap.help"))
    st.text_input(text("app.settings.key"), now.tianditu_key, max_chars=80, key="set_key", autocomplete="off")
    address, datum = st.columns([3, 2])
    address.text_input(
        text("app.settings.tiles"),
        now.tile_address,
        max_chars=300,
        key="set_tiles",
        help=text("app.settings.tiles.help"),
        placeholder="http://10.1.1.8/{z}/{x}/{y}.png",
        autocomplete="off",
    )
    datum.selectbox(
        text("app.settings.tile_datum"),
        TILE_DATUMS,
        index=TILE_DATUMS.index(now.tile_datum),
        format_func=lambda name: text(f"app.settings.tile_datum.{name}"),
        key="set_tile_datum",
    )


def ask_basis(now: Settings) -> None:
    """Draw the choices that figures rest on.

    Parameters
    ----------
    now : Settings
        What is in force.
    """
    st.markdown(f"**{text('app.settings.basis')}**")
    st.caption(text("app.settings.basis_why"))
    cutoffs = ", ".join(f"{cutoff:g}" for cutoff in now.cutoffs_m)
    st.text_input(text("app.settings.cutoffs"), cutoffs, key="set_cutoffs", help=text("app.settings.cutoffs.help"))
    persons = ("any", *PERSONS)
    st.selectbox(
        text("app.settings.person"),
        persons,
        index=persons.index(now.person),
        format_func=person_name,
        key="set_person",
        help=text("app.settings.person.help"),
    )
    low, high = now.households_per_grid
    st.slider(
        text("app.settings.band"),
        50,
        2000,
        (round(low), round(high)),
        step=10,
        key="set_band",
        help=text("app.settings.band.help"),
    )
    for column, (name, speed) in zip(st.columns(len(PERSONS)), now.speeds_m_per_min.items(), strict=True):
        label = text("app.settings.speed", person=person_name(name))
        column.number_input(label, *map(round, SPEEDS_M_PER_MIN), round(speed), key=f"set_speed_{name}")
    st.caption(text("app.settings.speed.why"))
    st.number_input(
        text("app.settings.access"),
        *map(round, ACCESS_M),
        round(now.max_access_m),
        step=10,
        key="set_access",
        help=text("app.settings.access.help"),
    )


def save_form() -> None:
    """Keep what the form says.

    Raises
    ------
    InputError
        If something in it cannot be used; nothing was changed.
    """
    said = st.session_state
    save(
        Settings(
            language=said["set_language"],
            theme=said["set_theme"],
            cutoffs_m=read_cutoffs(said["set_cutoffs"]),
            person=said["set_person"],
            speeds_m_per_min={name: float(said[f"set_speed_{name}"]) for name in PERSONS},
            max_access_m=float(said["set_access"]),
            households_per_grid=(float(said["set_band"][0]), float(said["set_band"][1])),
            basemap=said["set_basemap"],
            tianditu_key=_key(said["set_key"], said["set_basemap"]),
            tile_address=_tiles(said["set_tiles"], said["set_basemap"]),
            tile_datum=said["set_tile_datum"],
        )
    )


def save(settings: Settings) -> None:
    """Keep settings, and let them hold from now on.

    Parameters
    ----------
    settings : Settings
        The settings.

    Raises
    ------
    GridgeoError
        If the reader may not change them, or they cannot be written.
    """
    sign_in.require_planner()
    write_settings(settings)
    apply_theme(settings.theme)
    for name in [name for name in st.session_state if str(name).startswith("set_")]:
        del st.session_state[name]
    if settings.language in LANGUAGES:
        st.session_state["language"] = settings.language
    st.toast(text("app.settings.saved"), icon="✅")


def read_cutoffs(said: str) -> tuple[float, ...]:
    """Read walking distances as a person types them.

    Parameters
    ----------
    said : str
        Numbers with anything between them.

    Returns
    -------
    tuple of float
        Metres, the shortest first.

    Raises
    ------
    InputError
        If they are no one to three distances the app asks for.
    """
    parts = [part for part in re.split(r"[\s,;，；、/]+", said.strip()) if part]
    numbers = {float(part) for part in parts if re.fullmatch(r"\d{1,5}(\.\d{1,3})?", part, re.ASCII)}
    sound = all(LEAST_CUTOFF_M <= number <= MOST_CUTOFF_M for number in numbers)
    if len(numbers) != len(parts) or not 1 <= len(numbers) <= MOST_CUTOFFS or not sound:
        raise InputError("bad_cutoffs_said", value=said[:40])
    return tuple(sorted(numbers))


def edit_levels(path: Path, lang: str) -> None:
    """Let what the plan's levels are called be changed.

    Parameters
    ----------
    path : Path
        The plan file.
    lang : {'zh', 'en'}
        The reader's language.
    """
    plan = open_workspace(path).current().plan
    counts = {**plan.units["level"].value_counts(), plan.info.levels[-1].level: len(plan.grids)}
    table = pd.DataFrame(
        [(level.level, level.name.zh, level.name.en, counts.get(level.level, 0)) for level in plan.info.levels],
        columns=["level", "zh", "en", "count"],
    )
    st.markdown(f"**{text('app.settings.levels')}**")
    st.caption(text("app.settings.levels_why"))
    edited = st.data_editor(
        table,
        column_config={name: text(f"app.settings.level_{name}") for name in ("zh", "en", "count")}
        | {"level": text("app.settings.level")},
        disabled=["level", "count"],
        hide_index=True,
        key=f"levels_{lang}",
    )
    if not edited.equals(table):
        st.button(text("app.settings.save"), key="save_levels", on_click=attempt, args=(_rename_levels, path, edited))


def _rename_levels(path: Path, edited: pd.DataFrame) -> None:
    sign_in.require_planner()
    workspace = open_workspace(path)
    state = workspace.current()
    rows = edited.fillna("").astype("str").to_dict("records")
    if any(not row[lang].strip() for row in rows for lang in LANGUAGES):
        raise InputError("level_without_name")
    levels = tuple(Level(row["level"], Name(row["zh"].strip(), row["en"].strip())) for row in rows)
    workspace.replace(state.plan.replace(info=replace(state.plan.info, levels=levels)), seen=state.head)
    st.toast(text("app.settings.saved"), icon="✅")


def _tiles(said: str, basemap: str) -> str:
    return read_template(said) if said.strip() or basemap == OFFICE else ""


def _key(said: str, basemap: str) -> str:
    key = said.strip()
    if (key and not (key.isascii() and key.isalnum())) or (basemap == "tianditu" and not key):
        raise InputError("bad_tianditu_key")
    return key
