"""Redraw and What-if without a browser: what is done on the map is in the plan, in the scenario and in the figures."""

import contextlib
import itertools
import shutil
from pathlib import Path

import pytest
from redraw_places import snapshot, town
from streamlit.testing.v1 import AppTest

from app.parts.redrawing import MAP
from app.parts.whatif import MAP as WHATIF_MAP
from app.parts.whatif import merge_edit, open_draft
from app.serving import server
from app.state import environment
from app.state.drafts import drop_scenario, keep_scenario, list_scenarios, scenario_file, scenario_key
from app.state.folders import HOME_VARIABLE
from app.state.settings import CONFIG_VARIABLE
from app.state.workspace import Workspace, open_workspace
from gridgeo.coverage import assess_coverage
from gridgeo.maps.features import from_degrees, to_degrees
from gridgeo.redraw import make_edit
from gridgeo.scenario import Scenario, assess_fresh, read_scenario
from gridgeo.store import read_plan, write_plan
from gridgeo.texts import using_language

MAIN = server.ENTRY.with_name("main.py")
HOSTILE = "<img src=x onerror=alert(1)>`${x}` **b** [l](u) \u202e"
numbers = itertools.count(1)
pages = {}
"""What AppTest calls each page: known once the app has run."""


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    plan, path = town(), tmp_path_factory.mktemp("redraw") / "town.gpkg"
    write_plan(plan.replace(grids=plan.grids.assign(name=["one", "two", "three", HOSTILE])), path)
    return path


@pytest.fixture
def path(tmp_path, written):
    return Path(shutil.copy(written, tmp_path))


@pytest.fixture
def open_page(monkeypatch, tmp_path, path):
    monkeypatch.setenv(CONFIG_VARIABLE, str(tmp_path / "config"))
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.delenv(environment.SIGN_IN_VARIABLE, raising=False)
    monkeypatch.setenv(environment.PLAN_VARIABLE, str(path))

    def start(name, lang="en", **query):
        monkeypatch.setenv(environment.LANGUAGE_VARIABLE, lang)
        # AppTest words a widget's options itself when it sends them back.
        words.enter_context(using_language(lang))
        app = AppTest.from_file(MAIN, default_timeout=120)
        for parameter, value in query.items():
            app.query_params[parameter] = value
        if not pages:
            app.run()
            pages.update({info["url_pathname"]: page for page, info in app._registered_pages.items()})
        # AppTest's own way to another page only knows pages that are files.
        app._page_hash = pages[name]
        return checked(app.run())

    with contextlib.ExitStack() as words:
        yield start


def checked(app):
    assert not app.exception
    return app


def on_map(app, name, **event):
    """Do on the map what its component would tell."""
    app.session_state[name] = {"events": [{**event, "number": next(numbers)}]}
    return checked(app.run())


def press(app, key):
    return checked(app.button(key=key).click().run())


def grid_of(path):
    plan = read_plan(path)
    return dict(zip(plan.blocks["block_id"], plan.blocks["grid_id"], strict=True))


class TestRedraw:
    def test_chosen_blocks_are_assigned_undone_and_done_again(self, open_page, path):
        app = open_page("redraw")
        before = snapshot(read_plan(path))
        on_map(app, MAP, chosen=["B11", "B01"])
        assert "households: 200" in " ".join(each.value for each in app.markdown).replace("\\", "")
        app.selectbox(key="redraw_to").set_value("G2").run()
        press(app, "redraw_assign")
        assert not app.error
        assert [grid_of(path)[block] for block in ("B11", "B01")] == ["G2", "G2"]
        press(app, "redraw_undo")
        assert snapshot(read_plan(path)) == before
        on_map(app, MAP, step="redo")
        assert grid_of(path)["B11"] == "G2"

    def test_blocks_chosen_by_keyboard_go_to_the_grid_beside_the_map(self, open_page, path):
        app = open_page("redraw")
        on_map(app, MAP, chosen=["B11"])
        app.selectbox(key="redraw_to").set_value("G3").run()
        on_map(app, MAP, assign=["B11"])
        assert grid_of(path)["B11"] == "G3"
        # Chosen and assigned before the page could answer: the nearest other grid, as the page would have offered.
        app.session_state["redraw_desk"].update(target=None)
        app.session_state["redraw_to"] = "G1"
        on_map(app, MAP, assign=["B33"])
        assert grid_of(path)["B33"] != "G4"

    def test_a_browser_behind_does_not_aim_where_the_blocks_are_already(self, open_page, path):
        app = open_page("redraw")
        on_map(app, MAP, chosen=["B11"])
        offered = app.selectbox(key="redraw_to").value
        press(app, "redraw_assign")
        assert grid_of(path)["B11"] == offered
        # What it shows is from before the step.
        app.session_state["redraw_to"] = offered
        checked(app.run())
        assert app.selectbox(key="redraw_to").value != offered
        press(app, "redraw_assign")
        assert not app.error
        assert grid_of(path)["B11"] != offered

    def test_a_picked_grid_stays_the_aim(self, open_page, path):
        app = open_page("redraw")
        on_map(app, MAP, chosen=["B11"])
        app.selectbox(key="redraw_to").set_value("G4").run()
        press(app, "redraw_assign")
        assert app.selectbox(key="redraw_to").value != "G4"
        on_map(app, MAP, chosen=["B01"])
        assert app.selectbox(key="redraw_to").value == "G4"
        on_map(app, MAP, chosen=[])
        assert app.selectbox(key="redraw_to").value == "G4"
        press(app, "redraw_undo")
        assert grid_of(path)["B11"] == "G1"

    def test_live_figures_follow(self, open_page):
        app = open_page("redraw")
        assert app.metric[0].value == "100%"
        on_map(app, MAP, paint={"key": "B11", "to": "G2"})
        on_map(app, MAP, paint={"key": "B01", "to": "G2"})
        assert app.metric[0].value == "50%"

    def test_a_drawn_line_splits_the_grid_it_crosses(self, open_page, path):
        app = open_page("redraw")
        plan = open_workspace(path).current().plan
        ends = [to_degrees(plan.stations.geometry.translate(0, north)).iloc[0] for north in (-150, 90)]
        line = [[end.x, end.y] for end in ends]
        on_map(app, MAP, line=line)
        assert not app.error
        labels = grid_of(path)
        assert labels["B00"] == labels["B01"] != labels["B10"] == labels["B11"]

    def test_grids_are_merged_split_along_a_street_named_and_locked(self, open_page, path):
        app = open_page("redraw")
        on_map(app, MAP, chosen=["B11", "B12"])
        press(app, "redraw_merge")
        assert grid_of(path)["B11"] == grid_of(path)["B12"]
        grid = grid_of(path)["B11"]
        app.selectbox(key=f"redraw_street_{grid}").set_value("R2").run()
        press(app, "redraw_split")
        assert grid_of(path)["B11"] != grid_of(path)["B12"]
        grid = grid_of(path)["B11"]
        on_map(app, MAP, chosen=["B11"])
        app.text_input(key=f"redraw_name_{grid}").set_value(HOSTILE).run()
        press(app, "redraw_rename")
        press(app, "redraw_lock")
        row = read_plan(path).grids.set_index("grid_id").loc[grid]
        assert (row["name"], bool(row["locked"])) == (HOSTILE.strip(), True)
        app.selectbox(key="redraw_to").set_value("G4").run()
        press(app, "redraw_assign")
        assert "locked" in app.error[0].value

    def test_new_grid_and_balance(self, open_page, path):
        app = open_page("redraw")
        on_map(app, MAP, chosen=["B11"])
        press(app, "redraw_new")
        assert grid_of(path)["B11"] not in ("G1", "G2", "G3", "G4")
        on_map(app, MAP, chosen=["B11", "B12"])
        press(app, "redraw_balance")
        assert len(read_plan(path).edits) >= 1

    @pytest.mark.parametrize("lang", ["en", "zh"])
    def test_findings_come_with_repairs_that_mend_them(self, open_page, path, lang):
        app = open_page("redraw", lang)
        on_map(app, MAP, chosen=["B11"])
        press(app, "redraw_new")
        app.segmented_control(key="redraw_view").set_value("findings").run()
        listed = len(app.selectbox(key="redraw_finding").options)
        assert listed > 0
        press(app, "redraw_show")
        app.segmented_control(key="redraw_view").set_value("findings").run()
        press(app, "redraw_repair_0")
        assert not app.error
        assert len(read_plan(path).edits) == 2

    def test_the_history_names_who_and_what(self, open_page):
        app = open_page("redraw")
        on_map(app, MAP, paint={"key": "B11", "to": "G2"})
        app.segmented_control(key="redraw_view").set_value("history").run()
        table = app.dataframe[0].value
        assert table["what"].tolist() == ["Move B11 to grid two"]
        assert table["stands"].tolist() == [True]

    def test_edits_become_a_scenario_and_leave_the_plan(self, open_page, path):
        app = open_page("redraw")
        before = snapshot(read_plan(path))
        on_map(app, MAP, paint={"key": "B11", "to": "G2"})
        app.segmented_control(key="redraw_view").set_value("scenario").run()
        app.text_input(key="redraw_scenario").set_value(HOSTILE).run()
        press(app, "redraw_keep")
        assert HOSTILE.strip() in app.success[0].value.replace("\\", "")
        assert snapshot(read_plan(path)) == before
        kept = list_scenarios(open_workspace(path))
        assert [each.name for each in kept.values()] == [HOSTILE.strip()]
        assert [edit.kind for each in kept.values() for edit in each.edits] == ["move_blocks"]

    def test_anothers_change_is_shown_and_nothing_lost(self, open_page, path):
        app = open_page("redraw")
        on_map(app, MAP, chosen=["B11"])
        app.selectbox(key="redraw_to").set_value("G2").run()
        open_workspace(path).apply(make_edit("move_blocks", blocks=["B11"], to="G3"), who="Li")
        # The click comes before the page was drawn anew.
        app.session_state["redraw_desk"]["seen"] = ""
        press(app, "redraw_assign")
        assert "Li" in app.error[0].value
        assert grid_of(path)["B11"] == "G3"

    def test_a_deleted_plan_can_be_written_again(self, open_page, path):
        app = open_page("redraw")
        on_map(app, MAP, paint={"key": "B11", "to": "G2"})
        path.unlink()
        checked(app.run())
        assert len(app.error) == 1
        assert "town.gpkg" in app.error[0].value.replace("\\", "")
        assert str(path.parent) not in app.error[0].value
        open_workspace(path).rescue()
        checked(app.run())
        assert not app.error
        assert grid_of(path)["B11"] == "G2"


class TestWhatIf:
    @pytest.fixture
    def drafted(self, open_page, path):
        key = keep_scenario(open_workspace(path), Scenario("try"))
        return open_page("whatif", scenario=key)

    def test_without_a_scenario_the_page_says_what_to_do(self, open_page):
        app = open_page("whatif")
        assert "Begin one" in app.info[0].value
        app.text_input(key="whatif_name").set_value(HOSTILE).run()
        press(app, "whatif_begin")
        assert app.query_params["scenario"] == scenario_key(HOSTILE.strip())

    def test_every_change_of_a_scenario_or_its_plan_is_another_mark(self, path):
        work = open_workspace(path)
        draft = open_draft(work, keep_scenario(work, Scenario("try")))
        marks = [draft.mark]
        for change in (
            lambda: draft.change(make_edit("remove_station", station="S1")),
            lambda: draft.change(make_edit("open_gate", gate="D2")),
            lambda: work.apply(make_edit("move_blocks", blocks=["B11"], to="G2")),
        ):
            change()
            draft.now()
            marks.append(draft.mark)
        assert len(set(marks)) == 4
        draft.now()
        assert draft.mark == marks[-1]

    def test_a_scenario_can_begin_without_a_name(self, open_page):
        app = open_page("whatif")
        press(app, "whatif_begin")
        assert app.query_params["scenario"] == scenario_key("Scenario 1")

    def test_a_dragged_station_is_in_the_scenario_not_in_the_plan(self, drafted, path):
        plan = read_plan(path)
        moved = plan.stations.assign(geometry=plan.stations.geometry.translate(150, 20))
        to = to_degrees(moved).iloc[0]
        on_map(drafted, WHATIF_MAP, drag={"layer": "stations", "key": "S1", "to": [to.x, to.y]})
        assert not drafted.error
        assert read_plan(path).edits == ()
        scenario = list_scenarios(open_workspace(path))["try"]
        assert [edit.kind for edit in scenario.edits] == ["move_station"]
        at = scenario.edits[0].get("at")
        assert at == pytest.approx((250.0, 120.0), abs=0.01)
        stations = plan.stations.copy()
        stations.loc[0, "geometry"] = moved.geometry.iloc[0]
        fresh = assess_coverage(
            open_workspace(path).coverage().network, plan.households, stations, cutoff_m=(300.0, 500.0)
        )
        assert drafted.metric[0].value == f"{fresh.summary()['coverage_rate'].iloc[0]:.1%}"

    def test_what_is_clicked_can_be_closed_removed_and_taken_back(self, drafted, path):
        on_map(drafted, WHATIF_MAP, pick={"layer": "gates", "row": 1, "key": "D2"})
        press(drafted, "whatif_turn")
        on_map(drafted, WHATIF_MAP, pick={"layer": "stations", "row": 0, "key": "S1"})
        press(drafted, "whatif_remove")
        on_map(drafted, WHATIF_MAP, pick={"layer": "walks", "row": 0, "key": "V00"})
        press(drafted, "whatif_turn")
        kinds = [edit.kind for edit in list_scenarios(open_workspace(path))["try"].edits]
        assert kinds == ["open_gate", "remove_station", "close_street"]
        press(drafted, "whatif_undo")
        press(drafted, "whatif_undo")
        on_map(drafted, WHATIF_MAP, step="redo")
        kinds = [edit.kind for edit in list_scenarios(open_workspace(path))["try"].edits]
        assert kinds == ["open_gate", "remove_station"]

    def test_a_refresh_loses_nothing(self, drafted, open_page, path):
        on_map(drafted, WHATIF_MAP, place=[109.515, 0.0018])
        again = open_page("whatif", scenario="try")
        assert again.metric[0].value == drafted.metric[0].value
        assert len(list_scenarios(open_workspace(path))["try"].edits) == 1

    def test_a_scenario_is_applied_to_the_plan_once(self, drafted, path):
        on_map(drafted, WHATIF_MAP, pick={"layer": "stations", "row": 0, "key": "S1"})
        press(drafted, "whatif_turn")
        press(drafted, "whatif_apply")
        assert not drafted.error
        assert read_plan(path).stations["open"].tolist() == [False, True]
        assert list_scenarios(open_workspace(path))["try"].edits == ()

    @pytest.mark.parametrize("lang", ["en", "zh"])
    def test_scenarios_side_by_side(self, open_page, path, lang):
        work = open_workspace(path)
        keep_scenario(work, Scenario("a").close_station("S1"))
        keep_scenario(work, Scenario("b").add_station("S9", at=[350, 50]).move_blocks(["B11"], "G2"))
        app = open_page("whatif", lang)
        app.segmented_control(key="whatif_view").set_value("compare").run()
        checked(app)
        assert not app.error
        figures, grids = (each.value for each in app.dataframe)
        plan = work.current().plan
        closed = assess_fresh(plan.replace(stations=plan.stations[plan.stations["station_id"] == "S2"]), (300.0, 500.0))
        row = figures[(figures["scenario"] == "a") & (figures["cutoff_m"] == 300)].iloc[0]
        assert row["covered"] == closed.summary()["covered"].iloc[0]
        assert set(grids["name"]) == {"one", "two"}
        app.segmented_control(key="whatif_picture").set_value("coverage").run()
        checked(app)
        assert not app.error

    def test_a_scenario_gone_meanwhile_is_one_sentence(self, drafted, path):
        drop_scenario(open_workspace(path), "try")
        checked(drafted.run())
        assert not drafted.exception


class TestDrafts:
    @pytest.fixture
    def work(self, path):
        return Workspace(path, path)

    @pytest.mark.parametrize("name", [HOSTILE, "../../etc/passwd", "方案一", "a b", "CON", "x" * 300, "."])
    def test_any_name_makes_a_file_beside_the_plan(self, work, name, path):
        key = keep_scenario(work, Scenario(name))
        assert (path.parent / "town.scenarios" / f"{key}.toml").is_file()
        assert list_scenarios(work)[key].name == name
        drop_scenario(work, key)
        assert list_scenarios(work) == {}

    def test_different_names_have_different_keys(self):
        names = ["a b", "a-b", "a  b", "a", "A", HOSTILE, "方案一", "方案二", "x" * 300, "x" * 301]
        assert len({scenario_key(name) for name in names}) == len(names)

    def test_a_broken_file_is_passed_over(self, work, path):
        keep_scenario(work, Scenario("good"))
        (path.parent / "town.scenarios" / "bad.toml").write_text("[[[", encoding="utf-8")
        assert list(list_scenarios(work)) == ["good"]

    def test_the_download_is_what_the_command_line_reads(self, tmp_path):
        scenario = Scenario(HOSTILE).open_gate("D2").move_station("S1", at=(1.5, 2))
        (tmp_path / "s.toml").write_bytes(scenario_file(scenario))
        assert read_scenario(tmp_path / "s.toml") == scenario


@pytest.mark.parametrize(
    ("edits", "kept"),
    [
        (["move_station S1 1", "move_station S1 2"], ["move_station S1 2"]),
        (["add_station N 1", "move_station N 2"], ["add_station N 2"]),
        (["add_station N 1", "move_station N 2", "remove_station N"], []),
        (["move_station S1 1", "remove_station S1"], ["move_station S1 1", "remove_station S1"]),
        (["close_gate D", "open_gate D"], []),
        (["close_street V", "close_gate V"], ["close_street V", "close_gate V"]),
        (["move_station S1 1", "close_station S1", "move_station S1 2"],) * 2,
        (["close_station S1", "move_station S2 1", "open_station S1"], ["move_station S2 1"]),
    ],
)
def test_of_several_changes_of_one_thing_the_outcome_stays(edits, kept):
    def read(line):
        kind, key, *at = line.split()
        values = {kind.split("_")[1]: key} | ({"at": [float(at[0]), 0.0]} if at else {})
        return make_edit(kind, values)

    merged = ()
    for edit in edits:
        merged = merge_edit(merged, read(edit))
    assert merged == tuple(read(line) for line in kept)


def test_degrees_come_back_to_the_metres_they_were_made_of():
    plan = town()
    degrees = to_degrees(plan.stations)
    back = from_degrees([(point.x, point.y) for point in degrees], plan.crs)
    for found, given in zip(back, plan.stations.geometry, strict=True):
        assert found == pytest.approx((given.x, given.y), abs=1e-5)
