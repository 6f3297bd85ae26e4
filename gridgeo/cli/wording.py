"""What the argument parser says of itself, in the reader's language: its complaints and the frame of its help."""

from __future__ import annotations

import re
from typing import Any

import typer
from typer import rich_utils

from gridgeo.texts import text

# The parser marks these cases by their sentence only; each pattern catches what the sentence is about.
_PLAIN_CASES = {
    "no_command": re.compile(r"^No such command '(?P<what>.*)'\.$"),
    "near_command": re.compile(r"^No such command '(?P<what>.*)'\. Did you mean (?P<near>.*)\?$"),
    "extra_argument": re.compile(r"^Got unexpected extra argument(?:s|\(s\))? \((?P<what>.*)\)$"),
    "no_value": re.compile(r"^Option '?(?P<what>[^' ]+)'? requires (?:an argument|\d+ arguments)\.?$"),
}


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
        return text("cli.misuse_value", what=about)
    if kind == "BadParameter":
        return error.message
    message = error.format_message()
    for case, pattern in _PLAIN_CASES.items():
        if found := pattern.match(message):
            return text(
                f"cli.misuse_{case}", **{name: value.replace("'", "") for name, value in found.groupdict().items()}
            )
    return message


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
