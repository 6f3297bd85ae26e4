"""A real Chromium that can reach this computer only, and reports every request, error and blank map."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from bundled import assess_place
from playwright.sync_api import sync_playwright

from gridgeo.assessment import Assessment
from gridgeo.maps import coverage_map, write_map
from gridgeo.maps.document import WEB
from gridgeo.readers import bundled_places
from gridgeo.store import write_plan

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)
WITHIN_MS = 60_000


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def launch():
    """Start Chromium with some flags of its own, which come after those that shut it in."""
    with sync_playwright() as play:
        own = play.chromium.executable_path
        found = next((path for path in map(shutil.which, NAMES) if path), own if Path(own).is_file() else None)
        assert found, "No Chromium here. Install it: `apt-get install chromium`, or `playwright install chromium`."
        yield lambda *flags: play.chromium.launch(executable_path=found, args=[*FLAGS, *flags])


@pytest.fixture(scope="session")
def chromium(launch):
    browser = launch()
    yield browser
    browser.close()


@pytest.fixture(scope="session", params=bundled_places())
def place(request, tmp_path_factory):
    """A bundled place: what was found, the plan with its grids as a file, and its exported map."""
    folder = tmp_path_factory.mktemp(request.param)
    found = assess_place(request.param)
    write_plan(found.plan, folder / "plan.gpkg")
    page = coverage_map(found.plan, found.coverages, gaps=found.gaps, service_areas=found.service_areas)
    return Place(request.param, found, folder / "plan.gpkg", write_map(page, folder / "map.html"))


@dataclass(frozen=True)
class Place:
    name: str
    found: Assessment
    plan: Path
    map: Path


class Visit:
    """One page that a person has open, and everything that went wrong on it."""

    def __init__(self, page):
        self.page = page
        self.outside = []
        self.errors = []
        page.set_default_timeout(WITHIN_MS)
        page.on("request", self._request)
        page.on("pageerror", lambda error: self.errors.append(f"{error.message}\n{error.stack}"))
        page.on("console", lambda message: message.type == "error" and self.errors.append(message.text))
        page.on("dialog", self._dialog)

    def _request(self, request):
        allowed = ("http://127.0.0.1:", "file://", "data:", "blob:")
        if not request.url.startswith(allowed):
            self.outside.append(request.url)

    def _dialog(self, dialog):
        self.errors.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def check(self):
        assert self.outside == []
        assert self.errors == []


@pytest.fixture
def visit(visits):
    """Open pages; when the test is done, no outside request and no JavaScript error may have happened on any."""
    with visits() as open_page:
        yield open_page


@pytest.fixture(scope="session")
def visits(chromium):
    @contextmanager
    def keep():
        made = []

        def open_page(lang="zh-CN", size=(1366, 768)):
            viewport = {"width": size[0], "height": size[1]}
            context = chromium.new_context(locale=lang, viewport=viewport, accept_downloads=True)
            made.append((context, Visit(context.new_page())))
            return made[-1][1]

        yield open_page
        for context, each in made:
            each.check()
            context.close()

    return keep


@pytest.fixture(scope="session")
def run():
    """Start a server as a user does and give its address; everything is stopped at the end."""
    running = []

    def start(command, path, *, port=None, environment=None):
        port = port or free_port()
        command = [*command, "--port", str(port)]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        running.append(process)
        address = f"http://127.0.0.1:{port}"
        wait_for(address + path, process)
        return address

    yield start
    for process in running:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture(scope="session")
def serve(run, tmp_path_factory):
    """Start the app for a plan. Settings and plans are kept in a folder of its own, unless `config` names one."""

    def start(*arguments, config=None, port=None):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GRIDGEO")}
        own = tmp_path_factory.mktemp("app")
        environment |= {"GRIDGEO_CONFIG": str(config or own / "config"), "GRIDGEO_HOME": str(own / "home")}
        return run([sys.executable, "-m", "app", *arguments], "/_stcore/health", port=port, environment=environment)

    return start


@pytest.fixture(scope="session")
def new_port():
    """Give a port that nobody listens on."""
    return free_port


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(address, process, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert process.poll() is None, "the app ended by itself"
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"no answer from {address}")


@pytest.fixture(scope="session")
def until():
    """Wait until an expression is true in a frame.

    Playwright's own waiting evaluates text inside the page, which the exported map's policy rightly forbids.
    """

    def wait(frame, expression):
        end = time.monotonic() + WITHIN_MS / 1000
        while not frame.evaluate(f"() => Boolean({expression})"):
            assert time.monotonic() < end, f"never true: {expression}"
            frame.wait_for_timeout(30)

    return wait


@pytest.fixture(scope="session")
def look():
    """What is really on a map: Leaflet's state, and whether anything was painted on each canvas."""
    return lambda frame: frame.evaluate(STATE)


@pytest.fixture(scope="session")
def axe():
    """Name the serious accessibility faults that axe-core finds in a frame."""
    script = (WEB / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")

    def check(frame):
        frame.evaluate(script)
        found = frame.evaluate("axe.run(document, {iframes: false, resultTypes: ['violations']})")
        serious = [each for each in found["violations"] if each["impact"] in ("serious", "critical")]
        return [(each["id"], each["nodes"][0]["html"]) for each in serious]

    return check


STATE = """() => {
  const { view } = gridgeo;
  const painted = {};
  for (const [name, sheet] of Object.entries(view.sheets)) {
    const canvas = sheet._container;
    // A copy: reading from the canvas itself would slow down all drawing on it from then on.
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    const pixels = new Uint32Array(copy.getImageData(0, 0, canvas.width, canvas.height).data.buffer);
    const colours = new Set();
    for (let i = 0; i < pixels.length; i += 1) {
      if (pixels[i] >>> 24) { colours.add(pixels[i]); }
    }
    painted[name] = colours.size;
  }
  const size = view.map.getSize();
  return {
    size: [size.x, size.y],
    zoom: view.map.getZoom(),
    centre: [view.map.getCenter().lat, view.map.getCenter().lng],
    inView: view.map.getBounds().contains(view.frameData.bounds),
    shown: [...view.layers].filter(([, layer]) => view.map.hasLayer(layer)).map(([id]) => id),
    layers: [...view.layers.keys()],
    labelled: view.labelled,
    lang: view.lang,
    painted,
  };
}"""
