"""What is written down about people's deeds is shown in words."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from aldea.dashboard_api.web.audit_words import ACTION_WORDS, DETAIL_WORDS

ROOT = Path(__file__).resolve().parents[3]


def audited() -> Iterator[ast.Call]:
    """Yield every call of `audit` in the server's code."""
    for part in ("dashboard_api", "deploy", "storage"):
        for path in (ROOT / part / "aldea").rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "audit":
                    yield node


def texts_in(node: ast.expr) -> list[str]:
    """Return the texts that an argument may be: one, or one of two."""
    if isinstance(node, ast.IfExp):
        return texts_in(node.body) + texts_in(node.orelse)
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def test_each_action_has_words() -> None:
    actions = {text for call in audited() for text in texts_in(call.args[2])}
    assert len(actions) > 20
    assert actions - set(ACTION_WORDS) == set()


def test_each_detail_has_words() -> None:
    details = {
        key.value
        for call in audited()
        if len(call.args) > 4 and isinstance(call.args[4], ast.Dict)
        for key in call.args[4].keys
        if isinstance(key, ast.Constant)
    }
    assert len(details) > 5
    assert details - set(DETAIL_WORDS) == set()
