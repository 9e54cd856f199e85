"""Forms as data: what is accepted becomes exactly the payload, whatever is sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aldea.model.forms import laid_out, sentence, typed_from_payload, validate
from records.answers import ATTENDANCE, FORMS, GOLDEN, MOMENT, PERSON


@pytest.mark.parametrize("name", FORMS)
def test_what_is_typed_becomes_exactly_the_payload(name: str) -> None:
    typed, payload, day = GOLDEN[name]
    checked = validate(FORMS[name], typed, MOMENT)
    assert [sentence(fault, "en") for fault in checked.faults] == []
    assert checked.payload == payload
    assert checked.event_date == day


@pytest.mark.parametrize("name", FORMS)
def test_a_stored_payload_is_shown_and_checked_again_to_the_same_payload(name: str) -> None:
    _, payload, day = GOLDEN[name]
    typed = typed_from_payload(FORMS[name], payload)
    if FORMS[name].field("event_date") is not None:
        typed["event_date"] = day.isoformat()
    assert validate(FORMS[name], typed, MOMENT).payload == payload
    assert validate(FORMS[name], {**payload, "event_date": day.isoformat()}, MOMENT).payload == payload


def test_people_may_be_counted_by_sex_and_age_without_codes() -> None:
    tally = [{"sex": "F", "age_band": "15-24", "count": 7}, {"sex": "O", "age_band": "65+", "count": 1}]
    checked = validate(FORMS["attendance"], {**ATTENDANCE, "participants": [], "tally": tally}, MOMENT)
    assert checked.payload == {"activity": "Asesoría", "participants": [], "tally": tally, "unkeyed": 0}
    none = validate(FORMS["attendance"], {**ATTENDANCE, "tally": [{"sex": "F", "age_band": "65+", "count": 0}]}, MOMENT)
    assert [fault.path for fault in none.faults] == ["tally.0.count"]


def test_a_newer_forms_unknown_fields_are_kept() -> None:
    more = {**ATTENDANCE, "weather": "rain", "participants": [{**PERSON, "shoes": 2}]}
    checked = validate(FORMS["attendance"], more, MOMENT, version="3")
    assert checked.payload["weather"] == "rain"
    assert checked.payload["participants"] == [{**PERSON, "shoes": 2}]
    assert not validate(FORMS["attendance"], more, MOMENT, version="2").ok


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(form=st.sampled_from(sorted(FORMS)), data=st.data())
def test_whatever_is_sent_is_accepted_or_refused_in_words_and_never_breaks(form: str, data: st.DataObject) -> None:
    names = [field.name for field in FORMS[form].fields] + ["other"]
    typed = data.draw(st.dictionaries(st.sampled_from(names), anything))
    checked = validate(FORMS[form], typed, MOMENT)
    for language in ("es", "en"):
        assert all(len(sentence(fault, language)) > 10 for fault in checked.faults)
        laid_out(FORMS[form], typed if checked.ok else {}, checked.faults, language)
    if checked.ok:
        assert checked.event_date is not None
        again = validate(FORMS[form], {**checked.payload, "event_date": checked.event_date.isoformat()}, MOMENT)
        assert again.payload == checked.payload
