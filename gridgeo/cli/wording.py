"""What the argument parser says of itself, in the reader's language: its complaints and the frame of its help."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import typer
from rich.columns import Columns
from rich.text import Text
from typer import rich_utils

from gridgeo.errors import show_plainly
from gridgeo.texts import text

# The parser marks these cases by their sentence only; each pattern catches what the sentence is about.
_PLAIN_CASES = {
    "no_command": re.compile(r"^No such command '(?P<what>.*)'\.$"),
    "near_command": re.compile(r"^No such command '(?P<what>.*)'\. Did you mean (?P<near>.*)\?$"),
    "extra_argument": re.compile(r"^Got unexpected extra argument(?:s|\(s\))? \((?P<what>.*)\)$"),
    "no_value": re.compile(r"^Option '?(?P<what>[^' ]+)'? requires (?:an argument|\d+ arguments)\.?$"),
}

# So does what is wrong with a number.
_NUMBER_CASES = {
    "number": re.compile(r"^Input should be a valid number"),
    "whole_number": re.compile(r"^Input should be a valid integer"),
    "at_least": re.compile(r"^Input should be greater than or equal to (?P<limit>\S+)$"),
    "at_most": re.compile(r"^Input should be less than or equal to (?P<limit>\S+)$"),
}


def require_choice(option: str, value: str, allowed: Iterable[str]) -> None:
    """Refuse a value that is not among those an option takes.

    Parameters
    ----------
    option : str
        The option.
    value : str
        What was given.
    allowed : iterable of str
        What it takes.

    Raises
    ------
    typer.BadParameter
        If the value is none of them.
    """
    if value not in (known := tuple(allowed)):
        value = show_plainly(value)
        raise typer.BadParameter(text("cli.misuse_choice", what=option, value=value, allowed=", ".join(known)))


def word_misuse(error: typer.TyperException) -> str:
    """Word a complaint of the argument parser.

    Parameters
    ----------
    error : typer.TyperException
        What the parser, or a command checking its arguments, raised.

    Returns
    -------
    str
        One sentence in the reader's language; empty when the help has just been shown instead.
    """
    about = getattr(error, "param_hint", None) or _parameter_name(getattr(error, "param", None))
    kind = type(error).__name__
    if kind == "MissingParameter":
        return text("cli.misuse_missing", what=about or "")
    if kind == "NoSuchOption":
        near = ", ".join(sorted(getattr(error, "possibilities", None) or ()))
        option = getattr(error, "option_name", "")
        return (
            text("cli.misuse_near_option", what=option, near=near) if near else text("cli.misuse_option", what=option)
        )
    if kind == "BadParameter" and about:
        return _word_number(about, error.message)
    if kind == "BadParameter":
        return error.message
    message = error.format_message()
    for case, pattern in _PLAIN_CASES.items():
        if found := pattern.match(message):
            return text(
                f"cli.misuse_{case}", **{name: value.replace("'", "") for name, value in found.groupdict().items()}
            )
    return message


def _word_number(about: str, complaint: str) -> str:
    for case, pattern in _NUMBER_CASES.items():
        if found := pattern.match(complaint):
            return text(f"cli.misuse_{case}", what=about, **found.groupdict())
    return text("cli.misuse_value", what=about)


class _Folded(Columns):
    """What stands beside an option in the help, broken anywhere: Chinese has no blanks, and was cut at the margin."""

    def __init__(self, items: list[Any]) -> None:
        for item in items:
            if isinstance(item, Text):
                item.overflow = "fold"
        super().__init__(items)


def word_help(app: typer.Typer) -> Any:  # noqa: ANN401 (typer keeps its command class to itself)
    """Give the command line with the frame of its help in the reader's language.

    Parameters
    ----------
    app : typer.Typer
        The command line.

    Returns
    -------
    callable
        What runs it, as `app` itself would.
    """
    rich_utils.Columns = _Folded  # type: ignore[attr-defined, assignment]
    rich_utils.ARGUMENTS_PANEL_TITLE = text("cli.help_arguments")
    rich_utils.OPTIONS_PANEL_TITLE = text("cli.help_options")
    rich_utils.COMMANDS_PANEL_TITLE = text("cli.help_commands")
    rich_utils.REQUIRED_LONG_STRING = text("cli.help_required")
    rich_utils.DEFAULT_STRING = text("cli.help_default")
    group: Any = typer.main.get_command(app)
    _word_help_option(group)
    return group


def _word_help_option(command: Any) -> None:  # noqa: ANN401
    option = command.get_help_option(command.context_class(command))
    if option is not None:
        option.help = text("cli.help_option")
    for each in getattr(command, "commands", {}).values():
        _word_help_option(each)


def _parameter_name(parameter: Any) -> str | None:  # noqa: ANN401
    if parameter is None:
        return None
    return (
        str(parameter.opts[0]) if parameter.param_type_name == "option" else str(parameter.get_error_hint()).strip("'")
    )
