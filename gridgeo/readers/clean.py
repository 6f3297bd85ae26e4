"""Cells as people type them into numbers and identifiers, every change of meaning listed."""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute

from gridgeo.texts import layer_label, text

_BLANKS = frozenset(
    {"", "-", "--", "—", "——", "/", "\\", "无", "暂无", "不详", "未知", "空", "na", "n/a", "null", "none", "nan"}
)
_INVISIBLE = dict.fromkeys(map(ord, "\ufeff\u200b\u200c\u200d\u2060\u00ad"))
_WORDED = re.compile(
    r"(?P<about>约|大约|近|超过|不足)?(?P<number>[+-]?\d[\d,]*(?:\.\d+)?)(?:户|人|口|个|名|米|m|层|岁)?(?P<more>左右|多|余|上下)?"
)
_DEGREES = re.compile(
    r"(?P<d>\d{1,3})[°度](?:(?P<m>\d{1,2})['′分])?(?:(?P<s>\d{1,2}(?:\.\d+)?)[\"″秒])?(?P<side>[NSEW北南东西])?",
    re.IGNORECASE,
)
_PLAIN = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
# What makes it worth to look at a text by itself: outer blanks of any script, invisible marks anywhere, an apostrophe
# in front, a power of ten. Arrow looks for it in all cells at once.
_UNUSUAL = r"^['\s\p{Z}]|[\s\p{Z}]$|[\p{C}\x{a0}]|[eE]\+?1[5-9]$"
_ROUNDED = 2.0**53
_DAY = re.compile(
    r"(?P<y>\d{4})(?:[-/.年](?P<m>\d{1,2})[-/.月](?P<d>\d{1,2})日?|(?P<m2>\d{2})(?P<d2>\d{2}))(?:[T ]\d{1,2}:.*)?"
)
_SERIAL = re.compile(r"\d{5}(\.\d+)?")
_FIRST_SERIAL, _LAST_SERIAL = 18_264, 73_050  # 1950 to 2099


@dataclass(frozen=True)
class Repair:
    """One value that was understood as something else than it literally was.

    Parameters
    ----------
    layer, file : str
        Where.
    row : int, optional
        Row of the file, counted from 1; none for a repair of the whole layer.
    column : str, optional
        Column of the file.
    before, after : object
        What stood there and what was taken.
    why : str
        Entry of ``texts/readers.toml`` under ``repairs``.
    """

    layer: str
    file: str
    row: int | None
    column: str | None
    before: object
    after: object
    why: str

    @property
    def message(self) -> str:
        """The repair as a sentence, in the current language."""
        return text(
            f"readers.repairs.{self.why}",
            layer=layer_label(self.layer),
            row=self.row,
            column=self.column,
            before=self.before,
            after=layer_label(self.after) if self.why == "by_name" else self.after,
        )

    def as_dict(self) -> dict[str, object]:
        """Return the repair as plain data.

        Returns
        -------
        dict
            ``layer``, ``file``, ``row``, ``column``, ``before``, ``after``, ``message``.
        """
        plain = {name: getattr(self, name) for name in ("layer", "file", "row", "column")}
        return {**plain, "before": str(self.before), "after": str(self.after), "message": self.message}


@dataclass(frozen=True)
class Numbers:
    """A column of numbers and what had to be done for it.

    Parameters
    ----------
    found : ndarray of float64, length n
        The numbers; NaN where there is none.
    changes : tuple of (int, object, object, str)
        Position, before, after, and why, of every cell that was not plainly a number.
    bad : tuple of int
        Positions of cells that hold something, but no number.
    """

    found: NDArray[np.float64]
    changes: tuple[tuple[int, object, object, str], ...]
    bad: tuple[int, ...]


def parse_numbers(cells: pd.Series) -> Numbers:
    """Read numbers out of cells that people typed.

    Parameters
    ----------
    cells : Series, length n
        Numbers and texts: full-width digits, thousands commas, ``约30户``, ``30户``, ``-``, ``无``, ``116°19′20″``.

    Returns
    -------
    Numbers
        The numbers, the cells that were understood, and those that could not be.
    """
    if pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells):
        return Numbers(cells.to_numpy(dtype="float64", na_value=np.nan), (), ())
    values = np.full(len(cells), np.nan)
    changes: list[tuple[int, object, object, str]] = []
    bad: list[int] = []
    for at, cell in enumerate(cells):
        if cell is None or (isinstance(cell, float) and math.isnan(cell)):
            continue
        if isinstance(cell, (int, float)):
            values[at] = float(cell)
            continue
        number, why = _parse(str(cell))
        if why == "bad":
            bad.append(at)
            continue
        values[at] = number
        if why:
            plain = None if math.isnan(number) else int(number) if number.is_integer() else number
            changes.append((at, cell, plain, why))
    return Numbers(values, tuple(changes), tuple(bad))


def parse_texts(cells: pd.Series) -> tuple[pd.Series, tuple[int, ...]]:
    """Read texts and identifiers, whole numbers without a decimal point.

    Parameters
    ----------
    cells : Series, length n
        Numbers and texts.

    Returns
    -------
    texts : Series of object, length n
        Stripped of outer blanks and invisible marks; None where there is none.
    rounded : tuple of int
        Positions of numbers too long to have kept all their digits: an 18-digit number in a spreadsheet has lost three.
    """
    if isinstance(cells.dtype, pd.StringDtype):
        arrow = pa.array(cells)
        if not compute.any(compute.match_substring_regex(arrow, _UNUSUAL)).as_py():
            plain = compute.if_else(compute.equal(arrow, ""), None, arrow).to_numpy(zero_copy_only=False)
            return pd.Series(plain, index=cells.index, dtype="object"), ()
    found: list[str | None] = []
    rounded: list[int] = []
    for at, cell in enumerate(cells):
        if cell is None or (isinstance(cell, float) and math.isnan(cell)):
            found.append(None)
            continue
        if isinstance(cell, float) and cell.is_integer():
            if abs(cell) >= _ROUNDED:
                rounded.append(at)
            found.append(str(int(cell)))
            continue
        said = str(cell).translate(_INVISIBLE).replace("\u00a0", " ").strip()
        if re.fullmatch(r"\d(\.\d+)?[eE]\+?1[5-9]", said):
            rounded.append(at)
        # The apostrophe that keeps a spreadsheet from running a text is not part of it.
        if re.match(r"'[=+\-@＝＋－＠]", said):
            said = said[1:]
        found.append(said or None)
    return pd.Series(found, index=cells.index, dtype="object"), tuple(rounded)


def tells_who(texts: pd.Series, *, phones: bool) -> bool:
    """Tell whether a column holds identity-card numbers, or mobile telephone numbers, whatever it is called.

    Parameters
    ----------
    texts : Series of object, length n
        From `parse_texts`.
    phones : bool
        Whether to look for telephone numbers too: codes of buildings may have eleven digits as well.

    Returns
    -------
    bool
        True when at least half of its values are such: 18 characters with the right check digit (GB 11643), or 11
        digits that begin with 13 to 19.
    """
    said = texts.dropna().astype("str")
    if said.empty or not 11 <= said.str.len().median() <= 18:  # noqa: PLR2004 (the lengths of the two)
        return False
    found = said.str.fullmatch(r"\d{17}[\dXx]") & said.map(_checks_out)
    if phones:
        found |= said.str.fullmatch(r"1[3-9]\d{9}")
    return bool(found.mean() >= 0.5)  # noqa: PLR2004 (half)


def _checks_out(said: str) -> bool:
    """Tell whether the last character of an identity-card number is the one that its digits ask for (ISO 7064)."""
    if not said[:17].isascii() or not said[:17].isdigit():
        return False
    total = sum(int(digit) * pow(2, 17 - at, 11) for at, digit in enumerate(said[:17]))
    return said[17:].upper() == "10X98765432"[total % 11]


def parse_flags(cells: pd.Series) -> tuple[pd.Series, tuple[int, ...]]:
    """Read yes and no.

    Parameters
    ----------
    cells : Series, length n
        Flags, 0 and 1, or words.

    Returns
    -------
    flags : Series of object, length n
        True, False, or None.
    bad : tuple of int
        Positions of what is neither.
    """
    words = {
        **dict.fromkeys(("1", "true", "t", "yes", "y", "是", "有", "开", "开放", "√"), True),
        **dict.fromkeys(("0", "false", "f", "no", "n", "否", "无", "关", "关闭", "不开放", "×"), False),
    }
    texts, _ = parse_texts(cells)
    plain = [None if said is None else unicodedata.normalize("NFKC", said).lower() for said in texts]
    bad = tuple(at for at, said in enumerate(plain) if said is not None and said not in words)
    return pd.Series([words.get(said) if said else None for said in plain], index=cells.index, dtype="object"), bad


def parse_days(cells: pd.Series) -> tuple[pd.Series, list[tuple[int, object, object, str]]]:
    """Read days as people and spreadsheets write them.

    Parameters
    ----------
    cells : Series, length n
        ``2026-11-22``, ``2026/1/2``, ``2026年1月2日``, ``20260102``, or the number of a day in a spreadsheet.

    Returns
    -------
    days : Series of object, length n
        As ``2026-11-22``; a text that is no day as it is, for the check to name; None where there is none.
    changes : list of (int, object, object, str)
        Position, before, after and why, of every day that was written otherwise.
    """
    texts, _ = parse_texts(cells)
    days: list[str | None] = []
    changes: list[tuple[int, object, object, str]] = []
    for at, said in enumerate(texts):
        day, why = (None, "") if said is None else _day(unicodedata.normalize("NFKC", said))
        days.append(day or said)
        if day is not None and day != said:
            changes.append((at, said, day, why))
    return pd.Series(days, index=cells.index, dtype="object"), changes


def _day(said: str) -> tuple[str | None, str]:
    found = _DAY.fullmatch(said)
    try:
        if found:
            month, day = found["m"] or found["m2"], found["d"] or found["d2"]
            return dt.date(int(found["y"]), int(month), int(day)).isoformat(), "day"
        if _SERIAL.fullmatch(said) and _FIRST_SERIAL <= float(said) <= _LAST_SERIAL:
            return (dt.date(1899, 12, 30) + dt.timedelta(days=int(float(said)))).isoformat(), "serial"
    except ValueError:
        pass
    return None, ""


def _parse(cell: str) -> tuple[float, str]:
    """Return the number in a text, and why it is not plainly one: empty, a key of the texts, or ``bad``."""
    # NFKC takes the double prime of seconds apart into two primes of minutes.
    said = re.sub(r"\s+", "", unicodedata.normalize("NFKC", cell.translate(_INVISIBLE).replace("″", '"')))
    if said.lower() in _BLANKS:
        return math.nan, "" if said == "" else "blank_mark"
    if _PLAIN.fullmatch(said):
        number = float(said)
        if not math.isfinite(number):
            return math.nan, "bad"
        return number, "" if said == cell.strip() else "width"
    angle = _DEGREES.fullmatch(said)
    if angle and (angle["m"] or angle["side"] or "°" in said or "度" in said):
        number = int(angle["d"]) + int(angle["m"] or 0) / 60 + float(angle["s"] or 0) / 3600
        return (-number if (angle["side"] or "").upper() in {"S", "W", "南", "西"} else number), "degrees"
    worded = _WORDED.fullmatch(said)
    if worded is None or not re.fullmatch(r"[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?", worded["number"]):
        return math.nan, "bad"
    number = float(worded["number"].replace(",", ""))
    return number, "about" if worded["about"] or worded["more"] else "worded"
