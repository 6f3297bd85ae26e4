"""The app and a browser, as the benchmarks use them: a server of its own, Chromium, and ways to wait for the map."""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Frame, Page, sync_playwright

FLAGS = ("--no-sandbox", "--disable-gpu", "--host-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1")
PATIENCE_S = 60
COLD_S = 300
"""How long the first page of very many features may take, for which the server computes everything."""
IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"
READY = "Boolean(window.gridgeo && gridgeo.view && gridgeo.view.ready)"


@contextmanager
def app_server(plan: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Serve a plan as ``gridgeo app`` does.

    Parameters
    ----------
    plan : Path
        The plan file.

    Yields
    ------
    tuple of str and Popen
        The address, and the server's process.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = {"GRIDGEO_CONFIG": str(plan.parent / "config"), "GRIDGEO_HOME": str(plan.parent / "home")}
    command = [sys.executable, "-m", "app", str(plan), "--port", str(port)]
    process = subprocess.Popen(command, env={**os.environ, **own}, stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(5 * COLD_S):
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=2).close()  # noqa: S310 - our own address
                break
            except OSError:
                time.sleep(0.2)
        yield address, process
    finally:
        process.terminate()
        process.wait(timeout=20)


@contextmanager
def browser() -> Iterator[Callable[[], Page]]:
    """Open Chromium.

    Yields
    ------
    callable
        Opens a page of its own session.
    """
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for path in map(shutil.which, names) if path), None)
    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=found, args=list(FLAGS))

        def new_page() -> Page:
            page = opened.new_context(locale="en-GB", viewport={"width": 1366, "height": 768}).new_page()
            page.set_default_timeout(1000 * PATIENCE_S)
            return page

        yield new_page
        opened.close()


def turn_to(page: Page, address: str, name: str, *, mapped: bool = True) -> Frame:
    """Open a page of the app by its name in the menu."""
    page.goto(f"{address}/?lang=en")
    page.get_by_role("link", name=name).click()
    page.wait_for_url(lambda url: name.lower().replace("-", "") in url)
    settle(page)
    return map_frame(page) if mapped else page.main_frame


def map_frame(page: Page, *, settled: bool = True) -> Frame:
    """Wait for the page's map and return its frame."""
    page.frame_locator("iframe").first.locator(".gg-panel-legend").wait_for()
    frame = next(each for each in page.frames if "plan_map" in each.url)
    until(frame, READY)
    if settled:
        settle(page)
    return frame


def grid_on_map(block: str) -> str:
    """Return the expression for the name of a block's grid, as the map has it."""
    data = "gridgeo.view.layers.get('blocks').data"
    return f"{data}.titles[{data}.keys.indexOf({block!r})]"


def look_at(frame: Frame, layer: str, key: str) -> None:
    """Bring a feature into the middle of the map, near enough to be clicked."""
    frame.evaluate(
        """([id, key]) => { const { map, layers } = gridgeo.view; const { shape, data } = layers.get(id);
          const i = data.keys.indexOf(key); const scale = map.options.crs.scale(0) / 256;
          const at = shape.boxes ? [0, 1].map((k) => (shape.boxes[4 * i + k] + shape.boxes[4 * i + 2 + k]) / 2)
            : [shape.xy[2 * i], shape.xy[2 * i + 1]];
          map.setView(map.unproject([at[0] * scale, at[1] * scale], 0), Math.max(map.getZoom(), 15),
            { animate: false }); }""",
        [layer, key],
    )


def feature_spot(page: Page, frame: Frame, layer: str, key: str) -> tuple[float, float]:
    """Return where a feature is on the screen, in pixels."""
    x, y = frame.evaluate(
        """([id, key]) => { const { map, layers } = gridgeo.view; const { shape, data } = layers.get(id);
          const i = data.keys.indexOf(key);
          const s = map.options.crs.scale(map.getZoom()) / 256; const o = map.getPixelOrigin();
          const b = shape.boxes ? [0, 1].map((k) => (shape.boxes[4 * i + k] + shape.boxes[4 * i + 2 + k]) / 2)
            : [shape.xy[2 * i], shape.xy[2 * i + 1]];
          const p = map.layerPointToContainerPoint([b[0] * s - o.x, b[1] * s - o.y]);
          const r = map.getContainer().getBoundingClientRect(); return [p.x + r.left, p.y + r.top]; }""",
        [layer, key],
    )
    box = page.locator("iframe").first.bounding_box() or {"x": 0, "y": 0}
    return box["x"] + x, box["y"] + y


def settle(page: Page) -> None:
    """Wait until the app has no work left."""
    page.wait_for_timeout(50)
    page.locator(IDLE).wait_for()


def until(frame: Frame, expression: str) -> None:
    """Wait until an expression is true in a frame; looked at every few milliseconds."""
    # By evaluating rather than by Playwright's waiting, which evaluates text inside the page: its policy forbids that.
    end = time.monotonic() + PATIENCE_S
    while not frame.evaluate(f"() => Boolean({expression})"):
        if time.monotonic() > end:
            raise SystemExit(f"not true within {PATIENCE_S} s: {expression}")
        frame.wait_for_timeout(5)


def painted(frame: Frame, expression: str) -> None:
    """Wait until an expression is true in a frame and what it stands for is on the screen."""
    until(frame, expression)
    frame.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def timed(work: Callable[[], object]) -> float:
    """Return how many seconds something took."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def memory_mb(process: subprocess.Popen[bytes], name: str = "VmRSS") -> float:
    """Return the resident memory of a process, now or (``VmHWM``) at the most, in megabytes."""
    lines = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1000


def cpu_s(process: subprocess.Popen[bytes]) -> float:
    """Return how many seconds of a processor a process has used."""
    fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def report(what: str, seconds: list[float]) -> None:
    """Print the median and the slowest of some times, and how busy the machine is."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    middle, slowest = statistics.median(seconds), max(seconds)
    print(f"{what}: median {middle:.2f} s of {len(seconds)}, slowest {slowest:.2f} s{load}", flush=True)
