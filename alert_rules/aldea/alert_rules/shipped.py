"""The rules that come with Aldea, and those of a file beside them. Reads files, so it is not among the pure parts."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from aldea.alert_rules.loading import RulesError, load_rules
from aldea.alert_rules.ruleset import RuleSet
from aldea.model.said import Said

SHIPPED_NAME = "default_rules.yaml"


def shipped_text() -> str:
    """Return the text of the shipped file."""
    return files("aldea.alert_rules").joinpath(SHIPPED_NAME).read_text(encoding="utf-8")


def rules_of(path: Path | None = None) -> RuleSet:
    """Return the shipped rules, with those of the file at `path` added or put in their place.

    Raises RulesError with every mistake.
    """
    given = [(SHIPPED_NAME, shipped_text())]
    if path is not None:
        given.append((str(path), _text(path)))
    return load_rules(given)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise RulesError(
            [
                Said(
                    f"{path}: can't be read ({error.strerror}); check the name and who may read it",
                    f"{path}: no se puede leer ({error.strerror}); revisar el nombre y quién puede leerlo",
                )
            ]
        ) from error
    except UnicodeDecodeError as error:
        raise RulesError(
            [
                Said(
                    f"{path}: is not UTF-8 text; save it as UTF-8",
                    f"{path}: no es texto en UTF-8; guardarlo como UTF-8",
                )
            ]
        ) from error
