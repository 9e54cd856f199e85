"""What the pages of contact points and of the log of notifications show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from fastapi import Request

from aldea.alert_rules.notify.channels import CHANNELS, shown
from aldea.dashboard_api.access.visitor import Visitor
from aldea.dashboard_api.contact_view import OPEN, notifier_alive, people_in_reach, people_with_contacts
from aldea.dashboard_api.context import Context
from aldea.dashboard_api.problems import Problem
from aldea.dashboard_api.web.contact_form import ContactForm
from aldea.dashboard_api.web.contact_words import (
    FAILURE_WORDS,
    FIELD_WORDS,
    KIND_WORDS,
    LANGUAGE_WORDS,
    STATE_WORDS,
)
from aldea.dashboard_api.web.shown import Shown
from aldea.storage.register.contacts import ContactPoint, PersonContacts, contacts_of
from aldea.storage.register.notifications import (
    Notification,
    NotificationFilter,
    NotificationState,
    count_by_state,
    last_tests,
    list_notifications,
)
from aldea.storage.register.people import list_people

LOG_PAGE = 50


def contacts_page(aldea: Context, request: Request, visitor: Visitor) -> dict[str, Any]:
    """Return the values of the list of people and their contact points."""
    now = aldea.clock.wall_ms()
    said = aldea.pages.shown(request, now)
    with aldea.register.reading() as unit:
        people = people_with_contacts(unit, visitor, now)
        tests = last_tests(unit, [point.id for one in people for point in one.contacts])
        alive = notifier_alive(unit, now)
    rows = [(one, [_point(point, tests.get(point.id), said, aldea) for point in one.contacts]) for one in people]
    return {"people": rows, "notifier_alive": alive, "reached": sum(bool(one.contacts) for one in people)}


def form_page(
    aldea: Context,
    request: Request,
    visitor: Visitor,
    form: ContactForm,
    errors: Mapping[str, str],
    contact: int | None,
) -> dict[str, Any]:
    """Return the values of the form for a new contact point (`contact` None) or an old one."""
    now = aldea.clock.wall_ms()
    said = aldea.pages.shown(request, now)
    with aldea.register.reading() as unit:
        person = _person(people_with_contacts(unit, visitor, now), form.person)
    stored = next((point for point in person.contacts if point.id == contact), None)
    entries = [
        {
            "name": item.name,
            "label": said.say(FIELD_WORDS[form.kind, item.name][0]),
            "hint": _hint(said, form.kind, item.name),
            "secret": item.secret,
            "kept": item.secret and stored is not None and stored.kind == form.kind and item.name in stored.fields,
            "required": item.required,
            "value": "" if item.secret else getattr(form, item.name) or item.default,
        }
        for item in CHANNELS[form.kind]
    ]
    return {
        "person": person,
        "form": form,
        "contact": contact,
        "entries": entries,
        "errors": {name: said.say(text) for name, text in errors.items()},
        "kinds": [(kind, said.say(KIND_WORDS[kind])) for kind in CHANNELS],
        "language_choices": [(code, said.say(word)) for code, word in LANGUAGE_WORDS.items()],
        "zone": form.quiet_zone or aldea.pages.zone.key,
        "new_address": lambda kind: "/admin/contacts/new?" + urlencode({"person": person.person, "kind": kind}),
    }


def log_page(
    aldea: Context, request: Request, visitor: Visitor, state: str, person: str, before: int | None
) -> dict[str, Any]:
    """Return the values of the log of notifications."""
    now = aldea.clock.wall_ms()
    said = aldea.pages.shown(request, now)
    wanted = NotificationFilter(NotificationState(state) if state else None, person or None)
    with aldea.register.reading() as unit:
        reach = people_in_reach(unit, visitor, now)
        found = list_notifications(unit, wanted, limit=LOG_PAGE + 1, before_id=before, recipients=reach)
        counts = count_by_state(unit, recipients=reach)
        people = {one.id: one.label for one in list_people(unit) if reach is None or one.id in reach}
        points = {point.id: point for group in contacts_of(unit, list(people)).values() for point in group}
        alive = notifier_alive(unit, now)
    rows = [_row(item, points.get(item.contact), people, said, aldea) for item in found[:LOG_PAGE]]
    older = (
        urlencode({"state": state, "person": person, "before": found[LOG_PAGE - 1].id}) if len(found) > LOG_PAGE else ""
    )
    return {
        "rows": rows,
        "state": state,
        "person": person,
        "older": f"?{older}" if older else None,
        "before": before,
        "state_choices": [(one.value, said.say(STATE_WORDS[one.value][0]), counts[one]) for one in NotificationState],
        "people": sorted(people.items(), key=lambda item: item[1]),
        "notifier_alive": alive,
        "any": any(counts.values()),
        "filtered": bool(state or person),
    }


def outcome(item: Notification, said: Shown) -> str:
    """Return what became of a notification, with the provider's words and what to do."""
    word = said.say(STATE_WORDS[item.state.value][0])
    advice, words = failure_words(item, said)
    return f"{word}. {advice} {words}".strip() if advice else word


def failure_words(item: Notification, said: Shown) -> tuple[str, str]:
    """Return the advice and the provider's own words for a failure; two empty texts where there was none."""
    if item.last_error is None or item.state is NotificationState.SENT:
        return "", ""
    code, _, words = item.last_error.partition(": ")
    known = FAILURE_WORDS.get(code)
    return (said.say(known), words) if known else ("", item.last_error)


def _point(point: ContactPoint, test: Notification | None, said: Shown, aldea: Context) -> dict[str, Any]:
    quiet = point.quiet
    advice, words = ("", "") if test is None else failure_words(test, said)
    return {
        "id": point.id,
        "kind": said.say(KIND_WORDS.get(point.kind, point.kind)),
        "shown": shown(point.kind, point.fields),
        "language": said.say(LANGUAGE_WORDS.get(point.language, point.language)),
        "enabled": point.enabled,
        "verified": None if point.verified_ms is None else said.moment(point.verified_ms, aldea.pages.zone),
        "quiet": None
        if quiet is None
        else f"{quiet.from_minute // 60:02d}:{quiet.from_minute % 60:02d}–{quiet.to_minute // 60:02d}:"  # noqa: RUF001 - a span
        f"{quiet.to_minute % 60:02d}",
        "test": test,
        "test_open": test is not None and test.state in OPEN,
        "test_failed": test is not None and test.state in {NotificationState.FAILED, NotificationState.EXPIRED},
        "test_when": "" if test is None else said.ago(test.created_ms),
        "advice": advice,
        "words": words,
    }


def _row(
    item: Notification, point: ContactPoint | None, people: Mapping[str, str], said: Shown, aldea: Context
) -> dict[str, Any]:
    word, pill = STATE_WORDS[item.state.value]
    advice, words = failure_words(item, said)
    return {
        "item": item,
        "word": said.say(word),
        "pill": pill,
        "person": people.get(item.recipient, item.recipient),
        "channel": said.say(KIND_WORDS.get(item.channel, item.channel)),
        "shown": "" if point is None else shown(point.kind, point.fields),
        "made": said.moment(item.created_ms, aldea.pages.zone),
        "decided": None if item.decided_ms is None else said.moment(item.decided_ms, aldea.pages.zone),
        "next": said.moment(item.next_attempt_ms, aldea.pages.zone) if item.state in OPEN else None,
        "advice": advice,
        "words": words,
    }


def _hint(said: Shown, kind: str, name: str) -> str:
    hint = FIELD_WORDS[kind, name][1]
    return said.say(hint) if hint else ""


def _person(people: tuple[PersonContacts, ...], person: str) -> PersonContacts:
    found = next((one for one in people if one.person == person), None)
    if found is None:
        raise Problem(404, f"There is no person {person[:60]!r} whose contacts can be managed here.")
    return found
