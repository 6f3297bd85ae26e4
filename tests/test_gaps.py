"""Gap areas on drawings: who belongs together, why, and what helps."""

from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pytest
import shapely
from bundled import read_place
from hypothesis import given
from hypothesis import strategies as st

from gridgeo.coverage import assess_coverage
from gridgeo.errors import GridgeoError
from gridgeo.gaps import find_gaps
from gridgeo.gaps.areas import MARGIN_M, _left_out, draw_outlines, join_spots
from gridgeo.gaps.corners import open_corners
from gridgeo.gaps.find import _find_spots
from gridgeo.gaps.wording import word_remedy
from gridgeo.network import build_network
from gridgeo.network.visibility import find_obstacles
from gridgeo.plan import Name, PlanInfo, make_plan
from gridgeo.texts import using_language

CRS = "EPSG:4527"


def frame(ids, shapes, **columns):
    return gpd.GeoDataFrame({ids[0]: ids[1]} | columns, geometry=list(shapes), crs=CRS)


def gaps_of(lines, homes, *, posts=((0, 0),), names=None, walls=(), gates=(), places=(), bridge=(), **people):
    """Draw a place and find its gaps; gates are closed, households hold 10 each."""
    rows = [f"{number}" for number in range(40)]
    streets = frame(
        ("street_id", rows[: len(lines)]), [shapely.LineString(line) for line in lines],
        street_class="residential", name=names or [f"Street {row}" for row in rows[: len(lines)]],
        bridge=[number in bridge for number in range(len(lines))],
    )  # fmt: skip
    plan = make_plan(
        PlanInfo(Name("图", "drawing")),
        CRS,
        streets=streets,
        barriers=frame(("barrier_id", rows[: len(walls)]), map(shapely.LineString, walls), barrier_kind="wall"),
        gates=frame(("gate_id", [f"g{row}" for row in rows[: len(gates)]]), map(shapely.Point, gates), open=False),
        places=frame(("place_id", rows[: len(places)]), map(shapely.Point, places), name="Library"),
        households=frame(
            ("household_id", rows[: len(homes)]), map(shapely.Point, homes), **{"households": 10} | people
        ),
        stations=frame(("station_id", [f"s{row}" for row in rows[: len(posts)]]), map(shapely.Point, posts)),
    )
    network = build_network(plan.streets, barriers=plan.barriers, gates=plan.gates)
    return find_gaps(assess_coverage(network, plan.households, plan.stations), plan)


def test_neighbours_form_one_area_and_a_wall_parts_two():
    """Four households 50 m apart at 400–550 m, and the same with a wall between the second and the third."""
    street, homes = [[(0, 0), (700, 0)]], [(400, 5), (450, 5), (500, 5), (550, 5), (100, 5)]
    one = gaps_of(street, homes)
    assert one["households"].tolist() == [40]
    assert one.geometry[0].geom_type == "Polygon"
    assert one.geometry[0].covers(shapely.LineString([(400, 5), (550, 5)]))
    assert one.loc[0, ["cause", "station_id"]].tolist() == ["too_far", "s0"]
    assert one["distance_m"].tolist() == [480]
    two = gaps_of(street, homes, walls=[[(475, 1), (475, 100)]])
    assert two["households"].tolist() == [20, 20]


def test_the_walk_of_an_area_is_that_of_its_median_household():
    """One tower of 30 households at 405 m beside three houses: half of the area's households live no farther."""
    street, homes = [[(0, 0), (700, 0)]], [(400, 5), (450, 5), (500, 5), (550, 5)]
    assert gaps_of(street, homes, households=[30, 1, 1, 1])["distance_m"].tolist() == [405]
    assert gaps_of(street, homes, households=[3, 1, 1, 1])["distance_m"].tolist() == [430]
    # Two at 510 m walk the other way, to a station that fewer of the area walk to.
    two = gaps_of([[(0, 0), (1015, 0)]], [*homes[:2], (510, 5)], posts=[(0, 0), (1015, 0)], households=[3, 4, 5])
    assert two[["station_id", "distance_m"]].to_numpy().tolist() == [["s0", 455]]


def test_a_closed_gate_is_the_cause_and_the_cheapest_remedy():
    """The street runs through a gate at (100, 0); round about it is 900 m. A library stands there, too."""
    lines = [[(0, 0), (200, 0)], [(0, 0), (0, 400), (200, 400), (200, 0)]]
    gaps = gaps_of(lines, [(180, 5), (195, 5)], gates=[(100, 0)], places=[(190, 10)])
    assert gaps.loc[0, ["cause", "remedy", "remedy_place", "remedy_households"]].tolist() == [
        "closed_gate", "open_gate", "g0", 20,
    ]  # fmt: skip


def test_a_missing_link_is_named_street_to_street():
    """A dead end stops 30 m short of the station's street.

    S -- 100 ---+ Main Street           households at its lower end, 670 m round about
                : 30 m missing
                + Dead End
                |
    """
    lines = [[(0, 0), (300, 0)], [(100, -30), (100, -100), (300, -100), (300, 0)]]
    gaps = gaps_of(lines, [(100, -80), (105, -60)], names=["Main Street", "Dead End"], places=[(100, -70)])
    row = gaps.loc[0]
    assert row["cause"] == "no_path"
    assert row["remedy"] == "missing_link"
    assert row["remedy_place"] == "Main Street – Dead End"
    assert row["remedy_length_m"] == 30
    assert row["remedy_households"] == 20


def test_no_link_leads_up_to_a_bridge_or_through_a_wall():
    lines = [[(0, 0), (300, 0)], [(100, -30), (100, -100), (300, -100), (300, 0)]]
    walled = gaps_of(lines, [(100, -80)], walls=[[(50, -15), (150, -15)]], places=[(100, -70)])
    assert walled["remedy"].tolist() == ["new_station"]
    lifted = gaps_of(lines, [(100, -80)], bridge=[0], places=[(100, -70)])
    assert lifted["remedy"].tolist() == ["new_station"]


def test_a_new_post_stands_at_the_real_place_that_covers_most():
    gaps = gaps_of([[(0, 0), (2000, 0)]], [(1000, 5), (1080, 5), (1500, 5)], places=[(1700, 9), (1050, 9)])
    assert gaps["remedy"].tolist() == ["new_station", "new_station"]
    assert gaps["remedy_place"].tolist() == ["Library", "Library"]
    assert gaps["remedy_households"].tolist() == [20, 10]


def test_an_island_without_a_place_gets_a_post_at_a_corner_and_who_has_no_street_gets_nothing():
    lines = [[(0, 0), (100, 0)], [(0, 5000), (60, 5000), (100, 5000)], [(60, 5000), (60, 5100)]]
    gaps = gaps_of(lines, [(50, 5005), (55, 5005), (50, 9000)])
    assert gaps["cause"].tolist() == ["island", "no_path"]
    assert gaps["station_id"].isna().all()
    assert np.isinf(gaps["distance_m"]).all()
    assert gaps.loc[0, ["remedy", "remedy_place", "remedy_households"]].tolist() == [
        "new_station", "Street 1 / Street 2", 20,
    ]  # fmt: skip
    assert gaps.loc[1, ["remedy", "remedy_place"]].isna().all()


def test_of_two_links_that_are_enough_the_shorter_is_built():
    """Dead ends 30 m and 20 m from Main Street; the first leads to both households a little more directly."""
    lines = [
        [(0, 0), (100, 0), (160, 0), (700, 0)],
        [(100, -30), (100, -60)], [(160, -20), (160, -60)], [(100, -60), (160, -60), (700, -60), (700, 0)],
    ]  # fmt: skip
    gaps = gaps_of(lines, [(110, -65), (120, -65)], names=["Main Street", "West End", "East End", "Back Lane"])
    assert gaps.loc[0, ["remedy", "remedy_place", "remedy_length_m"]].tolist() == [
        "missing_link", "Main Street – East End", 20,
    ]  # fmt: skip


def test_every_gap_of_both_real_places_with_a_street_has_a_remedy():
    for place in ("qinghuayuan", "nanshan"):
        plan = read_place(place)
        network = build_network(plan.streets, barriers=plan.barriers, gates=plan.gates)
        coverage = assess_coverage(network, plan.households, plan.stations, cutoff_m=(300, 500))
        for cutoff in coverage.cutoffs_m:
            gaps = find_gaps(coverage.at(cutoff), plan)
            assert gaps["remedy"].notna().all()
            assert (gaps["remedy_households"] > 0).all()
            assert not (gaps["remedy_place"].str.contains("?", regex=False)).any()


def test_vulnerable_people_count_twice():
    street, homes = [[(0, 0), (2000, 0)]], [(600, 0), (1500, 0)]
    assert gaps_of(street, homes, persons=[25.0, 20.0], elderly=[0, 0])["persons"].tolist() == [25, 20]
    assert gaps_of(street, homes, persons=[25.0, 20.0], elderly=[0, 9])["persons"].tolist() == [20, 25]
    unknown = gaps_of(street, homes, persons=[np.nan, 20.0])
    assert unknown["persons"].isna().tolist() == [False, True]


def test_who_is_covered_leaves_no_gap():
    gaps = gaps_of([[(0, 0), (100, 0)]], [(50, 0)])
    assert len(gaps) == 0
    assert {"gap_id", "rank", "cause", "remedy", "geometry"} <= set(gaps)


def test_every_uncovered_household_of_a_real_place_is_in_exactly_one_gap():
    plan = read_place("nanshan")
    network = build_network(plan.streets, barriers=plan.barriers, gates=plan.gates)
    coverage = assess_coverage(network, plan.households, plan.stations)
    gaps = find_gaps(coverage, plan)
    total = coverage.summary().iloc[0]
    assert gaps["households"].sum() == total["households"] - total["covered"]
    assert gaps["rank"].tolist() == list(range(1, len(gaps) + 1))
    assert gaps.geometry.is_valid.all()
    assert (gaps["remedy_households"] <= gaps["households"]).all()
    with pytest.raises(GridgeoError):
        find_gaps(coverage, plan, join_m=0)


def test_a_remedy_is_worded_once_for_everybody():
    gap = {"remedy": "open_gate", "remedy_place": "East Gate", "remedy_households": 1200.0}
    assert word_remedy(gap) == "open the gate: East Gate (covers 1,200)"
    assert word_remedy(gap, counted=False) == "open the gate: East Gate"
    assert word_remedy({"remedy": np.nan}) == "no gate, link or post would help"
    with using_language("zh"):
        assert word_remedy(gap).endswith("：East Gate（可覆盖 1,200 户）")


@given(
    st.integers(0, 2**32 - 1), st.integers(0, 80), st.integers(0, 12), st.sampled_from(["anywhere", "lattice", "line"])
)
def test_many_spots_make_the_same_areas_as_every_pair_of_them(seed, count, walls, kind):
    """Beyond some thousands only neighbours are looked at; here both ways are taken on few."""
    random = np.random.default_rng(seed)
    xy = random.uniform(0, 900, (count, 2)) if kind != "lattice" else 60.0 * random.integers(0, 12, (count, 2))
    xy = np.unique(xy * (1, kind != "line"), axis=0)
    ends = random.uniform(0, 900, (walls, 2, 2))
    barriers = gpd.GeoDataFrame(geometry=shapely.linestrings(ends) if walls else [], crs=4548)
    obstacles = find_obstacles(barriers)
    area, tree = join_spots(xy, obstacles, join_m=120)
    fast, links = join_spots(xy, obstacles, join_m=120, most_paired=0)
    assert fast.tolist() == area.tolist()
    assert len(links) == len(tree) == len(xy) - len(set(area.tolist()))
    if not walls:
        lengths = [np.hypot(*(xy[pairs[:, 0]] - xy[pairs[:, 1]]).T).sum() for pairs in (tree, links)]
        assert lengths[0] == pytest.approx(lengths[1])


@pytest.mark.parametrize("across", [3.0, 0.05])
def test_spots_that_lie_very_close_are_not_left_out(across):
    """With metric coordinates of millions, the triangulation once left hundreds of such spots as areas of their own."""
    random = np.random.default_rng(5)
    xy = np.concatenate([random.uniform(0, across, (1500, 2)), random.uniform(300, 310, (300, 2)), [[2600, 0]]])
    xy += (500_000, 3_380_000)
    area, tree = join_spots(xy, None, join_m=120)
    fast, links = join_spots(xy, None, join_m=120, most_paired=0)
    assert area.max() == 2
    assert fast.tolist() == area.tolist()
    assert len(links) == len(tree) == len(xy) - 3


def test_spots_left_out_of_the_triangulation_are_paired_with_all_around_them():
    at = np.array([(0.0, 0.0), (50, 0), (121, 0), (0, 119), (0, 0.5)])
    mesh = SimpleNamespace(coplanar=np.array([(4, 0, 0), (9, 0, 0)]))
    pairs = {tuple(sorted(pair)) for pair in _left_out(mesh, at, 120.0).tolist()}
    assert pairs == {(0, 4), (1, 4), (3, 4)}
    assert _left_out(SimpleNamespace(coplanar=np.zeros((0, 3), int)), at, 120.0).shape == (0, 2)


@given(st.integers(0, 2**32 - 1), st.integers(0, 60), st.integers(1, 8))
def test_places_are_numbered_by_the_first_household_there(seed, count, across):
    xy = np.random.default_rng(seed).integers(0, across, (count, 2)).astype(float)
    spots, spot = _find_spots(xy)
    assert (spots[spot] == xy).all()
    assert spots.tolist() == [list(each) for each in dict.fromkeys(map(tuple, xy.tolist()))]


def test_the_ground_of_very_many_spots_holds_them_and_little_more():
    xy = np.random.default_rng(5).uniform(0, 1000, (5000, 2))
    area, links = join_spots(xy, None, join_m=120)
    (ground,) = draw_outlines(xy, area, links, 1)
    band = shapely.union_all(shapely.buffer(shapely.points(xy), MARGIN_M))
    assert shapely.covers(ground, shapely.points(xy)).all()
    assert ground.is_valid
    assert shapely.hausdorff_distance(ground.exterior, band.exterior) < 30
    assert ground.difference(shapely.buffer(band, 15)).area == 0


def test_a_post_for_very_many_households_is_counted_of_all():
    """A household every 0.1 m along 2.4 km: a post among them reaches 3,000 each way and the one it stands at."""
    street = frame(("street_id", ["a"]), [shapely.LineString([(0, 0), (10_000, 0)])], name="Long Lane")
    spots = shapely.points(7600 + np.arange(24_000) / 10, np.zeros(24_000))
    homes = frame(("household_id", [f"h{row}" for row in range(24_000)]), spots, households=1)
    post = frame(("station_id", ["s"]), [shapely.Point(0, 0)])
    coverage = assess_coverage(build_network(street), homes, post, cutoff_m=300)
    ((name, helped),) = open_corners(coverage, np.arange(24_000))
    assert (name, len(helped)) == ("Long Lane", 6001)
