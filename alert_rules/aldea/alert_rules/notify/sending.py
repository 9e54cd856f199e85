"""What a sender gets and answers: one message to one contact point, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from aldea.storage.register.contacts import ContactPoint


class SendFailure(StrEnum):
    """Why a message was not taken. The log keeps the word before the provider's own sentence."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    CERTIFICATE = "certificate"
    REFUSED_LOGIN = "refused_login"
    REFUSED_ADDRESS = "refused_address"
    REJECTED = "rejected"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    NOT_CONFIGURED = "not_configured"
    INVALID_CONTACT = "invalid_contact"
    CONTACT_REMOVED = "contact_removed"
    CONTACT_OFF = "contact_off"
    CRASHED = "crashed"


PERMANENT = frozenset({SendFailure.REFUSED_ADDRESS, SendFailure.REJECTED, SendFailure.INVALID_CONTACT})
"""Trying the same again can't help. A wrong password or a missing setting can be mended while the message waits."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the provider did: took it (`failure` None), or not."""

    failure: SendFailure | None = None
    sentence: str = ""
    retry_after_seconds: float = 0.0

    @property
    def permanent(self) -> bool:
        """Whether another attempt makes no sense."""
        return self.failure in PERMANENT

    @property
    def written(self) -> str:
        """The failure as the log keeps it: word and sentence."""
        return f"{self.failure}: {self.sentence}"


TAKEN = Outcome()


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message on its way. `ids` are the notifications it carries; `key` is the same in every attempt."""

    contact: ContactPoint
    ids: tuple[int, ...]
    key: str
    message: str
    subject: str
    body: str
    short: str
    attempts: int
    document: Mapping[str, Any] = field(default_factory=dict)
    is_test: bool = False


class Sender(Protocol):
    """Sends. Called from several threads; never raises for what a provider does."""

    def send(self, parcel: Parcel) -> Outcome:
        """Hand one message to its provider and return what it said, within a bounded time."""
        ...
