"""A town drawn by hand for the tests of edits, and edits drawn at random.

Sixteen blocks of 100 m, B00 in the south-west, the first digit to the east; streets along every border, joined at every
corner. Two communities, west (W) and east (E), two grids in each::

    G2 G2 | G4 G4      B03 B13 | B23 B33
    G2 G2 | G4 G4      B02 B12 | B22 B32
    G1 G1 | G3 G3      B01 B11 | B21 B31
    G1 G1 | G3 G3      B00 B10 | B20 B30

Each block has one household point in its middle, of 100 households; a station stands at two corners.
"""

import random
from dataclasses import replace
from functools import cache

import geopandas as gpd
import pandas as pd
import shapely

from gridgeo.partition.grid_layer import dissolve_grids
from gridgeo.plan import Name, PlanInfo, make_plan
from gridgeo.redraw import VOCABULARY, make_edit

CRS = "EPSG:4547"
SIDE = 4


def town():
    """Return the town, with layers of its own: a test that changed them would find them changed."""
    drawn = draw_town()
    return replace(drawn, **{name: layer.copy() for name, layer in drawn.layers().items()})


@cache
def draw_town():
    """Draw the town, once."""
    at = [(x, y) for x in range(SIDE) for y in range(SIDE)]
    squares = [shapely.box(100 * x, 100 * y, 100 * x + 100, 100 * y + 100) for x, y in at]
    blocks = gpd.GeoDataFrame(
        {
            "block_id": [f"B{x}{y}" for x, y in at],
            "community_id": ["W" if x < 2 else "E" for x, _ in at],
            "grid_id": [f"G{1 + (y >= 2) + 2 * (x >= 2)}" for x, y in at],
            "households": 100,
            "persons": 250.0,
        },
        geometry=squares,
        crs=CRS,
    )
    households = gpd.GeoDataFrame(
        {"household_id": [f"H{x}{y}" for x, y in at], "households": 100, "persons": 250.0, "elderly": 10},
        geometry=[square.centroid for square in squares],
        crs=CRS,
    )
    streets = [
        (f"{way}{i}{j}", f"{way}{i}", [(100 * a, 100 * b) for a, b in ends])
        for i in range(SIDE + 1)
        for j in range(SIDE)
        for way, ends in (("V", [(i, j), (i, j + 1)]), ("R", [(j, i), (j + 1, i)]))
    ]
    streets = gpd.GeoDataFrame(
        {
            "street_id": [each[0] for each in streets],
            "name": [each[1] for each in streets],
            "street_class": "residential",
        },
        geometry=[shapely.LineString(each[2]) for each in streets],
        crs=CRS,
    )
    units = gpd.GeoDataFrame(
        {
            "unit_id": ["T", "W", "E"],
            "level": ["subdistrict", "community", "community"],
            "parent_id": [None, "T", "T"],
            "code": ["330282001", "330282001001", "330282001002"],
        },
        geometry=[shapely.box(0, 0, 400, 400), shapely.box(0, 0, 200, 400), shapely.box(200, 0, 400, 400)],
        crs=CRS,
    )
    stations = gpd.GeoDataFrame(
        {"station_id": ["S1", "S2"], "capacity": [200.0, None]},
        geometry=[shapely.Point(100, 100), shapely.Point(300, 300)],
        crs=CRS,
    )
    barriers = gpd.GeoDataFrame(
        {"barrier_id": ["K1"], "barrier_kind": ["wall"]}, geometry=[shapely.LineString([(350, 10), (350, 90)])], crs=CRS
    )
    gates = gpd.GeoDataFrame(
        {"gate_id": ["D1", "D2"], "open": [True, False]},
        geometry=[shapely.Point(350, 50), shapely.Point(100, 50)],
        crs=CRS,
    )
    return make_plan(
        PlanInfo(Name("小镇", "Town")),
        CRS,
        units=units,
        streets=streets,
        barriers=barriers,
        gates=gates,
        blocks=blocks,
        grids=dissolve_grids(blocks),
        households=households,
        stations=stations,
    )


def snapshot(plan):
    """Return everything a plan holds, to the last bit, in a form that compares with ``==``."""
    return {
        name: (
            list(layer.columns),
            [str(kind) for kind in layer.dtypes],
            layer.index.tolist(),
            [bytes(shape) for shape in layer.geometry.to_wkb()],
            [
                [None if pd.isna(value) else (type(value).__name__, value) for value in layer[column]]
                for column in layer.columns.drop(layer.geometry.name)
            ],
        )
        for name, layer in plan.layers().items()
    }


def random_edit(plan, rng: random.Random):
    """Draw an edit of any kind; many are refused."""
    kind = rng.choice(list(VOCABULARY))
    west, south, east, north = plan.units.total_bounds.tolist()

    def one(layer, column):
        return rng.choice(list(getattr(plan, layer)[column]) or ["none"])

    def spot():
        return [rng.uniform(west, east), rng.uniform(south, north)]

    grids = [one("grids", "grid_id") for _ in range(2)]
    values = {
        "blocks": [one("blocks", "block_id") for _ in range(rng.choice([1, 1, 2]))],
        "to": grids[0],
        "grids": grids,
        "grid": grids[0],
        "grid_kind": rng.choice(["general", "dedicated"]),
        "locked": rng.random() < 0.2,
        "name": f"名{rng.randrange(100)}",
        "station": one("stations", "station_id"),
        "at": spot(),
        "gate": one("gates", "gate_id"),
        "street": one("streets", "street_id"),
        "line": [spot(), spot()],
        "barrier": one("barriers", "barrier_id"),
        "barrier_kind": "wall",
        "household": one("households", "household_id"),
        "households": rng.randrange(300),
        "persons": float(rng.randrange(900)),
        "capacity": float(rng.randrange(900)),
        "staff": f"人{rng.randrange(100)}",
    }
    if kind == "split_grid":
        values.pop("street")
    if kind == "new_grid":
        values.pop("grid")
    if kind == "renumber_grids":
        values.pop("grids")
    if kind.startswith("add_"):
        values[kind.removeprefix("add_")] = f"N{rng.randrange(10**9)}"
        if kind == "add_street":
            corner = rng.choice([list(line.coords[0]) for line in plan.streets.geometry])
            values["line"] = [corner, spot()]
    takes = {slot.name for slot in VOCABULARY[kind]}
    return make_edit(kind, {name: value for name, value in values.items() if name in takes})
