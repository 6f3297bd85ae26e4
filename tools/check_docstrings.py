"""Check every public docstring of gridgeo against numpydoc's rules (those named in pyproject.toml).

The package is imported rather than parsed: only then are dataclasses and properties known for what they are.
"""

from __future__ import annotations

import inspect
import pkgutil
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from numpydoc.validate import get_validation_checks, validate

import gridgeo

# The commands' parameters are documented by their help texts, in both languages.
LEFT_OUT = ("gridgeo.cli.",)


def main() -> None:
    """Print what is wrong with the docstrings; stop with 1 if there is anything."""
    settings = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["tool"]["numpydoc_validation"]
    checks = get_validation_checks(set(settings["checks"]))
    names = list(public_names())
    inherited = {name for name, thing in names if inspect.isclass(thing) and _inherits_parameters(thing)}
    wrong = [
        f"{name}: {code} {message}"
        for name, _ in names
        for code, message in validate(name)["errors"]
        if code in checks and not (code == "PR01" and name in inherited)
    ]
    sys.stdout.write("".join(f"{line}\n" for line in wrong))
    sys.exit(1 if wrong else 0)


def _inherits_parameters(each: type) -> bool:
    """Tell a class whose parameters are documented elsewhere, or that has none: an heir, a protocol."""
    return "__init__" not in vars(each) or getattr(each, "_is_protocol", False)


def public_names() -> Iterator[tuple[str, object]]:
    """Give every public function, class, method and property that is defined in gridgeo, with its full name."""
    for module in pkgutil.walk_packages(gridgeo.__path__, "gridgeo."):
        if module.name.startswith(LEFT_OUT) or any(part.startswith("_") for part in module.name.split(".")):
            continue
        for name, thing in vars(import_module(module.name)).items():
            own = getattr(thing, "__module__", None) == module.name and not name.startswith("_")
            if own and (inspect.isfunction(thing) or inspect.isclass(thing)):
                yield f"{module.name}.{name}", thing
                if inspect.isclass(thing):
                    yield from (
                        (f"{module.name}.{name}.{each}", member)
                        for each, member in vars(thing).items()
                        if not each.startswith("_") and (inspect.isfunction(member) or isinstance(member, property))
                    )


if __name__ == "__main__":
    main()
