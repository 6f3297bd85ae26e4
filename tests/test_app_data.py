"""Settings, plans, imports, tables, downloads and roles: what the app decides, without a browser."""

import io
import threading
import time
import zipfile

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
from openpyxl import load_workbook
from redraw_places import town
from streamlit.testing.v1 import AppTest

from app.parts import downloads, tables
from app.parts.settings_form import read_cutoffs
from app.parts.theme import DARK, LIGHT, theme_options
from app.parts.widgets import local_times
from app.serving import guard, server
from app.state import access, environment, imports, plans, settings, uploads
from app.state.access import Rules, read_rules, role_of
from app.state.folders import HOME_VARIABLE
from app.state.public import public_map, public_table
from app.state.settings import CONFIG_VARIABLE, Settings, read_settings, usual_speeds, write_settings
from app.state.workspace import open_workspace
from gridgeo.assessment import assess_plan
from gridgeo.coverage.wording import read_kind
from gridgeo.errors import FileError, GridgeoError, InputError
from gridgeo.maps import coverage_map
from gridgeo.maps.basemaps import read_template
from gridgeo.redraw import make_edit
from gridgeo.store import read_plan, write_plan
from gridgeo.texts import using_language

HOSTILE = ("=cmd|'/c calc'!A1", "+1+1", "@SUM(1)", "<img src=x onerror=alert(1)>", "`${x}`", "\u202eabc")
AUTH = """
[auth]
redirect_uri = "http://127.0.0.1:8501/oauth2callback"
cookie_secret = "{cookie}"
client_id = "a"
client_secret = "b"
server_metadata_url = "http://127.0.0.1:1/.well-known/openid-configuration"
"""
ROLES = '[roles]\nclaim = "groups"\nplanners = ["planning"]\n'


@pytest.fixture(autouse=True)
def own_folders(monkeypatch, tmp_path):
    monkeypatch.setenv(CONFIG_VARIABLE, str(tmp_path / "config"))
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.setenv(environment.LANGUAGE_VARIABLE, "en")
    for name in (environment.SIGN_IN_VARIABLE, environment.PLAN_VARIABLE):
        monkeypatch.setenv(name, "")


@pytest.fixture
def path(tmp_path):
    write_plan(town(), tmp_path / "town.gpkg")
    return tmp_path / "town.gpkg"


class TestSettings:
    def test_what_is_written_is_read(self):
        wanted = Settings(
            language="zh",
            theme="dark",
            cutoffs_m=(250.0, 1000.0),
            person="elder",
            speeds_m_per_min={"adult": 70.0, "elder": 40.0, "wheelchair": 45.0},
            max_access_m=120.0,
            households_per_grid=(200.0, 400.0),
            basemap="tianditu",
            tianditu_key="abc123",
            tile_address="https://tiles.office.lan:8443/vec/{z}/{x}/{-y}.png?style=a",
            tile_datum="gcj02",
        )
        write_settings(wanted)
        assert read_settings() == wanted
        assert [each.name for each in settings.config_folder().iterdir()] == ["settings.toml"]

    @pytest.mark.parametrize(
        "spoilt",
        [
            "no toml at all",
            "cutoffs_m = [-1, 300]",
            'cutoffs_m = "300"',
            'theme = "pink"',
            "households_per_grid = [500, 300]",
            'tianditu_key = "a&b"',
            'tile_address = "javascript:alert(1)//{z}{x}{y}"',
            'tile_datum = "bd09"',
            "cutoffs_m = [nan]",
            "speeds_m_per_min = { elder = -3.0, adult = 72 }",
            "speeds_m_per_min = [1]",
            "max_access_m = 5.0",
        ],
    )
    def test_what_cannot_be_used_is_as_at_first(self, spoilt):
        settings.write_whole(settings.config_folder() / "settings.toml", spoilt)
        assert read_settings() == Settings()

    @pytest.mark.parametrize(
        ("address", "origin"),
        [
            ("http://10.1.1.8/{z}/{x}/{y}.png", "http://10.1.1.8"),
            (" https://tiles.lan:8443/wmts?M={z}&R={y}&C={x} ", "https://tiles.lan:8443"),
            ("http://tiles/tms/{z}/{x}/{-y}.jpg", "http://tiles"),
        ],
    )
    def test_only_the_server_that_was_named_may_be_asked(self, address, origin):
        write_settings(Settings(basemap="office", tile_address=read_template(address)))
        policy = dict(guard.policy_headers())[b"content-security-policy"].decode()
        assert f"img-src 'self' data: blob: {origin};" in policy
        write_settings(Settings(tile_address=read_template(address)))
        assert b"tiles" not in dict(guard.policy_headers())[b"content-security-policy"]

    @pytest.mark.parametrize(
        "address",
        [
            "",
            "ftp://a/{z}/{x}/{y}",
            "http://a/{z}/{x}",
            "http://a/{z}/{x}/{y}/{y}",
            "http://a/{z}/{x}/{y}{k}",
            "http://{z}.a/{z}/{x}/{y}",
            "http://u:p@a/{z}/{x}/{y}",
            "http://a:99999/{z}/{x}/{y}",
            "http://a; script-src */{z}/{x}/{y}",
            "http://a/{z}/{x}/{y}\nscript-src *",
            "http://*/{z}/{x}/{y}",
            "//a/{z}/{x}/{y}",
        ],
    )
    def test_what_is_no_address_of_tiles_is_refused(self, address):
        with pytest.raises(InputError) as refused:
            read_template(address)
        assert len(str(refused.value).splitlines()) == 1

    def test_speeds_and_access_limit_hold_for_the_living_plan(self, path):
        living = open_workspace(path)
        assert living.coverage(cutoffs_m=(300.0,)).network.max_access_m == 200.0
        write_settings(Settings(person="elder", speeds_m_per_min={**usual_speeds(), "elder": 40.0}, max_access_m=50.0))
        basis = living.coverage(cutoffs_m=(300.0,)).basis
        assert (basis["person"], basis["speed_m_per_min"], basis["max_access_m"]) == ("elder", 40.0, 50.0)

    def test_a_folder_that_cannot_be_written_is_one_sentence(self, tmp_path, monkeypatch):
        (tmp_path / "file").write_text("")
        monkeypatch.setenv(CONFIG_VARIABLE, str(tmp_path / "file"))
        with pytest.raises(FileError, match="cannot be written"):
            write_settings(Settings())

    @pytest.mark.parametrize(
        ("said", "wanted"), [("300,500", (300, 500)), ("1000；250", (250, 1000)), (" 400 ", (400,))]
    )
    def test_cutoffs_as_people_type_them(self, said, wanted):
        assert read_cutoffs(said) == wanted

    @pytest.mark.parametrize("said", ["", "abc", "0", "1e9", "300 400 500 600", "49", "٣٠٠", "300, x"])
    def test_other_words_are_no_cutoffs(self, said):
        with pytest.raises(InputError, match="no list of walking distances"):
            read_cutoffs(said)

    def test_one_theme_or_both(self):
        both = theme_options("auto")
        assert (both["theme.light.textColor"], both["theme.dark.textColor"]) == (LIGHT["textColor"], DARK["textColor"])
        assert both["theme.textColor"] is None
        dark = theme_options("dark")
        assert (dark["theme.base"], dark["theme.textColor"]) == ("dark", DARK["textColor"])
        assert dark["theme.light.textColor"] is None
        assert set(LIGHT) == set(DARK)

    @pytest.mark.parametrize("colours", [LIGHT, DARK])
    def test_texts_stand_out_from_their_ground(self, colours):
        for text in ("textColor", "linkColor", "grayTextColor"):
            for ground in ("backgroundColor", "secondaryBackgroundColor"):
                assert contrast(colours[text], colours[ground]) >= 4.5


def contrast(one, other):
    """WCAG 2.1's contrast of two colours."""

    def luminance(colour):
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


class TestRoles:
    def test_a_whole_file_is_read(self, tmp_path):
        file = tmp_path / "signin.toml"
        file.write_text(
            AUTH.format(cookie="s" * 32) + ROLES + '[server]\nhosts = ["Grid.Office"]\naddress = "0.0.0.0"\n'
        )
        assert read_rules(file) == Rules("groups", frozenset({"planning"}), "0.0.0.0", ("grid.office",))  # noqa: S104

    @pytest.mark.parametrize(
        "said",
        [
            "",
            "[[[",
            ROLES,
            AUTH.format(cookie="s" * 32),
            AUTH.format(cookie="s") + ROLES,
            AUTH.format(cookie="s" * 32) + "[roles]\nplanners = []",
            AUTH.format(cookie="s" * 32) + "[roles]\nplanners = [1]",
            (AUTH.format(cookie="s" * 32) + ROLES).replace('client_id = "a"', 'client_id = ""'),
        ],
    )
    def test_a_file_that_lacks_anything_stops_the_start(self, tmp_path, said, monkeypatch):
        monkeypatch.setenv(CONFIG_VARIABLE, str(tmp_path))
        (tmp_path / "signin.toml").write_text(said)
        assert access.find_sign_in() is not None
        with pytest.raises(FileError, match="the app was not started"):
            server.serve(None, port=1)

    @pytest.mark.parametrize(
        ("claims", "role"),
        [
            ({"groups": ["planning"]}, "planner"),
            ({"groups": "planning"}, "planner"),
            ({"groups": ["other", "planning"]}, "planner"),
            ({"groups": []}, "viewer"),
            ({"groups": None}, "viewer"),
            ({"groups": {"planning": True}}, "viewer"),
            ({"roles": ["planning"]}, "viewer"),
            ({"groups": ["Planning"]}, "viewer"),
            ({}, "viewer"),
        ],
    )
    def test_only_the_named_claim_makes_a_planner(self, claims, role):
        assert role_of(claims, Rules("groups", frozenset({"planning"}))) == role

    def test_an_unverified_address_makes_nobody_a_planner(self):
        rules = Rules("email", frozenset({"li@office"}))
        assert role_of({"email": "li@office", "email_verified": True}, rules) == "planner"
        assert role_of({"email": "li@office", "email_verified": False}, rules) == "viewer"

    def test_without_signing_in_nothing_is_shown(self, monkeypatch, tmp_path, path):
        file = tmp_path / "signin.toml"
        file.write_text(AUTH.format(cookie="s" * 32) + ROLES)
        monkeypatch.setenv(environment.SIGN_IN_VARIABLE, str(file))
        monkeypatch.setenv(environment.PLAN_VARIABLE, str(path))
        app = AppTest.from_file(server.ENTRY.with_name("main.py"), default_timeout=60).run()
        assert [button.key for button in app.button] == ["sign_in"]
        assert not app.metric
        assert not app.exception


class TestPublic:
    def test_small_counts_are_hidden_with_the_one_that_would_tell(self):
        table = pd.DataFrame({"households": [3, 40, 60, 0], "rate_300": [1.0, 0.5, 0.95, np.nan]})
        shown = public_table(table)
        assert shown["households"].isna().tolist() == [True, True, False, False]
        # Of 60 households 3 are not covered: the share would tell.
        assert shown["rate_300"].isna().all()
        assert table["households"].tolist() == [3, 40, 60, 0]

    def test_another_level_does_not_tell_either(self):
        drawn = town()
        counts = [2, *drawn.households["households"].tolist()[1:]]
        plan = drawn.replace(households=drawn.households[["household_id", "geometry"]].assign(households=counts))
        table = pd.DataFrame({"unit_id": ["W", "E"], "households": [702, 800]})
        assert public_table(table, plan)["households"].tolist() == [702, 800]
        blocks = plan.blocks.assign(grid_id=["G0", *plan.blocks["grid_id"].tolist()[1:]])
        grids = pd.concat([plan.grids, plan.grids.iloc[:1].assign(grid_id="G0")], ignore_index=True)
        split = plan.replace(blocks=blocks, grids=grids)
        by_grid = split.households.groupby("grid_id")["households"].sum()
        shown = public_table(pd.DataFrame({"unit_id": by_grid.index, "households": by_grid.to_numpy()}), split)
        assert shown.loc[shown["unit_id"] == "G0", "households"].isna().all()
        assert shown["households"].isna().sum() >= 2

    def test_a_map_for_viewers_holds_no_household_and_counts_nobody(self):
        found = assess_plan(town())
        page = public_map(coverage_map(found.plan, found.coverages, gaps=found.gaps, service_areas=found.service_areas))
        data = page.component_data()
        assert "households" not in data["layers"]
        said = str([[field["name"] for field in layer.get("fields", ())] for layer in data["layers"].values()])
        assert "Households" not in said
        assert page.get_root().render()


def import_page(plan, file):
    from pathlib import Path

    import streamlit as st

    from app.parts.import_form import show_import

    st.session_state.setdefault("import_paths", [Path(file)])
    show_import(Path(plan))


def environment_file(name):
    return settings.config_folder() / name


class TestImports:
    @pytest.mark.parametrize(
        ("name", "layer"),
        [
            ("辖区边界.shp", "boundary"),
            ("2025年住户台账.xlsx", "households"),
            ("便民服务站点.csv", "stations"),
            ("roads_2024.gpkg", "streets"),
            ("社区.geojson", "units"),
            ("小区出入口.csv", "gates"),
            ("IMG_0001.csv", None),
        ],
    )
    def test_files_are_known_by_their_names(self, tmp_path, name, layer):
        (tmp_path / name).write_text("x")
        assert imports.guess_kind(tmp_path / name) == layer

    def test_two_files_of_one_layer_and_a_missing_one_are_told(self, tmp_path):
        one, other = (imports.Choice(tmp_path / name, "streets") for name in ("a.csv", "b.csv"))
        with pytest.raises(InputError, match=r"Both a\.csv and b\.csv are taken for streets"):
            imports.check_import([one, other], name=None)
        with pytest.raises(InputError, match="no file for boundary"):
            imports.check_import([one], name=None)

    @pytest.mark.parametrize(
        ("name", "layer"),
        [
            ("志愿者名册.xlsx", "people"),
            ("10月走访.csv", "visits"),
            ("心愿清单.csv", "needs"),
            ("企业名单.xls", "enterprises"),
        ],
    )
    def test_lists_are_known_by_their_names(self, tmp_path, name, layer):
        (tmp_path / name).write_text("x")
        assert imports.guess_kind(tmp_path / name) == layer

    def test_lists_go_into_the_plan_that_is_open(self, path, tmp_path):
        """A table of volunteers of no role: it is asked for, checked, and put into the living plan, without names."""
        file = tmp_path / "名册.csv"
        file.write_text("姓名,服务类别,社区,驿站\n张三,助老,W,S1\n李四,助餐,X,\n", encoding="gb18030")
        page = AppTest.from_function(import_page, args=(str(path), str(file)), default_timeout=60).run()
        assert not page.exception
        assert page.selectbox(key=f"what_{file}").value == "people"
        page.selectbox(key=f"role_{file}").select("talent").run()
        page.button(key="import_check").click().run()
        assert "1" in page.error[0].value
        page.button(key="import_aside").click().run()
        assert "1 row added" in page.success[0].value.replace("\\", "")
        page.button(key="import_do").click().run()
        assert not page.exception
        people = read_plan(path).people
        assert (people["role"].tolist(), people["unit_id"].tolist()) == (["talent"], ["W"])
        assert "name" not in people
        assert "张三".encode() not in path.read_bytes()
        kept = environment_file("columns.toml").read_text(encoding="utf-8")
        assert "服务类别" in kept
        assert "姓名" not in kept

    def test_a_plan_that_moved_on_meanwhile_takes_no_lists(self, path, tmp_path):
        file = tmp_path / "名册.csv"
        file.write_text("身份,社区\n志愿者,W\n", encoding="utf-8")
        page = AppTest.from_function(import_page, args=(str(path), str(file)), default_timeout=60).run()
        page.button(key="import_check").click().run()
        open_workspace(path).apply(make_edit("rename_grid", grid="G1", name="x"))
        page.button(key="import_do").click().run()
        assert "not the one your edit was decided on" in page.session_state["told"]
        assert len(read_plan(path).people) == 0

    def test_columns_are_kept_for_the_next_file_of_the_same_make(self, tmp_path):
        file = tmp_path / "list.csv"
        file.write_text("楼号,几户,经度,纬度\na,3,116.3,40.0\n", encoding="utf-8")
        seen = imports.look_at(file, layer="households")
        assert "households" not in seen.mapping.columns
        imports.keep_columns({"households": seen.mapping.__class__({"households": "几户"}, (), ())})
        assert imports.look_at(file, layer="households").mapping.columns["households"] == "几户"
        file.write_text("a,b\n1,2\n")
        assert imports.usual_columns("households", ("a", "b")) == {}

    def test_cells_of_any_mixture_can_be_shown(self):
        table = imports.shown_texts(pd.DataFrame({"a": [1, None, 2.5], "b": ["x", None, 3.0]}, dtype=object))
        assert table.to_numpy().tolist() == [["1", "x"], ["", ""], ["2.5", "3"]]

    @pytest.mark.parametrize(
        ("said", "kept"),
        [("../../etc/passwd", "passwd"), ("C:\\x\\住户.csv", "住户.csv"), ("...", "file"), ("a\0b<>.csv", "a_b__.csv")],
    )
    def test_an_upload_cannot_name_another_place(self, said, kept):
        assert uploads.safe_name(said) == kept

    def test_a_path_that_is_no_file_is_one_sentence(self, tmp_path):
        assert uploads.named_file("  ") is None
        for said in (str(tmp_path), str(tmp_path / "none.csv"), "a\0b"):
            with pytest.raises(FileError, match="There is no file"):
                uploads.named_file(said)


class TestTables:
    @pytest.mark.parametrize(
        ("layer", "key", "values", "kinds"),
        [
            ("stations", "S", {"name": "x", "open": False}, ["set_station", "close_station"]),
            ("gates", "g", {"open": True}, ["open_gate"]),
            ("gates", "g", {"open": False}, ["close_gate"]),
            (
                "grids",
                "G1",
                {"name": "x", "locked": True, "grid_kind": "dedicated"},
                ["rename_grid", "lock_grid", "set_grid_kind"],
            ),
            ("households", "H", {"households": 3, "persons": 2.5}, ["set_households"]),
        ],
    )
    def test_a_changed_row_is_edits(self, layer, key, values, kinds):
        assert [edit.kind for edit in tables.row_edits(layer, key, values, {"open": True})] == kinds

    @pytest.mark.parametrize(
        ("layer", "values"),
        [
            ("stations", {"station_id": "other"}),
            ("stations", {"name": ""}),
            ("stations", {"capacity": -1}),
            ("households", {"households": 1.5}),
            ("households", {"block_id": "B00"}),
            ("gates", {"hours": "8-12"}),
            ("grids", {"grid_kind": "strange"}),
        ],
    )
    def test_what_cannot_be_said_is_one_sentence(self, layer, values):
        with pytest.raises(InputError) as refused:
            tables.row_edits(layer, "x", values, {"open": False})
        assert len(str(refused.value).splitlines()) == 1

    def test_rows_are_found_by_any_text(self):
        plan = town()
        assert len(tables.find_rows(plan, "households", "")) == 16
        assert tables.find_rows(plan, "households", "h33")["household_id"].tolist() == ["H33"]
        assert len(tables.find_rows(plan, "households", ".*")) == 0

    def test_kinds_are_found_and_read_back_in_the_words_that_are_shown(self):
        stations = town().stations.assign(station_kind="clinic", services="health;自有服务")
        plan = town().replace(stations=stations)
        with using_language("zh"):
            assert len(tables.find_rows(plan, "stations", "诊所")) == len(stations)
            assert len(tables.find_rows(plan, "stations", "医疗卫生")) == len(stations)
            assert len(tables.find_rows(plan, "stations", "clinic")) == 0
        assert tables.read_cell("services", ["health", "诊所", "Clinic", "自有服务"]) == "health;clinic;自有服务"
        assert tables.read_cell("services", None) == ""
        assert tables.read_cell("station_kind", "诊所") == "clinic"
        assert tables.read_cell("name", "诊所") == "诊所"
        for word, kind in (("诊所", "clinic"), (" Clinic ", "clinic"), ("clinic", "clinic"), ("自有", "自有")):
            assert read_kind(word) == kind


@pytest.mark.parametrize(("zone", "said"), [("Asia/Shanghai", "2026-11-23 00:08"), ("UTC", "2026-11-22 16:08")])
def test_times_of_the_log_are_those_of_the_offices_clock(monkeypatch, zone, said):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    assert local_times(pd.Series(["2026-11-22T16:08:59Z"])).tolist() == [said]
    monkeypatch.undo()
    time.tzset()


class TestDownloads:
    @pytest.fixture
    def table(self):
        return pd.DataFrame({"name": list(HOSTILE), "households": range(len(HOSTILE))})

    def test_a_workbook_holds_texts_and_no_formulas(self, table):
        book = load_workbook(io.BytesIO(downloads.pack_workbook({"甲/乙": lambda: table, "b": table})))
        assert len(book.sheetnames) == 2
        cells = [row[0] for row in book.worksheets[0].iter_rows(min_row=2)]
        assert [cell.value for cell in cells] == list(HOSTILE)
        assert {cell.data_type for cell in cells} == {"s"}

    def test_csv_runs_nothing_and_opens_in_excel(self, table):
        one = downloads.pack_csv({"a": table})
        assert one.startswith(b"\xef\xbb\xbf")
        assert not any(line.startswith(("=", "+", "@")) for line in one.decode("utf-8-sig").splitlines())
        assert sorted(zipfile.ZipFile(io.BytesIO(downloads.pack_csv({"a": table, "b": table}))).namelist()) == [
            "a.csv",
            "b.csv",
        ]

    def test_layers_come_back(self, tmp_path):
        plan = town()
        layers = {"grids": plan.grids.assign(name=HOSTILE[3]), "stations": lambda: plan.stations}
        (tmp_path / "a.gpkg").write_bytes(downloads.pack_geopackage(layers))
        assert sorted(name for name, _ in pyogrio.list_layers(tmp_path / "a.gpkg")) == ["grids", "stations"]
        assert set(gpd.read_file(tmp_path / "a.gpkg", layer="grids")["name"]) == {HOSTILE[3]}
        for encoding in ("gbk", "utf-8"):
            with zipfile.ZipFile(io.BytesIO(downloads.pack_shapefiles(layers, encoding))) as packed:
                assert {"grids.shp", "grids.cpg", "stations.dbf", "fields.csv"} <= set(packed.namelist())
                packed.extractall(tmp_path / encoding)
            assert len(gpd.read_file(tmp_path / encoding / "grids.shp")) == len(plan.grids)


class TestPlans:
    def test_a_new_plan_never_replaces_another(self, monkeypatch):
        monkeypatch.setattr(plans, "open_plan", lambda path: None)
        made = [plans.keep_plan(town(), "甲/乙 <b>") for _ in range(2)]
        assert [path.name for path in made] == ["甲-乙--b.gpkg", "甲-乙--b-2.gpkg"]

    @pytest.mark.parametrize("name", ["", "///", "..", "con", "x" * 300])
    def test_any_name_becomes_a_file(self, name):
        stem = plans.file_stem(name)
        assert stem
        assert len(stem) <= 60
        assert "/" not in stem
        assert "." not in stem

    def test_an_address_tells_no_path_and_opens_only_known_plans(self, path):
        app = AppTest.from_file(server.ENTRY.with_name("main.py"), default_timeout=60)
        app.query_params["plan"] = "../../etc/passwd"
        app.run()
        assert not app.exception
        assert "Which plan shall be opened?" in app.subheader[0].value
        key = plans.plan_key(path)
        assert str(path) not in key
        settings.write_whole(settings.config_folder() / "plans.toml", f"plans = [{settings.toml_value(str(path))}]\n")
        other = AppTest.from_file(server.ENTRY.with_name("main.py"), default_timeout=60)
        other.query_params["plan"] = key
        other.run()
        assert not other.error
        assert other.metric[0].value == "1,600"


def test_twenty_sessions_edit_one_plan_and_lose_nothing(path):
    """The short form of ``benchmarks/app.py --sessions``: twenty planners at once."""
    errors = []

    def work(number):
        workspace = open_workspace(path)
        try:
            for turn in range(5):
                household, persons = f"H{number % 4}{number // 4 % 4}", float(100 * number + turn)
                workspace.apply(
                    make_edit("set_households", household=household, persons=persons), who=f"{number}-{turn}"
                )
        except GridgeoError as error:
            errors.append(error)

    sessions = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    for session in sessions:
        session.start()
    for session in sessions:
        session.join()
    assert errors == []
    log = read_plan(path).edits
    assert sorted(record.who for record in log) == sorted(
        f"{number}-{turn}" for number in range(20) for turn in range(5)
    )
