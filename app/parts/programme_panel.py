"""The parts of the programme page: the choice of a programme, its counts, the table of rules, one rule in full."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.parts.widgets import heading, plain, show_figure, show_table
from app.state.address import remember
from app.state.programmes import known_programmes
from gridgeo.plan import Plan
from gridgeo.programme_report import leader_table
from gridgeo.programmes import Programme, ProgrammeReport, Verdict
from gridgeo.texts import text

TABLE_HEIGHT = 520
UNITS_HEIGHT = 220
MARKS = {"met": "✓", "not_met": "✗", "unknown": "?"}


def choose_programme(plan: Plan) -> Programme | None:
    """Let the reader choose a programme.

    Parameters
    ----------
    plan : Plan
        The plan; the programme that it keeps is chosen at first.

    Returns
    -------
    Programme or None
        The programme; None until one is chosen.
    """
    known = known_programmes(plan)
    kept = next(iter(known)) if plan.info.programme else None
    remember("programme_name", lambda said: said if said in known else None, kept)
    chosen = st.selectbox(
        text("programmes.page.choose"),
        list(known),
        index=None,
        format_func=lambda name: f"{known[name].title} · {known[name].place}",
        key="programme_name",
        placeholder=text("programmes.page.none"),
    )
    return known.get(chosen) if chosen else None


def show_counts(found: ProgrammeReport) -> None:
    """Show how many rules are met, are not, and cannot be judged.

    Parameters
    ----------
    found : ProgrammeReport
        The report.
    """
    note = text("programmes.figure.of", count=len(found.verdicts))
    for column, (state, count) in zip(st.columns(3), found.counts.items(), strict=True):
        with column:
            show_figure(text(f"programmes.figure.{state}"), str(count), note, estimated=False)


def choose_rule(found: ProgrammeReport) -> Verdict:
    """Show the table of rules, and let the reader point at one.

    Parameters
    ----------
    found : ProgrammeReport
        The report.

    Returns
    -------
    Verdict
        Of the rule pointed at; at first the first one that is not met.
    """
    table = leader_table(found)
    heads = list(table.columns)
    shown = table[[heads[2], heads[1], heads[3], heads[4], heads[5]]]
    shown = shown.assign(**{heads[2]: [f"{MARKS[verdict.state]} {verdict.word}" for verdict in found.verdicts]})
    widths = dict(zip(shown, (118, 270, 76, 96, 60), strict=True))
    columns: dict[str, Any] = {
        name: st.column_config.Column(heading(name), width=width) for name, width in widths.items()
    }
    event = show_table(
        shown,
        columns,
        most=TABLE_HEIGHT,
        key=f"programme_rules_{found.programme.name}",
        on_select="rerun",
        selection_mode="single-row",
    )
    rows = event["selection"]["rows"]
    first = next((row for row, verdict in enumerate(found.verdicts) if verdict.state == "not_met"), 0)
    return found.verdicts[rows[0] if rows and rows[0] < len(found.verdicts) else first]


def show_rule(found: ProgrammeReport, verdict: Verdict, *, personal: bool) -> None:
    """Show one rule in full: what was found or is missing, its basis, and its figures unit by unit.

    Parameters
    ----------
    found : ProgrammeReport
        The report.
    verdict : Verdict
        Of the rule.
    personal : bool
        Whether the sentence may count people.
    """
    box = st.container(border=True)
    box.markdown(f"**{plain(str(verdict.rule.name))}**")
    box.markdown(plain(f"{verdict.word} · {verdict.value} ({verdict.wanted})"))
    if personal or verdict.answer is None:
        box.markdown(plain(verdict.sentence))
    if verdict.rule.basis:
        box.caption(plain(f"{heading(text('programmes.heading.basis'))}: {verdict.rule.basis}"))
    if verdict.assumed:
        box.caption(plain(f"{heading(text('programmes.heading.assumed'))}: {verdict.assumed}"))
    units = found.units()
    units = units[units["rule"] == verdict.rule.rule]
    if len(units):
        levels = {each.station: str(each.name) for each in found.programme.stations}
        levels |= {each.level: str(each.name) for each in found.plan.info.levels}
        levels |= {each.level: str(each.name) for each in found.programme.levels}
        units = units.assign(level=units["level"].map(lambda key: levels.get(key, key))).drop(
            columns=["rule", "unit_id"]
        )
        heads = {name: heading(text(f"programmes.heading.{name}")) for name in units}
        share = st.column_config.ProgressColumn(heads["share"], format="percent", min_value=0, max_value=1)
        shown = units.astype({"share": "float64"}).rename(columns=heads)
        show_table(shown, {heads["share"]: share}, most=UNITS_HEIGHT)
