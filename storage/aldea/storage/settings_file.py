"""Reads `aldea.toml`, and checks the files that it names. What the tables may hold is each part's own to say."""

from __future__ import annotations

import tomllib
from pathlib import Path

from aldea.model.said import Said
from aldea.model.settings import SettingsError


def settings_file(path: Path | None) -> dict[str, object]:
    """Return the tables of `path` (None: `aldea.toml` here, if there is one). Raises SettingsError."""
    file = Path("aldea.toml") if path is None else path
    if path is None and not file.exists():
        return {}
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            [Said(f"{file} cannot be read: {error.strerror}", f"{file} no se puede leer: {error.strerror}")]
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError([Said(f"{file} is not TOML: {error}", f"{file} no es TOML: {error}")]) from None


def a_readable_file(path: Path) -> str | None:
    """Check a file that a setting names; None where it can be read."""
    try:
        with path.open("rb"):
            return None
    except OSError as error:
        return Said(f"a file that can be read ({error.strerror})", f"un archivo que se pueda leer ({error.strerror})")
