"""A plan keeps its layers in step, never changes, and names what does not fit together."""

from __future__ import annotations

import geopandas as gpd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gridgeo.errors import CRSError, InputError, MissingDataError
from gridgeo.plan import STANDARD_LEVELS, Level, Name, PlanInfo, check_plan, locate, make_plan
from gridgeo.texts import using_language

CRS = 4548
INFO = PlanInfo(name=Name("甲", "A"))


def frame(shapes, **columns):
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS)


def row_of_boxes(n):
    """n squares of 100 m side by side."""
    return [shapely.box(100 * i, 0, 100 * (i + 1), 100) for i in range(n)]


@pytest.fixture
def plan():
    """Two communities of two blocks each; four households inside, one far outside.

    ::

        | B0 h0 | B1 h1 | B2 h2 | B3 h3 |      … h4
        |    C0 = G0    |  C1: G1, G2   |
    """
    boxes = row_of_boxes(4)
    halves = [shapely.box(0, 0, 200, 100), shapely.box(200, 0, 400, 100)]
    points = [shapely.Point(x, 50) for x in (50, 150, 250, 350, 5000)]
    return make_plan(
        INFO,
        CRS,
        units=frame(
            [shapely.box(0, 0, 400, 100), *halves],
            unit_id=["S", "C0", "C1"],
            level=["subdistrict", "community", "community"],
            parent_id=[None, "S", "S"],
        ),
        blocks=frame(
            boxes,
            block_id=["B0", "B1", "B2", "B3"],
            community_id=["C0", "C0", "C1", "C1"],
            grid_id=["G0", "G0", "G1", "G2"],
        ),
        grids=frame([halves[0], boxes[2], boxes[3]], grid_id=["G0", "G1", "G2"]),
        households=frame(points, household_id=[f"h{i}" for i in range(5)], households=[1, 2, 3, 4, 5]),
        stations=frame([shapely.Point(10, 10), shapely.Point(400, 160)], station_id=["s0", "s1"]),
    )


def test_households_learn_block_grid_and_every_level(plan):
    table = plan.households.set_index("household_id")
    assert list(table["block_id"][:4]) == ["B0", "B1", "B2", "B3"]
    assert list(table["grid_id"][:4]) == ["G0", "G0", "G1", "G2"]
    assert list(table["community_id"][:4]) == ["C0", "C0", "C1", "C1"]
    assert list(table["subdistrict_id"][:4]) == ["S"] * 4
    assert table.loc["h4", ["block_id", "grid_id", "community_id", "subdistrict_id"]].isna().all()


def test_counts_that_no_longer_agree_are_named(plan):
    """B1 holds 2 households, and 7 after somebody has edited the file; its grid G0 says 3."""
    kept = plan.replace(
        blocks=plan.blocks.assign(households=[1, 2, 3, 4]), grids=plan.grids.assign(households=[3, 3, 4])
    )
    assert {fault.key for fault in check_plan(kept)} == {"household_outside", "station_outside"}
    edited = kept.replace(households=kept.households.assign(households=[1, 7, 3, 4, 5]))
    stale = [fault for fault in check_plan(edited) if fault.key == "stale_count"]
    assert [(fault.layer, fault.row, fault.value, fault.values) for fault in stale] == [
        ("blocks", 2, "B1", {"kept": 2, "found": 7}),
        ("grids", 1, "G0", {"kept": 3, "found": 8}),
    ]


def test_a_reassigned_block_takes_its_households_along_and_the_old_plan_stays(plan):
    blocks = plan.blocks.assign(grid_id=["G0", "G1", "G1", "G2"], community_id=["C0", "C1", "C1", "C1"])
    after = plan.replace(blocks=blocks)
    assert list(after.households["grid_id"][:4]) == ["G0", "G1", "G1", "G2"]
    assert list(after.households["community_id"][:4]) == ["C0", "C1", "C1", "C1"]
    assert list(plan.households["grid_id"][:4]) == ["G0", "G0", "G1", "G2"]
    back = after.replace(blocks=plan.blocks)
    assert back.households.equals(plan.households)


def test_moved_blocks_and_households_are_located_again(plan):
    shifted = plan.blocks.set_geometry(plan.blocks.geometry.translate(100, 0))
    assert list(plan.replace(blocks=shifted).households["block_id"].fillna("-")) == ["-", "B0", "B1", "B2", "-"]
    moved = plan.households.set_geometry(plan.households.geometry.translate(100, 0))
    assert list(plan.replace(households=moved).households["block_id"].fillna("-")) == ["B1", "B2", "B3", "-", "-"]


def test_without_blocks_units_place_the_households(plan):
    bare = plan.replace(blocks=plan.blocks[:0])
    assert list(bare.households["community_id"].fillna("-")) == ["C0", "C0", "C1", "C1", "-"]
    assert bare.households["grid_id"].isna().all()
    assert list(bare.households["subdistrict_id"].fillna("-")) == ["S", "S", "S", "S", "-"]


def test_blocks_without_a_community_leave_it_to_the_units(plan):
    blocks = plan.blocks.assign(community_id=None)
    assert list(plan.replace(blocks=blocks).households["community_id"].fillna("-")) == ["C0", "C0", "C1", "C1", "-"]


def test_a_branch_may_leave_a_level_out():
    """Town T holds village V (with household a) and, directly, household b's ground W, a unit of the lowest level."""
    levels = (*(Level(name, Name(name, name)) for name in ("town", "village", "hamlet")), STANDARD_LEVELS[-1])
    boxes = row_of_boxes(2)
    plan = make_plan(
        PlanInfo(name=Name("乙", "B"), levels=levels),
        CRS,
        units=frame(
            [shapely.union_all(boxes), boxes[0], boxes[0], boxes[1]],
            unit_id=["T", "V", "H", "W"],
            level=["town", "village", "hamlet", "hamlet"],
            parent_id=[None, "T", "V", "T"],
        ),
        households=frame([shapely.Point(50, 50), shapely.Point(150, 50)], household_id=["a", "b"], households=[1, 1]),
    )
    table = plan.households
    assert list(table["hamlet_id"]) == ["H", "W"]
    assert list(table["village_id"].fillna("-")) == ["V", "-"]
    assert list(table["town_id"]) == ["T", "T"]


def test_the_district_is_the_highest_level(plan):
    assert plan.district.area == 40000
    with pytest.raises(MissingDataError):
        make_plan(INFO, CRS).district  # noqa: B018 - asking is what must fail


def test_layers_in_another_system_are_refused(plan):
    with pytest.raises(CRSError):
        plan.replace(stations=plan.stations.to_crs(4547))
    with pytest.raises(CRSError):
        plan.replace(stations=plan.stations.to_crs(4326))
    with pytest.raises(TypeError):
        plan.replace(nonsense=plan.stations)
    with pytest.raises(TypeError):
        make_plan(INFO, CRS, nonsense=plan.stations)


def test_faults_of_all_layers_come_together(plan):
    with pytest.raises(InputError) as caught:
        plan.replace(
            households=plan.households.assign(households=-1),
            stations=plan.stations.assign(station_id="same"),
        )
    assert {(fault.layer, fault.key) for fault in caught.value.faults} == {
        ("households", "negative_value"),
        ("stations", "duplicate_id"),
    }
    assert len(caught.value.faults) == 6


def test_what_does_not_fit_together_is_named(plan):
    faults = check_plan(plan)
    assert [(fault.key, fault.layer, fault.row, fault.value) for fault in faults] == [
        ("household_outside", "households", 5, "h4"),
        ("station_outside", "stations", 2, "s1"),
    ]
    assert faults[1].values == {"distance_m": 60}
    lost = plan.replace(
        blocks=plan.blocks.assign(grid_id=["G0", "G9", None, "G2"], community_id=["C0", "C9", "C1", "C1"]),
        units=plan.units.assign(parent_id=[None, "S", "X"]),
    )
    assert [(fault.layer, fault.row, fault.column, fault.value) for fault in check_plan(lost)[:3]] == [
        ("blocks", 2, "grid_id", "G9"),
        ("blocks", 2, "community_id", "C9"),
        ("units", 3, "parent_id", "X"),
    ]
    for fault in check_plan(lost):
        assert fault.message


def test_names_follow_the_language():
    with using_language("zh"):
        assert str(INFO.name) == "甲"
    with using_language("en"):
        assert str(INFO.name) == "A"


@given(st.lists(st.tuples(st.integers(-2, 7), st.integers(-2, 3)), min_size=1, max_size=30))
def test_locating_agrees_with_asking_every_area(cells):
    """Points on a half-unit lattice: inside areas, on shared borders, on corners, outside."""
    boxes = [shapely.box(i, j, i + 1, j + 1) for j in range(2) for i in range(3)]
    areas = frame(boxes, area_id=[f"a{i}" for i in range(6)])
    points = gpd.GeoSeries([shapely.Point(x / 2, y / 2) for x, y in cells], crs=CRS)
    expected = [
        next((name for name, box in zip(areas["area_id"], boxes, strict=True) if box.intersects(p)), None)
        for p in points
    ]
    found = locate(points, areas, "area_id")
    assert list(found.astype("object").where(found.notna(), None)) == expected
