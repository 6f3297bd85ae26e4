"""The app without a browser: what its pages show and say, and how its server is started."""

import asyncio
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from app.parts.widgets import plain
from app.serving import server
from app.serving.guard import Guard
from app.state import environment
from app.state.folders import HOME_VARIABLE
from app.state.settings import CONFIG_VARIABLE, Settings, usual_speeds, write_settings
from gridgeo.assessment import assess_plan
from gridgeo.coverage import assess_coverage, measure_coverage
from gridgeo.network import PERSONS, build_network
from gridgeo.plan import Name, PlanInfo, make_plan
from gridgeo.readers import bundled_places, bundled_plan_path
from gridgeo.store import read_plan, write_plan

MAIN = server.ENTRY.with_name("main.py")


@pytest.fixture
def open_app(monkeypatch, own_folders):
    def start(plan=None, lang="en"):
        monkeypatch.setenv(environment.PLAN_VARIABLE, str(plan or bundled_plan_path(bundled_places()[0])))
        monkeypatch.setenv(environment.LANGUAGE_VARIABLE, lang)
        return AppTest.from_file(MAIN, default_timeout=120).run()

    return start


@pytest.fixture(autouse=True)
def own_folders(monkeypatch, tmp_path):
    """Let nothing of this machine's settings and plans in, and nothing out."""
    monkeypatch.setenv(CONFIG_VARIABLE, str(tmp_path / "config"))
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.delenv(environment.SIGN_IN_VARIABLE, raising=False)


def turn_to(app, name):
    """Go to another page; AppTest's own way only knows pages that are files."""
    app._page_hash = next(page for page, info in app._registered_pages.items() if info["url_pathname"] == name)
    return app.run()


@pytest.fixture(scope="module")
def found():
    return assess_plan(read_plan(bundled_plan_path(bundled_places()[0])))


class TestOverview:
    def test_figures_are_those_computed(self, open_app, found):
        app = open_app()
        assert not app.exception
        assert not app.error
        rates = [f"{coverage.summary()['coverage_rate'].iloc[0]:.1%}" for coverage in found.coverages]
        values = [metric.value for metric in app.metric]
        assert values == [f"{found.plan.households['households'].sum():,}", *rates, str(len(found.gaps))]
        assert all("(estimated)" in metric.label for metric in app.metric)

    def test_tables_hold_every_household(self, open_app, found):
        tables = open_app().dataframe
        assert len(tables) == 2
        for table in tables:
            assert table.value["households"].sum() == found.plan.households["households"].sum()
            assert table.value["rate_300"].between(0, 1).all()

    def test_what_is_printed_names_the_lowest_rates_first(self, open_app, found):
        printed = open_app().table[0].value
        rates = [float(each.removesuffix("%")) for each in printed.iloc[:, 1]]
        wanted = found.coverages[0].summary(by="community")["coverage_rate"].dropna().sort_values() * 100
        assert rates == pytest.approx(wanted.round(1).tolist(), abs=0.06)

    @pytest.mark.parametrize("lang", ["zh", "en"])
    def test_speaks_both_languages(self, open_app, found, lang):
        app = open_app(lang=lang)
        assert getattr(found.plan.info.name, lang) in app.subheader[0].value.replace("\\", "")
        assert app.tabs[0].label == {"zh": "按社区", "en": "By community"}[lang]
        texts = [element.value for element in app.text]
        assert {getattr(note, lang) for note in found.plan.info.notes} <= set(texts)

    def test_language_can_be_switched(self, open_app, found):
        app = open_app(lang="zh")
        app.segmented_control(key="language").set_value("en").run()
        assert found.plan.info.name.en in app.subheader[0].value.replace("\\", "")
        assert app.query_params["lang"] == "en"

    def test_any_cutoff_can_be_asked_for(self, open_app, found):
        app = open_app()
        app.segmented_control(key="cutoff").set_value("other").run()
        app.number_input(key="metres").set_value(650).run()
        assert not app.exception
        covered = found.coverages[0].distance_m <= 650
        households = found.plan.households["households"].to_numpy()
        assert app.metric[1].value == f"{households[covered].sum() / households.sum():.1%}"
        assert "650" in app.metric[1].label

    def test_minutes_can_be_asked_for(self, open_app, found):
        """At an adult's pace where the settings name nobody, at the speed that they give adults."""
        write_settings(Settings(speeds_m_per_min={**usual_speeds(), "adult": 60.0}))
        app = open_app(lang="en")
        app.segmented_control(key="cutoff").set_value("time").run()
        assert "60 m/min" in app.number_input(key="minutes").label
        app.number_input(key="minutes").set_value(9).run()
        assert not app.exception
        assert not app.error
        person = replace(PERSONS["adult"], speed_m_per_min=60.0)
        plan = found.plan
        asked = assess_coverage(found.network, plan.households, plan.stations, cutoff_min=9, person=person)
        assert app.metric[1].value == f"{asked.summary()['coverage_rate'].iloc[0]:.1%}"
        assert "9 min" in app.metric[1].label
        assert "rate_9min" in app.dataframe[0].value
        assert all(" min to " in option.replace("\\", "") for option in app.radio(key="gap").options)
        assert app.query_params["minutes"] == "9"

    def test_gaps_are_listed_worst_first(self, open_app, found):
        options = open_app().radio(key="gap").options
        for option, households in zip(options, found.gaps["households"], strict=False):
            assert f"{int(households):,}" in option.replace("\\", "")


class TestCoverage:
    @pytest.fixture
    def open_coverage(self, open_app):
        return lambda **how: turn_to(open_app(**how), "coverage")

    def test_measures_are_those_of_the_engine(self, open_coverage, found):
        app = open_coverage()
        assert not app.exception
        assert not app.error
        wanted = measure_coverage(found.coverages[0]).iloc[0]
        values = [metric.value for metric in app.metric]
        rate = found.coverages[0].summary()["coverage_rate"].iloc[0]
        paper, overlap = (f"{wanted[name]:,.0f}" for name in ("paper_only", "overlap"))
        assert values == [f"{rate:.1%}", paper, overlap, f"{wanted['detour_ratio']:.2f}"]

    def test_any_cutoff_and_time_of_the_week(self, open_coverage, found):
        app = open_coverage()
        app.number_input(key="ask_cutoff").set_value(450)
        app.selectbox(key="ask_day").set_value("Sat").run()
        assert not app.exception
        asked = assess_coverage(found.network, found.plan.households, found.plan.stations, cutoff_m=450, at="Sat 12:00")
        assert app.metric[0].value == f"{asked.summary()['coverage_rate'].iloc[0]:.1%}"
        assert "450" in app.metric[0].label

    @pytest.mark.parametrize("person", ["adult", "elder", "wheelchair"])
    def test_another_person(self, open_coverage, found, person):
        app = open_coverage()
        app.selectbox(key="ask_person").set_value(person).run()
        assert not app.exception
        asked = assess_coverage(found.network, found.plan.households, found.plan.stations, cutoff_m=300, person=person)
        assert app.metric[0].value == f"{asked.summary()['coverage_rate'].iloc[0]:.1%}"

    def test_minutes_at_the_speed_of_the_settings(self, open_coverage, found):
        """The page, and a fresh answer of the engine at the office's own speed and access limit."""
        write_settings(Settings(speeds_m_per_min={**usual_speeds(), "elder": 48.0}, max_access_m=60.0))
        app = open_coverage()
        app.segmented_control(key="ask_unit").set_value("minutes").run()
        app.number_input(key="ask_minutes").set_value(8)
        app.selectbox(key="ask_person").set_value("elder").run()
        assert not app.exception
        assert not app.error
        plan, person = found.plan, replace(PERSONS["elder"], speed_m_per_min=48.0)
        network = build_network(plan.streets, barriers=plan.barriers, gates=plan.gates, max_access_m=60.0)
        asked = assess_coverage(network, plan.households, plan.stations, cutoff_min=8, person=person)
        assert app.metric[0].value == f"{asked.summary()['coverage_rate'].iloc[0]:.1%}"
        assert "8 min" in app.metric[0].label
        assert app.metric[3].value.endswith(" min")
        assert "rate_8min" in app.dataframe[0].value
        basis = next(each.value for each in app.caption if "elderly person" in each.value).replace("\\", "")
        assert "at 48 m/min" in basis
        assert "60 m to" in basis

    def test_overlap_has_its_own_map(self, open_coverage):
        app = open_coverage()
        app.segmented_control(key="show").set_value("overlap").run()
        assert not app.exception
        assert not app.error

    @pytest.mark.parametrize("lang", ["zh", "en"])
    def test_tables_add_up(self, open_coverage, found, lang):
        wanted = measure_coverage(found.coverages[0]).iloc[0]
        for table in open_coverage(lang=lang).dataframe:
            assert table.value["paper_only"].sum() == wanted["paper_only"]
            assert table.value["households"].sum() == wanted["households"]


class TestBadPlans:
    def test_an_empty_plan_says_what_to_do(self, open_app, tmp_path):
        path = tmp_path / "empty.gpkg"
        write_plan(make_plan(PlanInfo(Name("空", "empty")), 4548), path)
        app = open_app(path)
        assert not app.exception
        assert not app.error
        assert "communities and units" in app.info[0].value
        assert "Add communities" in app.info[0].value
        assert len(app.get("page_link")) == 1

    def test_a_plan_deleted_while_open_is_one_sentence(self, open_app, tmp_path):
        path = tmp_path / "plan.gpkg"
        path.write_bytes(bundled_plan_path(bundled_places()[0]).read_bytes())
        app = open_app(path)
        assert not app.error
        path.unlink()
        app.run()
        assert not app.exception
        assert len(app.error) == 1
        assert "plan" in app.error[0].value
        assert str(tmp_path) not in app.error[0].value

    def test_an_unexpected_failure_shows_no_traceback(self, open_app, monkeypatch):
        monkeypatch.setattr("app.state.cache.plan_path", lambda _given: 1 / 0)
        app = open_app()
        assert not app.exception
        assert len(app.error) == 1
        assert "ZeroDivision" not in app.error[0].value


class TestServer:
    def test_flags_are_safe(self):
        arguments = server.server_arguments(8601)
        for flag in (
            "--server.address=127.0.0.1",
            "--server.port=8601",
            "--browser.gatherUsageStats=false",
            "--client.showErrorDetails=none",
            "--server.fileWatcherType=none",
            "--server.enableXsrfProtection=true",
            "--server.enableStaticServing=false",
            "--server.maxUploadSize=200",
            "--server.enableAgentApi=false",
            "--client.disableDataExport=true",
        ):
            assert flag in arguments

    def test_a_missing_plan_is_one_sentence_and_exit_code_1(self, tmp_path):
        done = run_app(str(tmp_path / "nothing.gpkg"))
        assert done.returncode == 1
        assert len(done.stderr.strip().splitlines()) == 1
        assert "nothing.gpkg" in done.stderr

    def test_a_broken_plan_is_one_sentence_and_exit_code_1(self, tmp_path):
        path = tmp_path / "broken.gpkg"
        path.write_bytes(b"no plan at all")
        done = run_app(str(path))
        assert done.returncode == 1
        assert len(done.stderr.strip().splitlines()) == 1

    def test_a_taken_port_is_one_sentence_and_exit_code_1(self):
        with server.socket.socket() as taken:
            taken.bind((environment.HOST, 0))
            taken.listen()
            done = run_app("--port", str(taken.getsockname()[1]))
        assert done.returncode == 1
        assert len(done.stderr.strip().splitlines()) == 1


class TestGuard:
    @pytest.fixture
    def ask(self):
        """Ask the guard as a browser would that was told the app has this name."""

        async def app(_scope, _receive, send):
            await send({"type": "http.response.start", "status": 200, "headers": [(b"x-own", b"1")]})
            await send({"type": "http.response.body", "body": b"page"})

        def start(*hosts, kind="http"):
            sent = []

            async def send(message):
                sent.append(message)

            scope = {"type": kind, "headers": [(b"host", host.encode()) for host in hosts]}
            # In a thread of its own: Playwright may have left a running loop in this one.
            with ThreadPoolExecutor(1) as pool:
                pool.submit(asyncio.run, Guard(app)(scope, None, send)).result()
            return sent

        return start

    @pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8501", "localhost:8501", "[::1]:8501", "[::1]"])
    def test_own_names_are_answered_with_a_policy(self, ask, host):
        head, body = ask(host)
        assert head["status"] == 200
        assert body["body"] == b"page"
        headers = dict(head["headers"])
        assert headers[b"x-own"] == b"1"
        assert b"default-src 'self'" in headers[b"content-security-policy"]
        script = headers[b"content-security-policy"].split(b"script-src")[1].split(b";")[0]
        assert b"unsafe" not in script
        assert b"http" not in headers[b"content-security-policy"]

    @pytest.mark.parametrize(
        "hosts",
        [["evil.example"], ["127.0.0.1.evil.example:8501"], [""], [], ["127.0.0.1", "evil.example"], ["192.168.1.4"]],
    )
    def test_foreign_names_are_refused(self, ask, hosts):
        head, body = ask(*hosts)
        assert head["status"] == 421
        assert b"page" not in body["body"]

    def test_a_foreign_connection_is_closed(self, ask):
        assert ask("evil.example", kind="websocket") == [{"type": "websocket.close", "code": 1008}]


def run_app(*arguments):
    environment = {**os.environ, "GRIDGEO_LANG": "en"}
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


KEEPING = """
import streamlit as st
from app.state.address import remember

offered = st.session_state.get("offered", ("a", "b"))
remember("choice", lambda said: said if said in offered else None, offered[0])
st.selectbox("Choice", offered, index=None, key="choice")
"""


def test_what_is_not_offered_any_more_gives_way_to_the_default():
    app = AppTest.from_string(KEEPING).run()
    app.selectbox(key="choice").set_value("b").run()
    assert app.query_params["choice"] == "b"
    app.session_state["offered"] = ("a", "c")
    app.run()
    assert not app.exception
    assert app.selectbox(key="choice").value == "a"
    assert "choice" not in app.query_params
    # Nothing chosen is a choice.
    app.selectbox(key="choice").set_value(None).run()
    assert app.selectbox(key="choice").value is None


@pytest.mark.parametrize(
    "words", ["**bold**", "[link](http://x)", "$x$", ":red[x]", "# head", "<b>", "`code`", "a_b_c"]
)
def test_markdown_in_words_is_escaped(words):
    escaped = plain(words)
    assert escaped.replace("\\", "") == words
    for mark in "*[]$:#<`_":
        assert escaped.count(mark) == escaped.count("\\" + mark)
