"""What goes out is what the plan holds: drawings, KML, workbooks read by parsers of our own; public sums attacked."""

from __future__ import annotations

import itertools
import zipfile
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from gridgeo.plan import Name, PlanInfo, make_plan
from gridgeo.readers import bundled_plan_path
from gridgeo.store import export_plan, read_plan
from gridgeo.store.public import COUNTS, summarize_public

CRS = 4548
X0, Y0 = 442000.0, 4429000.0
KML = "{http://www.opengis.net/kml/2.2}"
NAMES = ["东升 <b>&amp;</b> \"'", "]]><x/>㙦里", "100%%d^J 高", "=1+1"]


def frame(shapes, **columns):
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS)


@pytest.fixture(scope="module")
def plan():
    """Four grids: a square, one with two holes, one in two parts of which one has a hole, one within a hole."""

    def box(west, south, east, north, *holes):
        shell = shapely.box(X0 + west, Y0 + south, X0 + east, Y0 + north)
        gone = [shapely.box(X0 + a, Y0 + b, X0 + c, Y0 + d) for a, b, c, d in holes]
        return shapely.difference(shell, shapely.union_all(gone))

    shapes = [
        box(0, 0, 100 / 3, 100),
        box(100, 0, 200, 100, (110.1234, 10, 130, 30), (150, 50, 180, 80)),
        shapely.MultiPolygon([box(0, 200, 90, 290, (20, 220, 40, 240)), box(100, 200, 150, 250)]),
        box(110.1234, 10, 130, 30),
    ]
    ids = [f"G{at}" for at in range(4)]
    street = shapely.LineString([(X0, Y0), (X0 + 100 / 7, Y0 + 1 / 3)])
    return make_plan(
        PlanInfo(Name("甲", "A")),
        CRS,
        units=frame([shapely.union_all(shapes)], unit_id=["S"], name=[NAMES[0]], level=["subdistrict"]),
        blocks=frame(shapes, block_id=[f"B{at}" for at in range(4)], grid_id=ids),
        grids=frame(shapes, grid_id=ids, code=NAMES, name=NAMES),
        streets=frame([street], street_id=["s"], street_class=["service"]),
        stations=frame([shapely.Point(X0 + 1 / 3, Y0 + 2 / 3)], station_id=["S1"], name=[NAMES[1]]),
    )  # fmt: skip


def rings_of(shape):
    """Return all rings of areas, holes too, without the vertex that closes them."""
    return [
        shapely.get_coordinates(ring)[:-1]
        for part in shapely.get_parts(shape)
        for ring in (part.exterior, *part.interiors)
    ]


def is_ring(one, other, most):
    """Tell whether two rings are one, wherever they begin and whichever way they go."""
    if len(one) != len(other):
        return False
    first = np.abs(other - one[0]).max(axis=1).argmin()
    there = np.roll(other, -first, axis=0)
    back = np.roll(other[::-1], first + 1, axis=0)
    return min(np.abs(there - one).max(), np.abs(back - one).max()) <= most


def assert_same_rings(found, meant, most):
    """Compare rings that come in any order."""
    assert len(found) == len(meant)
    left = list(meant)
    for ring in found:
        at = next(at for at, other in enumerate(left) if is_ring(ring, other, most))
        left.pop(at)


def read_dxf(path):
    """Read polylines and texts out of a drawing by its group codes (DXF reference, release 12)."""
    lines = path.read_bytes().decode("gbk").split("\r\n")
    pairs = [(int(code), value) for code, value in zip(lines[:-1:2], lines[1::2], strict=True)]
    assert pairs[-1] == (0, "EOF")
    sections = [
        value for (code, value), before in zip(pairs[1:], pairs, strict=False) if before == (0, "SECTION") and code == 2
    ]
    assert sections == ["HEADER", "TABLES", "ENTITIES"]
    entities, kind, body = [], None, {}
    for code, value in pairs[pairs.index((2, "ENTITIES")) + 1 :]:
        if code == 0:
            entities.append((kind, body))
            kind, body = value, {}
        else:
            body[code] = value
    rings, texts, points = [], [], []
    for kind, body in entities:
        if kind == "POLYLINE":
            layer, closed, points = body[8], body[70] == "1", []
        elif kind == "VERTEX":
            assert body[8] == layer
            points.append((float(body[10]), float(body[20])))
        elif kind == "SEQEND":
            rings.append((layer, closed, np.array(points)))
        elif kind == "TEXT":
            texts.append((body[8], shapely.Point(float(body[10]), float(body[20])), body[1]))
    return rings, texts


def plain_text(said):
    """Read a text as CAD programs do: ``\\U+XXXX``, ``%%%`` for a percent sign, ``^ `` for a caret."""
    done, at = "", 0
    while at < len(said):
        if said.startswith("\\U+", at):
            done, at = done + chr(int(said[at + 3 : at + 7], 16)), at + 7
        elif said.startswith("%%%", at):
            done, at = done + "%", at + 3
        elif said.startswith("^ ", at):
            done, at = done + "^", at + 2
        else:
            assert not said.startswith(("%%", "^"), at), said
            done, at = done + said[at], at + 1
    return done


@pytest.mark.parametrize("place", [None, "qinghuayuan"])
def test_every_ring_of_a_drawing_is_the_plans(plan, tmp_path, place):
    plan = plan if place is None else read_plan(bundled_plan_path(place))
    export_plan(plan, tmp_path, format="dxf")
    rings, texts = read_dxf(tmp_path / "plan.dxf")
    assert all(closed for _, closed, _ in rings)
    labels = {"units": "name", "grids": "code"}
    for name in ("units", "grids", "blocks"):
        layer = plan.layers()[name]
        meant = [ring for shape in layer.geometry for ring in rings_of(shape)]
        found = [ring for each, _, ring in rings if each == name]
        assert_same_rings(found, meant, 0.001)
        said = [(point, plain_text(text)) for each, point, text in texts if each == name]
        known = layer[layer[labels[name]].notna()] if name in labels else layer.iloc[:0]
        assert (
            [text for _, text in said] == [" ".join(text.split()) for text in known[labels[name]]]
            if name in labels
            else not said
        )
        assert all(shape.buffer(0.001).contains(point) for shape, (point, _) in zip(known.geometry, said, strict=True))


def read_kml(path):
    """Read names, fields and shapes out of a KML file with the standard library alone."""
    found = []
    for mark in ET.parse(path).getroot().iter(f"{KML}Placemark"):  # noqa: S314 - our own file
        rings = [
            [tuple(map(float, each.split(",")))[:2] for each in ring.findtext(f".//{KML}coordinates").split()]
            for side in ("outerBoundaryIs", "innerBoundaryIs")
            for ring in mark.iter(f"{KML}{side}")
        ]
        fields = {each.get("name"): each.text for each in mark.iter(f"{KML}SimpleData")}
        other = [
            [tuple(map(float, each.split(",")))[:2] for each in node.text.split()]
            for kind in ("Point", "LineString")
            for node in mark.iterfind(f".//{KML}{kind}/{KML}coordinates")
        ]
        found.append((mark.findtext(f"{KML}name"), fields, rings, other))
    return found


def test_every_ring_of_a_kml_is_the_plans(plan, tmp_path):
    export_plan(plan, tmp_path, format="kml")
    to_metres = pyproj.Transformer.from_crs(4490, CRS, always_xy=True)

    def metres(points):
        return np.column_stack(to_metres.transform(*np.array(points).T))

    marks = read_kml(tmp_path / "grids.kml")
    assert [name for name, *_ in marks] == NAMES
    for (_, fields, rings, _), row in zip(marks, plan.grids.itertuples(), strict=True):
        assert (fields["grid_id"], fields["code"]) == (row.grid_id, row.code)
        found = [metres(ring)[:-1] for ring in rings]
        assert_same_rings(found, rings_of(row.geometry), 0.001)
    for name in ("streets", "stations"):
        ((said, _, _, ((points),)),) = read_kml(tmp_path / f"{name}.kml")
        assert np.abs(metres(points) - shapely.get_coordinates(plan.layers()[name].geometry.iloc[0])).max() <= 0.001
        assert said == (NAMES[1] if name == "stations" else "s")


def test_no_cell_of_a_workbook_is_a_formula_in_its_own_xml(plan, tmp_path):
    export_plan(plan, tmp_path, format="xlsx")
    with zipfile.ZipFile(tmp_path / "plan.xlsx") as book:
        sheets = [name for name in book.namelist() if name.startswith("xl/worksheets/")]
        tags = {node.tag.rpartition("}")[2] for name in sheets for node in ET.fromstring(book.read(name)).iter()}  # noqa: S314
        texts = "".join(book.read(name).decode("utf-8") for name in book.namelist() if name.endswith(".xml"))
    assert len(sheets) >= 5
    assert "f" not in tags
    assert "externalLink" not in texts
    assert "=1+1" in texts


def town_of(table):
    """Lay out communities of grids in a row, one household point a grid with the counts given."""
    grids = [(f"C{c}", f"C{c}G{g}", counts) for c, group in enumerate(table) for g, counts in enumerate(group)]
    boxes = [shapely.box(X0 + 10 * at, Y0, X0 + 10 * at + 10, Y0 + 10) for at in range(len(grids))]
    communities = sorted({each[0] for each in grids})
    whole = {
        c: shapely.union_all([box for box, each in zip(boxes, grids, strict=True) if each[0] == c]) for c in communities
    }
    ids = [each[1] for each in grids]
    counts = np.array([each[2] for each in grids])
    return make_plan(
        PlanInfo(Name("甲", "A")),
        CRS,
        units=frame(
            [shapely.union_all(boxes), *whole.values()],
            unit_id=["S", *whole], level=["subdistrict"] + ["community"] * len(whole),
            parent_id=[None] + ["S"] * len(whole),
        ),
        blocks=frame(boxes, block_id=ids, community_id=[each[0] for each in grids], grid_id=ids),
        grids=frame(boxes, grid_id=ids, community_id=[each[0] for each in grids]),
        households=frame(
            [box.centroid for box in boxes], household_id=ids, households=counts[:, 0],
            persons=counts.sum(axis=1) * 1.0, elderly=counts[:, 1], children=counts[:, 2],
        ),
    )  # fmt: skip


def possible_range(shown, parents, asked):
    """Return the least and the largest whole number that one hidden count can be, by all that the tables say.

    What anybody knows: shown counts are exact, parts add up to their whole, a hidden count is at least 1, the elderly
    and the children of an area are among its persons.
    """
    cells = {cell: at for at, cell in enumerate(itertools.product(parents, ("persons", "elderly", "children")))}
    rows, low, high = [], [], []

    def say(terms, least, most):
        row = np.zeros(len(cells))
        for cell, factor in terms:
            row[cells[cell]] += factor
        rows.append(row)
        low.append(least)
        high.append(most)

    for (area, column), value in shown.items():
        say([((area, column), 1)], *((1, np.inf) if np.isnan(value) else (value, value)))
    for column in ("persons", "elderly", "children"):
        for whole in set(parents.values()) - {None}:
            parts = [each for each, parent in parents.items() if parent == whole]
            say([((whole, column), -1), *(((part, column), 1) for part in parts)], 0, 0)
    for area in parents:
        say([((area, "persons"), 1), ((area, "elderly"), -1), ((area, "children"), -1)], 0, np.inf)
    goal = np.zeros(len(cells))
    goal[cells[asked]] = 1
    found = []
    for sign in (1, -1):
        done = milp(
            sign * goal, constraints=LinearConstraint(np.array(rows), low, high), integrality=np.ones(len(cells)),
            bounds=Bounds(0, 5000),
        )  # fmt: skip
        assert done.success
        found.append(round(float(done.x[cells[asked]])))
    return tuple(found)


COUNTS_OF_A_GRID = st.tuples(
    st.integers(0, 60), st.sampled_from([0, 1, 2, 3, 4, 7, 30]), st.sampled_from([0, 1, 4, 9, 40])
)


@settings(max_examples=10)
@given(st.lists(st.lists(COUNTS_OF_A_GRID, min_size=1, max_size=4), min_size=1, max_size=3))
def test_nobody_can_work_out_a_hidden_count_from_what_is_published(table):
    """The tables as they go out are attacked with whole-number programs: every hidden small count stays uncertain."""
    plan = town_of(table)
    tables = summarize_public(plan)
    units, grids = tables["units"].set_index("unit_id"), tables["grids"].set_index("grid_id")
    both = pd.concat([units[list(COUNTS)], grids[list(COUNTS)]])
    parents = {**units["parent_id"].astype("object").where(units["parent_id"].notna(), None), **grids["community_id"]}
    shown = {
        (area, column): both.loc[area, column] for area in both.index for column in ("persons", "elderly", "children")
    }
    true = plan.households.groupby("grid_id")[["persons", "elderly", "children"]].sum()
    hidden_small = [
        (area, column) for (area, column), value in shown.items()
        if area in true.index and np.isnan(value) and 0 < true.loc[area, column] < 5
    ]  # fmt: skip
    assert not [
        cell
        for cell, value in shown.items()
        if cell[0] in true.index and 0 < true.loc[cell] < 5 and not np.isnan(value)
    ]
    for cell in hidden_small[:3]:
        least, most = possible_range(shown, parents, cell)
        assert least < most, (cell, least)
