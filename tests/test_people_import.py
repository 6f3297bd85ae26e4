"""Lists of people, needs, visits and enterprises as offices keep them: looked up, checked, without names."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from pyproj import Transformer
from redraw_places import CRS, town

from gridgeo.cli.commands import run
from gridgeo.errors import ImportFaults, InputError
from gridgeo.plan import Name, PlanInfo, make_plan
from gridgeo.positions import place_layer
from gridgeo.readers import import_plan, map_columns, prepare_import, prepare_lists, preview_file
from gridgeo.readers.clean import tells_who
from gridgeo.schema import LAYERS
from gridgeo.shifts import shift
from gridgeo.store import read_plan, write_plan
from gridgeo.texts import using_language

pytestmark = pytest.mark.usefixtures("quick_readers")

EAST, NORTH = 500_000.0, 4_000_000.0
SECRETS = ("张三", "李四", "110108199003070011", "13800000001", "有病在家")


@pytest.fixture(scope="module")
def plan():
    """The town where its system is good, its communities named, with buildings around some households.

    1号楼 stands in both communities (B00 and B30); 大礼堂 has nobody in it; 3号楼 holds the household H11.
    """
    plain = town()
    layers = {
        name: layer.assign(geometry=shapely.transform(layer.geometry.to_numpy(), lambda xy: np.add(xy, [EAST, NORTH])))
        for name, layer in plain.layers().items()
        if len(layer)
    }
    layers["units"] = layers["units"].assign(name=["小镇街道", "东风社区", "西苑社区居委会"])
    layers["stations"] = layers["stations"].assign(name=["红星驿站", "湖畔驿站"])
    spots = {"W1": (50, 50), "E1": (350, 50), "3": (150, 150), "hall": (80, 20)}
    layers["buildings"] = gpd.GeoDataFrame(
        {"building_id": list(spots), "name": ["1号楼", "1号楼", "3号楼", "大礼堂"]},
        geometry=[shapely.box(EAST + x - 5, NORTH + y - 5, EAST + x + 5, NORTH + y + 5) for x, y in spots.values()],
        crs=CRS,
    )
    return make_plan(PlanInfo(Name("小镇", "Town")), CRS, **layers)


def degrees(x, y):
    return Transformer.from_crs(CRS, 4490, always_xy=True).transform(EAST + x, NORTH + y)


@pytest.fixture
def roster(tmp_path):
    """Excel as a clerk keeps it: a title, a header of merged rows, full-width digits, a total, names, numbers."""
    book = openpyxl.Workbook()
    sheet = book.active
    lon, lat = degrees(310.0, 120.0)
    for row in (
        ["东风街道志愿者名册", *[None] * 9],
        ["序号", "基本信息", None, None, "服务情况", None, "所在位置", None, None, None],
        [None, "姓名", "身份证号", "手机号", "服务类别", "可承接数", "社区", "楼栋", "经度", "纬度"],
        [1, "张三", "110108199003070011", "13800000001", "助老、助餐", "３", "东风", "3 号楼", None, None],
        [2, "李四", "110108199003070038", "13800000002", "维修", 2, "西苑社区", "1号楼", None, None],
        [3, "王五", "110108199003070054", "13800000003", "维修", "约2人", None, "大礼堂", None, None],
        [4, "赵六", "110108199003070070", "13800000004", "助老", None, "330282001002", None, lon, lat],
        ["合计", None, None, None, None, 9, None, None, None, None],
    ):
        sheet.append(row)
    for cells in ("A1:J1", "A2:A3", "B2:D2", "E2:F2", "G2:J2"):
        sheet.merge_cells(cells)
    book.save(tmp_path / "志愿者.xlsx")
    return tmp_path / "志愿者.xlsx"


def keys(report):
    return [(fault.key, fault.row, fault.column) for fault in report.findings.faults]


def test_a_clerks_excel_comes_in_looked_up_and_without_names(plan, roster, tmp_path):
    report = prepare_lists(plan, people={"志愿者": roster})
    assert keys(report) == []
    people = report.plan.people
    assert people["person_id"].tolist() == [f"志愿者-{row}" for row in (4, 5, 6, 7)]
    assert set(people["role"]) == {"volunteer"}
    assert people["kinds"].tolist() == ["助老、助餐", "维修", "维修", "助老"]
    assert people["capacity"].tolist()[:3] == [3, 2, 2]
    assert np.isnan(people["capacity"].iloc[3])
    assert people["unit_id"].astype("object").where(people["unit_id"].notna(), None).tolist() == ["W", "E", None, "E"]
    assert people["household_id"].astype("object").where(people["household_id"].notna(), None).tolist() == [
        "H11", "H30", None, None,
    ]  # fmt: skip
    placed = place_layer(report.plan, "people")
    assert placed["position"].tolist() == ["household", "household", "own", "own"]
    assert placed["grid_id"].tolist() == ["G1", "G3", "G1", "G3"]
    assert placed.geometry.iloc[3].distance(shapely.Point(EAST + 310, NORTH + 120)) < 0.01
    assert report.findings.mappings["people"].personal == ("姓名", "身份证号", "手机号")
    write_plan(report.plan, tmp_path / "plan.gpkg")
    said = str(report.as_dict()).encode() + (tmp_path / "plan.gpkg").read_bytes()
    assert not [secret for secret in SECRETS if secret.encode() in said]
    assert read_plan(tmp_path / "plan.gpkg").people["person_id"].tolist() == people["person_id"].tolist()


def test_a_gbk_table_of_needs_in_chinese_words(plan, tmp_path):
    table = pd.DataFrame(
        {
            "需求编号": ["n1", "n2", "n3"], "需求类别": ["助餐", "维修", "助老"],
            "办理状态": ["已办结", "办理中", None],
            "提出日期": ["2026年10月3日", "2026/10/4", "46302"], "所属社区": ["东风社区", "西苑", None],
            "楼号": [None, None, "H22"], "联系人": ["张三", "李四", "张三"], "备注": ["有病在家"] * 3,
            "note": ["有病在家"] * 3,
        }
    )  # fmt: skip
    table.to_csv(tmp_path / "需求.csv", index=False, encoding="gb18030")
    report = prepare_lists(plan, needs=tmp_path / "需求.csv")
    needs = report.plan.needs
    assert needs["status"].tolist() == ["met", "open", "open"]
    assert needs["date"].tolist() == ["2026-10-03", "2026-10-04", "2026-10-07"]
    assert needs["unit_id"].fillna("").tolist() == ["W", "E", ""]
    assert needs["household_id"].fillna("").tolist() == ["", "", "H22"]
    assert set(needs.columns) & {"name", "phone", "note", "备注", "联系人"} == set()
    assert set(report.findings.mappings["needs"].personal) == {"联系人", "note"}


def test_names_are_kept_only_when_asked_for(plan, roster):
    report = prepare_lists(plan, people={"volunteer": roster}, profile={"people": {"name": "姓名"}})
    assert report.plan.info.personal
    assert report.plan.people["name"].tolist()[:2] == ["张三", "李四"]
    assert "phone" not in report.plan.people.dropna(axis="columns", how="all")
    sample = preview_file(roster, layer="people").sample.astype("str")
    assert not sample.isin(SECRETS).any(axis=None)


@pytest.mark.parametrize("column", ["人员编号", "编号"])
def test_identity_numbers_are_never_taken_for_identifiers(plan, column):
    ids = ["11010519491231002X", "440524188001010014", "110105194912310038"]
    table = pd.DataFrame({column: ids, "身份": "志愿者", "社区": "东风"})
    report = prepare_lists(plan, people=table)
    assert keys(report) == [("column_tells_who", None, column)]
    said = str(report.as_dict())
    assert not [each for each in ids if each in said]
    assert f"--column people.person_id={column}" in report.findings.faults[0].remedy
    left_out = prepare_lists(plan, people=table, profile={"people": {"person_id": ""}})
    assert left_out.plan.people["person_id"].tolist() == ["people-1", "people-2", "people-3"]
    asked = prepare_lists(plan, people=table, profile={"people": {"person_id": column}})
    assert asked.plan.people["person_id"].tolist() == ids
    again = prepare_lists(plan, people=table.assign(姓名=ids[0]), profile={"people": {"person_id": "姓名"}})
    assert {fault.value for fault in again.findings.faults} == {"•••"}


@pytest.mark.parametrize(
    ("cells", "phones", "found"),
    [
        (["11010519491231002X", "440524188001010014"], False, True),
        (["110105194912310021", "440524188001010015"], True, False),
        (["13800000001", "15912345678", None], True, True),
        (["13800000001", "15912345678"], False, False),
        (["330282001001", "H01"], True, False),
        ([], True, False),
    ],
)
def test_what_tells_who_is_known_by_its_digits(cells, phones, found):
    assert tells_who(pd.Series(cells, dtype="object"), phones=phones) is found


def test_what_is_not_in_the_plan_is_named_with_its_row_and_a_remedy(plan, tmp_path):
    table = pd.DataFrame(
        {
            "身份": "volunteer", "社区": ["东风", "南山社区", None, None], "网格": [None, "G9", "G1", None],
            "驿站": ["红星驿站", None, None, None], "楼栋": [None, None, "9号楼", "1号楼"], "服务类别": "助老",
        }
    )  # fmt: skip
    table.to_excel(tmp_path / "人员.xlsx", index=False)
    report = prepare_lists(plan, people=tmp_path / "人员.xlsx")
    assert sorted(keys(report)) == [
        ("name_of_nothing", 3, "社区"),
        ("name_of_nothing", 3, "网格"),
        ("name_of_nothing", 4, "楼栋"),
        ("name_of_several", 5, "楼栋"),
    ]
    with using_language("zh"):
        told = {fault.message + fault.remedy for fault in report.findings.faults}
    assert "人员.xlsx 第 3 行，列 社区：方案的社区等单元中没有 南山社区。" in "".join(told)
    assert all("请" in each for each in told)
    rest = prepare_lists(plan, people=tmp_path / "人员.xlsx", skip_faulty=True)
    assert rest.plan.people["station_id"].tolist() == ["S1"]
    assert sorted(rest.rejected()["row"]) == [3, 3, 4, 5]


def test_a_column_that_names_what_the_plan_has_none_of_is_one_fault(plan):
    bare = plan.replace(stations=plan.stations.iloc[:0])
    report = prepare_lists(bare, people=pd.DataFrame({"身份": "member", "驿站": ["红星", "湖畔"]}))
    assert keys(report) == [("names_nothing", None, "驿站")]


def test_people_of_no_role_are_asked_about(plan):
    report = prepare_lists(plan, people=pd.DataFrame({"服务类别": ["助老", "助餐"]}))
    assert keys(report) == [("role_unsaid", None, None)]


def test_lists_add_up_and_the_same_rows_again_change_nothing(plan):
    table = pd.DataFrame({"人员编号": ["a", "b"], "身份": "志愿者", "服务类别": ["助老", "助餐"]})
    first = prepare_lists(plan, people=table)
    assert vars(first.findings.taken["people"]) == {"new": 2, "updated": 0, "dropped": 0, "kept": 0}
    second = prepare_lists(first.plan, people=table.assign(人员编号=["b", "c"]))
    assert vars(second.findings.taken["people"]) == {"new": 1, "updated": 1, "dropped": 0, "kept": 1}
    kinds = second.plan.people.set_index("person_id")["kinds"]
    assert kinds.to_dict() == {"a": "助老", "b": "助老", "c": "助餐"}
    fresh = prepare_lists(second.plan, people=table, fresh=True)
    assert vars(fresh.findings.taken["people"]) == {"new": 0, "updated": 2, "dropped": 1, "kept": 0}
    assert fresh.plan.people["person_id"].tolist() == ["a", "b"]
    assert len(second.plan.people) == 3


def test_one_role_does_not_take_the_place_of_another(plan):
    table = pd.DataFrame({"人员编号": ["1", "2"], "服务类别": "助老"})
    first = prepare_lists(plan, people={"volunteer": table})
    second = prepare_lists(first.plan, people={"人才": table})
    assert {fault.key for fault in second.findings.faults} == {"person_of_other_role"}
    both = prepare_lists(plan, people={"volunteer": table, "talent": table})
    assert {(fault.key, fault.row) for fault in both.findings.faults} == {("duplicate_id", 1), ("duplicate_id", 2)}


def test_lists_name_rows_of_each_other(plan):
    report = prepare_lists(
        plan,
        enterprises=pd.DataFrame({"企业编号": ["e1"], "企业名称": ["鲜果店"], "网格": ["G1"]}),
        people=pd.DataFrame({"人员编号": ["p1"], "身份": ["网格长"]}),
        needs=pd.DataFrame({"需求类别": ["助老"], "承接人编号": ["p1"]}),
        visits=pd.DataFrame({"走访日期": ["2026-10-01"], "走访企业": ["鲜果店"], "走访人编号": ["p1"]}),
    )
    assert keys(report) == []
    visit = report.plan.visits.iloc[0]
    assert (visit["enterprise_id"], visit["person_id"]) == ("e1", "p1")
    assert report.plan.people["role"].tolist() == ["grid_head"]
    assert report.remarks == ()


def test_a_hundred_thousand_visits(plan, tmp_path):
    homes = plan.households["household_id"].to_numpy()
    days = pd.date_range("2026-10-01", "2026-10-31").strftime("%Y-%m-%d").to_numpy()
    order = np.arange(100_000)
    table = pd.DataFrame(
        {
            "走访编号": order.astype("str"),
            "日期": days[order % 31],
            "住户编号": homes[order % len(homes)],
            "门牌": (order % 97).astype("str"),
        }
    )
    table.to_csv(tmp_path / "走访.csv", index=False, encoding="gbk")
    visits = prepare_lists(plan, visits=tmp_path / "走访.csv").plan.visits
    assert visits[["visit_id", "date", "household_id", "door"]].astype("object").to_numpy().tolist() == (
        table.to_numpy().tolist()
    )


def test_a_whole_import_takes_lists_and_names_their_faults_with_the_others(plan):
    ground = {"boundary": plan.units.iloc[:1], "streets": plan.streets, "units": plan.units.iloc[1:]}
    homes = pd.DataFrame(
        {"楼栋编号": ["H1"], "户数": [3], "经度": [degrees(150, 150)[0]], "纬度": [degrees(150, 150)[1]]}
    )
    needs = pd.DataFrame({"需求类别": ["助老", "助餐"], "楼栋编号": ["H1", None], "社区": [None, "西苑"]})
    made = import_plan(**ground, households=homes, needs=needs, crs="wgs84")
    assert place_layer(made, "needs")["position"].tolist() == ["household", ""]
    with pytest.raises(ImportFaults) as caught:
        import_plan(**ground, households=homes.assign(户数="许多"), needs=needs.drop(columns="需求类别"), crs="wgs84")
    assert {(fault.layer, fault.key) for fault in caught.value.faults} == {
        ("households", "no_number"), ("needs", "missing_column"),
    }  # fmt: skip
    lost = prepare_import(**ground, needs=needs.assign(社区="南山"), crs="wgs84")
    assert {fault.key for fault in lost.findings.faults} == {"names_nothing", "name_of_nothing"}


@pytest.mark.parametrize(
    ("names", "layer", "used"),
    [
        (
            ["走访情况_日期", "走访情况_楼栋", "姓名"],
            "visits",
            {"date": "走访情况_日期", "household_id": "走访情况_楼栋"},
        ),
        (["日期", "走访情况_日期"], "visits", {"date": "日期"}),
        (["parent_id", "x_id"], "needs", {}),
    ],
)
def test_the_lower_name_of_a_merged_header_is_recognised(names, layer, used):
    assert map_columns(layer, names).columns == used


def test_every_list_can_be_told_from_its_columns():
    for layer, names in {
        "people": ["人员编号", "身份", "服务种类", "姓名"], "needs": ["需求编号", "需求类别", "状态"],
        "visits": ["走访日期", "楼栋", "门牌"], "enterprises": ["企业名称", "企业类型", "所属网格"],
        "households": ["楼栋编号", "户数", "人口"],
    }.items():  # fmt: skip
        assert preview_file(pd.DataFrame({name: ["1"] for name in names})).layer == layer
        assert layer in LAYERS


def call(capsys, *arguments):
    code = run([str(each) for each in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_command_brings_lists_into_a_plan(plan, roster, tmp_path, capsys):
    path = tmp_path / "plan.gpkg"
    write_plan(plan, path)
    needs = pd.DataFrame({"需求编号": ["n1"], "需求类别": ["助老"], "楼栋": ["3号楼"]})
    needs.to_csv(tmp_path / "needs.csv", index=False, encoding="gbk")
    lists = ["--people", f"志愿者={roster}", "--needs", tmp_path / "needs.csv"]
    code, out, _ = call(capsys, "import", "--into", path, *lists, "--json")
    answer = json.loads(out)
    assert "error" not in answer, answer
    assert (code, answer["layers"]["people"], answer["layers"]["needs"]) == (0, 4, 1)
    assert answer["taken"]["people"] == {"new": 4, "updated": 0, "dropped": 0, "kept": 0}
    assert answer["mappings"]["needs"]["household_id"] == "楼栋"
    assert read_plan(path).needs["household_id"].tolist() == ["H11"]
    code, out, _ = call(capsys, "import", "--into", path, *lists, "--crs", "people=bd09", "--out", tmp_path / "b.gpkg")
    assert code == 0
    assert "people: 0 rows added, 4 renewed, 0 kept as they were, 0 dropped." in out
    moved = read_plan(tmp_path / "b.gpkg").people.geometry.iloc[3]
    assert 300 < moved.distance(read_plan(path).people.geometry.iloc[3]) < 1500


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--people", "volunteer=none.csv"], 1, "There is no file none.csv."),
        (["--people", "volunteer=FILE", "--crs", "homes=wgs84"], 1, "A coordinate system is said of homes"),
        (["--people", "volunteer=FILE", "--crs", "people=wgs84", "--crs", "people=bd09"], 1, "does not say one layer"),
        (["--people", "volunteer=FILE", "--crs", "people="], 1, "does not say one layer"),
        (["--people", "FILE", "--people", "talent=FILE"], 1, "each needs a role of its own"),
        (["--people", "FILE"], 1, "does not say what role its people have"),
        (["--people", "volunteer=FILE", "--column", "people.role=没有"], 1, "has no column 没有"),
        (["--people", "volunteer=FILE", "--streets", "FILE"], 2, "--streets makes a new plan"),
        ([], 2, "--into needs a list"),
    ],
)
def test_a_list_that_cannot_be_brought_in_is_one_sentence(plan, tmp_path, capsys, arguments, code, sentence):
    path, file = tmp_path / "plan.gpkg", tmp_path / "表.csv"
    write_plan(plan, path)
    before = path.read_bytes()
    pd.DataFrame({"服务类别": ["助老"], "经度": [114.0], "纬度": [36.1]}).to_csv(file, index=False)
    asked = [each.replace("FILE", str(file)) for each in arguments]
    ended, out, said = call(capsys, "import", "--into", path, *asked)
    assert (ended, out) == (code, "")
    assert sentence in said
    assert "Traceback" not in said
    assert path.read_bytes() == before


def test_one_file_has_a_system_of_its_own(plan):
    """Needs in degrees of BD-09 beside households in metres of a zone: each is taken as said."""
    ground = {"boundary": plan.units.iloc[:1], "streets": plan.streets}
    homes = pd.DataFrame({"户数": [3], "x": [EAST + 150], "y": [NORTH + 150]})
    lon, lat = shift(*map(np.atleast_1d, degrees(150, 150)), "wgs84", "bd09")
    needs = pd.DataFrame({"需求类别": ["助老"], "经度": lon, "纬度": lat})
    made = import_plan(**ground, households=homes, needs=needs, crs={"households": "EPSG:4547", "*": "bd09"})
    assert made.households.geometry.iloc[0].distance(shapely.Point(EAST + 150, NORTH + 150)) < 0.01
    assert made.needs.geometry.iloc[0].distance(made.households.geometry.iloc[0]) < 0.01
    with pytest.raises(InputError) as caught:
        import_plan(**ground, households=homes, crs={"needs": "bd09"})
    assert caught.value.key == "crs_without_file"
