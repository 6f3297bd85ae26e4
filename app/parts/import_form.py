"""The import, step by step on one page: files, what each is, what is wrong with them, and a new plan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from app.parts import downloads
from app.parts.widgets import attempt, plain, show_table
from app.state import plans, sign_in, uploads
from app.state.address import forget
from app.state.imports import (
    ASK_CRS,
    KINDS,
    LAYERS,
    NEEDED,
    ROLES,
    Choice,
    can_set_aside,
    check_import,
    check_lists,
    columns_for,
    fault_table,
    guess_kind,
    keep_columns,
    look_at,
    shown_texts,
)
from app.state.workspace import open_workspace
from gridgeo.errors import GridgeoError, PlanError
from gridgeo.plan import Plan
from gridgeo.readers import ImportReport, Preview, is_osm, map_columns
from gridgeo.readers.columns import LISTS
from gridgeo.readers.raw import ROW
from gridgeo.texts import column_label, layer_label, text

SHOWN = 500
"""So many faults are listed on the page; the file to take along holds all."""

_LEFT_OUT = "none"
_REPORT = "import_report"
_RECHECK = "import_recheck"


@dataclass(frozen=True)
class _Asked:
    """What is to be imported: the files, what the new plan is called, or the plan that lists go into."""

    choices: tuple[Choice, ...]
    name: str = ""
    into: Path | None = None
    fresh: bool = False


@dataclass(frozen=True)
class _Checked:
    """What was found, and the plan that lists were looked up in."""

    asked: _Asked
    report: ImportReport
    plan: Plan | None = None


def show_import(given: Path | None) -> None:
    """Draw the import.

    Parameters
    ----------
    given : Path or None
        The plan that is open: lists alone go into it.
    """
    st.caption(text("app.import.why"))
    paths = _ask_files()
    if not paths:
        st.info(text("app.import.empty"))
        return
    choices = [choice for path in paths if (choice := _ask_choice(path)) is not None]
    asked = _ask_target(tuple(choices), given)
    if asked is None:
        return
    if st.session_state.pop(_RECHECK, False):
        attempt(_check, asked)
    held: _Checked | None = st.session_state.get(_REPORT)
    if held is None or held.asked != asked:
        st.button(
            text("app.import.check"), type="primary", on_click=partial(attempt, _check, asked), key="import_check"
        )
        return
    _show_report(held)


def _ask_target(choices: tuple[Choice, ...], given: Path | None) -> _Asked | None:
    """Ask what the new plan is called; lists alone go into the one that is open. None while files are missing."""
    if given is not None and choices and all(choice.layer in LISTS for choice in choices):
        st.info(plain(text("app.import.lists", name=plans.plan_title(given))))
        fresh = st.checkbox(text("app.import.fresh"), key="import_fresh")
        return _Asked(choices, into=given, fresh=fresh)
    missing = [layer for layer in NEEDED if layer not in {choice.layer for choice in choices}]
    if missing:
        st.info(text("app.import.lacks", layers=_names(missing)))
        return None
    name = st.text_input(text("app.import.name"), _usual_name(list(choices)), max_chars=60, key="import_name")
    return _Asked(choices, name.strip())


def _ask_files() -> list[Path]:
    given = uploads.choose_files("import_files", KINDS)
    named = st.session_state.setdefault("import_paths", [])
    if uploads.at_this_computer():
        st.text_input(
            text("app.upload.path"),
            key="import_path",
            help=text("app.upload.path_help"),
            on_change=attempt,
            args=(_add_path,),
        )
    for path in named:
        line, away = st.columns([12, 1], vertical_alignment="center")
        line.text(str(path))
        away.button("✕", key=f"drop_{path}", help=text("app.import.drop"), on_click=named.remove, args=(path,))
    return [*given, *named]


def _add_path() -> None:
    path = uploads.named_file(st.session_state["import_path"])
    if path is not None and path not in st.session_state["import_paths"]:
        st.session_state["import_paths"].append(path)
        st.session_state["import_path"] = ""


def _ask_choice(path: Path) -> Choice | None:
    """Ask what one file is and how it is to be read; None when it is left out or cannot be read."""
    box = st.container(border=True)
    file, kind, system = box.columns([4, 3, 4], vertical_alignment="center")
    file.markdown(f"**{plain(path.name)}**")
    try:
        first = None if is_osm(path) else _look(path, guess_kind(path), None)
        guessed = "streets" if first is None else first.layer
        options = (*LAYERS, _LEFT_OUT)
        layer = kind.selectbox(
            text("app.import.what", file=path.name),
            options,
            index=options.index(guessed),
            format_func=lambda each: text("app.import.none") if each == _LEFT_OUT else layer_label(each),
            key=f"what_{path}",
            label_visibility="collapsed",
            disabled=first is None,
        )
        if layer == _LEFT_OUT:
            return None
        if first is None:
            box.caption(text("app.import.osm"))
            return Choice(path, layer)
        with system:
            crs = _ask_crs(path, said=first.crs)
        with box:
            chosen = _ask_reading(path, layer, first, crs)
            return replace(chosen, role=_ask_role(chosen)) if layer == "people" else chosen
    except GridgeoError as error:
        box.error(plain(str(error)))
        return None


def _ask_reading(path: Path, layer: str, first: Preview, crs: str | None) -> Choice:
    """Ask for sheet and columns, with the first rows beside them."""
    sheet = None
    if len(first.choices) > 1:
        sheet = st.selectbox(text("app.import.sheet"), first.choices, key=f"sheet_{path}")
    seen = _look(path, layer, sheet)
    known, wanted = seen.mapping.columns, columns_for(layer)
    label = text("app.import.rows", rows=f"{seen.rows:,}")
    if wanted:
        label += " " + text("app.import.columns", known=len(known), of=len(seen.columns))
    columns: tuple[tuple[str, str], ...] = ()
    with st.expander(label, expanded=bool(wanted) and not known):
        sample = seen.sample.rename(columns={ROW: text("app.fault.row")})
        show_table(shown_texts(sample), {}, most=180, key=f"sample_{path}")
        if seen.mapping.personal:
            st.caption(plain(text("app.import.personal", columns=", ".join(seen.mapping.personal))))
        if wanted:
            columns = _ask_columns(path, seen, wanted)
    return Choice(path, layer, sheet, crs, columns)


def _ask_crs(path: Path, *, said: str | None) -> str | None:
    options = ("auto", *ASK_CRS, "other")
    auto = text("app.import.crs_unsaid") if said is None else text("app.import.crs_said", crs=said)
    chosen = st.selectbox(
        text("app.import.crs"),
        options,
        format_func=lambda each: auto if each == "auto" else text(f"app.import.crs.{each}"),
        key=f"crs_{path}",
        label_visibility="collapsed",
        help=text("app.import.crs_help"),
    )
    if chosen == "other":
        code = st.text_input(text("app.import.crs_code"), key=f"epsg_{path}", placeholder="EPSG:4547").strip()
        return code or None
    return None if chosen == "auto" else chosen


def _ask_columns(path: Path, seen: Preview, wanted: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Let the reader say which column is which; an empty one that was recognised is left out."""
    taken = seen.mapping.columns
    options = ["", *seen.columns]
    chosen = {}
    cells = st.columns(4)
    for at, column in enumerate(wanted):
        chosen[column] = cells[at % 4].selectbox(
            column_label(column),
            options,
            index=options.index(taken.get(column, "")),
            format_func=lambda name: name or text("app.import.no_column"),
            key=f"column_{path}_{seen.layer}_{column}",
        )
    # What is as it was recognised was not asked for: only a person's own choice lets names and numbers in.
    usual = map_columns(seen.layer, seen.columns).columns
    return tuple((column, name) for column, name in chosen.items() if name != usual.get(column, ""))


def _ask_role(choice: Choice) -> str:
    """Ask what the people of a list are, where it does not say so."""
    seen = _look(choice.path, "people", choice.sheet)
    if dict(choice.columns).get("role", seen.mapping.columns.get("role")):
        return ""
    return str(
        st.selectbox(
            text("app.import.role"),
            ROLES,
            format_func=lambda role: text(f"layers.role.{role}"),
            key=f"role_{choice.path}",
        )
    )


def _check(asked: _Asked, *, skip_faulty: bool = False) -> None:
    sign_in.require_planner()
    with st.spinner(text("app.import.checking")):
        if asked.into is None:
            checked = _Checked(asked, check_import(asked.choices, name=asked.name, skip_faulty=skip_faulty))
        else:
            plan = open_workspace(asked.into).current().plan
            report = check_lists(asked.choices, plan, skip_faulty=skip_faulty, fresh=asked.fresh)
            checked = _Checked(asked, report, plan)
    st.session_state[_REPORT] = checked


def _show_report(checked: _Checked) -> None:
    asked, report = checked.asked, checked.report
    faults = report.findings.faults
    if report.plan is None:
        st.error(text("app.import.faults", count=len(faults)))
        _show_rows("faults", fault_table(faults))
        if can_set_aside(faults):
            rows = len({(fault.file, fault.row) for fault in faults})
            label = text("app.import.set_aside", count=rows)
            st.button(label, on_click=partial(attempt, partial(_check, skip_faulty=True), asked), key="import_aside")
        st.button(text("app.import.again"), on_click=partial(attempt, _check, asked), key="import_again")
    elif asked.into is not None:
        st.success(plain(" ".join(report.findings.say_taken())))
    else:
        counts = {name: len(layer) for name, layer in report.plan.layers().items() if len(layer)}
        st.success(plain(text("app.import.ready", counts=_counts(counts))))
    _show_datums(asked.choices, report)
    rejected = report.rejected()
    if len(rejected):
        st.warning(text("app.import.rejected", count=len(rejected)))
        _show_rows("rejected", rejected)
    for title, table in (
        ("repairs", pd.DataFrame([repair.as_dict() for repair in report.findings.repairs])),
        ("remarks", fault_table(report.remarks)),
    ):
        if len(table):
            with st.expander(text(f"app.import.{title}", count=len(table)), expanded=False):
                _show_rows(title, table)
    if report.plan is not None:
        finish = partial(attempt, _finish, checked)
        label = text("app.import.do" if asked.into is None else "app.import.do_lists")
        st.button(label, type="primary", on_click=finish, key="import_do")


def _show_datums(choices: tuple[Choice, ...], report: ImportReport) -> None:
    """Show how far the points lie from streets and buildings under each hypothesis, and ask where it is not clear."""
    paths = {choice.layer: choice.path for choice in choices if choice.crs is None}
    for layer, found in report.findings.detections.items():
        if layer not in paths:
            continue
        verdict = "clear" if found.clear else "mixed" if found.mixed else "unclear"
        line = text(f"app.import.datum_{verdict}", layer=layer_label(layer), datum=found.best.name)
        (st.caption if found.clear else st.warning)(plain(line))
        table = found.table()
        for name in ("street_m", "building_m"):
            table[name] = [f"{metres:.1f}" if np.isfinite(metres) else "–" for metres in table[name]]
        columns: dict[str, Any] = {name: text(f"app.datum.{name}") for name in table.columns}
        columns["inside"] = st.column_config.ProgressColumn(
            columns["inside"], format="percent", min_value=0, max_value=1
        )
        columns["score"] = st.column_config.NumberColumn(columns["score"], format="%.2f")
        show_table(table, columns, key=f"datum_{layer}")
        if not found.clear and not found.mixed:
            for cell, name in zip(st.columns(len(ASK_CRS)), ASK_CRS, strict=True):
                take = partial(_answer_crs, paths[layer], name)
                cell.button(text(f"app.import.crs.{name}"), on_click=take, key=f"take_{layer}_{name}", width="stretch")


def _answer_crs(path: Path, name: str) -> None:
    st.session_state[f"crs_{path}"] = name
    st.session_state[_RECHECK] = True


def _show_rows(name: str, table: pd.DataFrame) -> None:
    shown = table.head(SHOWN)
    if "layer" in shown:
        shown = shown.assign(layer=[layer_label(each) if each in LAYERS else each for each in shown["layer"]])
    columns = {column: text(f"app.fault.{column}") for column in shown.columns}
    show_table(shown_texts(shown), columns, key=f"table_{name}", most=360)
    if len(table) > SHOWN:
        st.caption(text("app.import.more", shown=SHOWN, count=len(table)))
    downloads.offer_downloads(f"import_{name}", text(f"app.import.{name}_file"), tables={name: table})


def _finish(checked: _Checked) -> None:
    sign_in.require_planner()
    asked, report = checked.asked, checked.report
    if report.plan is None:
        return
    if asked.into is None:
        plans.keep_plan(report.plan, asked.name or str(report.plan.info.name))
    else:
        workspace = open_workspace(asked.into)
        if workspace.current().plan is not checked.plan:
            raise PlanError("stale_unknown")
        workspace.replace(report.plan)
    keep_columns({layer: each for layer, each in report.findings.mappings.items() if layer != "boundary"})
    del st.session_state[_REPORT]
    forget("part")
    st.session_state["go"] = "overview"


def _look(path: Path, layer: str | None, sheet: str | None) -> Preview:
    """Look at a file once; what was seen stays with the session."""
    held: dict[Any, Preview] = st.session_state.setdefault("previews", {})
    key = (path, path.stat().st_mtime_ns, layer, sheet)
    if key not in held:
        with st.spinner(text("app.import.reading", file=path.name)):
            held[key] = look_at(path, layer=layer, sheet=sheet)
    return held[key]


def _usual_name(choices: list[Choice]) -> str:
    """Call the place as its boundary is called, in the file or by it."""
    boundary = next(choice for choice in choices if choice.layer == "boundary")
    seen = _look(boundary.path, "boundary", boundary.sheet)
    name = seen.mapping.columns.get("name")
    said = seen.sample[name].iloc[0] if name in seen.sample and seen.rows == 1 else None
    return said if isinstance(said, str) and said.strip() else boundary.path.stem


def _names(layers: list[str]) -> str:
    return text("app.list_mark").join(layer_label(layer) for layer in layers)


def _counts(counts: dict[str, int]) -> str:
    named = {layer: layer_label(layer) for layer in counts}
    return text("app.list_mark").join(f"{named[layer]} {count:,}" for layer, count in counts.items())
