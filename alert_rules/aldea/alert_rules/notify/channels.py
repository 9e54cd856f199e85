"""The channels: what a person fills in for each, whether it can be right, and what of it may be shown.

A contact point keeps friendly fields; the Apprise URL is made when something is sent (`apprise_url`), so that
the mail server or a gateway is set once, in `aldea.toml`, and not in every contact point.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote, urlsplit

from aldea.alert_rules.notify.services import knows, service_of
from aldea.alert_rules.settings import AlertSettings

Check = Callable[[str], str | None]
FIELD_LIMIT = 500
PHONE = "{phone}"


@dataclass(frozen=True, slots=True)
class ChannelField:
    """One thing to fill in. `check` returns a word of `PROBLEMS`, or None. A secret is never shown again."""

    name: str
    check: Check
    required: bool = True
    secret: bool = False
    default: str = ""


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with a field: a word of `PROBLEMS`, which holds the sentence."""

    field: str
    word: str

    @property
    def sentence(self) -> str:
        """The problem in English, with the fix."""
        return PROBLEMS[self.word]


class ChannelUnusable(Exception):
    """Nothing can be sent by this channel as it is set up; the message says what to set."""


PROBLEMS: Mapping[str, str] = MappingProxyType(
    {
        "missing": "Fill this in.",
        "too_long": "This is longer than 500 characters: check what was pasted.",
        "unknown_field": "This field does not belong to the channel: leave it out.",
        "unknown_kind": "Choose one of the channels in the list.",
        "not_an_email": "This is not an e-mail address. It looks like direccion@example.org.",
        "not_a_web_address": "This is not a web address. It starts with https:// or http:// and names a host.",
        "not_a_phone": "Write the number with + and the country code, for example +525512345678.",
        "not_a_chat": "Write the chat's number (it may start with -) or @name of a channel.",
        "not_a_token": "A token has no spaces and is at least 5 characters long: paste it whole.",
        "not_a_topic": "A topic is 1 to 64 letters, digits, - and _.",
        "unknown_scheme": "No service is known for the first part of this address, such as slack:// or discord://.",
        "bad_service_url": "The service is known, but a part of this address is missing: see its page at Apprise.",
        "no_phone_place": "The gateway's address must have {phone} where the number goes.",
    }
)


def _email(text: str) -> str | None:
    return None if re.fullmatch(r"[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;.]+", text) else "not_an_email"


def _web(text: str) -> str | None:
    try:
        parts = urlsplit(text)
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0 and not re.search(r"\s", text)
    except ValueError:
        good = False
    return None if good else "not_a_web_address"


def _phone(text: str) -> str | None:
    return None if re.fullmatch(r"\+[1-9]\d{7,14}", re.sub(r"[ .()-]", "", text)) else "not_a_phone"


def _chat(text: str) -> str | None:
    return None if re.fullmatch(r"-?\d{1,32}|@[A-Za-z]\w{3,63}", text) else "not_a_chat"


def _token(text: str) -> str | None:
    return None if re.fullmatch(r"\S{5,}", text) else "not_a_token"


def _topic(text: str) -> str | None:
    return None if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text) else "not_a_topic"


def service_problem(url: str) -> str | None:
    """Return what is wrong with an Apprise URL, as a word of `PROBLEMS`, or None."""
    scheme = url.partition("://")[0].lower()
    if "://" not in url or not knows(scheme):
        return "unknown_scheme"
    return None if service_of(url) is not None else "bad_service_url"


def _gateway(url: str) -> str | None:
    if PHONE not in url:
        return "no_phone_place"
    return service_problem(url.replace(PHONE, "+525512345678"))


_GATEWAY = ChannelField("gateway", _gateway, required=False, secret=True)

CHANNELS: Mapping[str, tuple[ChannelField, ...]] = MappingProxyType(
    {
        "email": (ChannelField("address", _email),),
        "telegram": (ChannelField("chat", _chat), ChannelField("token", _token, required=False, secret=True)),
        "whatsapp": (ChannelField("phone", _phone), _GATEWAY),
        "sms": (ChannelField("phone", _phone), _GATEWAY),
        "ntfy": (
            ChannelField("server", _web, default="https://ntfy.sh"),
            ChannelField("topic", _topic, secret=True),
            ChannelField("token", _token, required=False, secret=True),
        ),
        "webhook": (
            ChannelField("url", _web, secret=True),
            ChannelField("token", _token, required=False, secret=True),
        ),
        "apprise": (ChannelField("url", service_problem, secret=True),),
    }
)


def check_fields(kind: str, fields: Mapping[str, str]) -> tuple[FieldProblem, ...]:
    """Return what is wrong with the fields of a contact point; nothing when it can be stored."""
    if kind not in CHANNELS:
        return (FieldProblem("kind", "unknown_kind"),)
    known = {item.name: item for item in CHANNELS[kind]}
    problems = [FieldProblem(name, "unknown_field") for name in fields if name not in known]
    for item in known.values():
        word = _field_problem(item, fields.get(item.name, "").strip())
        if word is not None:
            problems.append(FieldProblem(item.name, word))
    return tuple(problems)


def _field_problem(item: ChannelField, value: str) -> str | None:
    if not value:
        return "missing" if item.required else None
    return "too_long" if len(value) > FIELD_LIMIT else item.check(value)


def cleaned(kind: str, fields: Mapping[str, str]) -> dict[str, str]:
    """Return the fields of a kind as they are stored: trimmed, phone numbers plain, empty ones left out."""
    found: dict[str, str] = {}
    for item in CHANNELS[kind]:
        value = fields.get(item.name, "").strip()
        if item.name == "phone":
            value = re.sub(r"[ .()-]", "", value)
        if value:
            found[item.name] = value
    return found


def shown(kind: str, fields: Mapping[str, str]) -> str:
    """Return what pages, logs and the API may say of a contact point: enough to tell it, no secret."""
    if kind in {"email", "telegram", "whatsapp", "sms"}:
        return next((fields[name] for name in ("address", "chat", "phone") if name in fields), "")
    if kind == "ntfy":
        return f"{urlsplit(fields.get('server', '')).hostname}/{fields.get('topic', '')[:2]}…"
    url = fields.get("url", "")
    if kind == "webhook":
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.hostname}/…"
    return f"{url.partition('://')[0]}://…"


def secrets_of(kind: str, fields: Mapping[str, str]) -> tuple[str, ...]:
    """Return the values that must not appear in a log or an error."""
    return tuple(fields[item.name] for item in CHANNELS.get(kind, ()) if item.secret and item.name in fields)


def apprise_url(kind: str, fields: Mapping[str, str], settings: AlertSettings, key: str) -> str:
    """Return the URL that Apprise sends by. Raises ChannelUnusable when the settings lack something."""
    if kind == "email":
        url = _mail_url(fields["address"], settings, key)
    elif kind == "telegram":
        token = fields.get("token") or _file(settings, "telegram_token_file", "the bot's token")
        url = f"tgram://{token}/{quote(fields['chat'], safe='@-')}/?format=text"
    elif kind in {"sms", "whatsapp"}:
        gateway = fields.get("gateway") or _file(settings, f"{kind}_gateway_file", "the gateway's Apprise URL")
        url = gateway.replace(PHONE, fields["phone"])
    elif kind == "ntfy":
        server = urlsplit(fields["server"])
        token = f"{quote(fields['token'], safe='')}@" if "token" in fields else ""
        scheme = "ntfys" if server.scheme == "https" else "ntfy"
        url = f"{scheme}://{token}{server.netloc}/{fields['topic']}?mode=private"
    else:
        url = fields["url"]
    wait = f"cto={settings.send_timeout_seconds}&rto={settings.send_timeout_seconds}"
    return f"{url}{'&' if '?' in url else '?'}{wait}"


def _mail_url(address: str, settings: AlertSettings, key: str) -> str:
    mail = settings.mail
    if mail.host is None:
        raise ChannelUnusable("no mail server is set: set alerts.mail.host in aldea.toml")
    login = ""
    if mail.username is not None and mail.password_file is not None:
        password = _read(mail.password_file, "alerts.mail.password_file")
        login = f"{quote(mail.username, safe='')}:{quote(password, safe='')}@"
    scheme = "mailto" if mail.security == "none" else "mailtos"
    mode = {"none": "insecure", "tls": "ssl"}.get(mail.security, "starttls")
    options = {"from": mail.sender, "to": address, "mode": mode, "format": "text", "+X-Aldea-Key": key}
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in options.items())
    return f"{scheme}://{login}{mail.host}:{mail.port}?{query}"


def _file(settings: AlertSettings, name: str, what: str) -> str:
    path: Path | None = getattr(settings, name)
    if path is None:
        raise ChannelUnusable(f"{what} is not known: set alerts.{name} in aldea.toml, or fill it in here")
    return _read(path, f"alerts.{name}")


def _read(path: Path, setting: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ChannelUnusable(f"the file of {setting} can't be read ({error.strerror}): mend the setting") from None
