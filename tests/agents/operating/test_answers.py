"""An answer fits into its row, whatever it holds."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from aldea.agents.operating.answers import answer_text

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=400),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=20), inner, max_size=20),
    max_leaves=40,
)


@settings(max_examples=100)
@given(st.dictionaries(st.text(max_size=20), JSON, max_size=20), st.integers(150, 3_000))
def test_an_answer_always_fits_and_is_json(detail: dict[str, Any], most: int) -> None:
    text = answer_text(detail, most)
    assert len(text) <= most
    assert isinstance(json.loads(text), dict)


def test_what_fits_is_said_whole() -> None:
    assert json.loads(answer_text({"a": "ñ", "b": [1, 2]})) == {"a": "ñ", "b": [1, 2]}
