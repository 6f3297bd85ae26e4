"""The documents tell the truth: their commands run, their examples hold, and they name every command."""

import doctest
import os
import pkgutil
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from importlib import import_module
from pathlib import Path

import pytest
from conftest import ROOT

import gridgeo
from gridgeo.texts import LANGUAGES

READMES = ["README.md", "README.zh.md"]


def blocks(path, language):
    """Return the fenced blocks of one language in a document."""
    return re.findall(
        rf"^```{language}\n(.*?)^```", (ROOT / path).read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )


def commands_of(readme):
    lines = [line for block in blocks(readme, "sh") for line in block.splitlines()]
    return [shlex.split(line) for line in lines if line.startswith("gridgeo ")]


def test_both_readmes_hold_the_same_commands_and_the_same_example():
    english, chinese = map(commands_of, READMES)
    assert chinese == [[name, "--lang", "zh", *rest] for name, *rest in english]
    assert blocks(READMES[0], "python") == blocks(READMES[1], "python")


def test_the_commands_and_the_example_of_the_readme_run(tmp_path):
    readme = READMES[1]
    commands = commands_of(readme)
    assert len(commands) == 4
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    for command in commands:
        call = [sys.executable, "-c", "from gridgeo.cli import main; main()", *command[1:]]
        ran = subprocess.run(call, cwd=tmp_path, env=environment, capture_output=True, text=True, encoding="utf-8")
        assert ran.returncode == 0, ran.stderr
    (example,) = blocks(readme, "python")
    ran = subprocess.run([sys.executable, "-c", example], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "coverage_rate" in ran.stdout
    assert (tmp_path / "map.html").stat().st_size > 100_000


@pytest.mark.parametrize("readme", READMES)
def test_the_make_targets_of_the_readme_exist(readme):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    text = (ROOT / readme).read_text(encoding="utf-8")
    wanted = set(re.findall(r"\bmake ([a-z]+)$", text, flags=re.MULTILINE)) | set(re.findall(r"`make ([a-z]+)`", text))
    assert {"run", "demo", "test"} <= wanted
    for target in wanted:
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_ci_calls_what_the_readme_says():
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-1] == "make test"
    assert "```sh\nmake test\n```" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_links_and_pictures_of_every_document_exist():
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "data").glob("*.md")]
    assert len(documents) > 10
    for document in documents:
        targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8"))
        for target in targets:
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_docstring_examples_hold():
    modules = [name for _, name, _ in pkgutil.walk_packages(gridgeo.__path__, "gridgeo.")]
    assert "gridgeo.plan" in modules
    for name in modules:
        result = doctest.testmod(import_module(name), raise_on_error=False)
        assert result.failed == 0, name


def test_the_contract_is_there():
    for name in gridgeo.__all__:
        assert getattr(gridgeo, name) is not None


def test_the_reference_names_every_command_and_option():
    from typer.main import get_command

    from gridgeo.cli.commands import app

    reference = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    command = get_command(app)
    assert len(command.commands) >= 5
    for name, each in command.commands.items():
        (section,) = re.findall(rf"^## gridgeo {name}\n(.*?)(?=^## |\Z)", reference, flags=re.MULTILINE | re.DOTALL)
        options = [option for parameter in each.params for option in parameter.opts if option.startswith("--")]
        for option in {*options} - {"--help"}:
            assert f"`{option}" in section, f"{name} {option}"


def test_the_glossary_has_both_languages_for_every_word():
    rows = re.findall(
        r"^\| (.+?) \| (.+?) \| (.+?) \|$", (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    rows = [row for row in rows if not row[0].startswith(("English", "---"))]
    assert len(rows) > 30
    for english, chinese, meaning in rows:
        assert re.search("[a-z]", english)
        assert re.search("[\u4e00-\u9fff]", chinese)
        assert meaning


def test_lock_files_name_no_host():
    for lock in [*(ROOT / "requirements").glob("*.txt"), ROOT / "gridgeo" / "web" / "package-lock.json"]:
        assert not re.search(r"https?://", lock.read_text(encoding="utf-8")), lock.name


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_app_command_serves_on_this_machine_only(lang, free_port, tmp_path):
    call = [
        sys.executable,
        "-c",
        "from gridgeo.cli import main; main()",
        "app",
        "--port",
        str(free_port),
        "--lang",
        lang,
    ]
    with subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path) as server:
        try:
            assert answers(f"http://127.0.0.1:{free_port}/_stcore/health")
            listening = Path("/proc/net/tcp").read_text(encoding="ascii").split("\n")
            mine = [line.split()[1] for line in listening[1:] if line and line.split()[1].endswith(f":{free_port:04X}")]
            assert {address.split(":")[0] for address in mine} == {"0100007F"}
        finally:
            server.terminate()
            assert server.wait(timeout=30) in {0, -signal.SIGTERM}


@pytest.fixture
def free_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(address):
    for _ in range(120):
        try:
            with urllib.request.urlopen(address, timeout=1) as response:
                return response.status == 200
        except OSError:
            time.sleep(0.25)
    return False
