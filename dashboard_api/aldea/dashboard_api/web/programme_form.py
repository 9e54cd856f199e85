"""The form of a programme: what was typed, what is wrong with it, and the programme it makes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.web.record_forms import Sent
from aldea.dashboard_api.web.record_words import NEVER_OWED, form_texts
from aldea.model.forms import load_forms
from aldea.model.sample import is_id
from aldea.storage.register.programmes import PERIODS, Programme


@dataclass(frozen=True, slots=True)
class Typed:
    """What a programme's form holds, as it was typed, and what is wrong with it."""

    values: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)


def read_programme(
    say: Callable[[str], str], sent: Sent, programme_id: str, *, simulated: bool
) -> tuple[dict[str, str], Programme | None]:
    """Return what is wrong by field, and the programme (None where it can't be made)."""
    starts, ends = day_of(sent.get("starts_on")), day_of(sent.get("ends_on"))
    wrong = _wrong(sent, programme_id, starts, ends)
    errors = {name: say(text) for name, text in wrong.items()}
    if errors or starts is None:
        return errors, None
    chosen = {form: sent.get(f"duty.{form}") for form in load_forms()}
    made = Programme(
        programme_id,
        sent.get("name").strip(),
        starts,
        ends,
        {form: period for form, period in chosen.items() if period in PERIODS},
        simulated=simulated,
        name_en=sent.get("name_en").strip()[:200],
        due_days=int(sent.get("due_days")),
    )
    return errors, made


def _wrong(sent: Sent, programme_id: str, starts: date | None, ends: date | None) -> dict[str, str]:
    """Return what is wrong by field; each sentence names the field and the fix."""
    found: dict[str, str] = {}
    due = sent.get("due_days").strip()
    if not is_id(programme_id):
        found["id"] = N_("Id: use 1 to 39 of a-z, 0-9 and -, not starting with -.")
    if not 0 < len(sent.get("name").strip()) <= 200:
        found["name"] = N_("Name: it is missing or longer than 200 characters.")
    if starts is None:
        found["starts_on"] = N_("First day: this is not a date; write it as 2025-11-03.")
    if ends is None and sent.get("ends_on").strip():
        found["ends_on"] = N_("Last day: this is not a date; write it as 2025-11-03, or leave it empty.")
    if starts is not None and ends is not None and ends < starts:
        found["ends_on"] = N_("Last day: it is before the first day; correct one of the two.")
    if not (due.isdecimal() and due.isascii() and len(due) < 4 and int(due) <= 180):
        found["due_days"] = N_("Days to report: write a whole number from 0 to 180.")
    if any(sent.get(f"duty.{form}") not in ("", *PERIODS) for form in load_forms()):
        found["duties"] = N_("Reports: choose nothing, each month or each quarter for every form.")
    return found


def typed_programme(found: Programme) -> dict[str, str]:
    """Return a programme as its form would be typed."""
    return {
        "name": found.name,
        "name_en": found.name_en,
        "starts_on": found.starts_on.isoformat(),
        "ends_on": "" if found.ends_on is None else found.ends_on.isoformat(),
        "due_days": str(found.due_days),
        **{f"duty.{form}": period for form, period in found.duties.items()},
    }


def duties(typed: Typed, language: str) -> list[dict[str, str]]:
    """Return what each of the forms is, and how often it is owed as typed."""
    forms = (form for form in load_forms().values() if form.id not in NEVER_OWED)
    return [form_texts(form, language) | {"period": typed.values.get(f"duty.{form.id}", "")} for form in forms]


def day_of(text: str) -> date | None:
    """Return the day that was typed as 2025-11-03, None where it is none."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None
