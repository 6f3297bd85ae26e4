"""Take the README's pictures of the app: both bundled places, both languages.

Run ``python tools/take_screenshots.py [FOLDER]``; it needs Chromium and writes ``app-<place>-<lang>.png``.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from gridgeo.readers import bundled_places, bundled_plan_path

FOLDER = Path(__file__).parents[1] / "docs" / "images"
LANGUAGES = {"zh": "zh-CN", "en": "en-GB"}
SIZE = {"width": 1366, "height": 768}
MOST_BYTES = 400_000
COLOURS = 256
FLAGS = ["--no-sandbox", "--disable-gpu", "--host-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"]
PATIENCE_MS = 120_000


def main() -> None:
    """Take all pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    chromium = next(
        (path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None
    )
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=FLAGS)
        for place in bundled_places():
            port = free_port()
            server = subprocess.Popen([sys.executable, "-m", "app", str(bundled_plan_path(place)), "--port", str(port)])
            try:
                wait_for(port)
                for lang in LANGUAGES:
                    target = folder / f"app-{place}-{lang}.png"
                    take(browser, f"http://127.0.0.1:{port}", lang, target)
                    print(f"{target.name}: {target.stat().st_size // 1000} kB")
            finally:
                server.terminate()
                server.wait()
        browser.close()


def take(browser: Browser, address: str, lang: str, target: Path) -> None:
    """Take one picture.

    Parameters
    ----------
    browser : Browser
        Chromium.
    address : str
        Where the app is.
    lang : {'zh', 'en'}
        The reader's language.
    target : Path
        The PNG file.
    """
    page = browser.new_page(viewport=SIZE, locale=LANGUAGES[lang])
    page.set_default_timeout(PATIENCE_MS)
    page.goto(address)
    page.frame_locator("iframe").locator(".gg-panel-legend").wait_for()
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    page.wait_for_timeout(1500)
    page.screenshot(path=target)
    page.close()
    # A palette makes the file a third of the size; refined by k-means, the symbols keep their colours.
    with Image.open(target) as picture:
        picture.convert("RGB").quantize(COLOURS, kmeans=3, dither=Image.Dither.NONE).save(target, optimize=True)
    if target.stat().st_size > MOST_BYTES:
        raise SystemExit(f"{target} is larger than {MOST_BYTES} bytes")


def free_port() -> int:
    """Return a port that nobody listens on.

    Returns
    -------
    int
        The port.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Wait until the app answers.

    Parameters
    ----------
    port : int
        Its port.
    """
    for _ in range(300):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise SystemExit("the app does not answer")


if __name__ == "__main__":
    main()
