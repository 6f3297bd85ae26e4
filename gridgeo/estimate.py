"""Households estimated from residential footprints × storeys, where nobody has counted them.

Everything made here carries ``estimated = True``; nothing may show it without saying so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray

from gridgeo.crs import require_metric
from gridgeo.errors import InputError
from gridgeo.plan import Name, Plan, locate
from gridgeo.schema import complete_layer, empty_layer
from gridgeo.texts import text

PERSONS_PER_HOUSEHOLD = 2.31
"""Mean size of a family household in Beijing, 2020 (北京市第七次全国人口普查公报)."""

RESIDENTIAL_KINDS = frozenset(
    {
        "residential", "apartments", "dormitory", "house", "detached", "semidetached_house", "terrace", "bungalow",
        "farm", "static_caravan",
    }
)  # fmt: skip
"""Values of OSM's ``building`` that people live in."""

ASSUMED_LEVELS: MappingProxyType[str, float] = MappingProxyType(
    {"house": 2, "detached": 2, "semidetached_house": 2, "terrace": 2, "bungalow": 1, "farm": 1, "static_caravan": 1}
)
"""Storeys assumed where a building does not tell, by kind; an assumption of gridgeo, without a source."""

ASSUMED_LEVELS_ELSE = 6.0
"""Storeys assumed for the other kinds: the highest usual height of housing without lifts; no source either."""

COMPOUND_M2 = 6000.0
"""A residential footprint beyond this is no single building but a compound drawn as one: one storey is assumed."""

LEAST_FLOOR_M2 = 22.0
"""Less floor than this a household is not believed: no dwelling may be smaller (GB 50096-2011, 5.1.2)."""


def estimate_households(
    buildings: gpd.GeoDataFrame,
    *,
    population: float | None = None,
    persons_per_household: float = PERSONS_PER_HOUSEHOLD,
    floor_m2_per_household: float | None = None,
    assumed_levels: Mapping[str, float] = ASSUMED_LEVELS,
    assumed_levels_else: float = ASSUMED_LEVELS_ELSE,
    compound_m2: float = COMPOUND_M2,
) -> gpd.GeoDataFrame:
    """Estimate how many households live in each residential building.

    Either the population is known: then it is shared out over the floor area, scaled to the total. Or it is not: then
    each household is given a floor area, the total follows, and the number of persons stays unknown.

    Parameters
    ----------
    buildings : GeoDataFrame of polygons, length n
        Residential buildings, in metres, with ``building_id``, ``building_kind`` and ``levels``; see
        `select_residential`.
    population : float, optional
        The persons who live in all of them together.
    persons_per_household : float
        The mean size of a household, used with `population`.
    floor_m2_per_household : float, optional
        Gross floor area per household in m², used without `population`.
    assumed_levels : mapping of str to float
        Storeys by ``building_kind`` where ``levels`` is missing.
    assumed_levels_else : float
        The same for the kinds it does not name.
    compound_m2 : float
        A footprint without ``levels`` larger than this counts one storey.

    Returns
    -------
    GeoDataFrame of points
        The layer ``households``: one row per building that holds any, at a point inside its footprint, its
        ``household_id`` the building's id; ``households`` whole numbers with the total
        ``round(population / persons_per_household)`` exactly; ``persons`` whole numbers with the total
        ``round(population)`` exactly, or missing; ``estimated`` True throughout.

    Raises
    ------
    InputError
        If not exactly one of `population` and `floor_m2_per_household` is given, a figure is not above zero, or there
        are persons but no building for them.
    CRSError
        If the buildings are not in metres.
    """
    require_metric(buildings, layer="buildings")
    if (population is None) == (floor_m2_per_household is None):
        raise InputError("estimate_basis")
    for name, value in (
        ("population", population),
        ("persons_per_household", persons_per_household),
        ("floor_m2_per_household", floor_m2_per_household),
    ):
        if value is not None and not (np.isfinite(value) and value > 0):
            raise InputError("not_above_zero", name=name, value=value)
    floor = floor_area_m2(
        buildings, assumed_levels=assumed_levels, assumed_levels_else=assumed_levels_else, compound_m2=compound_m2
    )
    if not floor.sum() > 0:
        if population is not None:
            raise InputError("nobody_lives_here")
        return empty_layer("households", buildings.crs)
    per_household = floor_m2_per_household or floor.sum() / (population or 1.0) * persons_per_household
    counts = share_out(round(float(floor.sum() / per_household)), floor)
    kept = counts > 0
    persons: ArrayLike = np.full(int(kept.sum()), np.nan)
    if population is not None:
        persons = share_out(round(population), floor[kept])
    points = shapely.point_on_surface(buildings.geometry.to_numpy()[kept])
    layer = gpd.GeoDataFrame(
        {
            "household_id": buildings["building_id"].to_numpy()[kept],
            "households": counts[kept],
            "persons": persons,
            "estimated": True,
        },
        geometry=points,
        crs=buildings.crs,
    )
    return complete_layer("households", layer)


def fill_households(plan: Plan, *, population: float | None = None) -> Plan:
    """Estimate the households of a plan that has none, from its buildings, scaled to a known population.

    Parameters
    ----------
    plan : Plan
        With buildings. A plan that has households already is returned as it is.
    population : float, optional
        The persons of the whole district. When left out, each unit of the finest level whose units all state their
        ``population`` gets its own.

    Returns
    -------
    Plan
        With households that are marked ``estimated``, and a note that says how they were come by.

    Raises
    ------
    InputError
        If no population is known, is not above zero, or a populated unit has no residential building.

    Notes
    -----
    Where the buildings marked as residential would leave a household less than `LEAST_FLOOR_M2`, untyped buildings
    (``yes`` or no kind) count as well; where even these would, the plan says so in a note.
    """
    if len(plan.households):
        return plan
    units = None if population is not None else _populated_units(plan)
    total = float(units["population"].sum()) if units is not None else float(population or 0)
    residential, notes = _find_homes(plan, total)
    if units is None:
        parts = [estimate_households(residential, population=total)]
    else:
        inner = shapely.point_on_surface(residential.geometry.to_numpy())
        inside = locate(gpd.GeoSeries(inner, crs=plan.crs), units, "unit_id").to_numpy()
        parts = [
            estimate_households(residential[inside == unit], population=float(persons))
            for unit, persons in zip(units["unit_id"], units["population"], strict=True)
            if persons > 0
        ]
    layer = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=plan.crs)
    notes = [_note("estimated_note", persons=round(total)), *notes]
    return plan.replace(info=replace(plan.info, notes=(*plan.info.notes, *notes)), households=layer)


def _find_homes(plan: Plan, population: float) -> tuple[gpd.GeoDataFrame, list[Name]]:
    """Return the residential buildings; untyped ones, too, where the others cannot hold the population."""
    around = {"landuse": plan.landuse, "places": plan.places, "within": plan.district}
    homes = select_residential(plan.buildings, **around)
    households = population / PERSONS_PER_HOUSEHOLD
    if not _crowded(homes, households):
        return homes, []
    marked, homes = len(homes), select_residential(plan.buildings, untyped=True, **around)
    notes = [_note("untyped_note", marked=marked, untyped=len(homes) - marked)] if len(homes) > marked else []
    if _crowded(homes, households):
        floor = floor_area_m2(homes).sum() / households
        notes.append(_note("crowded_note", floor_m2=round(float(floor), 1), least_m2=round(LEAST_FLOOR_M2)))
    return homes, notes


def _crowded(homes: gpd.GeoDataFrame, households: float) -> bool:
    return bool(floor_area_m2(homes).sum() < LEAST_FLOOR_M2 * households)


def _note(key: str, **values: object) -> Name:
    return Name(*(text(f"readers.{key}", lang, **values) for lang in ("zh", "en")))


def _populated_units(plan: Plan) -> gpd.GeoDataFrame:
    """Return the units of the finest level at which every population is known."""
    for level in reversed(plan.info.levels):
        units = plan.units[plan.units["level"] == level.level]
        if len(units) and units["population"].notna().all():
            return units
    raise InputError("estimate_basis")


def select_residential(
    buildings: gpd.GeoDataFrame,
    *,
    landuse: gpd.GeoDataFrame | None = None,
    places: gpd.GeoDataFrame | None = None,
    names: str | None = None,
    untyped: bool = False,
    within: shapely.Geometry | None = None,
) -> gpd.GeoDataFrame:
    r"""Select the buildings that people live in.

    Parameters
    ----------
    buildings : GeoDataFrame of polygons
        Buildings with ``name`` and ``building_kind``, in metres.
    landuse : GeoDataFrame of polygons, optional
        With ``landuse_kind``: an untyped building (kind ``yes`` or missing) inside a residential area is lived in, too.
    places : GeoDataFrame of points, optional
        But no untyped building where one of these public places stands in it.
    names : str, optional
        A regular expression: an untyped building whose whole name matches is lived in (``南\d+楼``, say).
    untyped : bool
        Every untyped building is lived in, inside a residential area or not.
    within : shapely.Geometry, optional
        Only buildings whose inner point lies in it.

    Returns
    -------
    GeoDataFrame
        The rows selected, in their order.
    """
    inner = shapely.point_on_surface(buildings.geometry.to_numpy())
    kind = buildings["building_kind"]
    unknown = (kind.isna() | kind.isin(["", "yes"])).to_numpy()
    chosen = kind.isin(RESIDENTIAL_KINDS).to_numpy()
    likely = np.full(len(buildings), untyped)
    if landuse is not None:
        areas = landuse[landuse["landuse_kind"] == "residential"].geometry.to_numpy()
        point, _ = shapely.STRtree(areas).query(inner, predicate="intersects")
        likely |= np.isin(np.arange(len(buildings)), point)
    if places is not None:
        building, _ = shapely.STRtree(places.geometry.to_numpy()).query(
            buildings.geometry.to_numpy(), predicate="intersects"
        )
        likely &= ~np.isin(np.arange(len(buildings)), building)
    chosen = chosen | (unknown & likely)
    if names is not None:
        named = buildings["name"].str.fullmatch(names).fillna(value=False).to_numpy(dtype=bool)
        chosen = chosen | (unknown & named)
    if within is not None:
        chosen = chosen & shapely.intersects(within, inner)
    return buildings[chosen]


def floor_area_m2(
    buildings: gpd.GeoDataFrame,
    *,
    assumed_levels: Mapping[str, float] = ASSUMED_LEVELS,
    assumed_levels_else: float = ASSUMED_LEVELS_ELSE,
    compound_m2: float = COMPOUND_M2,
) -> NDArray[np.float64]:
    """Return each building's gross floor area: footprint × storeys.

    Parameters
    ----------
    buildings : GeoDataFrame of polygons, length n
        Buildings in metres with ``building_kind`` and ``levels``.
    assumed_levels : mapping of str to float
        Storeys by ``building_kind`` where ``levels`` is missing.
    assumed_levels_else : float
        The same for the kinds it does not name.
    compound_m2 : float
        A footprint without ``levels`` larger than this counts one storey.

    Returns
    -------
    ndarray of float64, length n
        Floor area in m².
    """
    footprint = buildings.geometry.area.to_numpy()
    kind = buildings["building_kind"].astype("object")
    assumed = pd.to_numeric(kind.map(dict(assumed_levels))).fillna(assumed_levels_else).to_numpy(dtype="float64")
    assumed = np.where(footprint > compound_m2, np.minimum(assumed, 1.0), assumed)
    levels = buildings["levels"].to_numpy(dtype="float64")
    return np.asarray(footprint * np.where(np.isnan(levels), assumed, levels), dtype="float64")


def share_out(total: int, weights: ArrayLike) -> NDArray[np.int64]:
    """Share a whole number out by weights, in whole numbers that sum to it exactly (largest remainder).

    Parameters
    ----------
    total : int
        What to share out, from zero.
    weights : array_like of float, length n
        How much each gets in proportion; from zero, not all zero.

    Returns
    -------
    ndarray of int64, length n
        Each one's share: its proportion rounded down, plus one for those with the largest remainders; of equal
        remainders the earlier is served first.

    Raises
    ------
    InputError
        If the weights are not finite, below zero, or all zero.
    """
    weight = np.asarray(weights, dtype="float64")
    if not (np.isfinite(weight).all() and (weight >= 0).all() and weight.sum() > 0):
        raise InputError("bad_weights")
    exact = total * (weight / weight.sum())
    shares = np.floor(exact).astype("int64")
    left = total - int(shares.sum())
    first = np.argsort(-(exact - shares), kind="stable")
    shares[first[:left]] += 1
    return np.asarray(shares, dtype="int64")
