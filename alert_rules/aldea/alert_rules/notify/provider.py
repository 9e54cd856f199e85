"""The sender: Apprise for every channel but webhooks, with what it logs read back as the provider's answer.

Apprise answers yes or no and writes the reason to its log. A handler of our own collects what each
send logged; nothing of it goes on to the program's log, because at that level it holds addresses and texts.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import apprise

from aldea.alert_rules.notify.channels import ChannelUnusable, apprise_url, secrets_of
from aldea.alert_rules.notify.sending import TAKEN, Outcome, Parcel, SendFailure
from aldea.alert_rules.notify.services import service_of
from aldea.alert_rules.notify.webhook import Webhooks, failure_of_status
from aldea.alert_rules.settings import AlertSettings
from aldea.model.clock import Clock

SENTENCE_LIMIT, LINES_LIMIT = 300, 200
_HTTP = re.compile(r"error[=: ](\d{3})\b|\((\d{3})\)")
_SMTP = re.compile(r"\((\d{3}), b|refused: (\d{3}) ")
_WORDS = (
    ("timed out", SendFailure.TIMEOUT),
    ("certificate", SendFailure.CERTIFICATE),
    ("connection refused", SendFailure.UNREACHABLE),
    ("name or service not known", SendFailure.UNREACHABLE),
    ("name resolution", SendFailure.UNREACHABLE),
    ("connection error", SendFailure.UNREACHABLE),
    ("connection unexpectedly closed", SendFailure.SERVER_ERROR),
)


_HEARD: ContextVar[list[str] | None] = ContextVar("aldea_apprise_lines", default=None)
"""Apprise sends in a thread of its own and takes the caller's context along."""


class _Listener(logging.Handler):
    """Keeps what was logged by each send, apart from others that run at the same time."""

    def emit(self, record: logging.LogRecord) -> None:
        lines = _HEARD.get()
        if lines is not None and len(lines) < LINES_LIMIT:
            lines.append(record.getMessage())


@contextmanager
def _listening() -> Iterator[list[str]]:
    """Yield the list that this send's lines are added to."""
    lines: list[str] = []
    token = _HEARD.set(lines)
    try:
        yield lines
    finally:
        _HEARD.reset(token)


class ProviderSender:
    """Sends by Apprise and by our webhooks. `close` gives back the connections and Apprise's log."""

    def __init__(self, settings: AlertSettings, clock: Clock) -> None:
        self._settings = settings
        self._webhooks = Webhooks(clock, settings.send_timeout_seconds, settings.senders)
        self._listener = _Listener(logging.DEBUG)
        self._log, self._lower = logging.getLogger("apprise"), logging.getLogger("urllib3")
        self._before = (self._log.level, self._log.propagate, self._lower.level)
        # At the level of debugging it would write whole addresses.
        self._lower.setLevel(logging.INFO)
        self._log.addHandler(self._listener)
        self._log.setLevel(logging.DEBUG)
        self._log.propagate = False

    def close(self) -> None:
        """Stop listening."""
        self._log.removeHandler(self._listener)
        self._log.setLevel(self._before[0])
        self._log.propagate = self._before[1]
        self._lower.setLevel(self._before[2])
        self._webhooks.close()

    def send(self, parcel: Parcel) -> Outcome:
        """Hand one message to its provider."""
        if parcel.contact.kind == "webhook":
            return self._webhooks.send(parcel)
        try:
            url = apprise_url(parcel.contact.kind, parcel.contact.fields, self._settings, parcel.key)
        except ChannelUnusable as error:
            return Outcome(SendFailure.NOT_CONFIGURED, str(error))
        with _listening() as lines:
            plugin = service_of(url)
            if plugin is None:
                return Outcome(SendFailure.INVALID_CONTACT, "Apprise does not accept this address")
            messenger = apprise.Apprise()
            messenger.add(plugin)
            is_sms = parcel.contact.kind == "sms"
            taken = messenger.notify(
                body=parcel.short if is_sms else parcel.body,
                title="" if is_sms else parcel.subject,
                body_format=apprise.NotifyFormat.TEXT,
            )
            if taken:
                return TAKEN
            outcome = read_lines(lines)
        secrets = secrets_of(parcel.contact.kind, parcel.contact.fields)
        if parcel.contact.kind != "email":
            # The settings' own token or gateway is in it.
            secrets = (*secrets, url)
        return Outcome(outcome.failure, masked(outcome.sentence, secrets))


def read_lines(lines: Sequence[str]) -> Outcome:
    """Return what Apprise's log lines of a failed send say: which failure, in the provider's words."""
    told = [line for line in lines if _tells(line)]
    sentence = "; ".join(dict.fromkeys(line.removeprefix("Socket Exception: ") for line in told))
    failure = _failure(sentence)
    return Outcome(failure, sentence[:SENTENCE_LIMIT] or "the service gave no reason")


def _tells(line: str) -> bool:
    return line.startswith("Socket Exception") or bool(
        re.search(r"fail|refus|error|unable|denied", line, re.IGNORECASE)
    )


def _failure(sentence: str) -> SendFailure:
    smtp = _SMTP.search(sentence)
    if smtp:
        return _of_smtp(int(smtp[1] or smtp[2]))
    http = _HTTP.search(sentence)
    if http:
        return failure_of_status(int(http[1] or http[2]))
    lower = sentence.lower()
    return next((failure for words, failure in _WORDS if words in lower), SendFailure.SERVER_ERROR)


def _of_smtp(code: int) -> SendFailure:
    if code in {530, 534, 535, 538}:
        return SendFailure.REFUSED_LOGIN
    if code in {501, 550, 551, 553, 556}:
        return SendFailure.REFUSED_ADDRESS
    return SendFailure.REJECTED if code == 552 else SendFailure.SERVER_ERROR


def masked(sentence: str, secrets: Sequence[str]) -> str:
    """Return `sentence` without any of `secrets`, nor the parts that a URL is made of."""
    for secret in secrets:
        parts = [secret, *(part for part in re.split(r"[/:@?&=]+", secret) if len(part) >= 5)]
        for part in sorted(parts, key=len, reverse=True):
            sentence = sentence.replace(part, "…")
    return sentence
