"""What a planner reads of one answer: its measures, the same by level, and why a household is covered or not."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.cache import Answer
from app.widgets import count_column, is_estimated, plain, rate_column, show_figure
from gridgeo.coverage import inside_on_paper, measure_coverage
from gridgeo.maps import level_table
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
    cutoff = f"{found.coverage.cutoff_m:g}"
    notes = {
        "covered": {
            "lost": f"{int(measures['lost_at_minus_10']):,}",
            "gained": f"{int(measures['gained_at_plus_10']):,}",
        },
        "paper": {"cutoff": cutoff},
        "overlap": {"mean": f"{measures['mean_stations']:.2f}"},
        "detour": {},
    }
    values = {
        "covered": f"{rate:.1%}",
        "paper": f"{int(measures['paper_only']):,}",
        "overlap": f"{int(measures['overlap']):,}",
        "detour": f"{measures['detour_ratio']:.2f}",
    }
    for name, value in values.items():
        show_figure(
            text(f"app.measure.{name}", cutoff=cutoff),
            value,
            text(f"app.measure.{name}_note", **notes[name]),
            estimated=is_estimated(found.plan),
        )


def explain_household(found: Answer, picked: dict[str, Any] | None) -> None:
    """Say why a household is covered or not.

    Parameters
    ----------
    found : Answer
        What was found.
    picked : dict or None
        What was clicked on the map: ``layer`` and ``row``.
    """
    households = found.coverage.households
    if not picked or picked["layer"] != "households" or picked["row"] >= len(households):
        st.info(text("app.why"))
        return
    row = households.iloc[picked["row"]]
    cutoff = f"{found.coverage.cutoff_m:g}"
    names = dict(zip(found.plan.stations["station_id"], found.plan.stations["name"], strict=True))
    sentences = []
    if row["reason"] in ("", "beyond_cutoff"):
        walk = {"walk": round(row["distance_m"]), "straight": round(row["straight_m"])}
        sentences.append(text("app.why.walk", station=names[row["station_id"]], **walk))
    over = round(row["distance_m"] - found.coverage.cutoff_m) if row["reason"] == "beyond_cutoff" else 0
    key = row["reason"] or "covered"
    access = f"{found.coverage.network.max_access_m:g}"
    sentences.append(text(f"app.why.{key}", cutoff=cutoff, over=over, access=access, count=row["n_stations"]))
    if inside_on_paper(found.coverage, found.coverage.cutoff_m)[picked["row"]]:
        sentences.append(text("app.why.paper", cutoff=cutoff))
    box = st.container(border=True)
    box.markdown(f"**{plain(text('app.why.title', household=row.name))}**")
    box.markdown(plain(" ".join(sentences)))


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
    cutoff = f"{found.coverage.cutoff_m:g}"
    tabs = st.tabs([text("app.table", level=getattr(level.name, lang)) for level in levels])
    for tab, level in zip(tabs, levels, strict=True):
        table = level_table(found.plan, [found.coverage], level.level).set_index("unit_id")
        measures = measure_coverage(found.coverage, by=level.level).drop(columns="households")
        table = table.join(measures[["paper_only", "overlap", "detour_ratio"]])
        columns: dict[str, Any] = {
            "name": st.column_config.TextColumn(text("app.table.unit")),
            "households": count_column(text("app.table.households"), found.plan),
            f"rate_{cutoff}": rate_column(cutoff),
            "paper_only": count_column(text("app.measure.paper"), found.plan),
            "overlap": count_column(text("app.measure.overlap"), found.plan),
            "detour_ratio": st.column_config.NumberColumn(text("app.measure.detour"), format="%.2f"),
        }
        tab.dataframe(table, column_config=columns, hide_index=True, height=320)
