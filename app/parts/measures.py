"""What a planner reads of one answer: its measures, the same by level, and why a household is covered or not."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from app.parts.component import take_events
from app.parts.widgets import count_column, is_estimated, plain, rate_column, show_figure, show_table
from app.state import sign_in
from app.state.cache import Answer
from app.state.public import public_table
from gridgeo.coverage import inside_on_paper, measure_coverage, trace_walk
from gridgeo.coverage.wording import rate_name, word_cutoff, word_walk
from gridgeo.gaps.wording import word_remedy
from gridgeo.maps import level_table
from gridgeo.maps.routes import walk_layer
from gridgeo.texts import text


def show_measures(found: Answer) -> None:
    """Show what a planner reads first: covered on foot, on paper only, by several stations, and how far round.

    Parameters
    ----------
    found : Answer
        What was found.
    """
    measures = measure_coverage(found.coverage).iloc[0]
    rate = found.coverage.summary()["coverage_rate"].iloc[0]
    cutoff, radius = word_cutoff(found.coverage), text("walks.metres", number=f"{found.coverage.cutoff_m:g}")
    timed = found.coverage.network.timed
    notes = {
        "covered": {
            "lost": f"{int(measures['lost_at_minus_10']):,}",
            "gained": f"{int(measures['gained_at_plus_10']):,}",
        },
        "paper": {"cutoff": radius},
        "overlap": {"mean": f"{measures['mean_stations']:.2f}"},
        "time" if timed else "detour": {},
    }
    values = {
        "covered": f"{rate:.1%}",
        "paper": f"{int(measures['paper_only']):,}",
        "overlap": f"{int(measures['overlap']):,}",
        **({"time": _mean_walk(found)} if timed else {"detour": f"{measures['detour_ratio']:.2f}"}),
    }
    for name, value in values.items():
        show_figure(
            text(f"app.measure.{name}", cutoff=cutoff),
            value,
            text(f"app.measure.{name}_note", **notes[name]),
            estimated=is_estimated(found.plan),
        )


def _mean_walk(found: Answer) -> str:
    """Word the mean walk of the households that can walk to a station."""
    distance, count = found.coverage.distance_m, found.plan.households["households"].to_numpy(dtype=np.float64)
    walks = np.isfinite(distance)
    if not count[walks].sum():
        return text("app.none")
    return word_walk(found.coverage, float(np.average(distance[walks], weights=count[walks])))


def picked_household(found: Answer, key: str) -> int | None:
    """Return the household that the reader clicked last.

    Parameters
    ----------
    found : Answer
        What was found.
    key : str
        The map's name on its page.

    Returns
    -------
    int or None
        Its row.
    """
    for event in take_events(key):
        if event.get("pick", {}).get("layer") == "households":
            st.session_state[f"{key}_row"] = event["pick"]["row"]
    row: int | None = st.session_state.get(f"{key}_row")
    return row if row is not None and row < len(found.coverage.households) else None


def with_walk(data: dict[str, Any], found: Answer, row: int | None) -> dict[str, Any]:
    """Put the walk of a household onto a map.

    Parameters
    ----------
    data : dict
        What `gridgeo.maps.PlanMap.component_data` returned.
    found : Answer
        What was found.
    row : int or None
        The household.

    Returns
    -------
    dict
        The map with its walk; the same map without a household.
    """
    if row is None:
        return data
    layer = walk_layer(found.plan, trace_walk(found.coverage, found.coverage.households.index[row]))
    return data if layer is None else {**data, "layers": {**data["layers"], layer.layer_id: layer.data}}


def explain_household(found: Answer, place: int | None) -> None:
    """Say why a household is covered or not, what is to blame, and what would help.

    Parameters
    ----------
    found : Answer
        What was found.
    place : int or None
        The household's row.
    """
    if place is None:
        st.info(text("app.why"))
        return
    row = found.coverage.households.iloc[place]
    cutoff, radius = word_cutoff(found.coverage), text("walks.metres", number=f"{found.coverage.cutoff_m:g}")
    names = dict(zip(found.plan.stations["station_id"], found.plan.stations["name"], strict=True))
    sentences = []
    if row["reason"] in ("", "beyond_cutoff"):
        walk = {"walk": word_walk(found.coverage, row["distance_m"]), "straight": f"{round(row['straight_m']):,}"}
        sentences.append(text("app.why.walk", station=names[row["station_id"]], **walk))
    beyond = row["distance_m"] - found.coverage.cutoff_m if row["reason"] == "beyond_cutoff" else 0.0
    over = word_walk(found.coverage, beyond)
    key = row["reason"] or "covered"
    access = f"{found.coverage.network.max_access_m:g}"
    sentences.append(text(f"app.why.{key}", cutoff=cutoff, over=over, access=access, count=row["n_stations"]))
    if inside_on_paper(found.coverage, found.coverage.cutoff_m)[place]:
        sentences.append(text("app.why.paper", cutoff=radius))
    sentences += _blame(found, place)
    box = st.container(border=True)
    box.markdown(f"**{plain(text('app.why.title', household=row.name))}**")
    box.markdown(plain(" ".join(sentences)))


def _blame(found: Answer, place: int) -> list[str]:
    """Name the cause, and the remedy of the gap that the household lies in."""
    walk = trace_walk(found.coverage, found.coverage.households.index[place])
    if not walk.cause:
        return []
    sentences = [text("redraw_page.cause", cause=text(f"maps.cause.{walk.cause}"))]
    if walk.gate_ids:
        sentences.append(text("redraw_page.gates", gates=", ".join(walk.gate_ids)))
    home = found.coverage.source.geometry.iloc[place]
    mine = found.gaps[found.gaps.geometry.covers(home).to_numpy()]
    if len(mine):
        sentences.append(text("redraw_page.remedy", step=word_remedy(mine.iloc[0], counted=False)))
    return sentences


def show_measures_table(found: Answer, lang: str) -> None:
    """Show coverage and what it hides by the levels of the plan.

    Parameters
    ----------
    found : Answer
        What was found.
    lang : {'zh', 'en'}
        The reader's language.
    """
    levels = found.plan.info.levels[-2:]
    timed, rate = found.coverage.network.timed, rate_name(found.coverage)
    tabs = st.tabs([text("app.table", level=getattr(level.name, lang)) for level in levels])
    for tab, level in zip(tabs, levels, strict=True):
        table = level_table(found.plan, [found.coverage], level.level).set_index("unit_id")
        measures = measure_coverage(found.coverage, by=level.level).drop(columns="households")
        table = table.join(measures[["paper_only", "overlap", *([] if timed else ["detour_ratio"])]])
        if not sign_in.reader().may_edit:
            table = public_table(table.reset_index(), found.plan).set_index("unit_id")
        columns: dict[str, Any] = {
            "name": st.column_config.TextColumn(text("app.table.unit")),
            "households": count_column(text("app.table.households"), found.plan),
            rate: rate_column(word_cutoff(found.coverage)),
            "paper_only": count_column(text("app.measure.paper"), found.plan),
            "overlap": count_column(text("app.measure.overlap"), found.plan),
            "detour_ratio": st.column_config.NumberColumn(text("app.measure.detour"), format="%.2f"),
        }
        with tab:
            show_table(table, columns, most=320)
