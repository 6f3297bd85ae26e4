"""Edits of blocks, grids and places on the town drawn in `redraw_places`, each with its answer worked out by hand."""

import json

import geopandas as gpd
import numpy as np
import pytest
import shapely
from conftest import assess_place
from redraw_places import random_edit, snapshot, town

from gridgeo.errors import GridgeoError, InputError, PlanError
from gridgeo.partition.grid_layer import dissolve_grids
from gridgeo.redraw import VOCABULARY, apply_edit, bound_blocks, describe_edit, make_edit, read_edit, try_edit
from gridgeo.redraw.attempt import FAR_M
from gridgeo.texts import using_language


def grids_of(plan):
    """Return grid → its blocks."""
    return {grid: sorted(mine) for grid, mine in plan.blocks.groupby("grid_id")["block_id"]}


def after(plan, kind, **values):
    return try_edit(plan, make_edit(kind, **values)).plan


def refused(plan, kind, **values):
    before = snapshot(plan)
    with pytest.raises(GridgeoError) as caught:
        try_edit(plan, make_edit(kind, **values))
    assert snapshot(plan) == before
    with using_language("zh"):
        assert "\n" not in str(caught.value)
    return caught.value


def require_in_step(plan):
    """Compare every row that follows from others with one worked out from scratch."""
    made = dissolve_grids(plan.blocks, plan.grids)
    for column in made.columns.drop("geometry"):
        assert made[column].dtype == plan.grids[column].dtype, column
        assert made[column].fillna("–").tolist() == plan.grids[column].fillna("–").tolist(), column
    assert (made.geometry.to_wkb() == plan.grids.geometry.to_wkb()).all()
    fresh = plan.replace(households=plan.households.drop(columns=["block_id", "grid_id"]))
    for column in ("block_id", "grid_id", "community_id"):
        assert fresh.households[column].equals(plan.households[column])
    held = plan.households.groupby("block_id")["households"].sum()
    assert plan.blocks.set_index("block_id")["households"].to_dict() == held.to_dict()


def test_blocks_move_with_their_households_and_both_grids_follow():
    plan = town()
    before = snapshot(plan)
    moved = after(plan, "move_blocks", blocks=["B01", "B11"], to="G2")
    assert grids_of(moved)["G1"] == ["B00", "B10"]
    assert grids_of(moved)["G2"] == ["B01", "B02", "B03", "B11", "B12", "B13"]
    assert moved.grids.set_index("grid_id")["households"].to_dict() == {"G1": 200, "G2": 600, "G3": 400, "G4": 400}
    assert moved.grids.set_index("grid_id").geometry["G1"].equals(shapely.box(0, 0, 200, 100))
    assert moved.households.set_index("household_id")["grid_id"]["H11"] == "G2"
    assert snapshot(plan) == before
    require_in_step(moved)


def test_a_merge_keeps_the_row_of_the_larger_grid_or_of_the_one_named():
    plan = after(town(), "set_households", household="H02", households=150)
    plan = after(plan, "rename_grid", grid="G2", name="北")
    merged = after(plan, "merge_grids", grids=["G1", "G2"])
    assert merged.grids["grid_id"].tolist() == ["G2", "G3", "G4"]
    assert merged.grids["name"].tolist()[0] == "北"
    assert merged.grids["households"].tolist() == [850, 400, 400]
    require_in_step(merged)
    named = after(plan, "merge_grids", grids=["G1", "G2"], into="G1")
    assert named.grids["grid_id"].tolist() == ["G1", "G3", "G4"]


def test_a_line_splits_a_grid_where_the_blocks_end():
    plan = town()
    # Drawn 10 m beside the street at y = 100 and not quite straight: the cut is the street.
    split = try_edit(plan, make_edit("split_grid", grid="G1", line=[[20, 90], [100, 112], [190, 95]]))
    assert grids_of(split.plan)["G1"] == ["B01", "B11"]
    assert grids_of(split.plan)["G5"] == ["B00", "B10"]
    assert split.offers == ()
    require_in_step(split.plan)


def test_a_street_splits_a_grid_by_name():
    split = after(town(), "split_grid", grid="G4", street="V3", new="G9")
    assert grids_of(split)["G4"] == ["B22", "B23"]
    assert grids_of(split)["G9"] == ["B32", "B33"]


def test_each_side_of_a_split_keeps_its_largest_piece_and_the_rest_is_offered():
    # A grid like a U, cut across its two arms: the north side falls into B03 with B02, and B13.
    plan = town()
    plan = after(plan, "move_blocks", blocks=["B02", "B03", "B13"], to="G1")
    assert grids_of(plan)["G1"] == ["B00", "B01", "B02", "B03", "B10", "B11", "B13"]
    plan = after(plan, "move_blocks", blocks=["B13"], to="G1") if "B13" not in grids_of(plan)["G1"] else plan
    plan = after(plan, "set_households", household="H03", households=0)
    cut = try_edit(plan, make_edit("split_grid", grid="G1", line=[[150, 400], [150, 150], [50, 150], [0, 130]]))
    pieces = grids_of(cut.plan)
    assert sorted([*pieces["G1"], *pieces["G5"]]) == ["B00", "B01", "B02", "B03", "B10", "B11", "B13"]
    for grid in ("G1", "G5"):
        shape = cut.plan.grids.set_index("grid_id").geometry[grid]
        assert shape.geom_type == "Polygon"
    require_in_step(cut.plan)


def test_a_split_prefers_a_strong_street_near_the_line():
    """Five blocks in a row; the line runs mid-block between a lane and a main street: the cut takes the main street."""
    plan = town()
    row = after(plan, "move_blocks", blocks=["B00", "B01", "B10"], to="G2")
    assert grids_of(row)["G1"] == ["B11"]
    names = {("B00", "B01"): "residential", ("B01", "B02"): "primary", ("B02", "B03"): "residential"}
    borders = []
    for block in plan.blocks["block_id"]:
        x, y = int(block[1]), int(block[2])
        told = [(f"B{x + 1}{y}", None), (f"B{x}{y + 1}", names.get((block, f"B{x}{y + 1}")))]
        borders.append(
            json.dumps(
                [
                    {
                        "to": other, "street": None, "class": street, "kind": "street", "length_m": 100.0,
                        "on_foot": True, "at": [0.0, 0.0],
                    }
                    for other, street in told
                    if int(other[1]) < 4 and int(other[2]) < 4
                ]
            )
        )  # fmt: skip
    column = plan.replace(
        blocks=plan.blocks.assign(
            borders=borders, grid_id=["C" if b[1] == "0" else "D" for b in plan.blocks["block_id"]]
        ),
    )
    column = column.replace(grids=dissolve_grids(column.blocks))
    # At y = 160 the block B01 lies 60 to 40: by ground alone it would go south; the main street is at y = 200.
    cut = grids_of(after(column, "split_grid", grid="C", line=[[-10, 160], [110, 160]]))
    assert sorted([cut["C"], cut["E"]] if "E" in cut else [cut["C"], cut["G001"]]) == [["B00", "B01"], ["B02", "B03"]]


def test_a_new_grid_takes_the_next_free_id_and_code():
    plan = after(town(), "renumber_grids")
    assert plan.grids["code"].tolist() == ["330282001001002", "330282001001001", "330282001002002", "330282001002001"]
    made = after(plan, "new_grid", blocks=["B00"], name="专属")
    row = made.grids.set_index("grid_id").loc["G5"]
    assert (row["code"], row["name"], row["households"], row["locked"]) == ("330282001001003", "专属", 100, False)
    require_in_step(made)


def test_a_new_grid_is_named_after_its_community_where_the_others_are():
    plan = town()
    named = plan.replace(
        units=plan.units.assign(name=["甲街道", "东风社区", "Lake \\(E)"]),
        grids=plan.grids.assign(name=["东风社区第1网格", "东风社区第4网格", "Lake \\(E) grid 2", "幸福里"]),
    )
    split = after(named, "split_grid", grid="G1", street="V1")
    assert split.grids.set_index("grid_id")["name"]["G5"] == "东风社区第5网格"
    assert after(named, "new_grid", blocks=["B20"]).grids.set_index("grid_id")["name"]["G5"] == "Lake \\(E) grid 3"
    # A name that was in use is never given to another grid, and none is made up where grids are called otherwise.
    logged = apply_edit(named, make_edit("split_grid", grid="G1", street="V1")).plan
    renamed = apply_edit(logged, make_edit("rename_grid", grid="G5", name="新村")).plan
    assert after(renamed, "new_grid", blocks=["B00"]).grids.set_index("grid_id")["name"]["G6"] == "东风社区第6网格"
    assert after(plan, "split_grid", grid="G1", street="V1").grids["name"].isna().all()


def test_kind_lock_name_and_code_change_the_row_alone():
    plan = town()
    assert after(plan, "set_grid_kind", grid="G1", grid_kind="dedicated").grids["grid_kind"].tolist()[0] == "dedicated"
    assert after(plan, "rename_grid", grid="G3", name="甲").grids["name"].tolist()[2] == "甲"
    assert after(plan, "renumber_grids", grids=["G3"], code="7").grids["code"].tolist()[2] == "7"
    staffed = after(plan, "staff_grid", grid="G2", staff="网格员 <李>")
    assert staffed.grids["staff"].tolist()[1] == "网格员 <李>"
    assert after(staffed, "staff_grid", grid="G2").grids["staff"].isna().all()
    locked = after(plan, "lock_grid", grid="G1")
    assert refused(locked, "move_blocks", blocks=["B00"], to="G2").key == "grid_locked"
    assert refused(locked, "split_grid", grid="G1", street="V1").key == "grid_locked"
    assert refused(locked, "merge_grids", grids=["G1", "G2"]).key == "grid_locked"
    assert not after(locked, "lock_grid", grid="G1", locked=False).grids["locked"].any()


def test_neighbours_are_balanced_among_themselves():
    plan = town()
    plan = after(plan, "move_blocks", blocks=["B01", "B11", "B10"], to="G2")
    assert plan.grids["households"].tolist() == [100, 700, 400, 400]
    even = after(plan, "rebalance_grids", grids=["G1", "G2"])
    assert even.grids["households"].tolist() == [400, 400, 400, 400]
    assert even.grids.geometry.geom_type.eq("Polygon").all()
    require_in_step(even)
    assert refused(even, "rebalance_grids", grids=["G1", "G2"]).key == "rebalance_best"


def test_stations_come_move_close_change_and_go():
    plan = town()
    more = after(plan, "add_station", station="S9", at=[150, 250], name="新站", services="elderly", capacity=50)
    assert more.stations["station_id"].tolist() == ["S1", "S2", "S9"]
    assert more.stations.geometry.iloc[2].equals(shapely.Point(150, 250))
    assert after(plan, "move_station", station="S1", at=[0, 0]).stations.geometry.iloc[0].equals(shapely.Point(0, 0))
    closed = after(plan, "close_station", station="S1")
    assert closed.open_stations["station_id"].tolist() == ["S2"]
    assert after(closed, "open_station", station="S1").open_stations["station_id"].tolist() == ["S1", "S2"]
    changed = after(plan, "set_station", station="S2", hours="09:00-17:00", capacity=30)
    assert changed.stations.loc[1, ["hours", "capacity"]].tolist() == ["09:00-17:00", 30.0]
    assert after(plan, "remove_station", station="S1").stations["station_id"].tolist() == ["S2"]


def test_gates_and_streets_open_and_close():
    plan = town()
    assert after(plan, "open_gate", gate="D2", hours="06:00-22:00").gates.loc[1, ["open", "hours"]].tolist() == [
        True, "06:00-22:00",
    ]  # fmt: skip
    assert not after(plan, "close_gate", gate="D1").gates["open"].any()
    closed = after(plan, "close_street", street="V12")
    assert closed.streets.loc[~closed.streets["walkable"], "street_id"].tolist() == ["V12"]
    assert after(closed, "open_street", street="V12").streets["walkable"].all()


def test_what_lies_far_from_the_district_is_taken_for_other_coordinates():
    plan = town()
    edge = [400 + FAR_M, 100]
    assert after(plan, "move_station", station="S1", at=edge).stations.geometry.iloc[0].x == edge[0]
    beyond = [edge[0] + 1, 100]
    for kind, values in (
        ("move_station", {"station": "S1", "at": beyond}),
        ("add_street", {"street": "N1", "line": [[103, 150], beyond]}),
        ("add_barrier", {"barrier": "K9", "line": [beyond, [1, 1]], "barrier_kind": "wall"}),
    ):
        assert refused(plan, kind, **values).key == "edit_far_away"
    said = refused(plan, "add_station", station="S9", at=[116.3, 1e7]).values
    assert said == {"value": "116.3, 10000000", "km": "10,000", "middle": "200, 200"}


def test_a_new_street_joins_the_one_it_ends_near():
    from gridgeo.network import build_network

    plan = town()
    # From 3 m beside the middle of the street x = 100 to the corner (200, 200), met exactly.
    new = after(plan, "add_street", street="N1", line=[[103, 150], [200, 200]])
    host = new.streets.set_index("street_id").geometry["V11"]
    assert list(host.coords) == [(100, 100), (100, 150), (100, 200)]
    assert list(new.streets.geometry.iloc[-1].coords) == [(100, 150), (200, 200)]
    network = build_network(new.streets)
    assert (network.island_of_node == 0).all()
    assert network.nodes == build_network(plan.streets).nodes + 1
    error = refused(plan, "add_street", street="N1", line=[[150, 150], [160, 160]])
    assert error.key == "street_not_joined"


def test_barriers_are_lines_or_rings():
    plan = town()
    line = after(plan, "add_barrier", barrier="K9", line=[[0, 50], [90, 50]], barrier_kind="wall")
    assert line.barriers.geometry.iloc[1].geom_type == "LineString"
    ring = [[0, 0], [50, 0], [50, 50], [0, 0]]
    pond = after(plan, "add_barrier", barrier="K9", line=ring, barrier_kind="water")
    assert pond.barriers.geometry.iloc[1].equals(shapely.Polygon(ring))
    bow = [[0, 0], [50, 50], [50, 0], [0, 50], [0, 0]]
    assert refused(plan, "add_barrier", barrier="K9", line=bow, barrier_kind="wall").key == "barrier_crosses_itself"
    assert len(after(plan, "remove_barrier", barrier="K1").barriers) == 0


def test_households_are_counted_anew_in_block_and_grid():
    changed = after(town(), "set_households", household="H00", households=7, persons=20, elderly=3)
    assert changed.households.loc[0, ["households", "persons", "elderly"]].tolist() == [7, 20.0, 3]
    assert changed.grids["households"].tolist() == [307, 400, 400, 400]
    assert changed.grids["persons"].tolist() == [770.0, 1000.0, 1000.0, 1000.0]
    require_in_step(changed)


@pytest.mark.parametrize(
    ("key", "kind", "values"),
    [
        ("unknown_item", "move_blocks", {"blocks": ["B00", "B99", "B98"], "to": "G2"}),
        ("unknown_item", "move_blocks", {"blocks": ["B00"], "to": "G7"}),
        ("grid_emptied", "move_blocks", {"blocks": ["B00", "B01", "B10", "B11"], "to": "G2"}),
        ("edit_changes_nothing", "move_blocks", {"blocks": ["B00"], "to": "G1"}),
        ("unknown_item", "split_grid", {"grid": "G7", "street": "V1"}),
        ("unknown_item", "split_grid", {"grid": "G1", "street": "V9"}),
        ("split_misses", "split_grid", {"grid": "G1", "line": [[300, 300], [400, 300]]}),
        ("split_misses", "split_grid", {"grid": "G1", "street": "V4"}),
        ("split_line_or_street", "split_grid", {"grid": "G1"}),
        ("split_line_or_street", "split_grid", {"grid": "G1", "street": "V1", "line": [[0, 0], [1, 1]]}),
        ("item_exists", "split_grid", {"grid": "G1", "street": "V1", "new": "G2"}),
        ("merge_across_communities", "merge_grids", {"grids": ["G1", "G3"]}),
        ("merge_one", "merge_grids", {"grids": ["G1"]}),
        ("unknown_item", "merge_grids", {"grids": ["G1", "G8"]}),
        ("item_exists", "new_grid", {"blocks": ["B00"], "grid": "G1"}),
        ("rebalance_one", "rebalance_grids", {"grids": ["G1"]}),
        ("bad_band", "rebalance_grids", {"grids": ["G1", "G2"], "low": 500, "high": 300}),
        ("one_code_many_grids", "renumber_grids", {"code": "7"}),
        ("unknown_item", "rename_grid", {"grid": "G9", "name": "x"}),
        ("item_exists", "add_station", {"station": "S1", "at": [0, 0]}),
        ("unknown_item", "remove_station", {"station": "S7"}),
        ("unknown_item", "open_gate", {"gate": "D7"}),
        ("edit_changes_nothing", "open_gate", {"gate": "D1"}),
        ("unknown_item", "close_street", {"street": "V99"}),
        ("item_exists", "add_street", {"street": "V00", "line": [[0, 0], [50, 50]]}),
        ("unknown_item", "remove_barrier", {"barrier": "K7"}),
        ("item_exists", "add_barrier", {"barrier": "K1", "line": [[0, 0], [1, 1]], "barrier_kind": "wall"}),
        ("unknown_item", "set_households", {"household": "H99", "households": 3}),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_changes_nothing(key, kind, values):
    error = refused(town(), kind, **values)
    assert error.key == key
    if key == "unknown_item" and kind == "move_blocks" and values["to"] == "G2":
        assert "B99, B98" in error.message


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("edit_unknown_kind", {"kind": "fly"}),
        ("edit_without_kind", {"to": "G1"}),
        ("edit_without_kind", "move"),
        ("edit_missing_value", {"kind": "move_blocks", "to": "G1"}),
        ("edit_unknown_value", {"kind": "move_blocks", "blocks": ["B00"], "to": "G1", "colour": "red"}),
        ("edit_wrong_value", {"kind": "move_blocks", "blocks": [], "to": "G1"}),
        ("edit_wrong_value", {"kind": "move_blocks", "blocks": [3], "to": "G1"}),
        ("edit_wrong_value", {"kind": "rename_grid", "grid": "G1", "name": "  "}),
        ("edit_wrong_value", {"kind": "lock_grid", "grid": "G1", "locked": "yes"}),
        ("edit_wrong_value", {"kind": "set_grid_kind", "grid": "G1", "grid_kind": "big"}),
        ("edit_wrong_value", {"kind": "move_station", "station": "S1", "at": [1]}),
        ("edit_wrong_value", {"kind": "move_station", "station": "S1", "at": [1, float("nan")]}),
        ("edit_wrong_value", {"kind": "split_grid", "grid": "G1", "line": [[1, 1], [1, 1]]}),
        ("edit_wrong_value", {"kind": "set_households", "household": "H00", "households": -1}),
        ("edit_wrong_value", {"kind": "set_households", "household": "H00", "households": 1.5}),
        ("edit_wrong_value", {"kind": "set_station", "station": "S1", "capacity": float("inf")}),
        ("edit_wrong_value", {"kind": "set_station", "station": "S1", "capacity": 10**400}),
        ("edit_wrong_value", {"kind": "set_station", "station": "S1", "capacity": 10**5000}),
        ("edit_wrong_value", {"kind": "set_station", "station": "S1", "hours": "sometimes"}),
        ("edit_wrong_value", {"kind": "open_gate", "gate": "D2", "hours": "25:00-26:00"}),
        ("edit_wrong_value", {"kind": "set_households", "household": "H00", "households": 10**30}),
        ("edit_wrong_value", {"kind": "move_station", "station": "S1", "at": [1e300, 1]}),
        ("edit_wrong_value", {"kind": "move_station", "station": "S1", "at": [10**400, 1]}),
        ("edit_wrong_value", {"kind": "move_station", "station": "S1", "at": {"x": 1, "y": 2}}),
        ("edit_wrong_value", {"kind": "split_grid", "grid": "G1", "line": [[n, n % 7] for n in range(10_001)]}),
        ("edit_wrong_value", {"kind": "rename_grid", "grid": "G1", "name": "a\x00b"}),
        ("edit_wrong_value", {"kind": "rename_grid", "grid": "G1", "name": "a\nb"}),
        ("edit_wrong_value", {"kind": "rename_grid", "grid": "G1", "name": "a\ud800"}),
        ("edit_wrong_value", {"kind": "rename_grid", "grid": "G1", "name": "x" * 1001}),
        ("edit_wrong_value", {"kind": "add_station", "station": "a\tb", "at": [1, 2]}),
        ("edit_unknown_kind", {"kind": "a\nb" * 999}),
        ("edit_unknown_value", {"kind": "lock_grid", "grid": "G1", "a\nb": 1}),
    ],
)
def test_an_edit_of_the_wrong_form_is_one_sentence(key, said):
    with pytest.raises(InputError) as caught:
        read_edit(said)
    assert caught.value.key == key
    for language in ("zh", "en"):
        with using_language(language):
            assert "\n" not in str(caught.value)
            assert len(str(caught.value)) < 600


@pytest.mark.parametrize("kind", VOCABULARY)
def test_every_kind_is_worded_and_survives_json(kind):
    import random

    rng = random.Random(1)  # noqa: S311 (no secret)
    plan = town()
    found = next(edit for edit in (random_edit(plan, rng) for _ in range(10_000)) if edit.kind == kind)
    assert read_edit(json.loads(found.as_json())) == found
    for language in ("zh", "en"):
        with using_language(language):
            assert describe_edit(found)


def test_geometries_make_points_and_lines():
    assert make_edit("move_station", station="S", at=shapely.Point(1, 2)).get("at") == (1.0, 2.0)
    assert make_edit("split_grid", grid="G", line=shapely.LineString([(0, 0), (1, 1)])).get("line") == (
        (0.0, 0.0),
        (1.0, 1.0),
    )
    pond = make_edit("add_barrier", barrier="K", line=shapely.box(0, 0, 1, 1), barrier_kind="water")
    assert pond.get("line")[0] == pond.get("line")[-1]


def test_blocks_without_counts_or_grid_figures_can_be_edited():
    plan = town()
    bare = plan.replace(
        blocks=plan.blocks.drop(columns=["households", "persons"]),
        grids=gpd.GeoDataFrame(
            {"grid_id": plan.grids["grid_id"]}, geometry=plan.grids.geometry.to_numpy(), crs=plan.crs
        ),
    )
    moved = after(bare, "move_blocks", blocks=["B01"], to="G2")
    assert grids_of(moved)["G2"] == ["B01", "B02", "B03", "B12", "B13"]
    split = after(bare, "split_grid", grid="G1", street="V1")
    assert sorted(map(len, grids_of(split).values())) == [2, 2, 4, 4, 4]
    counted = after(bare, "set_households", household="H00", households=1)
    assert counted.households["households"].iloc[0] == 1


def test_an_edit_that_does_not_fit_the_plan_any_more_says_so():
    from gridgeo.redraw import apply_changes

    plan = town()
    outcome = try_edit(plan, make_edit("rename_grid", grid="G1", name="甲"))
    with pytest.raises(PlanError) as caught:
        apply_changes(outcome.plan, outcome.changes)
    assert caught.value.key == "log_disagrees"
    assert np.array_equal(plan.blocks["grid_id"], outcome.plan.blocks["grid_id"])


def test_what_bounds_chosen_blocks_is_what_bounds_a_grid_of_them():
    plan = assess_place("qinghuayuan").plan
    for grid, mine in list(plan.blocks.groupby("grid_id")["block_id"])[:12]:
        row = plan.grids.set_index("grid_id").loc[grid]
        assert bound_blocks(plan, mine) == {"zh": row["bounds_zh"], "en": row["bounds_en"]}
    assert bound_blocks(plan, ["none"]) == {}
    assert bound_blocks(town(), ["B00"]) == {}
