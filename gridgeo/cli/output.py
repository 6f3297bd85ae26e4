"""How the command line speaks: tables and progress for people, one JSON object for programs."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from gridgeo.errors import GridgeoError, join_sentences, show_plainly
from gridgeo.texts import text

# What `gridgeo.assessment` calls with the name of each step that begins; the entry ``cli.step_<step>`` words it.
Report = Callable[[str], None]


@contextmanager
def progress_bar(steps: int) -> Iterator[Report]:
    """Show a progress bar on standard error for the length of a ``with`` block.

    Parameters
    ----------
    steps : int
        How many steps there will be.

    Yields
    ------
    Report
        Call it with a step's name when the step begins.
    """
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=steps)
        begun = 0

        def report(step: str) -> None:
            nonlocal begun
            bar.update(task, completed=begun, description=text(f"cli.step_{step}"))
            begun += 1

        yield report


def print_json(answer: dict[str, Any]) -> None:
    """Print one JSON object on standard output.

    Parameters
    ----------
    answer : dict
        The object; numbers of NumPy are allowed, infinite ones become null.
    """
    sys.stdout.write(json.dumps(_plain(answer), ensure_ascii=False, allow_nan=False) + "\n")


def print_error(error: GridgeoError, *, as_json: bool) -> None:
    """Say what is wrong: on standard error for people, as the contract's object for programs.

    Parameters
    ----------
    error : GridgeoError
        What is wrong.
    as_json : bool
        Whether the caller asked for JSON.
    """
    if as_json:
        message = join_sentences(error.message, error.remedy)
        faults = [fault.as_dict() for fault in error.faults]
        print_json({"error": type(error).__name__, "message": message, "faults": faults})
    else:
        sys.stderr.write(f"{error}\n")


def print_misuse(sentence: str, *, as_json: bool) -> None:
    """Say what is wrong with a call, or inside gridgeo.

    Parameters
    ----------
    sentence : str
        The sentence.
    as_json : bool
        Whether the caller asked for JSON.
    """
    if as_json:
        print_json({"error": "UsageError", "message": sentence, "faults": []})
    else:
        sys.stderr.write(f"{sentence}\n")


def print_table(title: str, columns: list[str], rows: list[list[str]], *, right: set[int] | None = None) -> None:
    """Print a table on standard output.

    Parameters
    ----------
    title : str
        What stands above it.
    columns : list of str
        Its header.
    rows : list of list of str
        Its cells.
    right : set of int, optional
        Columns of numbers, aligned to the right.
    """
    table = Table(title=title, title_justify="left", title_style="bold")
    for position, column in enumerate(columns):
        # Folded rather than cut: Chinese has no blanks to break lines at, and a name cut short names nothing.
        table.add_column(column, justify="right" if position in (right or set()) else "left", overflow="fold")
    for row in rows:
        # Names come from users' files: rich must not read brackets in them as markup.
        table.add_row(*(cell.replace("[", "\\[") for cell in row))
    Console().print(table)


def print_lines(*lines: str) -> None:
    """Print plain lines on standard output.

    Parameters
    ----------
    *lines : str
        The lines.
    """
    sys.stdout.write("".join(f"{show_plainly(part)}\n" for line in lines for part in line.split("\n")))


def _plain(value: Any) -> Any:  # noqa: ANN401 (JSON is anything)
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if type(value).__module__ == "numpy":  # told by its name: who asks for help must not wait for numpy
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
