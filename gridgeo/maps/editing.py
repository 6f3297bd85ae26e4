"""Maps that people work on: blocks coloured by grid for redrawing, stations, gates and streets for what-if."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridgeo.maps import palette
from gridgeo.maps.features import Field, Look, MapLayer, both, encode_geometry, place_labels, to_degrees
from gridgeo.maps.ground import area_layers, ground_layers, names_of, short_names
from gridgeo.maps.kept import keep
from gridgeo.maps.results import gate_layer, household_layer, station_layer
from gridgeo.plan import Plan
from gridgeo.redraw.ground import Ground, find_ground

if TYPE_CHECKING:
    from gridgeo.coverage import Coverage

_NOTE = "map"


def redraw_layers(plan: Plan, *, households_per_grid: tuple[float, float]) -> list[MapLayer]:
    """Make the layers of a map for redrawing grids, bottom first.

    Parameters
    ----------
    plan : Plan
        The plan, with blocks and grids.
    households_per_grid : tuple of float
        The band; grids outside it are drawn differently.

    Returns
    -------
    list of MapLayer
        The ground, blocks coloured by grid, communities, grids with their households, stations. Between two states of
        one plan a grid keeps its colour, unless it comes to touch another one of the same.
    """
    made = [
        *_ground(plan),
        block_layer(plan),
        *_areas(plan),
        grid_layer(plan, households_per_grid),
        station_layer(plan),
    ]
    return [layer for layer in made if layer is not None]


def whatif_layers(
    plan: Plan, coverages: Sequence[Coverage], *, households_per_grid: tuple[float, float] | None = None
) -> list[MapLayer]:
    """Make the layers of a map for moving stations, opening gates and closing streets, bottom first.

    Parameters
    ----------
    plan : Plan
        The plan.
    coverages : sequence of Coverage
        Its coverage, the shortest cutoff first.
    households_per_grid : tuple of float, optional
        The band; with it the grids are drawn too.

    Returns
    -------
    list of MapLayer
        The ground, walkable and closed streets, district, households without cards, gates and stations.
    """
    grids = None if households_per_grid is None else grid_layer(plan, households_per_grid)
    made = [
        *_ground(plan),
        keep("walks", lambda: walk_layer(plan), plan.streets),
        *_areas(plan)[-1:],
        grids,
        household_layer(plan, coverages, detailed=False),
        gate_layer(plan, shown=True),
        station_layer(plan),
    ]
    return [layer for layer in made if layer is not None]


def change_layers(
    plan: Plan, base: Coverage, changed: Coverage, *, households_per_grid: tuple[float, float] | None = None
) -> list[MapLayer]:
    """Make the layers of a map of what a scenario changes, bottom first.

    Parameters
    ----------
    plan : Plan
        The scenario's plan.
    base, changed : Coverage
        The coverage without and with it, of the same households and cutoff.
    households_per_grid : tuple of float, optional
        The band; with it the grids are drawn too.

    Returns
    -------
    list of MapLayer
        The ground, the district, households that gain or lose their station or stay as they are, stations.
    """
    look_of = np.where(changed.covered == base.covered, 0, np.where(changed.covered, 1, 2))
    present, number = np.unique(look_of, return_inverse=True)
    kinds = ("unchanged", "gained", "lost")
    households = plan.households
    layer = MapLayer(
        layer_id="changes",
        name=both("layer.changes", cutoff=f"{changed.cutoff_m:g}"),
        group="results",
        kind="points",
        geometry=encode_geometry(to_degrees(households)),
        looks=tuple(Look(name=both(f"class.{kinds[each]}"), style=palette.CHANGES[kinds[each]]) for each in present),
        look_of=number.tolist(),
        hover=False,
        estimated=bool(households["estimated"].any()),
    )
    grids = None if households_per_grid is None else grid_layer(plan, households_per_grid)
    made = [*_ground(plan), *_areas(plan)[-1:], grids, layer, station_layer(plan)]
    return [each for each in made if each is not None]


def block_layer(plan: Plan) -> MapLayer | None:
    """Make the layer of blocks, each in the colour of its grid.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    MapLayer or None
        None without blocks.
    """
    if len(plan.blocks) == 0:
        return None
    ground, blocks = find_ground(plan), plan.blocks
    note = ground.notes.setdefault(_NOTE, {})
    if "geometry" not in note:
        note["geometry"] = encode_geometry(to_degrees(blocks))
    colours = colour_grids(plan, ground, note.setdefault("colours", {}))
    grid = blocks["grid_id"].astype("object")
    names = dict(zip(plan.grids["grid_id"], names_of(plan.grids, "grid_id"), strict=True))
    held = held_by_grid(plan)
    own = plan.households.groupby("block_id")["households"].sum()
    estimated = bool(plan.households["estimated"].any())
    none = len(palette.GRID_FILLS)
    return MapLayer(
        layer_id="blocks",
        name=both("layer.blocks_by_grid"),
        group="areas",
        kind="polygons",
        geometry=note["geometry"],
        looks=(
            *(
                Look(name=both("class.grid_colour", number=number + 1), style=style)
                for number, style in enumerate(palette.GRID_FILLS)
            ),
            Look(name=both("class.no_grid"), style=palette.NO_GRID),
        ),
        look_of=[colours.get(each, none) for each in grid],
        titles=grid.map(names).where(grid.notna(), None),
        fields=(
            Field(name=both("field.households_in_grid"), values=grid.map(held), estimated=estimated),
            Field(
                name=both("field.households_in_block"),
                values=blocks["block_id"].map(own).fillna(0),
                estimated=estimated,
            ),
            Field(name=both("field.block"), values=blocks["block_id"]),
        ),
        keys=blocks["block_id"],
        legend=False,
    )


def grid_layer(plan: Plan, households_per_grid: tuple[float, float]) -> MapLayer | None:
    """Make the layer of grid borders: in the band, outside it, locked; with name and households.

    Parameters
    ----------
    plan : Plan
        The plan.
    households_per_grid : tuple of float
        The band.

    Returns
    -------
    MapLayer or None
        None without grids.
    """
    grids = plan.grids
    if len(grids) == 0:
        return None
    held = grids["grid_id"].map(held_by_grid(plan)).fillna(0).astype(int)
    low, high = households_per_grid
    look_of = np.where(grids["locked"], 2, np.where(held.between(low, high), 0, 1))
    present, number = np.unique(look_of, return_inverse=True)
    kinds = ("in_band", "out_of_band", "locked")
    community = grids["community_id"].map(
        dict(zip(plan.units["unit_id"], names_of(plan.units, "unit_id"), strict=True))
    )
    short = short_names(names_of(grids, "grid_id"), community)
    places, room = _label_places(plan)
    return MapLayer(
        layer_id="grids",
        name=both("layer.grids"),
        group="areas",
        kind="polygons",
        geometry=encode_geometry(to_degrees(grids)),
        looks=tuple(
            Look(name=both(f"class.{kinds[each]}", low=f"{low:g}", high=f"{high:g}"), style=palette.GRID_BORDERS[each])
            for each in present
        ),
        look_of=number.tolist(),
        labels=[f"{name} · {count:,}" for name, count in zip(short, held, strict=True)],
        label_at=places,
        label_room=room,
        label_style={"colour": "#43256f", "size": 13, "weight": 700, "rank": 2},
        keys=grids["grid_id"],
        hover=False,
    )


def walk_layer(plan: Plan) -> MapLayer | None:
    """Make the layer of streets that can be closed to walking, and of those that are.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    MapLayer or None
        None without streets.
    """
    streets = plan.streets
    if len(streets) == 0:
        return None
    return MapLayer(
        layer_id="walks",
        name=both("layer.walks"),
        group="areas",
        kind="lines",
        geometry=encode_geometry(to_degrees(streets)),
        looks=(
            Look(name=both("class.walkable"), style=palette.WALKABLE),
            Look(name=both("class.closed_street"), style=palette.CLOSED_STREET),
        ),
        look_of=np.where(streets["walkable"], 0, 1).tolist(),
        titles=names_of(streets, "street_id"),
        keys=streets["street_id"],
    )


def held_by_grid(plan: Plan) -> dict[str, int]:
    """Count the households of every grid that has any.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    dict
        Grid id → households.
    """
    # Of the last state only: what many states held would keep the households of each.
    note, homes = find_ground(plan).notes.setdefault(_NOTE, {}), plan.households
    if note.get("held", (None,))[0] is not homes:
        note["held"] = (homes, homes.groupby("grid_id")["households"].sum().astype(int).to_dict())
    held: dict[str, int] = note["held"][1]
    return held


def colour_grids(plan: Plan, ground: Ground, known: dict[str, int]) -> dict[str, int]:
    """Give every grid a colour that none of its neighbours has, where that can be.

    Parameters
    ----------
    plan : Plan
        The plan.
    ground : Ground
        How its blocks lie.
    known : dict
        Grid → colour of earlier states; they stay where neighbours can be told apart. New grids are written into it.

    Returns
    -------
    dict
        `known`, with every grid of the plan.
    """
    labels = plan.blocks["grid_id"].to_numpy(dtype=object)
    row, end = np.repeat(np.arange(len(labels)), np.diff(ground.start)), ground.end
    for grid in plan.grids["grid_id"]:
        if grid not in known:
            _give_colour(grid, {known.get(each) for each in labels[end[labels[row] == grid]]}, known)
    # An edit may bring two grids of one colour together: the smaller one gives way, or the edit would not be seen.
    code, ids = pd.factorize(labels)
    colour = np.array([*(known.get(each, -1) for each in ids), -1])[code]
    alike = (colour[row] == colour[end]) & (code[row] < code[end]) & (colour[row] >= 0)
    size = np.bincount(code[code >= 0], minlength=len(ids))
    for one, two in np.unique(np.column_stack([code[row[alike]], code[end[alike]]]), axis=0):
        smaller = ids[min(one, two, key=lambda each: size[each])]
        near = {known.get(each) for each in labels[end[labels[row] == smaller]] if each != smaller}
        if known[ids[one]] == known[ids[two]] and len(near) < len(palette.GRID_FILLS):
            _give_colour(smaller, near, known)
    return known


def _give_colour(grid: str, near: set[int | None], known: dict[str, int]) -> None:
    colours = range(len(palette.GRID_FILLS))
    used = np.bincount(list(known.values()), minlength=len(colours))
    known[grid] = min(colours, key=lambda colour: (colour in near, used[colour], colour))


def _ground(plan: Plan) -> list[MapLayer]:
    shown = (plan.landuse, plan.buildings, plan.streets, plan.barriers)
    return keep("ground", lambda: ground_layers(plan), *shown)


def _areas(plan: Plan) -> list[MapLayer]:
    """Make the lines of communities and district; what is worked on lies below and keeps the pointer."""
    made = keep("areas", lambda: area_layers(plan, only=("communities", "district")), plan.units)
    return [keep("plain", partial(replace, layer, hover=False), layer) for layer in made]


def _label_places(plan: Plan) -> tuple[list[list[float]], list[float]]:
    """Find the places of the grids' labels; a grid of the same shape keeps its own."""
    known: dict[bytes, tuple[list[float], float]] = (
        find_ground(plan).notes.setdefault(_NOTE, {}).setdefault("labels", {})
    )
    shapes: npt.NDArray[Any] = shapely.to_wkb(plan.grids.geometry.to_numpy())
    fresh = [row for row, shape in enumerate(shapes) if shape not in known]
    if fresh:
        areas = gpd.GeoDataFrame(geometry=plan.grids.geometry.iloc[fresh], crs=plan.crs)
        known |= zip([shapes[row] for row in fresh], zip(*place_labels(areas), strict=True), strict=True)
    found = [known[shape] for shape in shapes]
    return [place for place, _ in found], [room for _, room in found]
