"""Maps of the working pages as files: made when they are asked for, from what the pages keep."""

from __future__ import annotations

from pathlib import Path

from app.state import cache, comparisons
from app.state.workspace import State
from gridgeo.maps import work_map
from gridgeo.maps.editing import redraw_layers
from gridgeo.scenario import Scenario


def redraw_file(state: State, band: tuple[float, float], lang: str) -> bytes:
    """Write the map that grids are redrawn on as one offline HTML file.

    Parameters
    ----------
    state, band
        As for `app.state.cache.redraw_map`.
    lang : {'zh', 'en'}
        The language it opens in.

    Returns
    -------
    bytes
        The file's content.
    """
    return cache.written(work_map(state.plan, redraw_layers(state.plan, households_per_grid=band), lang=lang))


def scenario_file(
    path: Path, state: State, scenario: Scenario, cutoffs_m: tuple[float, ...], lang: str, *, changes_at: float | None
) -> bytes:
    """Write the map of a scenario as one offline HTML file.

    Parameters
    ----------
    path, state, cutoffs_m
        As for `app.state.comparisons.comparison`.
    scenario : Scenario
        The scenario.
    lang : {'zh', 'en'}
        The language it opens in.
    changes_at : float or None
        The cutoff at which households gained and lost are drawn; None draws who is covered.

    Returns
    -------
    bytes
        The file's content.
    """
    base, found = comparisons.run_all(path, state, (scenario,), cutoffs_m)
    if changes_at is None:
        return cache.written(comparisons.coverage_page(found, lang))
    return cache.written(comparisons.change_page(base.coverages[0].at(changes_at), found, lang))
