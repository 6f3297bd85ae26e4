"""What the computation found: who is covered, who is not, where the gaps are, and the stations it all hangs on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from gridgeo.coverage.wording import word_cutoff, word_services
from gridgeo.maps import palette
from gridgeo.maps.circles import overlap_looks, paper_looks
from gridgeo.maps.features import (
    MOST_DETAILED,
    MOST_SIZE,
    Field,
    Look,
    MapLayer,
    Words,
    both,
    encode_geometry,
    encode_points,
    in_every_language,
    place_labels,
    to_degrees,
)
from gridgeo.maps.ground import names_of
from gridgeo.maps.kept import keep
from gridgeo.plan import Plan
from gridgeo.texts import has_text, text

if TYPE_CHECKING:
    from gridgeo.coverage import Coverage

Show = Literal["cutoffs", "paper", "overlap"]
"""What a map tells households apart by."""

REASONS = ("beyond_cutoff", "unreachable", "unsnapped")


def service_area_layer(service_areas: gpd.GeoDataFrame | None, plan: Plan) -> MapLayer | None:
    """Make the layer of service areas, the widest at the bottom.

    Parameters
    ----------
    service_areas : GeoDataFrame or None
        What `gridgeo.service_areas` returned: ``cutoff_m`` and lines or polygons, in metres.
    plan : Plan
        The plan, for the stations' names.

    Returns
    -------
    MapLayer or None
        None without service areas.
    """
    if service_areas is None or len(service_areas) == 0:
        return None
    areas = service_areas[~service_areas.geometry.is_empty].sort_values("cutoff_m", ascending=False, kind="stable")
    minutes = "cutoff_min" if "cutoff_min" in areas else "cutoff_m"
    cutoffs = areas.drop_duplicates("cutoff_m").set_index("cutoff_m", drop=False)[minutes].sort_index()
    lines = areas.geometry.geom_type.isin(["LineString", "MultiLineString"]).all()
    station = areas["station_id"] if "station_id" in areas else pd.Series(index=areas.index, dtype="str")
    return MapLayer(
        layer_id="service_areas",
        name=both("layer.service_areas"),
        group="results",
        kind="lines" if lines else "polygons",
        geometry=encode_geometry(to_degrees(areas)),
        looks=tuple(
            Look(
                name=both("class.within", cutoff=_worded(cutoff, minutes)),
                style=_cycle(palette.SERVICE_AREA, rank, lines),
            )
            for rank, cutoff in enumerate(cutoffs)
        ),
        look_of=areas["cutoff_m"].map({cutoff: rank for rank, cutoff in enumerate(cutoffs.index)}),
        titles=station.map(dict(zip(plan.stations["station_id"], names_of(plan.stations, "station_id"), strict=True))),
        hover=False,
    )


def household_layer(
    plan: Plan,
    coverages: Sequence[Coverage],
    *,
    show: Show = "cutoffs",
    radius_m: float | None = None,
    detailed: bool = True,
) -> MapLayer | None:
    """Make the layer of households.

    Parameters
    ----------
    plan : Plan
        The plan.
    coverages : sequence of Coverage
        Coverage of the plan's households, the shortest cutoff first; may be empty.
    show : {'cutoffs', 'paper', 'overlap'}
        Tell them apart by the least cutoff that reaches them; or, for the first coverage, by walk and radius on paper,
        or by how many stations they reach.
    radius_m : float, optional
        The radius on paper in metres; the cutoff when left out.
    detailed : bool, optional
        Whether each says on a card what is known of it; of very many households none does.

    Returns
    -------
    MapLayer or None
        None without households.
    """
    households = plan.households
    if len(households) == 0:
        return None
    if show == "paper" and coverages:
        looks, look_of = paper_looks(coverages[0], radius_m or coverages[0].cutoff_m)
        look_of = look_of[_places(coverages[0], households)]
    elif show == "overlap" and coverages:
        looks, look_of = overlap_looks(coverages[0])
        look_of = look_of[_places(coverages[0], households)]
    else:
        looks, look_of = _household_looks(households, coverages)
    present, look_of = np.unique(look_of, return_inverse=True)
    detailed = detailed and len(households) <= MOST_DETAILED
    return MapLayer(
        layer_id="households",
        name=both("layer.households"),
        group="results",
        kind="points",
        geometry=keep("households", lambda: encode_points(households), households),
        looks=tuple(
            Look(name=looks[look].name, style={"radius": palette.HOUSEHOLD_RADIUS, **looks[look].style})
            for look in present
        ),
        look_of=look_of.tolist(),
        titles=households["household_id"] if detailed else None,
        fields=_household_fields(plan, coverages) if detailed else (),
        sizes=_share(households["households"]),
        estimated=bool(households["estimated"].any()),
    )


def station_layer(plan: Plan) -> MapLayer | None:
    """Make the layer of stations.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    MapLayer or None
        None without stations.
    """
    stations = plan.stations
    if len(stations) == 0:
        return None
    names = names_of(stations, "station_id")
    estimated = bool(stations["estimated"].any())
    looks = (
        Look(name=both("layer.stations"), style=palette.STATION),
        Look(name=both("class.closed_station"), style=palette.CLOSED_STATION),
    )
    present, look_of = np.unique(np.where(stations["open"], 0, 1), return_inverse=True)
    return MapLayer(
        layer_id="stations",
        name=both("layer.stations"),
        group="results",
        kind="points",
        geometry=encode_geometry(to_degrees(stations)),
        looks=tuple(looks[each] for each in present),
        look_of=look_of.tolist(),
        titles=names,
        keys=stations["station_id"],
        labels=names,
        label_style={"colour": palette.INK, "size": 13, "weight": 700, "rank": 0, "dy": 20},
        fields=(
            Field(name=both("field.kind"), values=stations["station_kind"], codes=_words(stations["station_kind"])),
            Field(name=both("field.services"), values=stations["services"], codes=_words(stations["services"])),
            Field(name=both("field.capacity"), values=stations["capacity"]),
            Field(name=both("field.hours"), values=stations["hours"]),
            Field(name=both("field.source"), values=stations["source"]),
            Field(name=both("field.estimated"), values=stations["estimated"].where(stations["estimated"])),
        ),
        estimated=estimated,
    )


def gate_layer(plan: Plan, *, shown: bool = False) -> MapLayer | None:
    """Make the layer of gates.

    Parameters
    ----------
    plan : Plan
        The plan.
    shown : bool, optional
        Whether it is visible at first.

    Returns
    -------
    MapLayer or None
        None without gates.
    """
    gates = plan.gates
    if len(gates) == 0:
        return None
    return MapLayer(
        layer_id="gates",
        name=both("layer.gates"),
        group="areas",
        kind="points",
        geometry=encode_geometry(to_degrees(gates)),
        looks=(
            Look(name=both("class.open_gate"), style=palette.OPEN_GATE),
            Look(name=both("class.closed_gate"), style=palette.CLOSED_GATE),
        ),
        look_of=gates["open"].map({True: 0, False: 1}),
        titles=names_of(gates, "gate_id"),
        fields=(Field(name=both("field.hours"), values=gates["hours"]),),
        keys=gates["gate_id"],
        shown=shown,
    )


def walk_field(distance_m: pd.Series, coverage: Coverage | None) -> Field:
    """Say how far walks are: metres, or minutes where the coverage measures time.

    Parameters
    ----------
    distance_m : Series of float
        Distances as the coverage gives them.
    coverage : Coverage or None
        The coverage; metres without one.

    Returns
    -------
    Field
        For a card.
    """
    if coverage is None or not coverage.network.timed:
        return Field(name=both("field.distance"), values=distance_m, unit=both("unit.metres"))
    minutes = distance_m / coverage.asked.pace.speed_m_per_min
    return Field(name=both("field.minutes"), values=minutes, unit=both("unit.minutes"), digits=1)


def gap_layer(gaps: gpd.GeoDataFrame | None, plan: Plan, coverage: Coverage | None = None) -> MapLayer | None:
    """Make the layer of gap areas.

    Parameters
    ----------
    gaps : GeoDataFrame or None
        What `gridgeo.find_gaps` returned, worst first, in metres.
    plan : Plan
        The plan, to know whether its households are estimates and what its stations are called.
    coverage : Coverage, optional
        The coverage they are the gaps of, to know whether its walks are metres or minutes.

    Returns
    -------
    MapLayer or None
        None without gaps.
    """
    if gaps is None or len(gaps) == 0:
        return None
    titles = [both("gap_title", number=number) for number in range(1, len(gaps) + 1)]
    estimated = bool(plan.households["estimated"].any())
    stations = dict(zip(plan.stations["station_id"], names_of(plan.stations, "station_id"), strict=True))
    fields = [
        Field(name=both(f"field.{column}"), values=gaps[column], estimated=estimated)
        for column in ("households", "persons")
        if column in gaps
    ]
    fields += [
        Field(name=both("field.cause"), values=gaps["cause"], codes=_meanings("cause", gaps["cause"])),
        Field(name=both("field.station"), values=gaps["station_id"].map(stations)),
        walk_field(gaps["distance_m"], coverage),
        Field(name=both("field.remedy"), values=gaps["remedy"], codes=_meanings("remedy", gaps["remedy"])),
        Field(name=both("field.remedy_place"), values=gaps["remedy_place"]),
    ]
    return MapLayer(
        layer_id="gaps",
        name=both("layer.gaps"),
        group="results",
        kind="polygons",
        geometry=encode_geometry(to_degrees(gaps)),
        looks=(Look(name=both("layer.gaps"), style=palette.GAP),),
        look_of=[0] * len(gaps),
        titles=titles,
        labels=titles,
        label_at=place_labels(gaps)[0],
        label_style={"colour": "#9a3f00", "size": 13, "weight": 700, "rank": 3},
        fields=tuple(fields),
        estimated=estimated,
    )


def _words(services: pd.Series) -> dict[str, Words]:
    """Word the kinds and lists of services that occur."""
    return {each: in_every_language(partial(_word_services, each)) for each in services.dropna().unique()}


def _word_services(services: str, lang: str) -> str:
    return word_services(services, lang) or services


def _meanings(prefix: str, codes: pd.Series) -> dict[str, Words]:
    """Word the codes that occur; one without words is shown as it is."""
    return {code: both(f"{prefix}.{code}") for code in codes.dropna().unique() if has_text(f"maps.{prefix}.{code}")}


def _household_looks(
    households: gpd.GeoDataFrame, coverages: Sequence[Coverage]
) -> tuple[list[Look], npt.NDArray[np.int64]]:
    """Give every household the first look that fits it."""
    if not coverages:
        return [Look(name=both("class.all"), style=palette.HOUSEHOLD_PLAIN)], np.zeros(len(households), dtype=np.int64)
    cutoffs = [in_every_language(partial(word_cutoff, coverage)) for coverage in coverages]
    looks = [
        Look(name=both("class.within", cutoff=cutoff), style=_cycle(palette.HOUSEHOLD_WITHIN, rank))
        for rank, cutoff in enumerate(cutoffs)
    ]
    looks.append(Look(name=both("class.beyond", cutoff=cutoffs[-1]), style=palette.HOUSEHOLD_BEYOND))
    looks.append(Look(name=both("class.no_way"), style=palette.HOUSEHOLD_NO_WAY))
    # A coverage of these very households has them in their order: no table of it is needed.
    places = [slice(None) if each.source is households else _places(each, households) for each in coverages]
    look_of = np.full(len(households), len(coverages), dtype=np.int64)
    look_of[~np.isfinite(coverages[-1].distance_m[places[-1]])] = len(coverages) + 1
    for rank in reversed(range(len(coverages))):
        look_of[coverages[rank].covered[places[rank]]] = rank
    return looks, look_of


def _household_fields(plan: Plan, coverages: Sequence[Coverage]) -> tuple[Field, ...]:
    households = plan.households
    estimated = bool(households["estimated"].any())
    metres = both("unit.metres")
    fields = [
        Field(name=both("field.households"), values=households["households"], estimated=estimated),
        Field(name=both("field.persons"), values=households["persons"], estimated=estimated),
    ]
    if coverages:
        rows = _rows(coverages[-1], households)
        stations = dict(zip(plan.stations["station_id"], names_of(plan.stations, "station_id"), strict=True))
        reasons = {reason: both(f"reason.{reason}") for reason in REASONS}
        fields += [
            Field(name=both("field.station"), values=rows["station_id"].map(stations)),
            walk_field(rows["distance_m"], coverages[-1]),
            Field(name=both("field.straight"), values=rows["straight_m"], unit=metres),
            Field(name=both("field.reason"), values=rows["reason"].where(~rows["covered"]), codes=reasons),
            Field(name=both("field.n_stations"), values=rows["n_stations"]),
        ]
    grids = dict(zip(plan.grids["grid_id"], names_of(plan.grids, "grid_id"), strict=True))
    fields.append(Field(name=both("field.grid"), values=households["grid_id"].map(grids)))
    return tuple(fields)


def _rows(coverage: Coverage, households: gpd.GeoDataFrame) -> pd.DataFrame:
    """Give the coverage of the plan's households, in their order."""
    rows: pd.DataFrame = coverage.households.reindex(households["household_id"])
    return rows.set_axis(households.index)


def _places(coverage: Coverage, households: gpd.GeoDataFrame) -> npt.NDArray[np.int64]:
    """Give the row of each of the plan's households in a coverage."""
    return np.asarray(coverage.households.index.get_indexer(households["household_id"]), dtype=np.int64)


def _share(counts: pd.Series) -> npt.NDArray[np.int64]:
    """Turn counts into sizes relative to the greatest, so that a symbol's area tells its number."""
    number = counts.to_numpy(dtype=np.float64)
    sizes: npt.NDArray[np.int64] = np.rint(MOST_SIZE * number / max(number.max(initial=0), 1.0)).astype(np.int64)
    return sizes


def _cycle(styles: Sequence[Mapping[str, Any]], rank: int, lines: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002
    style = dict(styles[min(rank, len(styles) - 1)])
    return {key: value for key, value in style.items() if not (lines and key.startswith("fill"))}


def _worded(cutoff: float, column: str) -> Words:
    unit = "minutes" if column == "cutoff_min" else "metres"
    return in_every_language(lambda lang: text(f"walks.{unit}", lang, number=f"{cutoff:g}"))
