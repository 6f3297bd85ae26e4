"""What every test may rely on: a fixed language, the bundled places assessed once, and no silent skip."""

import os
import re
from pathlib import Path

import pytest
from bundled import assess_place
from forked_reader import ForkedReaders
from hypothesis import settings

from gridgeo.readers import bounded, bundled_places
from gridgeo.texts import using_language

ROOT = Path(__file__).parents[1]

# No test has a time limit, and CI must not be red by chance: new examples are searched for on people's own machines.
settings.register_profile("gridgeo", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("gridgeo")


@pytest.fixture(autouse=True)
def _english():
    """Word every text in English, whatever the machine speaks."""
    with using_language("en"):
        yield


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_make_scheduler(config, log):
    """Keep in one process what is made once: a bundled place, assessed, drawn and served, or what a module shares.

    xdist's own groups are written behind a test's name, which pytest 9.2 no longer lets it do.
    """
    from xdist.scheduler import LoadScopeScheduling

    of_a_place = re.compile(rf"\[(?:.*-)?({'|'.join(bundled_places())})(?:-.*)?\]$")

    class TogetherScheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            place = of_a_place.search(nodeid)
            return place[1] if place else nodeid.split("::")[0]

    # As collected rather than by their number: what opens a browser takes longest and comes first.
    config.option.loadscopereorder = False
    return TogetherScheduling(config, log)


@pytest.fixture(params=bundled_places())
def place(request):
    """Name each bundled place in turn."""
    return request.param


@pytest.fixture
def assessment(place):
    """Give the bundled place's assessment; the plan in it is immutable, and so is the rest by custom."""
    return assess_place(place)


@pytest.fixture(scope="session")
def _forked_readers():
    readers = ForkedReaders()
    yield readers
    readers.close()


@pytest.fixture
def quick_readers(_forked_readers, monkeypatch):
    """Read files in children that are forked, not started: the same process and limits, without a second's loading."""
    monkeypatch.setattr(bounded, "start_child", _forked_readers)


def pytest_sessionfinish(session, exitstatus):
    """Fail where a test was skipped on CI: whatever it needs should have been there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if os.environ.get("CI") and skipped and exitstatus == 0:
        reporter.write_line(f"{len(skipped)} tests were skipped; on CI that is a failure", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
