"""What the working pages let a reader take along: the grids as they are drawn, a scenario, a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import geopandas as gpd
import pandas as pd

from app.parts.downloads import Layer, Table, household_layer, offer_downloads
from app.parts.whatif import Draft
from app.state import comparisons
from app.state.map_files import redraw_file, scenario_file
from app.state.settings import read_settings
from app.state.workspace import State
from gridgeo.scenario import Comparison, Scenario
from gridgeo.store.spreadsheet import as_table
from gridgeo.texts import layer_label, text


def offer_grids(state: State, band: tuple[float, float], lang: str) -> None:
    """Let the reader take along the grids they redraw.

    Parameters
    ----------
    state : State
        The plan as it is shown.
    band : tuple of float
        The households a grid may hold.
    lang : {'zh', 'en'}
        The language the map opens in.
    """
    layers: dict[str, Layer] = {"grids": state.plan.grids, "blocks": state.plan.blocks}
    tables: dict[str, Table] = {layer_label(name): partial(_plain, layer) for name, layer in layers.items()}
    make = partial(redraw_file, state, band, lang)
    offer_downloads("redraw", str(state.plan.info.name), tables=tables, layers=layers, map_file=make)


def offer_draft(path: Path, draft: Draft, lang: str) -> None:
    """Let the reader take along a scenario that is tried out: its figures, its stations, and who can walk then.

    Parameters
    ----------
    path : Path
        The plan file.
    draft : Draft
        The scenario.
    lang : {'zh', 'en'}
        The language the map opens in.
    """
    stage, state, cutoffs = draft.now(), draft.work.current(), read_settings().cutoffs_m
    known = partial(comparisons.comparison, path, state, (stage.scenario,), cutoffs)
    layers: dict[str, Layer] = {
        "stations": stage.plan.stations,
        "households": partial(household_layer, stage.plan, stage.coverage),
    }
    tables = {**_tables(known), layer_label("stations"): partial(_plain, stage.plan.stations)}
    make = partial(scenario_file, path, state, stage.scenario, cutoffs, lang, changes_at=None)
    offer_downloads("whatif", stage.scenario.name, tables=tables, layers=layers, map_file=make)


def offer_comparison(
    path: Path,
    state: State,
    scenarios: Sequence[Scenario],
    cutoffs_m: tuple[float, ...],
    cutoff_m: float,
    lang: str,
) -> None:
    """Let the reader take along what scenarios change.

    Parameters
    ----------
    path : Path
        The plan file.
    state : State
        The plan at this moment.
    scenarios : sequence of Scenario
        The scenarios.
    cutoffs_m : tuple of float
        Walking distances in metres.
    cutoff_m : float
        The one whose changes are drawn.
    lang : {'zh', 'en'}
        The language the maps open in.
    """
    chosen = tuple(scenarios)
    known = partial(comparisons.comparison, path, state, chosen, cutoffs_m)
    layers: dict[str, Layer] = {"households": lambda: _placed(known().households, state.plan.households)}
    offer_downloads(
        "compared",
        text("pages.file.comparison", plan=str(state.plan.info.name)),
        tables=_tables(known),
        layers=layers,
        maps={
            each.name: partial(scenario_file, path, state, each, cutoffs_m, lang, changes_at=cutoff_m)
            for each in chosen
        },
    )


def _tables(known: partial[Comparison]) -> dict[str, Table]:
    """Name a comparison's tables; it is worked out when one is asked for."""
    return {
        text("pages.file.figures"): lambda: known().figures,
        text("pages.file.changed"): lambda: known().households,
        layer_label("grids"): lambda: known().grids,
    }


def _placed(changes: pd.DataFrame, households: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Put households that gain or lose their station onto the ground."""
    places = households.set_index("household_id").geometry
    return gpd.GeoDataFrame(
        changes, geometry=gpd.GeoSeries(places.loc[changes["household_id"]].to_numpy(), crs=households.crs)
    )


def _plain(layer: gpd.GeoDataFrame) -> pd.DataFrame:
    return as_table(layer)
