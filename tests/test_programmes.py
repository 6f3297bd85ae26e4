"""Programmes as files: what they hold, how they are read, and one sentence for everything that is wrong with one."""

import math

import pytest

from gridgeo.errors import FileError, GridgeoError, InputError
from gridgeo.programmes import KINDS, PROGRAMMES, parse_programme, read_programme
from gridgeo.programmes.judge import JUDGES
from gridgeo.programmes.model import Bound, Radius
from gridgeo.programmes.values import FORMS
from gridgeo.programmes.verdicts import show_bound, show_number
from gridgeo.texts import has_text, using_language

HEAD = """
title = "test"
[[level]]
level = "subdistrict"
name = "district"
[[level]]
level = "community"
name = "community"
[[level]]
level = "grid"
name = "grid"
[[station]]
station = "post"
name = "post"
level = "grid"
radius = "210 m"
[[service]]
service = "care"
name = "care"
groups = ["elderly"]
"""


def rule(body):
    return f'{HEAD}\n[[rule]]\nrule = "r"\nname = "rule"\n{body}\n'


def faults_of(source):
    with pytest.raises(GridgeoError) as caught:
        parse_programme(source, file="mine.toml")
    return [fault.message for fault in caught.value.faults] or [caught.value.message]


@pytest.mark.parametrize("name", PROGRAMMES)
def test_the_programmes_that_come_with_gridgeo_are_sound(name):
    programme = read_programme(name)
    assert programme.name == name
    assert len(programme.rules) > 10
    assert len({rule.rule for rule in programme.rules}) == len(programme.rules)
    for named in (programme, *programme.levels, *programme.stations, *programme.services, *programme.rules):
        both = named.title if named is programme else named.name
        assert both.zh != both.en
    assert all(rule.basis for rule in programme.rules)


def test_what_the_five_programmes_are():
    """The levels of `programmes.md`, in their order."""
    levels = {name: [str(level.name.zh) for level in read_programme(name).levels] for name in PROGRAMMES}
    assert levels["gutang"] == ["街道", "片区", "村(社区)/企业", "网格"]
    assert levels["tinghu"] == ["街道党工委", "社区党组织", "网格党支部", "楼栋党小组", "党员中心户"]
    assert levels["dafeng"] == ["街道", "社区", "网格"]
    assert levels["nanwan"] == ["街道", "社区", "花园小区"]
    assert levels["tashan"] == ["社区党委", "网格党支部", "楼道党小组", "网格员"]


def test_every_kind_of_rule_is_used_judged_and_worded():
    used = {rule.kind for name in PROGRAMMES for rule in read_programme(name).rules}
    assert used == set(KINDS) == set(JUDGES)
    for kind, slots in KINDS.items():
        assert has_text(f"programmes.said.{kind}")
        assert all(slot.form in FORMS for slot in slots)


def test_no_rule_knows_a_programme():
    """The core is generic: the names of the five occur in no module but the list of those that come with it."""
    from importlib import resources

    for module in resources.files("gridgeo.programmes").iterdir():
        if module.name.endswith(".py") and module.name != "reading.py":
            source = module.read_text(encoding="utf-8")
            assert not any(name in source.lower() for name in PROGRAMMES), module.name


def test_what_show_prints_is_read_back_the_same(tmp_path):
    source = read_programme("tinghu").source
    (tmp_path / "mine.toml").write_text(source, encoding="utf-8")
    again = read_programme(tmp_path / "mine.toml")
    assert again.rules == read_programme("tinghu").rules
    assert again.source == source


@pytest.mark.parametrize(
    ("written", "low", "high", "said"),
    [
        (6, 6, 6, "= 6"),
        ('"2+"', 2, math.inf, "≥ 2"),
        ('"<= 20"', 0, 20, "≤ 20"),
        ('"300-500"', 300, 500, "300–500"),
        ('"1,030+"', 1030, math.inf, "≥ 1,030"),
        ('"~100"', 90, 110, "≈ 100 (90–110)"),
        ('"约 2600"', 2340, 2860, "≈ 2,600 (2,340–2,860)"),
    ],
)
def test_a_number_says_its_bounds(written, low, high, said):
    programme = parse_programme(rule(f'kind = "count"\nwhat = {{ level = "grid" }}\nnumber = {written}'), file="x.toml")
    bound = programme.rules[0]["number"]
    assert bound.low == pytest.approx(low)
    assert bound.high == pytest.approx(high)
    assert str(bound) == said
    assert bound.holds(low)
    assert not bound.holds(low - 1)


@pytest.mark.parametrize(
    ("written", "metres", "said"),
    [
        ('"300 m"', 300, "300 m on foot"),
        ('"0.5 km"', 500, "500 m on foot"),
        ('"300米"', 300, "300 m on foot"),
        ('"5 min"', 360, "5 min on foot (adult)"),
        ('"5分钟"\nperson = "elder"', 270, "5 min on foot (elder)"),
        ('"300 m"\nwalk = "straight"', 300, "300 m in a straight line"),
    ],
)
def test_a_radius_says_its_unit(written, metres, said):
    body = f'kind = "coverage"\nto = {{ station = "post" }}\nradius = {written}'
    radius = parse_programme(rule(body), file="x.toml").rules[0]["radius"]
    assert radius.metres == metres
    assert str(radius) == said
    with using_language("zh"):
        assert ("直线" in str(radius)) == (radius.walk == "straight")


def test_a_number_never_looks_met_when_it_is_not():
    assert show_number(0.9499, "share", Bound(0.95, 1)) == "94.99%"
    assert show_number(0.95, "share", Bound(0.95, 1)) == "95.0%"
    assert show_number(0.99996, "share", Bound(1, 1)) == "99.996%"
    assert show_number(1.0, "share", Bound(1, 1)) == "100.0%"
    assert show_number(2.5, "count", Bound(15, 15)) == "2.5"
    assert show_number(1030, "count", Bound(1030, math.inf)) == "1,030"
    assert show_number(math.inf, "metres", Bound(0, 300)) == "∞"
    assert show_bound(Bound(0.95, 1), "share") == "≥ 95 %"
    assert show_bound(Bound(0, 0.1), "share") == "≤ 10 %"
    assert show_bound(Bound(0, 0), "share") == "= 0 %"
    assert show_bound(Bound(0, 300), "metres") == "≤ 300 m"


def head(before, after):
    assert before in HEAD
    return HEAD.replace(before, after)


def counting(what, number):
    return rule(f'kind = "count"\nwhat = {{ {what} }}\nnumber = {number}')


def covering(body):
    return rule(f'kind = "coverage"\n{body}')


TO = 'to = { station = "post" }'
COMMUNITY = 'level = "community"\nname'
GRIDS = 'level = "grid"'


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("title = [1", "mine.toml, line 1, is not correct TOML."),
        (head('name = "post"', 'name = "post'), "mine.toml, line 14, is not correct TOML."),
        (head('name = "post"', 'name = "post"\nname = "again"'), "mine.toml, line 15, is not correct TOML."),
        (HEAD + 'colour = "red"\n', "service 1: there is no key colour; there are service, groups, name."),
        ('title = "x"\n', "mine.toml, level: the key level is missing."),
        (head('"210 m"', "210"), "mine.toml, station 1.radius: the radius 210 has no unit."),
        (head('"210 m"', '"210"'), "mine.toml, station 1.radius: the radius 210 has no unit."),
        (head('"210 m"', '"-5 m"'), "is not a radius above zero"),
        (head('"210 m"', '"0 m"'), "is not a radius above zero"),
        (head('"210 m"', '"5 leagues"'), "is not a radius above zero"),
        (head('"210 m"', '"5 min"\nwalk = "straight"'), "a straight line is measured in metres"),
        (head('level = "grid"\nradius', 'level = "gridd"\nradius'), "there is no level gridd; there are subdistrict"),
        (head('name = "post"', "name = 5"), "mine.toml, station 1.name: 5 is not a name"),
        (head('name = "post"\n', ""), "mine.toml, station 1: the key name is missing."),
        (head(COMMUNITY, 'level = "community"\nwithin = "grid"\nname'), "do not stand one within the other"),
        (head(COMMUNITY, 'level = "subdistrict"\nname'), "mine.toml, level: subdistrict occurs more than once."),
        (head(COMMUNITY, 'level = "community"\nwithin = "moon"\nname'), "there is no level moon"),
        (head('groups = ["elderly"]', 'groups = "elderly"'), "elderly is not a list of texts"),
        ("rule = 5\n" + HEAD, "is not a list of tables [[rule]]"),
        (rule('kind = "magic"'), "mine.toml, rule 1 (r).kind: there is no kind of rule magic"),
        (rule('kind = "band"\nleast = 1'), "mine.toml, rule 1 (r): there is no key least"),
        (rule('kind = "count"\nnumber = 3'), "mine.toml, rule 1 (r): the key what is missing."),
        (counting(GRIDS, '"many"'), "mine.toml, rule 1 (r).number: many is not a number"),
        (counting(GRIDS, '"9-3"'), "9-3 is not a number"),
        (counting(GRIDS, "true"), "True is not a number"),
        (counting('level = "grid", moon = "x"', 3), "there is no key moon"),
        (counting('level = "grid", station = "post"', 3), "is not one kind of thing"),
        (counting('station = "hub"', 3), "there is no kind of station hub; there are post."),
        (covering('to = { service = "x" }'), "there is no service x; there are care."),
        (covering(f'{TO}\nleast = "150 %"'), "150 % is not a share from 0 to 100 %"),
        (covering(f'{TO}\nperson = "robot"'), "there is no person robot; there are adult"),
        (covering(f'{TO}\nwalk = "flying"'), "there is no way of measuring flying"),
        (rule('kind = "staffing"\nlevel = "grid"\nstaff = [{ number = 1 }]'), "is not a list of posts"),
        (rule('kind = "layers"\nlayers = ["moons"]'), "there is no layer moons"),
        (rule('kind = "visits"\nmonth = "2026-13"'), "2026-13 is not a month"),
        (rule('kind = "coincide"\none = "level:moon"\nother = "x"'), "there is no level moon"),
        (rule('kind = "band"') + rule('kind = "nesting"').replace(HEAD, ""), "rule: r occurs more than once."),
        (covering('to = { landuse = "grass" }'), "is not something to walk to"),
        (rule('kind = "shared"\nleast = 1\nto = { people = "member" }'), "is not stations"),
        (rule('kind = "care"\nrole = "member"\nlimit = 0'), "0 is not a whole number above zero"),
        (rule('kind = "nesting"\nassumed = ["least"]'), "there is no number that could be assumed least; there are –."),
        (
            head('radius = "210 m"', 'radius = "210 m"\nassumed = ["level"]'),
            "there is no number that could be assumed level",
        ),
        (HEAD + '[[station]]\nstation = "post"\nname = "again"\n', "mine.toml, station: post occurs more than once."),
        (HEAD + '[[service]]\nservice = "care"\nname = "again"\n', "mine.toml, service: care occurs more than once."),
        (counting('people = "x", among = ["y"]', 3), "there is no key among"),
        (HEAD + "[example]\nmerged = 3\n", "mine.toml, example.merged: 3 is not true or false."),
    ],
)
def test_everything_wrong_with_a_file_is_named_with_its_key(source, sentence):
    (said, *others) = faults_of(source)
    assert sentence in said, said
    assert others == []
    with using_language("zh"):
        assert "mine.toml" in faults_of(source)[0]


def test_all_faults_are_named_at_once():
    said = faults_of(rule('kind = "count"\nnumber = "x"\nmoon = 1').replace('"210 m"', "210"))
    assert len(said) == 4


def test_a_circle_is_named_whatever_the_order():
    """A within B within C within A; and a chain written from below is no circle."""
    names = [("a", "b"), ("b", "c"), ("c", "a")]
    source = 'title = "x"\n' + "".join(
        f'[[level]]\nlevel = "{one}"\nwithin = "{other}"\nname = "{one}"\n' for one, other in names
    )
    assert "a, b, c" in faults_of(source)[0]
    chain = 'title = "x"\n[[level]]\nlevel = "grid"\nwithin = "top"\nname = "g"\n[[level]]\nlevel = "top"\nname = "t"\n'
    assert [level.level for level in parse_programme(chain, file="x.toml").levels] == ["top", "grid"]


def test_files_that_are_none(tmp_path):
    (tmp_path / "gbk.toml").write_bytes('title = "项目"'.encode("gbk"))
    (tmp_path / "huge.toml").write_bytes(b"#" * 1_000_001)
    (tmp_path / "deep.toml").write_text("a = " + "[" * 3000 + "]" * 3000, encoding="utf-8")
    for name, said in (("gbk", "not UTF-8"), ("huge", "1,000,001 bytes"), ("deep", "line 1,"), ("none", "no file")):
        with pytest.raises(FileError) as caught:
            read_programme(tmp_path / f"{name}.toml")
        assert said in caught.value.message
    with pytest.raises(InputError, match="There is no programme atlantis"):
        read_programme("atlantis")


def test_a_radius_of_minutes_is_an_adults_where_nobody_is_named():
    assert Radius(5, "min").walker == "adult"
    assert Radius(300).walker is None


ASKED = {
    "gutang": {
        "levels_nest": "nesting", "six_areas": "count = 6", "areas_as_demonstration": "coincide",
        "radius_subdistrict": "coverage", "radius_area": "coverage", "radius_community": "coverage",
        "radius_grid": "coverage", "station_in_each_area": "count ≥ 1", "station_in_each_community": "count ≥ 1",
        "station_in_each_grid": "count ≥ 1", "staff_1_2_x": "staffing = 1, ≥ 2, ≥ 0", "no_blank_spots": "blank",
        "no_double_spending": "overlap", "talents": "count ≥ 310", "needs": "count ≥ 206", "volunteers": "count ≥ 451",
        "talents_in_each_area": "count ≥ 1", "needs_in_each_area": "count ≥ 1", "volunteers_in_each_area": "count ≥ 1",
        "needs_matched": "matching 1000 m on foot", "six_teams": "count = 6", "households_visited": "visits ≥ 4,215",
        "enterprises_visited": "visits ≥ 98",
    },
    "tinghu": {
        "levels_nest": "nesting", "along_main_streets": "streets", "general_grids": "count ≥ 1",
        "dedicated_grids": "count ≥ 1", "grid_size": "band", "branches": "count ≥ 268",
        "branch_in_each_grid": "count ≥ 1", "building_groups": "count ≥ 1,030", "groups_in_each_grid": "count ≥ 1",
        "centre_households_in_each_grid": "count ≥ 1", "branches_for_compounds": "attached",
        "branches_for_offices": "attached", "branches_for_markets": "attached", "grid_heads": "staffing ≥ 1, ≥ 1",
        "nine_duties": "count = 9", "station_in_each_grid": "count ≥ 1", "grid_stations_reached": "coverage",
        "card": "contact", "one_map": "layers",
    },
    "dafeng": {
        "one_hub": "count = 1", "hub_area": "attribute ≥ 1,200", "hub_services": "offers",
        "two_estate_centres": "count = 2", "home_care_centre": "count ≥ 1", "two_volunteer_bases": "count = 2",
        "stations_per_hub": "count = 15", "volunteers": "count ≈ 2,600 (2,340–2,860)",
        "home_care_for_seniors": "coverage 1000 m on foot (elder)",
        "rooms_for_seniors": "coverage 1000 m on foot (elder)",
        "home_for_children": "coverage 1000 m on foot",
        "rehabilitation_for_disabled": "coverage 1000 m on foot (wheelchair)",
        "space_for_women": "coverage 1000 m on foot",
        "aid_for_workers": "coverage 1000 m on foot", "volunteer_stations_reached": "coverage",
        "overlap_for_seniors": "overlap 500 m on foot", "rooms_shared": "shared",
    },
    "nanwan": {
        "levels_nest": "nesting", "communities": "count = 14", "estates": "count ≈ 100 (90–110)",
        "stations": "count ≥ 101", "units_large": "count ≥ 25", "units_middle": "count ≥ 30",
        "units_small": "count ≈ 100 (90–110)", "members": "count ≥ 1,600",
        "organisation_every_200_m": "spacing 200 m on foot",
        "organisation_every_200_m_streets": "spacing 200 m on foot",
        "member_every_80_m": "spacing 80 m on foot", "five_minute_circle": "coverage 5 min on foot (adult)",
        "shortest_radius": "shortest 300 m on foot", "wish_wall_in_each": "count ≥ 1",
        "talking_bar_in_each": "count ≥ 1",
        "wishes": "count ≥ 600", "wishes_met": "met",
    },
    "tashan": {
        "levels_nest": "nesting", "seven_branches": "count = 7", "branch_in_each_grid": "count = 1",
        "stairwell_groups_in_each_grid": "count ≥ 1", "members_in_each_grid": "count ≥ 1", "grids_agree": "merge",
        "one_grid": "coincide", "shops": "count ≥ 82", "shops_in_dedicated_grids": "attached",
        "last_hundred_metres": "coverage 100 m on foot", "courtyard_area": "attribute ≥ 800",
        "courtyard_rooms": "attribute ≥ 8", "households_in_care": "care 500 m on foot",
    },
}  # fmt: skip
"""What the five programmes ask, and the numbers that it is asked with."""


@pytest.mark.parametrize("name", PROGRAMMES)
def test_every_demand_of_the_five_programmes_has_its_rule(name):
    said = {}
    for rule_ in read_programme(name).rules:
        asks = rule_.asks
        posts = ", ".join(str(post.number) for post in asks.get("staff", ()))
        number = asks.get("number") or asks.get("every") or asks.get("radius") or posts
        said[rule_.rule] = f"{rule_.kind} {number}".strip()
    assert said == ASKED[name]


def test_what_a_rule_is_about_is_what_the_programme_says():
    """Houses of six rooms, teams by name, branches that are branches, care within the grid, circles round stations."""
    gutang, tinghu, dafeng, nanwan, tashan = (
        {each.rule: each for each in read_programme(name).rules} for name in PROGRAMMES
    )
    assert gutang["six_teams"]["what"].among == ("housekeeping", "sport", "arts", "gardening", "medical", "special")
    assert all(tinghu[f"branches_for_{each}"]["station"] == "branch" for each in ("compounds", "offices", "markets"))
    assert tinghu["card"]["services"]
    assert dafeng["overlap_for_seniors"]["to"].key == "seniors_room"
    assert len(dafeng["hub_services"]["services"]) == 6
    assert nanwan["organisation_every_200_m"]["to"].key == "organisation"
    assert nanwan["five_minute_circle"]["to"].key == "volunteer_station"
    assert tashan["households_in_care"]["own"] == "grid"
    assert tashan["shops_in_dedicated_grids"]["grid_kind"] == "dedicated"
