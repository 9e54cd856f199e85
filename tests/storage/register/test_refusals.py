"""What the register refuses is said in both languages where it is raised."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from aldea.storage import register
from aldea.storage.register.errors import RegisterError

FOLDER = Path(register.__file__).parent
MODULES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.py"))
NOT_WORDS = {"str", "repr", "format", "join"}


def refusals() -> set[str]:
    """Return the names of what the register raises."""
    for module in pkgutil.walk_packages([str(FOLDER)], f"{register.__name__}."):
        if ".migrations" not in module.name:
            importlib.import_module(module.name)
    found, left = set(), [RegisterError]
    while left:
        kind = left.pop()
        found.add(kind.__name__)
        left += kind.__subclasses__()
    return found


def in_english_alone(tree: ast.AST, named: set[str]) -> Iterator[str]:
    """Yield where a refusal is made of a text that is no sentence in both languages."""
    for made in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if getattr(made.func, "id", "") in named and any(not is_said(word) for word in made.args):
            yield f"line {made.lineno}"


def is_said(word: ast.expr) -> bool:
    return isinstance(word, ast.Call) and getattr(word.func, "id", getattr(word.func, "attr", "")) not in NOT_WORDS


@pytest.mark.parametrize("name", MODULES)
def test_no_refusal_is_in_english_alone(name: str) -> None:
    tree = ast.parse((FOLDER / name).read_text(encoding="utf-8"))
    assert list(in_english_alone(tree, refusals())) == []


@pytest.mark.parametrize("word", ['"no"', 'f"no {x}"', '"no %s" % x', '"no {}".format(x)', "str(x)"])
def test_a_refusal_in_english_alone_is_seen(word: str) -> None:
    made = ast.parse(f"def refuse(x):\n    raise UnknownEntryError({word})")
    assert list(in_english_alone(made, {"UnknownEntryError"})) == ["line 2"]
