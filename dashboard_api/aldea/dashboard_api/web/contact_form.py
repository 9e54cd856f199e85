"""The form of a contact point: what was typed, what is wrong with it, and the contact point it makes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from aldea.alert_rules.notify.channels import CHANNELS, check_fields, cleaned
from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.web.contact_words import LANGUAGE_WORDS, PROBLEM_WORDS
from aldea.storage.register.contacts import ContactPoint, QuietHours

CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


class ContactForm(BaseModel):
    """What a browser sends. Only the fields of the chosen channel are looked at."""

    person: str = ""
    kind: str = ""
    address: str = ""
    chat: str = ""
    phone: str = ""
    gateway: str = ""
    server: str = ""
    topic: str = ""
    url: str = ""
    token: str = ""
    language: str = "es"
    quiet_from: str = ""
    quiet_to: str = ""
    quiet_zone: str = ""
    enabled: str = ""

    def channel_fields(self) -> dict[str, str]:
        """Return what was typed for the chosen channel."""
        return {item.name: str(getattr(self, item.name)) for item in CHANNELS.get(self.kind, ())}


@dataclass(frozen=True, slots=True)
class Filled:
    """A form that was read: the contact point, or sentences (English, to be translated) by field."""

    point: ContactPoint | None
    errors: Mapping[str, str] = field(default_factory=dict)


def read_form(form: ContactForm, at_ms: int, before: ContactPoint | None = None) -> Filled:
    """Return what a form says. A secret left empty keeps the value that `before` has."""
    typed = form.channel_fields()
    if before is not None and before.kind == form.kind:
        for item in CHANNELS[form.kind]:
            if item.secret and not typed[item.name].strip():
                typed[item.name] = before.fields.get(item.name, "")
    errors = {problem.field: PROBLEM_WORDS[problem.word] for problem in check_fields(form.kind, typed)}
    if form.language not in LANGUAGE_WORDS:
        errors["language"] = N_("Choose one of the languages in the list.")
    quiet, wrong = _quiet(form)
    errors |= wrong
    if errors:
        return Filled(None, errors)
    point = ContactPoint(
        person=form.person if before is None else before.person,
        kind=form.kind,
        fields=cleaned(form.kind, typed),
        language=form.language,
        created_ms=at_ms,
        quiet=quiet,
        enabled=bool(form.enabled),
        id=0 if before is None else before.id,
    )
    return Filled(point)


def form_of(point: ContactPoint) -> ContactForm:
    """Return the form as it stands for a contact point: without its secrets."""
    public = {item.name: point.fields.get(item.name, "") for item in CHANNELS[point.kind] if not item.secret}
    quiet = point.quiet
    return ContactForm(
        person=point.person,
        kind=point.kind,
        language=point.language,
        quiet_from="" if quiet is None else _clock(quiet.from_minute),
        quiet_to="" if quiet is None else _clock(quiet.to_minute),
        quiet_zone="" if quiet is None else quiet.zone,
        enabled="1" if point.enabled else "",
        **public,
    )


def _quiet(form: ContactForm) -> tuple[QuietHours | None, dict[str, str]]:
    texts = {"quiet_from": form.quiet_from.strip(), "quiet_to": form.quiet_to.strip()}
    if not any(texts.values()):
        return None, {}
    errors: dict[str, str] = {}
    minutes: dict[str, int] = {}
    for name, text in texts.items():
        found = CLOCK.fullmatch(text)
        if found is None:
            errors[name] = N_("Write a time from 00:00 to 23:59, such as 22:00; or leave both times empty.")
        else:
            minutes[name] = int(found[1]) * 60 + int(found[2])
    if not errors and minutes["quiet_from"] == minutes["quiet_to"]:
        errors["quiet_to"] = N_("Quiet hours that end when they start would last all day: change one time.")
    if not _is_zone(form.quiet_zone.strip()):
        errors["quiet_zone"] = N_("This is no time zone. It looks like America/Mexico_City.")
    if errors:
        return None, errors
    return QuietHours(form.quiet_zone.strip(), minutes["quiet_from"], minutes["quiet_to"]), {}


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
