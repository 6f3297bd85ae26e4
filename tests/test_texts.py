"""Every sentence exists in both languages, says the same things, and is there when the code asks for it."""

from __future__ import annotations

import ast
import contextvars
import string
from importlib import resources
from pathlib import Path

import pytest

from gridgeo import texts
from gridgeo.errors import CRSError, Fault, FileError, GridgeoError, InputError

ROOT = Path(__file__).parents[1]
FILES = sorted(
    path.name.removesuffix(".toml")
    for path in resources.files("gridgeo.texts").iterdir()
    if path.name.endswith(".toml")
)
ERRORS = {
    "CRSError", "Fault", "FileError", "GridgeoError", "ImportFaults", "InputError", "MissingDataError", "NetworkError",
    "PartitionError", "PlanError",
}  # fmt: skip


def entries(file):
    """Yield (key, entry) for every text of a file, remedies too."""

    def walk(prefix, node):
        if "zh" in node or "en" in node:
            yield prefix, node
        for name, child in node.items():
            if isinstance(child, dict):
                yield from walk(f"{prefix}.{name}", child)

    yield from walk(file, texts.catalogue(file))


def placeholders(sentence):
    return sorted(
        {name.split(".")[0].split("[")[0] for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}
    )


@pytest.mark.parametrize("file", FILES)
def test_both_languages_with_the_same_placeholders(file):
    found = list(entries(file))
    assert found
    for key, entry in found:
        assert entry.get("zh", "").strip(), key
        assert entry.get("en", "").strip(), key
        assert placeholders(entry["zh"]) == placeholders(entry["en"]), key
        assert "" not in placeholders(entry["en"]), key


def calls():
    """Yield (file, name of the function called, first argument) where the first argument is a string."""
    for path in [*ROOT.glob("gridgeo/**/*.py"), *ROOT.glob("app/**/*.py")]:
        if "node_modules" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            first = node.args[0] if node.args else next((k.value for k in node.keywords if k.arg == "key"), None)
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield path.name, name, first.value


def test_every_key_in_the_code_exists():
    asked = [(file, name, key) for file, name, key in calls() if name in ERRORS or name == "text"]
    assert len(asked) > 30
    missing = [
        (file, key) for file, name, key in asked if not texts.has_text(key if name == "text" else f"errors.{key}")
    ]
    assert missing == []


def test_the_language_is_chosen_by_block_then_environment_then_locale(monkeypatch):
    # An empty context: the tests' own block of English must not decide.
    contextvars.Context().run(check_languages, monkeypatch)


def check_languages(monkeypatch):
    monkeypatch.delenv("GRIDGEO_LANG", raising=False)
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert texts.current_language() == "zh"
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert texts.current_language() == "en"
    monkeypatch.setenv("GRIDGEO_LANG", "zh_CN")
    assert texts.current_language() == "zh"
    monkeypatch.setenv("GRIDGEO_LANG", "xx")
    assert texts.current_language() == "en"
    with texts.using_language("zh"):
        assert texts.text("errors.missing_file", file="甲") == "找不到文件 甲。"
        with texts.using_language("en"):
            assert texts.text("errors.missing_file", file="甲") == "There is no file 甲."
        assert texts.current_language() == "zh"
    assert texts.text("errors.missing_file", "zh", file="甲").startswith("找不到")


def test_what_does_not_exist_is_an_error():
    for key in ("errors", "errors.no_such_entry", "nofile.entry", "errors.missing_file.remedy.x"):
        assert not texts.has_text(key)
        with pytest.raises(KeyError):
            texts.text(key)
    with pytest.raises(KeyError):
        texts.text("errors.missing_file")
    with pytest.raises(ValueError, match="lang"), texts.using_language("fr"):
        pass


def test_an_error_is_one_sentence_with_a_remedy_and_its_faults():
    fault = Fault(key="negative_value", layer="households", file="a.csv", row=3, column="households", value=-2)
    error = InputError("faults_in_layer", faults=[fault], layer="households", count=1)
    with texts.using_language("en"):
        told = "1 fault in households.\n- a.csv: Layer households, row 3, column households: -2 is below zero."
        assert str(error) == told
        assert FileError("missing_file", file="x").remedy == "Check the path and its spelling."
        assert error.remedy is None
        said = fault.as_dict()
    with texts.using_language("zh"):
        assert str(FileError("missing_file", file="x")) == "找不到文件 x。请检查路径和拼写。"
    assert set(said) == {"layer", "file", "row", "column", "value", "message", "remedy"}
    assert Fault(key="negative_value", value=shape()).as_dict()["value"] == "POINT"


def test_layers_and_columns_are_called_as_people_call_them():
    fault = Fault(key="negative_value", layer="households", row=3, column="elderly", value=-2)
    of_a_file = Fault(key="negative_value", layer="households", file="a.csv", row=3, column="elderly", value=-2)
    missing = InputError("missing_column", layer="people", column="role")
    strange = Fault(
        key="wrong_geometry", layer="units", row=1, value="Point", values={"wanted": "Polygon / MultiPolygon"}
    )
    with texts.using_language("zh"):
        assert fault.message == "住户第 3 行，列“老年人”：-2 小于零。"
        assert of_a_file.message == "住户第 3 行，列“elderly”：-2 小于零。"
        assert (fault.column_said, of_a_file.column_said) == ("老年人", "elderly")
        assert str(missing).startswith("人员缺少列“身份”。请添加列“身份”（role）")
        assert strange.message == "社区等单元第 1 行：几何类型为点，应为面 / 多面。"
        assert Fault(
            key="wrong_type", layer="x.y", row=1, column="name.zh", value=1, values={"wanted": "number"}
        ).message
    assert missing.message == "Layer people has no column Role."
    assert (fault.as_dict()["layer"], fault.as_dict()["column"]) == ("households", "elderly")


def test_every_layer_and_column_has_a_name():
    from gridgeo.schema import LAYERS

    known = texts.catalogue("layers")
    assert set(LAYERS) <= set(known["layer"])
    assert {column for layer in LAYERS.values() for column in layer.column_names()} <= set(known["column"])


def shape():
    class Odd:
        def __str__(self):
            return "POINT"

        def __format__(self, spec):
            return "POINT"

    return Odd()


def test_one_of_a_thing_is_not_said_as_several():
    with texts.using_language("en"):
        assert texts.text("redraw_page.in_band_note", good=1, all=1) == "1 of 1 grid"
        assert texts.text("redraw_page.in_band_note", good=1, all=21) == "1 of 21 grids"
        assert texts.text("app.import.rejected", count=1).startswith("1 row was set aside.")
        assert texts.text("app.import.rejected", count="11").startswith("11 rows were set aside.")
    with texts.using_language("zh"):
        assert "1" in texts.text("redraw_page.in_band_note", good=1, all=1)


def test_what_is_not_known_is_left_out_of_brackets():
    said = {"grid": "G1", "street": None, "line": None, "new": None}
    assert texts.text("edits.split_grid", "en", **said) == "Split grid G1"
    assert texts.text("edits.split_grid", "zh", **said | {"line": "2 点"}) == "拆分网格 G1（划线 2 点）"
    assert texts.text("edits.split_grid", "en", **said | {"street": "x", "grid": None}) == "Split grid – (street x)"


def test_a_name_turns_no_words_beyond_itself():
    """Marks that turn the direction of writing end where the name ends, also when a name tries to end that early."""
    for name in ("abc\u202e", "a\u2069\u202eb", "\u2067a"):
        said = texts.text("redraw_page.kept", "en", name=name)
        inside = said[said.index("\u2068") + 1 : said.index("\u2069")]
        assert inside == name.translate({0x2067: None, 0x2069: None})
        assert said.count("\u2068") == said.count("\u2069") == 1


def test_errors_are_builtin_errors_too_and_survive_pickling():
    import pickle

    error = CRSError("no_crs", layer="x", faults=[Fault(key="bad_coordinate", layer="x", row=1)])
    assert isinstance(error, ValueError)
    assert isinstance(error, GridgeoError)
    assert isinstance(FileError("missing_file", file="x"), OSError)
    back = pickle.loads(pickle.dumps(error))  # noqa: S301 - what the line above wrote
    assert (type(back), back.key, back.values, back.faults) == (CRSError, "no_crs", {"layer": "x"}, error.faults)


def test_many_faults_of_one_kind_are_counted_not_all_worded():
    alike = [
        Fault(key="negative_value", layer="households", row=row, column="households", value=-2) for row in range(9)
    ]
    other = Fault(key="negative_value", layer="stations", row=1, column="capacity", value=-2)
    error = InputError("faults_in_layer", faults=[*alike[:8], other, alike[8]], layer="households", count=10)
    with texts.using_language("en"):
        lines = str(error).splitlines()
    assert [line[:24] for line in lines[1:6]] == ["- Layer households, row " for _ in range(5)]
    assert lines[6:] == [
        "- … and 4 more of this kind (with --json all are listed).",
        "- Layer stations, row 1, column Capacity: -2 is below zero.",
    ]
    assert len(error.faults) == 10
