"""Pieces that several pages show: figures, tables, the choice of a cutoff, downloads."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from app.state import sign_in
from app.state.public import public_table
from gridgeo.assessment import Assessment
from gridgeo.coverage import Coverage
from gridgeo.coverage.wording import rate_name, word_basis, word_cutoff, word_walk
from gridgeo.errors import GridgeoError, MissingDataError
from gridgeo.gaps.wording import word_remedy
from gridgeo.maps import level_table
from gridgeo.maps.ground import names_of
from gridgeo.plan import Plan
from gridgeo.store.public import THRESHOLD
from gridgeo.texts import text

SHOWN_GAPS = 5
MOST_PRINTED = 20
ROW_PX = 35
"""The height of a table's row, as Streamlit draws it."""
TOLD = "told"
_GRID_ID = re.compile(r"\b[A-Za-z]+\d+\b")
"""Ids that cannot be taken for a number in a sentence."""


def person_name(person: str) -> str:
    """Say who walks.

    Parameters
    ----------
    person : str
        ``any``, or one of `gridgeo.network.PERSONS`.

    Returns
    -------
    str
        In the reader's language.
    """
    return heading(text("app.person.any") if person == "any" else text(f"walks.person.{person}"))


def show_headline(figures: list[dict[str, Any]], lang: str) -> None:
    """Show the figures a leader reads first.

    Parameters
    ----------
    figures : list of dict
        What `gridgeo.maps.headline_figures` returned.
    lang : {'zh', 'en'}
        The reader's language.
    """
    with st.container(key="figures"):
        for figure in figures:
            value = "–" if figure["value"] is None else format(figure["value"], ".1%" if figure["share"] else ",")
            show_figure(figure["name"][lang], value, figure["note"][lang], estimated=figure["estimated"])


def show_figure(name: str, value: str, note: str, *, estimated: bool) -> None:
    """Show one figure.

    Parameters
    ----------
    name, value, note : str
        What it is, how much, and what to know of it.
    estimated : bool
        Whether it rests on estimates; the name then says so.
    """
    label = text("app.table.estimated", name=name) if estimated else name
    st.metric(label, value, delta=note, delta_color="off", delta_arrow="off", border=True)


def is_estimated(plan: Plan) -> bool:
    """Tell whether figures of households are estimates.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    bool
        True when any household count is.
    """
    return bool(plan.households["estimated"].any())


def choose_gap(found: Assessment, gaps: list[dict[str, Any]]) -> list[list[float]] | None:
    """List the largest gaps, and let the reader point at one.

    Parameters
    ----------
    found : Assessment
        What was found.
    gaps : list of dict
        The gaps as `gridgeo.maps` lists them: with ``bounds`` in degrees.

    Returns
    -------
    list or None
        The corners of the gap pointed at.
    """
    if len(found.gaps) == 0:
        st.success(text("app.gaps.none", cutoff=word_cutoff(found.coverages[0])))
        return None
    names = dict(zip(found.plan.stations["station_id"], found.plan.stations["name"], strict=True))
    worst = found.gaps.head(SHOWN_GAPS).to_dict("records")
    sentences = [_gap_sentence(gap, names, found.coverages[0]) for gap in worst]
    chosen = st.radio(
        text("app.gaps"),
        range(len(worst)),
        format_func=lambda row: plain(sentences[row]),
        captions=[plain(text("app.gaps.next", step=word_remedy(gap, counted=False))) for gap in worst],
        index=None,
        key="gap",
    )
    return gaps[chosen]["bounds"] if chosen is not None else None


def show_tables(found: Assessment, lang: str) -> None:
    """Show the rates by the two finest levels.

    Parameters
    ----------
    found : Assessment
        What was found.
    lang : {'zh', 'en'}
        The reader's language.
    """
    levels = found.plan.info.levels[-2:]
    tabs = st.tabs([text("app.table", level=getattr(level.name, lang)) for level in levels])
    for tab, level in zip(tabs, levels, strict=True):
        table = level_table(found.plan, found.coverages, level.level)
        if not sign_in.reader().may_edit:
            table = public_table(table, found.plan)
        table = table.drop(columns="unit_id")
        columns: dict[str, Any] = {
            "name": st.column_config.TextColumn(text("app.table.unit")),
            "households": count_column(text("app.table.households"), found.plan),
        }
        for coverage in found.coverages:
            columns[rate_name(coverage)] = rate_column(word_cutoff(coverage))
        with tab:
            show_table(table, columns, most=320)


def show_table(table: pd.DataFrame, columns: Mapping[str, Any], *, most: int = 400, **how: Any) -> Any:  # noqa: ANN401
    """Show a table to be read, with a dash in every cell that is empty.

    Parameters
    ----------
    table : DataFrame
        The table.
    columns : mapping
        Column → its heading, or how it is laid out.
    most : int
        The greatest height, in pixels; a shorter table is as high as its rows.
    **how : object
        Passed to ``st.dataframe``.

    Returns
    -------
    object
        What ``st.dataframe`` returns.
    """
    height = min(most, table_height(len(table)))
    return st.dataframe(
        table, column_config=columns, hide_index=True, placeholder=text("app.none"), height=height, **how
    )


def local_times(times: pd.Series) -> pd.Series:
    """Say times of the log as the office's clock shows them.

    Parameters
    ----------
    times : Series of str
        As the log has them.

    Returns
    -------
    Series of str
        Day, hour and minute.
    """
    here = dt.datetime.now().astimezone().tzinfo
    return pd.to_datetime(times, utc=True, format="ISO8601").dt.tz_convert(here).dt.strftime("%Y-%m-%d %H:%M")


def table_height(rows: int) -> int:
    """Return how high a table is that shows all its rows.

    Parameters
    ----------
    rows : int
        How many.

    Returns
    -------
    int
        Pixels, with the head.
    """
    return ROW_PX * (rows + 1) + 2


def show_printed(found: Assessment, lang: str) -> None:
    """Put onto paper what a sheet of paper cannot scroll to: the areas with the lowest rates, and the basis.

    Parameters
    ----------
    found : Assessment
        What was found.
    lang : {'zh', 'en'}
        The reader's language.
    """
    level = found.plan.info.levels[-2 if len(found.plan.info.levels) > 1 else -1]
    table = level_table(found.plan, found.coverages, level.level)
    if not sign_in.reader().may_edit:
        table = public_table(table, found.plan)
    rates = [rate_name(coverage) for coverage in found.coverages]
    worst = table.sort_values(rates[0], na_position="last", kind="stable").head(MOST_PRINTED)
    count = text("app.table.households")
    rows: dict[str, list[str]] = {
        plain(text("app.table", level=getattr(level.name, lang))): [plain(str(name)) for name in worst["name"]],
        text("app.table.estimated", name=count) if is_estimated(found.plan) else count: [
            text("app.none") if pd.isna(each) else f"{each:,.0f}" for each in worst["households"]
        ],
    }
    for coverage, rate in zip(found.coverages, rates, strict=True):
        head = text("app.table.rate", cutoff=word_cutoff(coverage))
        rows[head] = [text("app.none") if pd.isna(each) else f"{each:.1%}" for each in worst[rate]]
    with st.container(key="printed"):
        st.table(pd.DataFrame(rows).set_index(next(iter(rows))))
        st.caption(plain(word_basis(found.coverages)))


def count_column(name: str, plan: Plan) -> Any:  # noqa: ANN401 - Streamlit's own kind
    """Lay out a column of household counts.

    Parameters
    ----------
    name : str
        Its heading.
    plan : Plan
        The plan, to know whether the counts are estimates.

    Returns
    -------
    ColumnConfig
        For ``st.dataframe``.
    """
    label = text("app.table.estimated", name=name) if is_estimated(plan) else name
    return st.column_config.NumberColumn(label, format="localized")


def rate_column(cutoff: str) -> Any:  # noqa: ANN401 - Streamlit's own kind
    """Lay out a column of coverage rates.

    Parameters
    ----------
    cutoff : str
        The cutoff in words.

    Returns
    -------
    ColumnConfig
        For ``st.dataframe``.
    """
    label = text("app.table.rate", cutoff=cutoff)
    return st.column_config.ProgressColumn(label, format="percent", min_value=0, max_value=1)


def _gap_sentence(gap: dict[str, Any], names: dict[str, str], coverage: Coverage) -> str:
    count = int(gap["households"])
    few = 0 < count < THRESHOLD and not sign_in.reader().may_edit
    households = f"<{THRESHOLD}" if few else f"{count:,}"
    station = names.get(gap["station_id"])
    if station is None:
        return text("app.gaps.row_no_way", rank=gap["rank"], households=households)
    walk = word_walk(coverage, gap["distance_m"])
    return text("app.gaps.row", rank=gap["rank"], households=households, station=station, walk=walk)


def name_grids(sentence: str, grids: pd.DataFrame) -> str:
    """Put the grids' names for their ids into a sentence: names are what the map shows.

    Parameters
    ----------
    sentence : str
        What an edit or a finding says of itself.
    grids : DataFrame
        The layer ``grids``.

    Returns
    -------
    str
        The sentence.
    """
    names = dict(zip(grids["grid_id"], names_of(grids, "grid_id"), strict=True))
    return _GRID_ID.sub(lambda found: names.get(found[0], found[0]), sentence)


def show_missing(error: MissingDataError, data_page: Any) -> None:  # noqa: ANN401 - Streamlit's own kind
    """Say what a plan lacks for a page, and lead to where it comes from.

    Parameters
    ----------
    error : MissingDataError
        What is missing.
    data_page : Page
        The page of the import.
    """
    st.info(plain(str(error)))
    if sign_in.reader().may_edit:
        st.page_link(data_page, label=text("pages.missing"), icon="➡️", query_params={"part": "import"})


def attempt(work: Callable[..., object], *values: object) -> None:
    """Do what a button asks for; what goes wrong is said on top of the page.

    Parameters
    ----------
    work : callable
        What to do.
    *values : object
        What it is given.
    """
    try:
        work(*values)
    except GridgeoError as error:
        st.session_state[TOLD] = str(error)


def show_told() -> None:
    """Say what the last button could not do."""
    place = st.container()
    if TOLD in st.session_state:
        place.error(plain(st.session_state.pop(TOLD)))


def heading(words: str) -> str:
    """Let words begin as a heading does.

    Parameters
    ----------
    words : str
        As they stand within a sentence.

    Returns
    -------
    str
        The same with a great first letter, where the script has one.
    """
    return words[:1].upper() + words[1:]


def plain(sentence: str) -> str:
    """Escape what Streamlit would read as Markdown in labels and messages.

    Parameters
    ----------
    sentence : str
        Any text, with users' words in it.

    Returns
    -------
    str
        Markdown that shows the text as it is.
    """
    return "".join(f"\\{character}" if character in "\\`*_{}[]()#+-.!|~$<>:^=" else character for character in sentence)
