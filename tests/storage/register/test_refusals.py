"""What the register refuses to a person is said in both languages where it is raised."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from aldea.storage import register

FOLDER = Path(register.__file__).parent
FOR_PERSONS = (
    "commands",
    "contacts",
    "device_overlays",
    "device_settings",
    "devices",
    "enrolment",
    "facts",
    "passwords",
    "people",
    "profiles",
    "release_reach",
    "releases",
    "replacing",
    "rollouts",
    "sites",
    "tokens",
)
OF_BOXES = ("note_answer",)
"""What takes a box's word: nobody reads why it was refused but in the log."""


def plain_refusals(tree: ast.AST) -> Iterator[str]:
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        for raised in (node.exc for node in ast.walk(function) if isinstance(node, ast.Raise)):
            if function.name in OF_BOXES or not isinstance(raised, ast.Call):
                continue
            if any(isinstance(text, ast.Constant | ast.JoinedStr) for text in raised.args):
                yield f"{function.name}, line {raised.lineno}"


@pytest.mark.parametrize("name", FOR_PERSONS)
def test_no_refusal_is_in_english_alone(name: str) -> None:
    assert list(plain_refusals(ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8")))) == []
