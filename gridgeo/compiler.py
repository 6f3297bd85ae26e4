"""The compiler of the inner loops, numba, safely loaded."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar, cast

Function = TypeVar("Function", bound=Callable[..., object])


@contextmanager
def _no_false_package(name: str) -> Iterator[None]:
    """Hide a mere folder that Python would take for a package.

    numba looks whether the package ``coverage`` is there. In a notebook or beside a script, a folder of that name where
    the user works (which is what people call our results) would be taken for it, and numba would fail to load.
    """
    found = importlib.util.find_spec(name) if name not in sys.modules else None
    folder_only = found is not None and found.origin is None
    if folder_only:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if folder_only:
            del sys.modules[name]


with _no_false_package("coverage"):
    import numba


def compiled(function: Function) -> Function:
    """Compile a function when it is first called, and keep the machine code for the next run.

    Parameters
    ----------
    function : callable
        A function of numbers and arrays.

    Returns
    -------
    callable
        The same function, compiled.
    """
    return cast("Function", numba.njit(cache=True)(function))
