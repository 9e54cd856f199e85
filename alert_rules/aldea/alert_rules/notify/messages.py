"""Writes messages: what, where, since when in the site's own time, the likely cause, what to check first."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.dates import format_date

from aldea.alert_rules.notify.gsm7 import SMS_SEPTETS, cut, septets, written
from aldea.alert_rules.notify.occasion import CLOSING, OPENING, Occasion, Transition

NAMES_SHOWN = 20
LINES_SHOWN = 40
DEFAULT_LANGUAGE = "es"
_FORMATS = {"es": "es_MX", "en": "en_US"}
_NO_ADVICE = CLOSING | {Transition.WAS_DOWN, Transition.TEST}


@dataclass(frozen=True, slots=True)
class Message:
    """What one person reads. `short` takes at most 160 septets of the SMS alphabet."""

    subject: str
    body: str
    short: str


def languages() -> tuple[str, ...]:
    """Return the languages that messages are written in: one file each in `texts`."""
    names = (item.name for item in files(__package__).joinpath("texts").iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


class Writer:
    """Writes messages in every language there is; others get Spanish. `public_url` is where the pages are."""

    def __init__(self, public_url: str) -> None:
        self._public_url = public_url.rstrip("/")
        folder = files(__package__).joinpath("texts")
        self._texts = {
            code: tomllib.loads(folder.joinpath(f"{code}.toml").read_text(encoding="utf-8")) for code in languages()
        }

    def render(self, occasion: Occasion, language: str) -> Message:
        """Return the message about an occasion."""
        texts = self._texts.get(language, self._texts[DEFAULT_LANGUAGE])
        known = language if language in self._texts else DEFAULT_LANGUAGE
        values = _values(occasion, known)
        what = texts["what"][_entry(occasion)].format(**values)
        where = _where(occasion, texts)
        return Message(
            subject=f"Aldea: {where}: {what}" if where else f"Aldea: {what}",
            body=self._body(occasion, known, what, values),
            short=_short(occasion, texts, values),
        )

    def digest(self, parts: Sequence[tuple[Occasion, str]], language: str) -> Message:
        """Return one message in place of several: `parts` are the occasions with their short texts, in order."""
        texts = self._texts.get(language, self._texts[DEFAULT_LANGUAGE])
        labels = texts["labels"]
        lines = [f"- {short.removeprefix('Aldea: ')}" for _, short in parts[:LINES_SHOWN]]
        if len(parts) > LINES_SHOWN:
            lines.append(f"- {labels['more'].format(count=len(parts) - LINES_SHOWN)}")
        body = [labels["digest_body"], *lines, "", f"{labels['link']}: {self._public_url}/incidents"]
        down = sum(occasion.transition in OPENING for occasion, _ in parts)
        up = sum(occasion.transition in CLOSING | {Transition.WAS_DOWN} for occasion, _ in parts)
        names = dict.fromkeys(occasion.site_name for occasion, _ in parts if occasion.site_name)
        short = labels["digest_sms"].format(count=len(parts), down=down, up=up, where=", ".join(names))
        return Message(
            subject=f"Aldea: {labels['digest_subject'].format(count=len(parts))}",
            body="\n".join(body),
            short=cut(written(f"Aldea: {short}"), SMS_SEPTETS),
        )

    def _body(self, occasion: Occasion, language: str, what: str, values: Mapping[str, Any]) -> str:
        texts = self._texts[language]
        labels, transition = texts["labels"], occasion.transition
        where = ", ".join(part for part in (_where(occasion, texts), occasion.place) if part)
        lines = [f"{labels['where']}: {where}"] if where else []
        lines += [f"{labels['what']}: {what}. {texts['when'][_entry(occasion)].format(**values)}"]
        if transition not in {Transition.TEST, Transition.FLAPPING_ENDED}:
            cause = texts["causes"].get(occasion.cause or "")
            lines.append(f"{labels['cause']}: {cause}." if cause else labels["no_cause"])
        if reason := _in(occasion.reason, language):
            lines.append(f"{labels['reason']}: {reason}")
        if occasion.shared:
            lines.append(f"{labels['shared']}: {occasion.shared}")
        if occasion.site_names:
            lines.append(f"{labels['sites']}: {_names(occasion.site_names, labels)}")
        if transition not in _NO_ADVICE:
            lines.append(f"{labels['check']}: {texts['checks'].get(occasion.cause or '', texts['checks']['unknown'])}")
        if transition is not Transition.TEST:
            lines.append(f"{labels['link']}: {self._public_url}/incidents/{occasion.incident}")
        return "\n".join(lines)


def _entry(occasion: Occasion) -> str:
    """Return which text says it: a rule that names its incidents itself is not about a connection."""
    transition = occasion.transition
    named = bool(occasion.title) and transition in {Transition.FIRED, Transition.RESOLVED, Transition.WAS_DOWN}
    return f"{transition.value}_other" if named else transition.value


def _short(occasion: Occasion, texts: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    """Fit an SMS: with cause and check if there is room, with a cut name if there must be."""
    template = texts["sms"][_entry(occasion)]
    where = written(", ".join(occasion.site_names) or occasion.site_name or occasion.site or "")
    cause = texts["causes"].get(occasion.cause or "")
    tails = [""]
    if occasion.transition not in _NO_ADVICE and occasion.transition is not Transition.PLATFORM:
        tails.append(f" {texts['labels']['cause']}: {cause}." if cause else f" {texts['labels']['no_cause']}")
        check = texts["checks"].get(occasion.cause or "", texts["checks"]["unknown"])
        tails.append(f"{tails[1]} {texts['labels']['check']}: {check}")
    for tail in reversed(tails):
        line = written("Aldea: " + template.format(**{**values, "where": where}) + tail)
        if septets(line) <= SMS_SEPTETS:
            return line
    rest = written("Aldea: " + template.format(**{**values, "where": ""}))
    room = max(12, SMS_SEPTETS - septets(rest))
    line = written("Aldea: " + template.format(**{**values, "where": cut(where, room)}))
    return cut(line, SMS_SEPTETS)


def _values(occasion: Occasion, language: str) -> dict[str, Any]:
    """Return what the texts may name: times in the site's zone, how long it lasted, how many sites."""
    zone = _zone(occasion.zone)
    resolved = occasion.resolved_ms
    ends = occasion.opened_ms if resolved is None else resolved
    return {
        "opened": _moment(occasion.opened_ms, zone, language),
        "resolved": _moment(ends, zone, language, unless_day_of=occasion.opened_ms),
        "span": _span(ends - occasion.opened_ms),
        "zone": zone.key.rpartition("/")[2].replace("_", " "),
        "count": len(occasion.sites),
        "where": "",
        "title": _in(occasion.title, language),
    }


def _moment(ms: int, zone: ZoneInfo, language: str, *, unless_day_of: int | None = None) -> str:
    at = datetime.fromtimestamp(ms / 1000, zone)
    if unless_day_of is not None and at.date() == datetime.fromtimestamp(unless_day_of / 1000, zone).date():
        return f"{at:%H:%M}"
    day = format_date(at, "d MMM", locale=Locale.parse(_FORMATS.get(language, language)))
    return f"{at:%H:%M} ({day})"


def _span(ms: int) -> str:
    minutes = max(0, round(ms / 60_000))
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{rest} min"


def _where(occasion: Occasion, texts: Mapping[str, Any]) -> str:
    if occasion.transition in {Transition.PLATFORM, Transition.PLATFORM_RESOLVED}:
        return str(texts["labels"]["platform_where"])
    return occasion.site_name or occasion.site or ""


def _names(names: Sequence[str], labels: Mapping[str, str]) -> str:
    shown = ", ".join(names[:NAMES_SHOWN])
    rest = len(names) - NAMES_SHOWN
    return shown if rest <= 0 else f"{shown} {labels['more'].format(count=rest)}"


def _in(texts: Mapping[str, str], language: str) -> str:
    return texts.get(language) or texts.get("en") or next(iter(texts.values()), "")


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
