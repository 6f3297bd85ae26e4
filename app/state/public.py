"""What a viewer may see: sums by area with small counts hidden, and no single household."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from gridgeo.maps.document import PlanMap
from gridgeo.maps.features import MapLayer, both
from gridgeo.plan import Plan
from gridgeo.store.public import COUNTS, THRESHOLD, hide_small, summarize_public

PERSONAL_LAYERS = ("households", "people", "needs", "visits")
"""Layers of single households and persons."""

_COUNTS = (*COUNTS, "covered", "paper_only", "overlap")
_WHOLE = "whole"


def public_table(table: pd.DataFrame, plan: Plan | None = None) -> pd.DataFrame:
    """Hide small counts of a table of areas.

    Parameters
    ----------
    table : DataFrame
        One row an area; counts of people in columns of `gridgeo.store.public.COUNTS` and their like, shares in
        ``rate_<metres>`` and ``coverage_rate``.
    plan : Plan, optional
        The plan, where the areas are its units or grids, named by ``unit_id``: a count that another level's table
        would give away is then hidden, too.

    Returns
    -------
    DataFrame
        The same with missing values where a count is small, or would give a small one away as the rest of the sum;
        and where a share does, because few are covered or few are not.
    """
    shown = table.copy()
    inner = table["unit_id"].isin(_hidden_units(plan)).to_numpy() if plan is not None else np.zeros(len(table), bool)
    households = pd.to_numeric(table["households"]) if "households" in table else None
    for column in _COUNTS:
        if column in table:
            counts = pd.to_numeric(table[column]).astype("float64")
            shown[column] = counts.mask(_hidden(counts) | inner)
    for column in (name for name in table if str(name).startswith("rate_") or name == "coverage_rate"):
        if households is not None:
            covered = (households * table[column]).round()
            few = _small(covered) | _small(households - covered) | shown["households"].isna()
            shown[column] = table[column].mask(few)
    return shown


def public_map(page: PlanMap) -> PlanMap:
    """Leave out of a map what only planners may see.

    Parameters
    ----------
    page : PlanMap
        The map.

    Returns
    -------
    PlanMap
        Without the layers of households and persons; the cards of areas do not count people, tables and gap lists
        beside the map hide small counts.
    """
    said = [both(f"field.{name}") for name in ("households", "persons", "staff")]
    layers = [_without(layer, said) for layer in page.plan_layers if layer.layer_id not in PERSONAL_LAYERS]
    figures = page.frame["figures"]
    shown = {
        **figures,
        "tables": [_public_rows(each) for each in figures["tables"]],
        "gaps": [{**gap, "households": _or_none(gap["households"])} for gap in figures["gaps"]],
    }
    return PlanMap(layers, {**page.frame, "figures": shown})


def _hidden(counts: pd.Series) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Tell which rows to hide, so that the sum of all does not give a single one away."""
    known = {str(at): float(value) for at, value in enumerate(counts) if np.isfinite(value)}
    hidden = hide_small({**known, _WHOLE: sum(known.values())}, [(_WHOLE, list(known))])
    return np.array([str(at) in hidden for at in range(len(counts))], dtype=bool)


def _hidden_units(plan: Plan) -> set[str]:
    """Name the units and grids whose households are hidden, all levels looked at together."""
    sums = summarize_public(plan)
    return {
        str(area)
        for name, id_column in (("units", "unit_id"), ("grids", "grid_id"))
        for area in sums[name].loc[sums[name]["households"].isna(), id_column]
    }


def _small(counts: pd.Series) -> pd.Series:
    return (counts > 0) & (counts < THRESHOLD)


def _without(layer: MapLayer, said: list[dict[str, str]]) -> MapLayer:
    return replace(layer, fields=tuple(field for field in layer.fields if field.name not in said))


def _public_rows(table: dict[str, Any]) -> dict[str, Any]:
    frame = pd.DataFrame([{"households": row["households"]} for row in table["rows"]], columns=["households"])
    rates = pd.DataFrame(
        [row["shares"] for row in table["rows"]], columns=[f"rate_{at}" for at in range(len(table["heads"]))]
    )
    shown = public_table(pd.concat([frame, rates.astype("float64")], axis=1))
    rows = [
        {
            **row,
            "households": _number(shown["households"].iloc[at]),
            "shares": [_number(each) for each in shown.iloc[at, 1:]],
        }
        for at, row in enumerate(table["rows"])
    ]
    return {**table, "rows": rows}


def _number(value: float) -> float | None:
    return None if pd.isna(value) else float(value)


def _or_none(count: int) -> int | None:
    return None if 0 < count < THRESHOLD else count
