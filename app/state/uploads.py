"""Files that a reader hands to the app: kept in a folder of their session, under names that cannot lead elsewhere."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from app.state.environment import HOST, UPLOAD_MB
from gridgeo.errors import FileError
from gridgeo.texts import text

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

_NAME = 120


class Folder:
    """A folder that goes when its session does."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="gridgeo-uploads-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


def choose_files(key: str, kinds: list[str]) -> list[Path]:
    """Let a reader hand over files.

    Parameters
    ----------
    key : str
        The widget's key.
    kinds : list of str
        The endings that are offered; what a file is, is told by its content later.

    Returns
    -------
    list of Path
        The files, kept in the session's folder.

    Raises
    ------
    FileError
        If there is no room for them.
    """
    given = st.file_uploader(
        text("app.upload.files", most=UPLOAD_MB),
        kinds,
        accept_multiple_files=True,
        key=key,
        max_upload_size=UPLOAD_MB,
        help=text("app.upload.help", most=UPLOAD_MB),
    )
    return _join_parts([_keep(file) for file in given])


def choose_path(key: str) -> Path | None:
    """Let a reader name a file of this computer; only one who sits at it.

    Parameters
    ----------
    key : str
        The widget's key.

    Returns
    -------
    Path or None
        The file, which is there; None while none is named.

    Raises
    ------
    FileError
        If there is no such file.
    """
    if not at_this_computer():
        return None
    return named_file(st.text_input(text("app.upload.path"), key=key, help=text("app.upload.path_help")))


def named_file(said: str) -> Path | None:
    """Return the file a reader named.

    Parameters
    ----------
    said : str
        A path, perhaps in the quotes that copying it brought.

    Returns
    -------
    Path or None
        The file, which is there; None when nothing is named.

    Raises
    ------
    FileError
        If there is no such file.
    """
    plain = said.strip().strip('"')
    if not plain:
        return None
    path = Path(plain).expanduser()
    try:
        found = path.is_file()
    except ValueError:  # a zero byte in the name
        found = False
    if not found:
        raise FileError("missing_file", file=plain)
    return path


def at_this_computer() -> bool:
    """Tell whether the browser runs on the computer that the app runs on.

    Returns
    -------
    bool
        True for a connection from this computer to an app that nobody else can reach.
    """
    return st.get_option("server.address") == HOST and not st.context.headers.get("X-Forwarded-For")


def _keep(file: UploadedFile) -> Path:
    folder = st.session_state.setdefault("uploads", Folder())
    target: Path = folder.path / file.file_id / safe_name(file.name)
    if target.exists():
        return target
    try:
        target.parent.mkdir(exist_ok=True)
        draft = target.with_name(".part")
        with draft.open("wb") as copy:
            shutil.copyfileobj(file, copy)
        draft.replace(target)
    except OSError as error:
        raise FileError("unwritable_file", file=file.name, detail=error.strerror or error) from error
    return target


def _join_parts(paths: list[Path]) -> list[Path]:
    """Lay the parts of a Shapefile beside each other, and let one stand for all."""
    stems = {path.stem: path for path in paths if path.suffix.lower() == ".shp"}
    whole = []
    for path in paths:
        head = stems.get(path.stem)
        if head is None or path == head:
            whole.append(path)
        elif not (head.parent / path.name).exists():
            shutil.copyfile(path, head.parent / path.name)
    return whole


def safe_name(name: str) -> str:
    """Make a file's name one that stays in its folder.

    Parameters
    ----------
    name : str
        As the browser said it.

    Returns
    -------
    str
        Its last part without marks that mean something to a system, its end kept.
    """
    last = name.replace("\\", "/").rpartition("/")[2]
    plain = "".join("_" if letter in '<>:"|?*' or not letter.isprintable() else letter for letter in last).strip(". ")
    return plain[-_NAME:] or "file"
