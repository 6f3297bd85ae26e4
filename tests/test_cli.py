"""The command line as its users meet it: its exit code and what it prints where; a process where that is the point."""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from commands import call_gridgeo, call_inside
from conftest import ROOT, assess_place
from redraw_places import town

from gridgeo.cli.answers import print_partition
from gridgeo.readers import bundled_plan_path
from gridgeo.store import write_plan
from gridgeo.texts import using_language


@pytest.fixture(scope="module")
def divided(tmp_path_factory):
    path = tmp_path_factory.mktemp("plan") / "qinghuayuan.gpkg"
    write_plan(assess_place("qinghuayuan").plan, path)
    return path


def test_demo_writes_every_file_and_one_json_object(tmp_path, place):
    ran = call_inside("demo", "--place", place, "--out", tmp_path, "--json")
    assert (ran.returncode, ran.stderr) == (0, "")
    answer = json.loads(ran.stdout)
    assert ran.stdout.count("\n") == 1
    names = {f"{place}.gpkg", "households.parquet", "gaps.gpkg", "summary.csv", "map.html"}
    assert {path.name for path in tmp_path.iterdir()} == names
    assert {Path(path).name for path in answer["files"]} == names
    assert answer["ground"]["difference_m2"] < 1e-6
    assert abs(answer["ground"]["overlap_m2"]) < 1e-6
    first, second = answer["cutoffs"]
    assert (first["cutoff_m"], second["cutoff_m"]) == (300, 500)
    assert first["covered"] <= second["covered"] <= answer["households"]
    assert first["covered"] + sum(first["reasons"].values()) == answer["households"]
    steps = {"blocks", "grids", "network", "coverage", "gaps", "service_areas", "write", "total"}
    assert set(answer["seconds"]) == steps
    households = pd.read_parquet(tmp_path / "households.parquet")
    assert households["households"].sum() == answer["households"]
    assert households.loc[households["covered"], "households"].sum() == first["covered"]
    assert len(gpd.read_file(tmp_path / "gaps.gpkg")) == answer["gaps"]
    summary = pd.read_csv(tmp_path / "summary.csv")
    assert summary[summary["level"] == "grid"]["unit_id"].nunique() == answer["grids"]
    assert summary["estimated"].all()


def test_demo_prints_a_table_a_leader_understands(tmp_path):
    ran = call_gridgeo("demo", "--out", tmp_path, lang="zh")
    assert ran.returncode == 0
    for words in (
        "清华园街道",
        "户数 (估算)",
        "步行 300 米内覆盖",
        "按社区统计覆盖",
        "最严重的三处盲区",
        "OpenStreetMap",
    ):
        assert words in ran.stdout


def test_coverage_takes_any_cutoffs(divided, tmp_path):
    ran = call_inside("coverage", divided, "--cutoff", 250, "--cutoff", 1000, "--out", tmp_path / "out", "--json")
    answer = json.loads(ran.stdout)
    assert ran.returncode == 0
    assert [each["cutoff_m"] for each in answer["cutoffs"]] == [250, 1000]
    assert {"households", "covered", "coverage_rate", "reasons", "gaps", "basis", "seconds"} <= answer.keys()
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "households.parquet",
        "gaps.gpkg",
        "summary.csv",
        "map.html",
    }


def test_partition_writes_where_it_is_told(divided, tmp_path):
    before = divided.read_bytes()
    ran = call_inside("partition", divided, "--households", "300-500", "--out", tmp_path / "new.gpkg", "--json")
    answer = json.loads(ran.stdout)
    assert ran.returncode == 0
    assert {"blocks", "grids", "in_band", "max_deviation", "compactness", "violations", "seconds"} <= answer.keys()
    assert (tmp_path / "new.gpkg").exists()
    assert divided.read_bytes() == before


def test_a_violation_is_printed_with_what_to_do(capsys):
    with using_language("en"):
        print_partition(assess_place("qinghuayuan").partition, [])
    printed = capsys.readouterr().out
    assert "more than 500" in printed
    assert "Move one of its blocks to a neighbour" in printed


def test_a_level_without_units_gets_no_table(tmp_path):
    plan = town()
    above, undivided = plan.units[plan.units["level"] != "community"], plan.blocks.assign(community_id=None)
    write_plan(plan.replace(units=above, blocks=undivided), tmp_path / "town.gpkg")
    printed = call_inside("coverage", tmp_path / "town.gpkg", "--out", tmp_path / "out").stdout
    assert "Coverage by grid" in printed
    assert "Coverage by community" not in printed


def test_check_finds_nothing_in_a_sound_plan(divided):
    ran = call_inside("check", divided)
    assert (ran.returncode, ran.stdout) == (0, "qinghuayuan.gpkg: no faults.\n")


def test_check_names_a_station_outside(tmp_path):
    plan = assess_place("qinghuayuan").plan
    stations = plan.stations.copy()
    stations.loc[0, "geometry"] = shapely.Point(plan.district.bounds[0] - 5000, plan.district.bounds[1])
    write_plan(plan.replace(stations=stations), tmp_path / "plan.gpkg")
    ran = call_inside("check", tmp_path / "plan.gpkg", "--json")
    (fault,) = json.loads(ran.stdout)["faults"]
    assert ran.returncode == 1
    assert (fault["layer"], fault["row"]) == ("stations", 1)
    assert "outside the district" in fault["message"]


def test_a_household_far_from_any_street_is_told_apart(tmp_path):
    plan = assess_place("qinghuayuan").plan
    households = plan.households.copy()
    households.loc[0, "geometry"] = shapely.Point(plan.district.bounds[2] + 5000, plan.district.bounds[3] + 5000)
    write_plan(plan.replace(households=households), tmp_path / "plan.gpkg")
    ran = call_inside("coverage", tmp_path / "plan.gpkg", "--out", tmp_path / "out", "--json")
    assert ran.returncode == 0
    assert json.loads(ran.stdout)["reasons"]["unsnapped"] == households["households"].iloc[0]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["coverage", "none.gpkg"], "There is no file none.gpkg."),
        (["partition", "none.gpkg"], "There is no file none.gpkg."),
        (["check", "none.gpkg"], "There is no file none.gpkg."),
        (["demo", "--place", "atlantis"], "There is no bundled place atlantis; there are qinghuayuan, nanshan."),
        (["coverage", "PLAN", "--cutoff", "-5"], "it must be a number of metres above zero"),
        (["coverage", "PLAN", "--cutoff", "nan"], "it must be a number of metres above zero"),
        (["coverage", "PLAN", "--out", "PLAN/below"], "cannot be written"),
    ],
)
def test_bad_data_gets_one_sentence_and_exit_code_1(arguments, sentence, divided, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = [str(argument).replace("PLAN", str(divided)) for argument in arguments]
    ran = call_inside(*arguments)
    assert ran.returncode == 1
    assert sentence in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not list(tmp_path.rglob("*.*"))
    as_json = call_inside(*arguments, "--json")
    assert as_json.returncode == 1
    assert sentence in json.loads(as_json.stdout)["message"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["dmeo"], "There is no command dmeo; did you mean demo?"),
        (["coverage"], "PLAN is missing."),
        (["coverage", "x.gpkg", "--cutoff", "far"], "--cutoff takes a plain number."),
        (["partition", "x.gpkg", "--seed", "1.5"], "--seed takes a whole number."),
        (["partition", "x.gpkg", "--households", "500-300"], "the smaller first; not 500-300."),
        (["partition", "x.gpkg", "--households", "many"], "the smaller first; not many."),
        (["undo", "x.gpkg", "0"], "[N] must be at least 1."),
        (["app", "--port", "99999"], "--port must be at most 65535."),
        (["check", "x.gpkg", "--layer", "clouds"], "--layer cannot be clouds; it is one of boundary, units, "),
        (["check", "x.csv", "--layer", "clouds"], "--layer cannot be clouds; it is one of boundary, units, "),
        (["export", "x.gpkg", "--format", "pdf"], "--format cannot be pdf; it is one of gpkg, "),
        (["export", "x.gpkg", "--format", "shp", "--encoding", "big5"], "it is one of utf-8, gbk."),
        (["import", "--streets", "x.shp"], "--boundary"),
        (["--lang", "fr", "demo"], "--lang cannot be fr; it is one of zh, en."),
        (["app", "--lang", "fr"], "--lang cannot be fr; it is one of zh, en."),
    ],
)
def test_bad_use_gets_one_sentence_and_exit_code_2(arguments, sentence):
    ran = call_inside(*arguments)
    assert ran.returncode == 2
    assert sentence in ran.stderr
    assert "--help" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_ctrl_c_ends_a_command_with_a_sentence(divided, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("gridgeo.store.read_plan", interrupted)
    ran = call_inside("log", divided, "--json")
    assert (ran.returncode, json.loads(ran.stdout)["message"]) == (130, "Stopped. Nothing was written half.")
    ran = call_inside("check", divided, lang="zh")
    assert (ran.returncode, ran.stderr) == (130, "已停止，没有写出不完整的文件。\n")


def test_errors_speak_chinese():
    ran = call_gridgeo("check", "没有.gpkg", lang="zh")
    assert ran.stderr == "找不到文件 没有.gpkg。请检查路径和拼写。\n"


def test_a_plan_that_is_no_plan(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.gpkg").write_text("hello", encoding="ascii")
    ran = call_inside("coverage", "plan.gpkg")
    assert ran.returncode == 1
    assert "plan.gpkg" in ran.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["plan.gpkg"]


def test_a_plan_of_a_newer_version_is_refused(divided, tmp_path):
    import sqlite3
    from contextlib import closing

    newer = tmp_path / "newer.gpkg"
    shutil.copy(divided, newer)
    with closing(sqlite3.connect(newer)) as database:
        database.execute("UPDATE gridgeo_plan SET value = '999' WHERE key = 'schema_version'")
        database.commit()
    ran = call_inside("check", newer)
    assert ran.returncode == 1
    assert "newer gridgeo" in ran.stderr


def test_an_undivided_plan_is_divided_in_passing(tmp_path):
    plan = tmp_path / "plan.gpkg"
    shutil.copy(bundled_plan_path("nanshan"), plan)
    ran = call_inside("partition", plan)
    assert ran.returncode == 0
    assert "grids" in ran.stdout
    assert call_inside("check", plan).returncode == 0


def test_files_come_in_and_go_out(tmp_path):
    place = ROOT / "data" / "qinghuayuan"
    sources = ["--boundary", place / "boundary.geojson", "--streets", place / "qinghuayuan.osm.pbf"]
    ran = call_inside("import", *sources, "--out", tmp_path / "plan.gpkg", "--json")
    assert ran.returncode == 0, ran.stderr
    layers = json.loads(ran.stdout)["layers"]
    assert layers["streets"] > 500
    assert layers["households"] == 0
    for form, name in (("geojson", "streets.geojson"), ("csv", "streets.csv")):
        ran = call_inside("export", tmp_path / "plan.gpkg", "--format", form, "--out", tmp_path / form, "--json")
        assert ran.returncode == 0, ran.stderr
        assert name in {Path(file).name for file in json.loads(ran.stdout)["files"]}
    assert len(gpd.read_file(tmp_path / "geojson" / "streets.geojson")) == layers["streets"]


def test_an_import_names_every_fault_and_writes_nothing(tmp_path):
    place = ROOT / "data" / "qinghuayuan"
    (tmp_path / "stations.csv").write_text("名称,经度,纬度\n甲,116.32,\n乙,,40.0\n", encoding="utf-8")
    sources = ["--boundary", place / "boundary.geojson", "--streets", place / "qinghuayuan.osm.pbf"]
    ran = call_inside(
        "import", *sources, "--stations", tmp_path / "stations.csv", "--out", tmp_path / "plan.gpkg", "--json"
    )
    answer = json.loads(ran.stdout)
    assert ran.returncode == 1
    assert answer["error"] == "ImportFaults"
    assert {fault["file"] for fault in answer["faults"]} == {"stations.csv"}
    assert {fault["row"] for fault in answer["faults"]} == {2, 3}
    assert not (tmp_path / "plan.gpkg").exists()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_help_is_quick_and_in_both_languages(lang):
    ran = call_gridgeo("--help", lang=lang)
    assert ran.returncode == 0
    assert ("步行" if lang == "zh" else "walk") in ran.stdout
    probe = "import sys; import gridgeo.cli.commands; print({'geopandas', 'pandas', 'numpy'} & set(sys.modules))"
    imported = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, cwd=ROOT)
    assert imported.stdout == "set()\n"


A_LINE = {"type": "LineString", "coordinates": [[116.3, 40], [116.31, 40.01]]}


@pytest.mark.parametrize(
    ("features", "sentence"),
    [
        ([], "The district is empty"),
        ([{"type": "Feature", "properties": {}, "geometry": A_LINE}], "the geometry is LineString"),
    ],
)
def test_a_boundary_that_is_no_area_is_refused(features, sentence, tmp_path):
    boundary = tmp_path / "boundary.geojson"
    boundary.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    streets = ROOT / "data" / "qinghuayuan" / "qinghuayuan.osm.pbf"
    ran = call_inside("import", "--boundary", boundary, "--streets", streets, "--out", tmp_path / "plan.gpkg")
    assert ran.returncode == 1
    assert sentence in ran.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["boundary.geojson"]


def test_coverage_asks_for_minutes_a_speed_and_an_access_limit(divided, tmp_path):
    asked = ("--minutes", 5, "--person", "elder", "--speed", 60, "--max-access", 80)
    ran = call_inside("coverage", divided, *asked, "--out", tmp_path, "--json")
    answer = json.loads(ran.stdout)
    basis = answer["basis"]
    assert (basis["cutoff_m"], basis["cutoff_min"], basis["speed_m_per_min"]) == (300, 5, 60)
    assert (basis["person"], basis["max_access_m"], basis["distance"]) == ("elder", 80, "walking time")
    assert set(pd.read_csv(tmp_path / "summary.csv")["cutoff_min"]) == {5}
    page = (tmp_path / "map.html").read_text("utf-8")
    assert "Within 5 min on foot" in page
    assert "步行 5 分钟以内" in page
    refused = call_inside("coverage", divided, "--minutes", 5, "--cutoff", 300, "--out", tmp_path)
    assert refused.returncode == 2
    assert call_inside("coverage", divided, "--speed", 0, "--out", tmp_path).returncode == 1


def test_coverage_asks_for_a_service_a_person_and_a_time(divided, tmp_path):
    asked = ["--service", "health", "--person", "elder", "--at", "Sat 19:00"]
    ran = call_inside("coverage", divided, *asked, "--out", tmp_path, "--json")
    answer = json.loads(ran.stdout)
    assert ran.returncode == 0, ran.stderr
    assert (answer["basis"]["service"], answer["basis"]["person"]) == ("health", "elder")
    stations = set(pd.read_parquet(tmp_path / "households.parquet")["station_id"].dropna())
    plan = assess_place("qinghuayuan").plan
    assert stations == set(plan.stations.loc[plan.stations["services"] == "health", "station_id"])


@pytest.mark.parametrize("asked", [["--service", "magic"], ["--person", "fish"], ["--at", "never"]])
def test_a_question_that_cannot_be_asked_is_one_sentence(divided, tmp_path, asked):
    ran = call_inside("coverage", divided, *asked, "--out", tmp_path / "out")
    assert ran.returncode == 1
    assert asked[1] in ran.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["coverage"], "缺少 PLAN。"),
        (["coverage", "x.gpkg", "--cutof", "3"], "没有选项 --cutof；相近的有：--cutoff, --out。"),
        (["coverage", "x.gpkg", "--nothing-like-it"], "没有选项 --nothing-like-it。"),
        (["coverage", "x.gpkg", "--cutoff"], "--cutoff 需要一个取值。"),
        (["coverage", "x.gpkg", "--cutoff", "far"], "--cutoff 须为普通数字。"),
        (["app", "--port", "99999999"], "--port 不能大于 65535。"),
        (["undo", "x.gpkg", "1", "2"], "多出了参数 2。"),
        (["redraw"], "没有命令 redraw；相近的有：redo。"),
        (["dance"], "没有命令 dance。"),
    ],
)
def test_bad_use_is_said_in_the_readers_language(arguments, said):
    ran = call_inside(*arguments, lang="zh")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert said in ran.stderr


def test_the_frame_of_the_help_is_in_the_readers_language():
    said = call_gridgeo("partition", "--help", lang="zh").stdout
    for word in ("参数", "选项", "[必填]", "[默认：300-500]", "显示本帮助后退出。"):
        assert word in said
    for word in ("Arguments", "Options", "required", "default", "Show"):
        assert word not in said


def test_chinese_help_is_not_cut_at_the_margin():
    environment = {**os.environ, "GRIDGEO_LANG": "zh", "COLUMNS": "80"}
    command = [sys.executable, "-m", "gridgeo", "export", "--help"]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8", check=True).stdout
    assert "…" not in said
    assert "隐藏小数值，不含个人点位。" in re.sub(r"[│\s]", "", said)


def test_the_package_runs_as_a_module():
    ran = subprocess.run([sys.executable, "-m", "gridgeo", "--version"], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == version("gridgeo")


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "x" * 300 + ".gpkg"], {"zh": "名称过长", "en": "the name is too long"}),
        (["export", "PLAN", "--format", "csv", "--out", "PLAN"], {"zh": "已有同名文件", "en": "is there already"}),
        (["coverage", "PLAN", "--out", "PLAN/x"], {"zh": "不是文件夹", "en": "not a folder"}),
        (["check", "a\nb\x1b[31m.gpkg"], {"zh": "找不到文件 a\ufffdb\ufffd[31m.gpkg", "en": "a\ufffdb\ufffd[31m.gpkg"}),
        (["partition", "PLAN", "--out", "/no-such-drive/x.gpkg"], {"zh": "没有文件夹", "en": "no folder"}),
        (["check", "/"], {"zh": "找不到文件", "en": "There is no file"}),
        (["import", "--into", "/", "--needs", "PLAN"], {"zh": "找不到文件", "en": "There is no file"}),
    ],
)
def test_odd_names_and_places_are_one_sentence_in_one_language(divided, arguments, said, lang):
    before = divided.read_bytes()
    ran = call_inside(*(each.replace("PLAN", str(divided)) for each in arguments), lang=lang)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert said[lang] in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert "Traceback" not in ran.stderr
    assert divided.read_bytes() == before


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_command_has_help_in_the_readers_language(lang):
    """Each command's own help, worded when it is defined: one process asks for all of them."""
    probe = (
        "import sys, os; os.environ['GRIDGEO_LANG'] = sys.argv[1]\n"
        "from gridgeo.cli.commands import run, app\n"
        "import typer\n"
        "for name in typer.main.get_command(app).commands: print('##', name, flush=True); run([name, '--help'])\n"
    )
    ran = subprocess.run([sys.executable, "-c", probe, lang], capture_output=True, text=True, cwd=ROOT, check=True)
    helps = ran.stdout.split("## ")[1:]
    assert len(helps) >= 14
    for each in helps:
        assert any("\u4e00" <= letter <= "\u9fff" for letter in each) is (lang == "zh") or "户数" in each, each
        assert ("显示本帮助后退出" if lang == "zh" else "Show this help and exit") in each
