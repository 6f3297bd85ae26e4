"""The plan's tables, editable in place: every changed cell becomes an edit, logged and saved at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from app.parts import downloads
from app.parts.widgets import attempt, heading, local_times, plain, show_table, table_height
from app.state import sign_in
from app.state.address import remember
from app.state.workspace import Workspace, open_workspace
from gridgeo.coverage.assess import list_services
from gridgeo.coverage.wording import read_kind, word_kind, word_services
from gridgeo.errors import InputError
from gridgeo.plan import Plan
from gridgeo.redraw import Edit, make_edit, tabulate_log
from gridgeo.schema import GRID_KINDS, LAYERS
from gridgeo.store.spreadsheet import as_table
from gridgeo.texts import catalogue, column_label, current_language, layer_label, text

MOST_ROWS = 2000
"""So many rows are shown at once; a search finds the others."""

LAST_CHANGES = 20

MOST_PX = 420
"""The greatest height of a table."""

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "stations": (
        "station_id", "name", "station_kind", "level", "services", "capacity", "service_radius_m", "hours", "open",
    ),
    "gates": ("gate_id", "name", "open", "hours"),
    "grids": ("grid_id", "code", "name", "grid_kind", "locked", "staff"),
    "households": ("household_id", "households", "persons", "elderly", "children", "disabled", "low_income"),
}  # fmt: skip
"""The tables, and what of them is shown; the first column names the row."""

LOCKED: Mapping[str, tuple[str, ...]] = {
    "stations": ("station_id",),
    "gates": ("gate_id", "name"),
    "grids": ("grid_id", "code"),
    "households": ("household_id",),
}
"""What cannot be changed here."""

SERVICES_MARK = ";"
"""What parts the services of a station in the plan."""

EMPTIED = ("staff",)
"""What can be left empty: nobody looks after the grid any more."""


@dataclass
class Sheet:
    """A table as one reader has it open: as it was read, and what they have changed since.

    Parameters
    ----------
    table : DataFrame
        As it was read.
    head : str
        The log's head that the reader sees.
    number : int
        The state of the plan that the reader sees.
    version : int
        Counts up when the table is drawn anew.
    done : dict
        (row, column) → value, of changes that were made.
    """

    table: pd.DataFrame
    head: str
    number: int
    version: int = 0
    done: dict[tuple[int, str], Any] = field(default_factory=dict)


def show_tables(path: Path) -> None:
    """Draw the tables of a plan.

    Parameters
    ----------
    path : Path
        The plan file.
    """
    workspace = open_workspace(path)
    plan = workspace.current().plan
    names = [name for name in COLUMNS if len(getattr(plan, name))]
    if not names:
        st.info(text("app.tables.none"))
        return
    remember("layer", lambda said: said if said in names else None, names[0])
    layer = st.segmented_control(
        text("app.tables"), names, format_func=_layer_name, key="layer", required=True, label_visibility="collapsed"
    )
    st.caption(text("app.tables.why"))
    _edit(workspace, layer or names[0])
    _show_changes(workspace)


def row_edits(layer: str, key: str, values: Mapping[str, Any], now: Mapping[str, Any]) -> list[Edit]:
    """Make the edits that change one row so.

    Parameters
    ----------
    layer : {'stations', 'gates', 'grids', 'households'}
        The table.
    key : str
        The row's id.
    values : mapping
        Column → new value.
    now : mapping
        The row as it is.

    Returns
    -------
    list of Edit
        One or two: what an edit of its own sets (open, locked, …) and the rest.

    Raises
    ------
    InputError
        If the table has no such column, or a value is not of its kind.
    """
    strange = [name for name in values if name not in COLUMNS[layer] or name in LOCKED[layer]]
    if strange:
        raise InputError("unknown_column", layer=layer, value=strange[0], allowed=", ".join(COLUMNS[layer]))
    empty = [name for name, value in values.items() if name not in EMPTIED and (value is None or value == "")]
    if empty:
        raise InputError("cell_emptied", column=column_label(empty[0]))
    return _MAKERS[layer](key, dict(values), now)


def _station_edits(key: str, values: dict[str, Any], _now: Mapping[str, Any]) -> list[Edit]:
    opened = values.pop("open", None)
    edits = [make_edit("set_station", values, station=key)] if values else []
    if opened is not None:
        edits.append(make_edit("open_station" if opened else "close_station", station=key))
    return edits


def _gate_edits(key: str, values: dict[str, Any], now: Mapping[str, Any]) -> list[Edit]:
    if not values.get("open", now["open"]):
        if "hours" in values:
            raise InputError("closed_gate_hours")
        return [make_edit("close_gate", gate=key)]
    return [make_edit("open_gate", gate=key, hours=values.get("hours"))]


def _grid_edits(key: str, values: dict[str, Any], _now: Mapping[str, Any]) -> list[Edit]:
    kinds = {"name": "rename_grid", "grid_kind": "set_grid_kind", "locked": "lock_grid", "staff": "staff_grid"}
    return [make_edit(kinds[name], {name: None if value == "" else value}, grid=key) for name, value in values.items()]


def _household_edits(key: str, values: dict[str, Any], _now: Mapping[str, Any]) -> list[Edit]:
    return [make_edit("set_households", values, household=key)]


_MAKERS: Mapping[str, Callable[[str, dict[str, Any], Mapping[str, Any]], list[Edit]]] = {
    "stations": _station_edits,
    "gates": _gate_edits,
    "grids": _grid_edits,
    "households": _household_edits,
}


def _edit(workspace: Workspace, layer: str) -> None:
    """Draw one table; what is changed in it is done before it is drawn again."""
    search = st.text_input(text("app.tables.search"), key=f"search_{layer}", max_chars=80).strip()
    sheet = _open_sheet(workspace, layer, search)
    key = f"sheet_{layer}_{sheet.version}"
    st.data_editor(
        _worded(sheet.table),
        key=key,
        hide_index=True,
        height=min(MOST_PX, table_height(len(sheet.table))),
        column_config={name: _column(name, sheet.table[name]) for name in COLUMNS[layer]},
        disabled=LOCKED[layer],
        placeholder="",
        on_change=partial(attempt, _apply, workspace, layer, key),
    )
    whole = getattr(workspace.current().plan, layer)
    if len(sheet.table) == MOST_ROWS:
        st.caption(text("app.tables.more", shown=f"{MOST_ROWS:,}", count=f"{len(whole):,}"))
    downloads.offer_downloads(
        f"tables_{layer}", _layer_name(layer), tables={layer: partial(as_table, whole)}, layers={layer: whole}
    )


def _open_sheet(workspace: Workspace, layer: str, search: str) -> Sheet:
    """Return the reader's table; anew when somebody else changed the plan, or they ask for something else."""
    held: dict[tuple[str, Path], tuple[tuple[str, str], Sheet]] = st.session_state.setdefault("sheets", {})
    state = workspace.current()
    name, asked = (layer, workspace.source), (search, current_language())
    said, sheet = held.get(name, (None, None))
    if sheet is None or sheet.number != state.number or said != asked:
        version = 0 if sheet is None else sheet.version + 1
        sheet = Sheet(find_rows(state.plan, layer, search), state.head, state.number, version)
        held[name] = (asked, sheet)
    return sheet


def find_rows(plan: Plan, layer: str, search: str) -> pd.DataFrame:
    """Return the rows of a table that hold a text.

    Parameters
    ----------
    plan : Plan
        The plan.
    layer : str
        One of `COLUMNS`.
    search : str
        The text, in any column of texts as the reader sees it and whatever its case; all rows when empty.

    Returns
    -------
    DataFrame
        The shown columns of at most `MOST_ROWS` rows.
    """
    table = pd.DataFrame(getattr(plan, layer))[list(COLUMNS[layer])]
    if search:
        texts = [column.name for column in LAYERS[layer].columns if column.kind == "text" and column.name in table]
        seen = _worded(table).assign(services=table["services"].map(word_services)) if layer == "stations" else table
        found = [seen[name].fillna("").str.contains(search, case=False, regex=False) for name in texts]
        table = table[np.logical_or.reduce([column.to_numpy(dtype=bool) for column in found])]
    return table.head(MOST_ROWS).reset_index(drop=True)


def _apply(workspace: Workspace, layer: str, key: str) -> None:
    """Do what was changed in a table since the last time."""
    sheet: Sheet = st.session_state["sheets"][layer, workspace.source][1]
    changed: dict[int, dict[str, Any]] = st.session_state[key]["edited_rows"]
    try:
        sign_in.require_planner()
        for row, cells in changed.items():
            said = {name: read_cell(name, value) for name, value in cells.items()}
            new = {name: value for name, value in said.items() if not _is_same(sheet, row, name, value)}
            if new:
                now = sheet.table.iloc[row].to_dict() | {
                    name: value for (at, name), value in sheet.done.items() if at == row
                }
                edits = row_edits(layer, str(now[COLUMNS[layer][0]]), new, now)
                for edit in edits:
                    _make(workspace, sheet, edit)
                sheet.done |= {(row, name): value for name, value in new.items()}
    except Exception:
        # What was typed and could not be done must not stay on the screen as if it had been.
        sheet.number = -1
        raise


def _make(workspace: Workspace, sheet: Sheet, edit: Edit) -> None:
    """Make one edit; where others changed the plan meanwhile, the table is drawn anew with their changes in it."""
    workspace.apply(edit, seen=sheet.head, who=sign_in.reader().name)
    state = workspace.current()
    if state.number == sheet.number + 1:
        sheet.head, sheet.number = state.head, state.number


def _is_same(sheet: Sheet, row: int, name: str, value: Any) -> bool:  # noqa: ANN401 - a cell
    now = sheet.done.get((row, name), sheet.table[name].iloc[row])
    if name == "services":
        return list_services(now) == list_services(value)
    return bool(now == value) or (value is None and bool(pd.isna(now)))


def _show_changes(workspace: Workspace) -> None:
    """List the last changes, and let the last one be taken back."""
    state = workspace.current()
    log = tabulate_log(state.plan)
    with st.expander(text("app.tables.changes", count=len(log)), expanded=False):
        if len(log) == 0:
            st.caption(text("app.tables.no_changes"))
            return
        undo = partial(attempt, _undo, workspace, state.head)
        st.button(text("app.tables.undo"), on_click=undo, key="tables_undo", disabled=not log["stands"].any())
        shown = log.tail(LAST_CHANGES).iloc[::-1][["rev", "time", "who", "what", "stands"]]
        shown = shown.assign(time=local_times(shown["time"]))
        columns = {name: text(f"app.log.{name}") for name in shown.columns}
        show_table(shown, columns, key="changes")
        downloads.offer_downloads("log", text("app.tables.log_file"), tables={"log": log})


def _undo(workspace: Workspace, seen: str) -> None:
    sign_in.require_planner()
    workspace.undo(seen=seen, who=sign_in.reader().name)


def _worded(table: pd.DataFrame) -> pd.DataFrame:
    """Say kinds of stations in the reader's language, and part services, so that each is chosen by itself."""
    if "services" not in table:
        return table
    # Of their own type: a column in which every cell is empty would else become one of numbers.
    kinds = table["station_kind"].map(word_kind, na_action="ignore").astype(table["station_kind"].dtype)
    return table.assign(station_kind=kinds, services=table["services"].map(list_services))


def read_cell(name: str, value: Any) -> Any:  # noqa: ANN401 - a cell
    """Return what a changed cell says to the plan: the kinds that are meant by words in either language.

    Parameters
    ----------
    name : str
        The column.
    value : object
        What the reader typed or chose.

    Returns
    -------
    object
        What stands in the plan.
    """
    if name == "services":
        return SERVICES_MARK.join(dict.fromkeys(map(read_kind, value or [])))
    return read_kind(value) if name == "station_kind" and value is not None else value


def _column(name: str, cells: pd.Series) -> Any:  # noqa: ANN401 - Streamlit's own kind
    label = column_label(name)
    if name == "station_kind":
        # A text rather than a choice: an office has kinds of its own. A word that gridgeo knows is kept as its kind.
        words = text("walks.list_mark").join(map(word_kind, catalogue("kinds")))
        return st.column_config.TextColumn(label, help=plain(text("app.tables.kinds", kinds=words)))
    if name == "services":
        known = sorted({*catalogue("kinds"), *(each for said in cells for each in list_services(said))}, key=word_kind)
        return st.column_config.MultiselectColumn(
            label, options=known, format_func=word_kind, accept_new_options=True, color="gray"
        )
    if name in ("open", "locked"):
        return st.column_config.CheckboxColumn(label)
    if name == "grid_kind":
        return st.column_config.SelectboxColumn(
            label, options=list(GRID_KINDS), format_func=lambda kind: text(f"maps.grid_kind.{kind}"), required=True
        )
    counted = name in ("households", "elderly", "children", "disabled", "low_income")
    if counted or name in ("persons", "capacity", "service_radius_m"):
        return st.column_config.NumberColumn(label, min_value=0, step=1 if counted else None)
    return st.column_config.TextColumn(label)


def _layer_name(layer: str) -> str:
    return plain(heading(layer_label(layer)))
