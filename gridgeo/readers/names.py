"""The names that files use for columns, in Chinese and English."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from importlib import resources

KNOWN: Mapping[str, Mapping[str, list[str]]] = tomllib.loads(
    resources.files(__package__).joinpath("known.toml").read_text(encoding="utf-8")
)
"""Names that files use for a layer's columns; see ``known.toml``."""

WORDS: Mapping[str, Mapping[str, str]] = {
    column: {said: value for value, words in values.items() for said in words}
    for column, values in tomllib.loads(
        resources.files(__package__).joinpath("words.toml").read_text(encoding="utf-8")
    ).items()
}
"""Column → what tables say in it → what it means; see ``words.toml``."""

PERSONAL = re.compile(
    r"姓名|名字|户主|联系人|电话|手机|联系方式|身份证|证件号|微信|邮箱|银行卡|出生日期|生日|住址|家庭地址|phone|mobile|tel$|idcard|identity"
    r"|email|birth",
    re.IGNORECASE,
)
"""Names of columns about persons; such columns are never read unless they are asked for by a mapping."""

HIDDEN = "•••"
"""Stands in messages and previews for what tells who somebody is."""


def count_known(names: Iterable[str]) -> int:
    """Count how many names are known for any layer: the row of a table with the most is its header.

    Parameters
    ----------
    names : iterable of str
        The texts of one row.

    Returns
    -------
    int
        How many of them are known.
    """
    return sum(1 for name in names if name and (plain_name(name) in _EVERY or PERSONAL.search(name)))


def plain_name(name: str) -> str:
    """Return a name without what differs from file to file: width, case, blanks, marks, units in brackets.

    Parameters
    ----------
    name : str
        A column's name.

    Returns
    -------
    str
        What is left of it.
    """
    said = unicodedata.normalize("NFKC", name).strip().lower()
    said = re.sub(r"[(\[（【].*?[)\]）】]", "", said)
    said = said.split("#")[0]
    return re.sub(r"[\s_:：*.\-/]", "", said)


_EVERY = frozenset(
    plain_name(name) for layer in KNOWN.values() for column, names in layer.items() for name in (column, *names)
)
