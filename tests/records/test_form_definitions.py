"""Forms as data: a wrong definition is refused."""

from __future__ import annotations

from typing import Any

import pytest

from aldea.model.forms import FormError, read_definition
from records.answers import FORMS


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": "Mi Forma"}, "id must be"),
        ({"version": "1.0"}, "version must be a whole number"),
        ({"title": {"es": "X"}}, "title needs a text in each of es, en"),
        ({"fields": []}, "at least one field"),
        ({"colour": "red"}, "'colour' is not a key"),
        ({"event_from": "when"}, "event_from must name the field"),
        ({"rules": [{"kind": "sum", "fields": []}]}, "a rule's kind is 'sum'"),
        ({"fields": [{"name": "event_date", "kind": "colour", "label": {"es": "a", "en": "b"}}]}, "kind is 'colour'"),
        ({"fields": [{"name": "event_date", "kind": "choice", "label": {"es": "a", "en": "b"}}]}, "needs choices"),
        ({"fields": [{"name": "event_date", "kind": "rows", "label": {"es": "a", "en": "b"}}]}, "need fields"),
        ({"fields": [{"name": "Event"}]}, "a field needs a name"),
    ],
)
def test_a_wrong_definition_is_refused_with_all_that_is_wrong(change: dict[str, Any], words: str) -> None:
    with pytest.raises(FormError, match=words):
        read_definition({**FORMS["power_note"].document, **change})
