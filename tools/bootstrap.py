"""Set gridgeo up in ``.venv``, with nothing but a Python 3.11 or later: ``python tools/bootstrap.py app|all``.

``app`` installs what the program and its app need; ``all`` adds every extra, the development tools and Chromium for
the browser tests. Running it again is quick: it does only what the lock files say has changed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
WEB = ROOT / "gridgeo" / "web"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def main(arguments: list[str]) -> None:
    """Set up what was asked for, or stop with one sentence."""
    if arguments not in (["app"], ["all"]):
        sys.exit("usage: python tools/bootstrap.py app|all")
    wanted = arguments[0]
    if sys.version_info < (3, 11):  # noqa: UP036 (this file is what tells the user)
        sys.exit(f"gridgeo needs Python 3.11 or later; this is {sys.version.split()[0]}.")
    make_environment()
    install_packages(wanted)
    fetch_web_libraries()
    if wanted == "all":
        provide_browser()


def make_environment() -> None:
    """Make the virtual environment, where Debian leaves out the module for it too."""
    if PYTHON.exists():
        return
    print("Making the virtual environment .venv …", flush=True)
    command = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    if subprocess.run(command, check=False, capture_output=True).returncode == 0:
        return
    install_debian_packages("python3-venv")
    if subprocess.run(command, check=False).returncode != 0:
        sys.exit("The virtual environment could not be made. On Debian: apt-get install python3-venv, then try again.")


def install_packages(wanted: str) -> None:
    """Install the pinned packages, each checked against its hash, and gridgeo itself."""
    lock = ROOT / "requirements" / f"{wanted}.txt"
    smaller = ROOT / "requirements" / "app.txt"
    if is_done(wanted, lock) or (wanted == "app" and is_done("all", ROOT / "requirements" / "all.txt")):
        return
    print(f"Installing the pinned packages of {lock.relative_to(ROOT)} (once; a minute or two) …", flush=True)
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "--require-hashes", "-r", str(lock)])
    run([*pip, "--no-deps", "--no-build-isolation", "-e", str(ROOT)])
    mark_done(wanted, lock)
    if wanted == "all":
        mark_done("app", smaller)


def fetch_web_libraries() -> None:
    """Fetch the map's JavaScript libraries, so that no map ever asks the internet for them."""
    lock = WEB / "package-lock.json"
    if is_done("web", lock) and (WEB / "node_modules").is_dir():
        return
    print("Fetching the map libraries …", flush=True)
    npm = str(BIN / ("npm.exe" if os.name == "nt" else "npm"))
    run([npm, "ci", "--prefix", str(WEB), "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
    mark_done("web", lock)


def provide_browser() -> None:
    """Make sure that Chromium is there for the browser tests, and a font that has Chinese."""
    if any(shutil.which(name) for name in BROWSERS) or playwright_has_browser():
        return
    print("Installing Chromium for the browser tests …", flush=True)
    if install_debian_packages("chromium", "fonts-noto-cjk") and any(shutil.which(name) for name in BROWSERS):
        return
    subprocess.run([str(PYTHON), "-m", "playwright", "install", "chromium"], check=False)
    if not playwright_has_browser():
        sys.exit("The browser tests need Chromium: install it (Debian: apt-get install chromium), then try again.")


def playwright_has_browser() -> bool:
    """Tell whether Playwright's own installer has put a Chromium here."""
    ask = (
        "from pathlib import Path; from playwright.sync_api import sync_playwright as s\n"
        "with s() as p: raise SystemExit(not Path(p.chromium.executable_path).exists())"
    )
    return subprocess.run([str(PYTHON), "-c", ask], check=False, capture_output=True).returncode == 0


def install_debian_packages(*names: str) -> bool:
    """Install Debian packages where this is Debian and we are root; tell whether it worked."""
    if shutil.which("apt-get") is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return False
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    update = subprocess.run(["apt-get", "update", "-q"], check=False, env=quiet, stdout=subprocess.DEVNULL)
    command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *names]
    install = subprocess.run(command, check=False, env=quiet, stdout=subprocess.DEVNULL)
    return update.returncode == 0 and install.returncode == 0


def is_done(step: str, lock: Path) -> bool:
    """Tell whether a step was done for this very lock file."""
    stamp = VENV / f".done-{step}"
    return stamp.is_file() and stamp.read_text(encoding="ascii") == digest(lock)


def mark_done(step: str, lock: Path) -> None:
    """Remember that a step was done for this lock file."""
    (VENV / f".done-{step}").write_text(digest(lock), encoding="ascii")


def digest(lock: Path) -> str:
    """Name the contents of a lock file, and of the project file where gridgeo's own entry points stand."""
    contents = lock.read_bytes() + (ROOT / "pyproject.toml").read_bytes()
    return hashlib.sha256(contents).hexdigest()


def run(command: list[str]) -> None:
    """Run a step of the set-up, or stop with what failed."""
    if subprocess.run(command, check=False).returncode != 0:
        sys.exit(f"Set-up failed at: {' '.join(command)}")


if __name__ == "__main__":
    main(sys.argv[1:])
