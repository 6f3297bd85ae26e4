"""What stands beside the map for redrawing: what is chosen and what can be done, findings, history, scenario."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import streamlit as st

from app.parts.language import reader_language
from app.parts.live import perform
from app.parts.redrawing import (
    aim,
    choose,
    desk,
    edit_plan,
    grids_of,
    held_by_grid,
    save_scenario,
    step,
    streets_through,
    undoable,
)
from app.parts.widgets import local_times, name_grids, plain, show_figure, show_table
from app.state import cache
from app.state.address import remember
from app.state.workspace import State
from gridgeo.maps.ground import names_of
from gridgeo.redraw import Edit, Finding, bound_blocks, describe_edit, make_edit, suggest_repairs, tabulate_log
from gridgeo.texts import text

Band = tuple[float, float]
VIEWS = ("edit", "findings", "history", "scenario")
MOST_FINDINGS = 8

PAINT = "redraw_paint"
TARGET = "redraw_to"


@dataclass(frozen=True)
class Bench:
    """What the panel works on.

    Parameters
    ----------
    path : Path
        The plan file.
    state : State
        The plan as it is shown.
    band : tuple of float
        The households a grid may hold.
    """

    path: Path
    state: State
    band: Band

    @cached_property
    def names(self) -> dict[str, str]:
        """Grid → its name, or its code or id where it has none."""
        grids = self.state.plan.grids
        return dict(zip(grids["grid_id"], names_of(grids, "grid_id"), strict=True))

    @cached_property
    def held(self) -> dict[str, int]:
        """Grid → its households."""
        return held_by_grid(self.state.plan)

    @cached_property
    def locked(self) -> set[str]:
        """The grids that are locked."""
        grids = self.state.plan.grids
        return set(grids["grid_id"][grids["locked"]])

    def button(self, label: str, edit: Edit, key: str, **how: Any) -> None:  # noqa: ANN401 - Streamlit's
        """Draw a button that makes an edit.

        Parameters
        ----------
        label : str
            What it says.
        edit : Edit
            The edit.
        key : str
            The widget's name.
        **how : object
            Passed to ``st.button``.
        """
        st.button(label, key=key, on_click=perform, args=(edit_plan, self.path, edit), width="stretch", **how)


def show_panel(bench: Bench) -> None:
    """Draw the panel.

    Parameters
    ----------
    bench : Bench
        What it works on.
    """
    found = cache.findings(bench.path, bench.state, bench.band)
    _show_steps(bench)
    _show_share(bench)
    remember("redraw_view", lambda said: said if said in VIEWS else None, VIEWS[0])
    view = st.segmented_control(
        text("redraw_page.view"),
        VIEWS,
        key="redraw_view",
        required=True,
        format_func=lambda name: text(f"redraw_page.view.{name}", count=len(found)),
        label_visibility="collapsed",
    )
    match view:
        case "findings":
            _show_findings(bench, found)
        case "history":
            _show_history(bench)
        case "scenario":
            _show_scenario(bench)
        case _:
            _show_chosen(bench)


def painted(bench: Bench) -> dict[str, Any] | None:
    """Return what a click on a block does at once, when the reader asked for that.

    Parameters
    ----------
    bench : Bench
        What is worked on.

    Returns
    -------
    dict or None
        ``to`` and ``look`` for `app.parts.component.editing`.
    """
    said, known = st.session_state.get(TARGET), desk().get("target")
    target = next((grid for grid in (said, known) if grid in bench.names), None)
    if not st.session_state.get(PAINT) or target is None:
        return None
    blocks = cache.redraw_map(bench.path, bench.state, bench.band)["layers"]["blocks"]
    row = bench.state.plan.blocks["grid_id"].tolist().index(target)
    return {"to": target, "look": blocks["lookOf"][row] if not isinstance(blocks["lookOf"], str) else 0}


def _show_steps(bench: Bench) -> None:
    done, undone = undoable(cache.living(bench.path))
    left, right = st.columns(2)
    for box, kind, count, keys in ((left, "undo", done, "Ctrl+Z"), (right, "redo", undone, "Ctrl+Y")):
        box.button(
            f"{text(f'redraw_page.{kind}')} ({count})",
            key=f"redraw_{kind}",
            on_click=perform,
            args=(step, bench.path, kind),
            disabled=count == 0,
            help=keys,
            width="stretch",
        )


def _show_share(bench: Bench) -> None:
    low, high = bench.band
    held = bench.held
    good = sum(low <= count <= high for count in held.values())
    share = f"{good / len(held):.0%}" if held else "–"
    note = text("redraw_page.in_band_note", good=good, all=len(held))
    show_figure(text("redraw_page.in_band", low=f"{low:g}", high=f"{high:g}"), share, note, estimated=False)


def _show_chosen(bench: Bench) -> None:
    blocks = desk()["chosen"]
    _choose_target(bench, blocks)
    if not blocks:
        st.info(text("redraw_page.nothing_chosen"))
        return
    plan = bench.state.plan
    mine = plan.households["households"][plan.households["block_id"].isin(blocks)].sum()
    grids = grids_of(plan, blocks)
    lines = [text("redraw_page.chosen", count=len(blocks), households=f"{int(mine):,}")]
    lines += [_grid_line(bench, grid) for grid in grids]
    lines += [words for lang, words in bound_blocks(plan, blocks).items() if lang == reader_language()]
    st.markdown("\n".join(f"- {plain(line)}" for line in lines))
    left, right = st.columns(2)
    target = st.session_state.get(TARGET)
    with left:
        edit = make_edit("move_blocks", blocks=blocks, to=target)
        bench.button(text("redraw_page.assign"), edit, "redraw_assign", type="primary")
    with right:
        bench.button(text("redraw_page.new_grid"), make_edit("new_grid", blocks=blocks), "redraw_new")
    if len(grids) > 1:
        _show_several(bench, grids)
    elif grids:
        _show_one(bench, grids[0])
    for number, offer in enumerate(desk()["offers"][:3]):
        bench.button(
            plain(_named(bench, describe_edit(offer))), offer, f"redraw_offer_{number}", help=text("redraw_page.offers")
        )


def _choose_target(bench: Bench, blocks: list[str]) -> None:
    order, target = aim(bench.state, blocks, st.session_state.get(TARGET))
    # Told anew each time: the browser would else go on showing the choice, and the count of households, of before.
    st.session_state[TARGET] = target
    st.selectbox(text("redraw_page.to"), order, format_func=partial(_grid_line, bench), key=TARGET)
    st.toggle(text("redraw_page.paint"), key=PAINT)


def _show_several(bench: Bench, grids: list[str]) -> None:
    left, right = st.columns(2)
    with left:
        bench.button(text("redraw_page.merge"), make_edit("merge_grids", grids=grids), "redraw_merge")
    with right:
        low, high = bench.band
        edit = make_edit("rebalance_grids", grids=grids, low=low, high=high)
        bench.button(text("redraw_page.rebalance"), edit, "redraw_balance", help=text("redraw_page.rebalance.help"))


def _show_one(bench: Bench, grid: str) -> None:
    streets = streets_through(bench.state.plan, grid)
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    street = left.selectbox(
        text("redraw_page.street"),
        streets,
        index=None,
        key=f"redraw_street_{grid}",
        placeholder=text("redraw_page.street.none"),
        help=text("redraw_page.line_hint"),
    )
    with right:
        edit = make_edit("split_grid", grid=grid, street=street or "–")
        bench.button(text("redraw_page.split"), edit, "redraw_split", disabled=street is None)
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    name = left.text_input(text("redraw_page.name"), bench.names[grid], key=f"redraw_name_{grid}", max_chars=80)
    with right:
        named = name.strip() and name.strip() != bench.names[grid]
        edit = make_edit("rename_grid", grid=grid, name=name if named else "–")
        bench.button(text("redraw_page.rename"), edit, "redraw_rename", disabled=not named)
    locked = grid in bench.locked
    edit = make_edit("lock_grid", grid=grid, locked=not locked)
    bench.button(text("redraw_page.unlock" if locked else "redraw_page.lock"), edit, "redraw_lock")


def _grid_line(bench: Bench, grid: str) -> str:
    (low, high), count = bench.band, bench.held[grid]
    kind = "locked" if grid in bench.locked else "few" if count < low else "many" if count > high else "line"
    by = low - count if count < low else count - high
    return text(f"redraw_page.grid_{kind}", name=bench.names[grid], households=f"{count:,}", by=f"{by:g}")


def _show_findings(bench: Bench, found: list[Finding]) -> None:
    if not found:
        st.success(text("redraw_page.no_findings"))
        return
    said = [_named(bench, one.message) for one in found]
    chosen = st.selectbox(
        text("redraw_page.finding"), range(len(found)), format_func=said.__getitem__, key="redraw_finding"
    )
    finding = found[chosen or 0]
    st.markdown(plain(said[chosen or 0]))
    plan = bench.state.plan
    blocks = finding.blocks or plan.blocks["block_id"][plan.blocks["grid_id"] == finding.item]
    st.button(text("redraw_page.show"), key="redraw_show", on_click=choose, args=(list(blocks),), width="stretch")
    repairs = suggest_repairs(plan, finding, households_per_grid=bench.band)
    if not repairs:
        st.caption(text("redraw_page.no_repair"))
    for number, repair in enumerate(repairs[:MOST_FINDINGS]):
        bench.button(plain(_named(bench, describe_edit(repair))), repair, f"redraw_repair_{number}")


def _show_history(bench: Bench) -> None:
    log = tabulate_log(bench.state.plan)
    if len(log) == 0:
        st.info(text("redraw_page.no_history"))
        return
    log = log.iloc[::-1].assign(
        what=[_named(bench, what) for what in log["what"].iloc[::-1]], time=local_times(log["time"].iloc[::-1])
    )
    names = ("what", "who", "time", "stands")
    columns = {name: text(f"redraw_page.history.{name}") for name in names}
    show_table(log[list(names)], columns, most=330)


def _named(bench: Bench, sentence: str) -> str:
    return name_grids(sentence, bench.state.plan.grids)


def _show_scenario(bench: Bench) -> None:
    done, _ = undoable(cache.living(bench.path))
    if not done:
        st.info(text("redraw_page.nothing_to_keep"))
        return
    name = st.text_input(text("redraw_page.scenario_name"), key="redraw_scenario", max_chars=80)
    steps = st.number_input(text("redraw_page.steps"), 1, done, done, key=f"redraw_steps_{done}")
    back = st.checkbox(text("redraw_page.take_back"), value=True, key="redraw_take_back")
    st.button(
        text("redraw_page.keep"),
        key="redraw_keep",
        on_click=perform,
        args=(save_scenario, bench.path, name, int(steps)),
        kwargs={"take_back": back},
        disabled=not name.strip(),
        width="stretch",
    )
