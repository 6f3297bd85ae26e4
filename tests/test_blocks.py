"""Street blocks on drawings small enough to work out by hand, and on the bundled places."""

from __future__ import annotations

from itertools import pairwise

import geopandas as gpd
import numpy as np
import pytest
import shapely
from bundled import read_place
from hypothesis import given, settings
from hypothesis import strategies as st

from gridgeo.blocks import BOUNDING_CLASSES, enclose_blocks, read_district
from gridgeo.blocks.communities import cut_ground
from gridgeo.blocks.edges import MAIN_CLASSES, find_edges, read_borders
from gridgeo.blocks.faces import dissolve, draw_faces, share_borders
from gridgeo.blocks.slivers import find_slivers, fold_slivers
from gridgeo.blocks.superblocks import find_split_buildings, keep_buildings_whole
from gridgeo.errors import CRSError, InputError

CRS = "EPSG:4547"


def streets_of(*rows, **flags):
    """Make a streets layer of (class, name, [(x, y), …])."""
    return gpd.GeoDataFrame(
        {
            "street_id": [f"s{number}" for number in range(len(rows))],
            "street_class": [row[0] for row in rows],
            "name": [row[1] for row in rows],
            **flags,
        },
        geometry=[shapely.LineString(row[2]) for row in rows],
        crs=CRS,
    )


def buildings_of(*boxes):
    return gpd.GeoDataFrame(
        {"building_id": [f"b{number}" for number in range(len(boxes))]},
        geometry=[shapely.box(*box) for box in boxes],
        crs=CRS,
    )


def households_of(*rows):
    """Make a households layer of (x, y, households)."""
    return gpd.GeoDataFrame(
        {"household_id": [f"h{number}" for number in range(len(rows))], "households": [row[2] for row in rows]},
        geometry=[shapely.Point(row[:2]) for row in rows],
        crs=CRS,
    )


def assert_covers(blocks, district):
    """The blocks are the district: no gap, no overlap, every vertex shared."""
    shapes = blocks.geometry.to_numpy()
    union = shapely.union_all(shapes)
    assert shapely.symmetric_difference(union, district).area < 1e-6
    assert abs(shapely.area(shapes).sum() - district.area) < 1e-6
    assert shapely.coverage_is_valid(shapes)
    assert (shapely.get_type_id(shapes) == 3).all()
    assert blocks["block_id"].is_unique


SQUARE = shapely.box(0, 0, 400, 400)
CROSS = streets_of(
    ("primary", "长江路", [(-50, 200), (450, 200)]),
    ("residential", "小巷", [(200, -50), (200, 450)]),
)


def test_a_crossing_makes_four_blocks():
    """Two streets cross in the middle of a square of 400 m: four squares of 200 m."""
    blocks = enclose_blocks(SQUARE, CROSS)
    assert_covers(blocks, SQUARE)
    assert np.allclose(blocks["area_m2"], 40_000)


def test_every_border_names_its_street():
    edges = find_edges(enclose_blocks(SQUARE, CROSS), CROSS)
    inner = edges[edges["block_b"].notna()]
    told = inner.groupby(["street_name", "street_class", "edge_kind"])["length_m"].sum()
    assert told.round(6).to_dict() == {("长江路", "primary", "street"): 400.0, ("小巷", "residential", "street"): 400.0}


def test_the_borders_travel_with_the_layer():
    blocks = enclose_blocks(SQUARE, CROSS)
    told, drawn = read_borders(blocks), find_edges(blocks, CROSS)
    assert len(told) == len(drawn)
    assert told["length_m"].sum() == pytest.approx(drawn["length_m"].sum(), abs=0.1)


def test_a_dual_carriageway_folds_to_its_middle():
    """Carriageways at y = 195 and 205: the blocks meet at y = 200 and the border keeps its name."""
    dual = streets_of(
        ("trunk", "环路", [(-50, 195), (450, 195)]),
        ("trunk", "环路", [(450, 205), (-50, 205)]),
    )
    blocks = enclose_blocks(SQUARE, dual)
    assert_covers(blocks, SQUARE)
    assert len(blocks) == 2
    south = blocks.geometry[blocks.centroid.y.idxmin()]
    assert south.bounds == pytest.approx((0, 0, 400, 200), abs=1e-6)
    edges = find_edges(blocks, dual)
    inner = edges[edges["block_b"].notna()]
    assert set(inner["street_name"]) == {"环路"}
    assert inner["length_m"].sum() == pytest.approx(400, abs=0.1)


def test_a_median_folds_but_a_frontage_road_and_a_city_block_stay():
    """Trunk carriageways 26 m apart at y = 187 and 213 fold to y = 200; the road 40 m beside them bounds a block.

    Nor is the ground between four primary streets that of the road, however few its buildings.
    """
    wide = streets_of(
        ("trunk", "环路", [(-50, 187), (450, 187)]),
        ("trunk", "环路", [(450, 213), (-50, 213)]),
        ("secondary", "辅道", [(-50, 253), (450, 253)]),
    )
    blocks = enclose_blocks(SQUARE, wide)
    assert sorted(blocks["area_m2"].round()) == [21_200, 58_800, 80_000]
    ring = [("primary", "东路", [(x, -50), (x, 450)]) for x in (140, 260)]
    ring += [("primary", "南路", [(-50, y), (450, y)]) for y in (140, 260)]
    assert len(enclose_blocks(SQUARE, streets_of(*ring))) == 9


def test_the_loop_of_a_ramp_is_no_block():
    """A ramp encloses a square of 60 m beside a motorway: the ground is shared among the blocks around."""
    loop = [(200, 200), (260, 200), (260, 260), (200, 260), (200, 200)]
    ways = streets_of(("motorway", "高速", [(-50, 200), (450, 200)]), ("motorway_link", None, loop))
    assert len(enclose_blocks(SQUARE, ways)) == 2
    ways.loc[1, "street_class"] = "residential"
    assert len(enclose_blocks(SQUARE, ways)) == 3


def test_a_street_beside_the_border_is_absorbed():
    """A street 5 m inside the district's edge bounds no block of its own."""
    beside = streets_of(("tertiary", "边路", [(-50, 5), (450, 5)]), ("tertiary", "中路", [(-50, 200), (450, 200)]))
    blocks = enclose_blocks(SQUARE, beside)
    assert_covers(blocks, SQUARE)
    assert len(blocks) == 2


def test_dead_ends_and_tunnels_bound_nothing():
    ways = streets_of(
        ("residential", "断头路", [(-50, 100), (300, 100)]),
        ("primary", "隧道", [(-50, 300), (450, 300)]),
        tunnel=[False, True],
    )
    assert len(enclose_blocks(SQUARE, ways)) == 1


def test_a_bridge_does_not_cut_the_river():
    """A river of 100 m between two banks, crossed by a bridge: one block of water, two banks cut by the street."""
    river = gpd.GeoDataFrame(
        {"barrier_id": ["w"], "barrier_kind": ["water"], "name": ["大河"]},
        geometry=[shapely.box(-100, 150, 500, 250)],
        crs=CRS,
    )
    bridge = streets_of(("primary", "大桥", [(200, -50), (200, 450)]), bridge=[True])
    blocks = enclose_blocks(SQUARE, bridge, river)
    assert_covers(blocks, SQUARE)
    water = blocks[blocks["block_kind"] == "water"]
    assert len(water) == 1
    assert water["area_m2"].iloc[0] == pytest.approx(40_000)
    assert (blocks["block_kind"] == "land").sum() == 4


def test_a_railway_is_its_own_kind():
    rail = gpd.GeoDataFrame(
        {"barrier_id": ["r"], "barrier_kind": ["railway"], "name": ["京沪线"]},
        geometry=[shapely.LineString([(-50, 200), (450, 200)])],
        crs=CRS,
    )
    blocks = enclose_blocks(SQUARE, CROSS.iloc[1:], rail)
    edges = find_edges(blocks, CROSS.iloc[1:], rail)
    across = edges[(edges["edge_kind"] == "railway") & edges["block_b"].notna()]
    assert across["length_m"].sum() == pytest.approx(400)
    # The lane crosses the railway, so one can walk there.
    assert across["on_foot"].all()


@pytest.mark.parametrize("crossing", [False, True])
def test_an_expressway_parts_blocks_unless_there_is_a_way_across(crossing):
    ways = [("motorway", "高速", [(-50, 200), (450, 200)])]
    if crossing:
        ways.append(("footway", "天桥", [(100, 150), (100, 250)]))
    streets = streets_of(*ways)
    blocks = enclose_blocks(SQUARE, streets)
    edges = find_edges(blocks, streets)
    inner = edges[edges["block_b"].notna()]
    assert len(blocks) == 2
    assert set(inner["edge_kind"]) == {"expressway"}
    assert bool(inner["on_foot"].all()) is crossing


def test_an_open_gate_is_a_way_across_a_wall():
    wall = gpd.GeoDataFrame(
        {"barrier_id": ["r"], "barrier_kind": ["railway"], "name": [None]},
        geometry=[shapely.LineString([(-50, 200), (450, 200)])],
        crs=CRS,
    )
    lane = streets_of(("residential", "巷", [(500, 0), (600, 0)]))
    for is_open in (True, False):
        gates = gpd.GeoDataFrame({"gate_id": ["g"], "open": [is_open]}, geometry=[shapely.Point(50, 200)], crs=CRS)
        edges = find_edges(enclose_blocks(SQUARE, lane, wall, gates=gates), lane, wall, gates)
        assert bool(edges.loc[edges["block_b"].notna(), "on_foot"].all()) is is_open


def test_no_border_cuts_a_building():
    """A building of 60 by 40 m stands across both streets; most of it lies in the north-east."""
    building = buildings_of((190, 190, 250, 230))
    blocks = enclose_blocks(SQUARE, CROSS, buildings=building)
    assert_covers(blocks, SQUARE)
    assert find_split_buildings(blocks.geometry.to_numpy(), building.geometry.to_numpy()) == {}
    assert blocks.geometry.contains_properly(shapely.Point(192, 192)).sum() == 1
    host = blocks[blocks.geometry.contains(building.geometry[0])]
    assert len(host) == 1
    assert host.centroid.x.iloc[0] > 200


def test_a_superblock_is_split_between_its_buildings():
    """Six rows of houses with 200 households each in one block: no part holds more than a grid may."""
    rows = [(20, y, 380, y + 15) for y in range(20, 380, 60)]
    homes = households_of(*[(200, y + 7, 200) for y in range(20, 380, 60)])
    buildings = buildings_of(*rows)
    blocks = enclose_blocks(SQUARE, CROSS.iloc[:0], buildings=buildings, households=homes)
    assert_covers(blocks, SQUARE)
    assert find_split_buildings(blocks.geometry.to_numpy(), buildings.geometry.to_numpy()) == {}
    held = gpd.sjoin(homes, blocks, predicate="within").groupby("block_id")["households"].sum()
    assert held.max() <= 500
    assert held.sum() == 1200


def test_a_block_that_winds_around_another_is_cut_across():
    """A ring of 40 m around a square block: cut into stretches no longer than a few lattice cells, the house whole."""
    ring = streets_of(("residential", "环", [(100, 100), (500, 100), (500, 500), (100, 500), (100, 100)]))
    district = shapely.box(60, 60, 540, 540)
    house = buildings_of((200, 65, 240, 95))
    blocks = enclose_blocks(district, ring, buildings=house)
    assert_covers(blocks, district)
    assert len(blocks) > 8
    stretches = blocks[blocks["area_m2"] < 100_000]
    assert stretches["area_m2"].sum() == pytest.approx(480**2 - 400**2)
    assert stretches["area_m2"].max() < (480**2 - 400**2) / 4
    shapes = blocks.geometry.to_numpy()
    assert find_split_buildings(shapes, house.geometry.to_numpy()) == {}
    assert not find_slivers(shapes, width_m=16).any()


def test_touching_buildings_stay_together():
    """Two pairs of touching houses: the ground is cut between the pairs, never through one."""
    buildings = buildings_of((50, 50, 80, 80), (80, 50, 110, 80), (300, 300, 330, 330), (330, 300, 360, 330))
    homes = households_of((65, 65, 200), (95, 65, 200), (315, 315, 200), (345, 315, 200))
    blocks = enclose_blocks(SQUARE, CROSS.iloc[:0], buildings=buildings, households=homes)
    assert_covers(blocks, SQUARE)
    where = gpd.sjoin(homes, blocks, predicate="within")["block_id"]
    assert where[0] == where[1]
    assert where[2] == where[3]
    assert where[0] != where[2]


def test_communities_are_never_crossed():
    halves = gpd.GeoDataFrame(
        {"unit_id": ["west", "east"]},
        geometry=[shapely.box(0, 0, 150, 400), shapely.box(150, 0, 400, 400)],
        crs=CRS,
    )
    blocks = enclose_blocks(SQUARE, CROSS, communities=halves)
    assert_covers(blocks, SQUARE)
    for unit, shape in zip(halves["unit_id"], halves.geometry, strict=True):
        mine = blocks[blocks["community_id"] == unit]
        assert shapely.symmetric_difference(mine.union_all(), shape).area < 1e-6


def test_overlapping_and_gappy_communities_are_repaired_and_told():
    """West reaches 20 m into east; 10 m along the southern edge belong to nobody."""
    loose = gpd.GeoDataFrame(
        {"unit_id": ["west", "east"]},
        geometry=[shapely.box(0, 10, 220, 400), shapely.box(200, 10, 400, 400)],
        crs=CRS,
    )
    ground = cut_ground(SQUARE, loose)
    assert shapely.area(ground.parts).sum() == pytest.approx(SQUARE.area, abs=1e-6)
    told = {fault.key: fault.value for fault in ground.repairs}
    assert told == {"communities_gap": 4000.0, "communities_overlap": 7800.0}
    blocks = enclose_blocks(SQUARE, CROSS, communities=loose)
    assert_covers(blocks, SQUARE)
    assert blocks["community_id"].notna().all()
    assert len(blocks.attrs["repairs"]) == 2


def test_a_line_is_no_district():
    with pytest.raises(InputError) as caught:
        enclose_blocks(shapely.LineString([(0, 0), (1, 1)]), CROSS)
    assert caught.value.key == "empty_district"


def test_a_ring_that_crosses_itself_is_mended_and_told():
    bow = shapely.Polygon([(0, 0), (400, 400), (400, 0), (0, 400)])
    repairs = []
    district = read_district(bow, CRS, repairs)
    assert district.is_valid
    assert district.area == pytest.approx(80_000)
    assert [fault.key for fault in repairs] == ["polygon_mended"]
    blocks = enclose_blocks(bow, CROSS)
    assert shapely.symmetric_difference(blocks.union_all(), district).area < 1e-6
    assert blocks.attrs["repairs"][0]["layer"] == "boundary"


def test_communities_without_ids_and_endless_boundaries_are_refused():
    with pytest.raises(InputError) as caught:
        enclose_blocks(SQUARE, CROSS, communities=gpd.GeoDataFrame(geometry=[SQUARE], crs=CRS))
    assert caught.value.key == "missing_column"
    with pytest.raises(InputError) as caught:
        read_district(shapely.Polygon([(0, 0), (np.inf, 0), (400, 400)]), CRS)
    assert caught.value.key == "empty_district"


def test_a_hole_in_the_boundary_stays_a_hole():
    ring = SQUARE.difference(shapely.box(150, 150, 250, 250))
    assert_covers(enclose_blocks(ring, CROSS), ring)


def test_degrees_are_refused():
    with pytest.raises(CRSError):
        enclose_blocks(SQUARE, CROSS.to_crs(4326))


def test_a_district_in_two_parts_is_covered():
    islands = shapely.MultiPolygon([shapely.box(0, 0, 150, 400), shapely.box(250, 0, 400, 400)])
    blocks = enclose_blocks(islands, CROSS)
    assert_covers(blocks, islands)
    assert len(blocks) == 4


def test_nothing_is_mutated():
    streets, buildings = CROSS.copy(), buildings_of((190, 190, 250, 230))
    before = buildings.copy()
    enclose_blocks(SQUARE, streets, buildings=buildings, households=households_of((200, 200, 900)))
    assert streets.equals(CROSS)
    assert buildings.equals(before)


def test_border_lengths_agree_with_geometry():
    """Each pair's common border, from the segments, is the length of the intersection of the two polygons."""
    faces = draw_faces(np.r_[CROSS.geometry.to_numpy(), [SQUARE.boundary, shapely.LineString([(0, 0), (400, 390)])]])
    segments = share_borders(faces)
    for one in range(len(faces)):
        for other in range(one):
            mine = ((segments.left == one) & (segments.right == other)) | (
                (segments.left == other) & (segments.right == one)
            )
            common = shapely.length(shapely.intersection(faces[one], faces[other]))
            assert segments.length[mine].sum() == pytest.approx(common, abs=1e-6)


def test_dissolve_leaves_no_fragment():
    """A label on two faces that only meet at a corner is healed: the smaller face goes to a neighbour."""
    faces = np.array([shapely.box(x, y, x + 10, y + 10) for y in (0, 10) for x in (0, 10)], dtype=object)
    united = dissolve(faces, np.array([0, 1, 1, 0]), 2)
    assert [shape.geom_type for shape in united] == ["Polygon", "Polygon"]
    assert shapely.area(united).sum() == 400


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(*[st.integers(-50, 450)] * 4, st.sampled_from(["primary", "residential", "trunk"])),
        min_size=1,
        max_size=14,
    ),
    st.lists(st.tuples(st.integers(0, 380), st.integers(0, 380)), max_size=4),
)
def test_any_drawing_is_covered_exactly(lines, corners):
    """Random lines and houses: always an exact cover, one piece a block, no cut house."""
    rows = [(kind, None, [(a, b), (c, d)]) for a, b, c, d, kind in lines if (a, b) != (c, d)]
    if not rows:
        return
    buildings = buildings_of(*[(x, y, x + 20, y + 20) for x, y in corners])
    blocks = enclose_blocks(SQUARE, streets_of(*rows), buildings=buildings)
    assert_covers(blocks, SQUARE)
    if not find_split_buildings(np.array([SQUARE.boundary.buffer(1)], dtype=object), buildings.geometry.to_numpy()):
        assert find_split_buildings(blocks.geometry.to_numpy(), buildings.geometry.to_numpy()) == {}


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=12))
def test_folding_keeps_every_wide_face(widths):
    """Strips of random width side by side: those under 20 m vanish, the others keep the ground between the middles."""
    edges = np.cumsum([0, *widths])
    faces = np.array([shapely.box(a, 0, b, 400) for a, b in pairwise(edges)], dtype=object)
    sliver = find_slivers(faces, width_m=20)
    assert sliver.tolist() == [width < 20 for width in widths]
    folded, kept = fold_slivers(faces, sliver)
    assert shapely.area(folded).sum() == pytest.approx(edges[-1] * 400, abs=1e-6)
    if not sliver.all():
        assert kept.tolist() == np.flatnonzero(~sliver).tolist()
        ends = sorted((shape.bounds[0], shape.bounds[2]) for shape in folded)
        wide = [(a, b) for a, b, width in zip(edges, edges[1:], widths, strict=False) if width >= 20]
        for (_, end), (start, _), (_, mine), (other, _) in zip(ends, ends[1:], wide, wide[1:], strict=False):
            assert end == start
            assert end == pytest.approx((mine + other) / 2, abs=1e-6)


def test_buildings_that_overlap_move_together():
    """A podium across the border with a tower on its smaller half: both go where most of the podium is."""
    halves = draw_faces(np.array([SQUARE.boundary, shapely.LineString([(200, 0), (200, 400)])], dtype=object))
    podium, tower = shapely.box(150, 100, 220, 160), shapely.box(205, 120, 215, 130)
    moved = keep_buildings_whole(halves, np.array([podium, tower], dtype=object))
    assert find_split_buildings(moved, np.array([podium, tower], dtype=object)) == {}
    west = moved[np.argmin(shapely.get_x(shapely.centroid(moved)))]
    assert west.contains(tower)


def test_bundled_places_are_covered_exactly(place):
    plan = read_place(place)
    units = plan.units[plan.units["level"] == "community"]
    blocks = enclose_blocks(
        plan.district, plan.streets, plan.barriers,
        gates=plan.gates, buildings=plan.buildings, households=plan.households, communities=units,
    )  # fmt: skip
    assert_covers(blocks, plan.district)
    shapes = blocks.geometry.to_numpy()
    assert not find_slivers(shapes, width_m=16).any()
    assert find_split_buildings(shapes, plan.buildings.geometry.to_numpy()) == {}
    assert set(blocks["community_id"]) == set(units["unit_id"])


def test_main_streets_stay_borders(place):
    """Of the main streets that bound a raw face, at least 99.5 % of the length still bounds blocks.

    A carriageway folded away lies within half its corridor's width of the border that stands for it: 30 m, as a trunk
    road with frontage roads (北环大道) is 60 m wide. Ramps are no street of their own.
    """
    plan = read_place(place)
    blocks = enclose_blocks(plan.district, plan.streets, plan.barriers)
    streets = plan.streets[~plan.streets["tunnel"]]
    main = streets[streets["street_class"].isin([one for one in MAIN_CLASSES if not one.endswith("_link")])]
    bounding = streets[streets["street_class"].isin(BOUNDING_CLASSES)]
    raw = draw_faces(np.r_[bounding.geometry.to_numpy(), [plan.district.boundary]])
    segments = share_borders(raw)
    middle = shapely.points((segments.start + segments.end) / 2)
    inside = shapely.contains_properly(plan.district.buffer(-1), middle)
    on_main = np.zeros(len(middle), dtype=bool)
    on_main[shapely.STRtree(main.geometry.to_numpy()).query(middle, predicate="dwithin", distance=0.01)[0]] = True
    counted = inside & on_main
    borders = shapely.STRtree(share_borders(blocks.geometry.to_numpy()).lines())
    near = np.zeros(len(middle), dtype=bool)
    near[borders.query(middle, predicate="dwithin", distance=30.0)[0]] = True
    length = segments.length
    assert length[counted].sum() > 500
    assert length[counted & near].sum() >= 0.995 * length[counted].sum()
