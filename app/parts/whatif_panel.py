"""What stands beside the map for what-if: the scenario, its figures, what was clicked, and the comparison."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from app.parts.component import editing, show_map, take_events
from app.parts.language import reader_language
from app.parts.live import perform
from app.parts.takeaways import offer_comparison
from app.parts.whatif import ITEM, NAME, Draft, apply_draft, change, covered_households, new_scenario
from app.parts.widgets import is_estimated, name_grids, plain, show_figure, show_table
from app.state import cache, comparisons
from app.state.drafts import drop_scenario, list_scenarios, scenario_file
from app.state.news import follow
from app.state.settings import read_settings
from app.state.workspace import State
from gridgeo.maps import work_map
from gridgeo.maps.editing import whatif_layers
from gridgeo.maps.ground import names_of
from gridgeo.maps.kept import keep
from gridgeo.redraw import describe_edit, make_edit
from gridgeo.scenario import Comparison
from gridgeo.texts import text

MOST_COMPARED = 3
PICTURES = ("changes", "coverage")
_LAYERS = {"stations": ("station", "station_id"), "gates": ("gate", "gate_id"), "walks": ("street", "street_id")}


def choose_scenario(path: Path) -> str | None:
    """Let the reader choose a scenario, or begin one.

    Parameters
    ----------
    path : Path
        The plan file.

    Returns
    -------
    str or None
        Its key; None before there is any.
    """
    known = list_scenarios(cache.living(path))
    # Without any the way to begin comes first.
    boxes = st.columns([5, 5, 2] if known else [5, 2, 5], vertical_alignment="bottom")
    name, begin, chosen = (boxes[1], boxes[2], boxes[0]) if known else boxes
    unnamed = text("whatif_page.unnamed", number=len(known) + 1)
    said = name.text_input(text("whatif_page.new_name"), key=NAME, max_chars=80, placeholder=unnamed)
    begin.button(
        text("whatif_page.begin"),
        key="whatif_begin",
        on_click=perform,
        args=(new_scenario, path, said.strip() or unnamed),
        width="stretch",
        type="secondary" if known else "primary",
    )
    if not known:
        return None
    keys = list(known)
    # In the address it survives a reload and travels with a link; beside it, a look at another page.
    asked = st.query_params.get("scenario") or st.session_state.get("whatif_last")
    key = chosen.selectbox(
        text("whatif_page.scenario"),
        keys,
        index=keys.index(asked) if asked in keys else 0,
        format_func=lambda key: known[key].name,
        key=f"whatif_scenario_{asked}",
    )
    st.session_state["whatif_last"] = key
    if st.query_params.get("scenario") != key:
        st.query_params["scenario"] = key
    return key


def show_draft_map(draft: Draft, name: str, height: int) -> None:
    """Show the map that a scenario is tried out on.

    Parameters
    ----------
    draft : Draft
        The scenario.
    name : str
        The map's name on the page.
    height : int
        Its height in pixels.
    """
    news = follow(draft)
    stage, cutoffs = draft.now(), sorted(draft.now().coverage.cutoffs_m)
    band = comparisons.shown_band(stage.scenario)
    coverages = [stage.coverage.at(cutoff) for cutoff in cutoffs]
    made = partial(whatif_layers, stage.plan, coverages, households_per_grid=band)
    data = keep(f"whatif map {band}", lambda: work_map(stage.plan, made()).component_data(), stage)
    can = editing(tools=("choose", "place"), drag=("stations",), pick=tuple(_LAYERS))
    show_map(data, key=name, lang=reader_language(), height=height, edit=can, news=news)


def show_panel(draft: Draft) -> None:
    """Draw what stands beside the map.

    Parameters
    ----------
    draft : Draft
        The scenario.
    """
    done, undone = draft.steps
    left, right = st.columns(2)
    for box, kind, count, keys in ((left, "undo", done, "Ctrl+Z"), (right, "redo", undone, "Ctrl+Y")):
        box.button(
            f"{text(f'redraw_page.{kind}')} ({count})",
            key=f"whatif_{kind}",
            on_click=perform,
            args=(draft.step, kind),
            disabled=count == 0,
            help=keys,
            width="stretch",
        )
    _show_figures(draft)
    _show_item(draft)
    scenario = draft.now().scenario
    with st.expander(text("whatif_page.edits", count=len(scenario.edits)), expanded=bool(scenario.edits)):
        for edit in scenario.edits[-12:]:
            st.text(name_grids(describe_edit(edit), draft.now().plan.grids))
    _show_exits(draft)


def _show_figures(draft: Draft) -> None:
    stage = draft.now()
    cutoffs = sorted(stage.coverage.cutoffs_m)
    base = draft.work.coverage(cutoffs_m=stage.coverage.cutoffs_m)
    total = int(stage.coverage.source["households"].sum())
    for cutoff in cutoffs:
        was, now = (covered_households(each, cutoff) for each in (base, stage.coverage))
        rate = f"{now / total:.1%}" if total else "–"
        note = text("whatif_page.change", change=f"{now - was:+,}", covered=f"{now:,}")
        name = text("whatif_page.within", cutoff=f"{cutoff:g}")
        show_figure(name, rate, note, estimated=is_estimated(stage.plan))


def _show_item(draft: Draft) -> None:
    """Say what can be done with the station, gate or street that was clicked."""
    layer, key = st.session_state.get(ITEM) or ("stations", "")
    kind, column = _LAYERS[layer]
    frame = getattr(draft.now().plan, f"{kind}s")
    if key not in frame[column].tolist():
        st.info(text("whatif_page.hint"))
        return
    row = frame[column].tolist().index(key)
    is_open = bool(frame["walkable" if kind == "street" else "open"].iloc[row])
    st.markdown(f"**{plain(text(f'whatif_page.{kind}', name=names_of(frame, column)[row]))}**")
    left, right = st.columns(2)
    verb = "close" if is_open else "open"
    edit = make_edit(f"{verb}_{kind}", {kind: key})
    left.button(
        text(f"whatif_page.{verb}"), key="whatif_turn", on_click=perform, args=(change, draft, edit), width="stretch"
    )
    if kind == "station":
        edit = make_edit("remove_station", station=key)
        word = text("whatif_page.remove")
        right.button(word, key="whatif_remove", on_click=perform, args=(change, draft, edit), width="stretch")


def _show_exits(draft: Draft) -> None:
    scenario = draft.now().scenario
    left, right = st.columns(2)
    left.button(
        text("whatif_page.apply"),
        key="whatif_apply",
        on_click=perform,
        args=(apply_draft, draft),
        disabled=not scenario.edits,
        width="stretch",
    )
    right.button(
        text("whatif_page.delete"), key="whatif_delete", on_click=perform, args=(_delete, draft), width="stretch"
    )
    st.download_button(
        text("whatif_page.download"),
        scenario_file(scenario),
        file_name=f"{draft.key}.toml",
        mime="application/toml",
        on_click="ignore",
        width="stretch",
    )
    st.caption(text("whatif_page.kept", file=draft.work.target.name))


def _delete(draft: Draft) -> None:
    drop_scenario(draft.work, draft.key)
    st.query_params.pop("scenario", None)


def show_comparison(path: Path, state: State, height: int) -> None:
    """Show scenarios side by side, all maps in the same view, and their figures.

    Parameters
    ----------
    path : Path
        The plan file.
    state : State
        The plan at this moment.
    height : int
        The maps' height in pixels.
    """
    known = list_scenarios(cache.living(path))
    if not known:
        st.info(text("whatif_page.none_yet"))
        return
    cutoffs = read_settings().cutoffs_m
    choice, at, picture = st.columns([6, 3, 4], vertical_alignment="bottom")
    keys = choice.multiselect(
        text("whatif_page.choose"),
        list(known),
        default=list(known)[:2],
        format_func=lambda key: known[key].name,
        max_selections=MOST_COMPARED,
        key="whatif_compared",
    )
    cutoff = at.segmented_control(
        text("whatif_page.cutoff"), cutoffs, default=cutoffs[0], format_func=_metres, key="whatif_at", required=True
    )
    shown = picture.segmented_control(
        text("whatif_page.picture"),
        PICTURES,
        default=PICTURES[0],
        format_func=lambda name: text(f"whatif_page.picture.{name}"),
        key="whatif_picture",
        required=True,
    )
    if not keys:
        return
    chosen = tuple(known[key] for key in keys)
    names = [*(scenario.name for scenario in chosen)]
    if shown == "coverage":
        names = [text("whatif_page.today"), *names]
    maps = comparisons.comparison_maps(path, state, chosen, cutoffs, float(cutoff or cutoffs[0]), shown or PICTURES[0])
    for box, name, data, number in zip(st.columns(len(maps)), names, maps, range(len(maps)), strict=True):
        with box:
            st.markdown(f"**{plain(name)}**")
            key = f"whatif_map_{number}"
            take_events(key)
            # One of them asks for all.
            news = None if number else follow(cache.living(path))
            show_map(data, key=key, lang=reader_language(), height=height, linked="compare", news=news)
    called = dict(zip(state.plan.grids["grid_id"], names_of(state.plan.grids, "grid_id"), strict=True))
    _show_differences(comparisons.comparison(path, state, chosen, cutoffs), called)
    offer_comparison(path, state, chosen, cutoffs, float(cutoff or cutoffs[0]), reader_language())


def _show_differences(comparison: Comparison, called: dict[str, str]) -> None:
    """Show the figures side by side, and the grids that change, by the names that the plan gives them."""
    table = comparison.headline()
    table = table[table["total"].notna() & (table["total"] > 0)].copy()
    table["group"] = [text(f"whatif_page.group.{group}") for group in table["group"]]
    number = "localized"
    columns: dict[str, Any] = {
        "scenario": text("whatif_page.scenario"),
        "cutoff_m": st.column_config.NumberColumn(
            text("whatif_page.cutoff"), format=text("whatif_page.cutoff.metres", cutoff="%d")
        ),
        "group": text("whatif_page.table.group"),
        "base_covered": st.column_config.NumberColumn(text("whatif_page.table.base"), format=number),
        "covered": st.column_config.NumberColumn(text("whatif_page.table.covered"), format=number),
        "change": st.column_config.NumberColumn(text("whatif_page.table.change"), format="%+d"),
        "rate": st.column_config.ProgressColumn(
            text("whatif_page.table.rate"), format="percent", min_value=0, max_value=1
        ),
    }
    show_table(table[list(columns)], columns)
    if len(comparison.grids):
        names = ("scenario", "name", "change", "base_households", "households", "blocks_in", "blocks_out")
        grids = comparison.grids.assign(
            change=[text(f"whatif_page.grid.{kind}") for kind in comparison.grids["change"]],
            name=[called.get(grid, grid) for grid in comparison.grids["grid_id"]],
        )
        heads = {name: text(f"whatif_page.grids.{name}") for name in names}
        show_table(grids[list(names)], heads)


def _metres(cutoff: float) -> str:
    return text("whatif_page.cutoff.metres", cutoff=f"{cutoff:g}")
