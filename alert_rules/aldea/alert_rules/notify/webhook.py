"""Webhooks: our JSON document by POST. The reason for not using Apprise here is in docs/decisions."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from importlib.metadata import version
from math import isfinite

import orjson
import urllib3
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as Timeout

from aldea.alert_rules.notify.sending import TAKEN, Outcome, Parcel, SendFailure
from aldea.model.clock import Clock

SHOWN_BYTES = 200
MOST_WAIT_SECONDS = 3600.0


class Webhooks:
    """Posts documents. Redirects are not followed: a secret in a header belongs to one address."""

    def __init__(self, clock: Clock, timeout_seconds: float, connections: int) -> None:
        self._clock = clock
        self._timeout = urllib3.Timeout(connect=timeout_seconds, read=timeout_seconds)
        self._pool = urllib3.PoolManager(num_pools=connections, maxsize=connections, block=True, retries=False)
        self._agent = f"Aldea/{version('aldea')}"

    def close(self) -> None:
        """Close idle connections."""
        self._pool.clear()

    def send(self, parcel: Parcel) -> Outcome:
        """Post the parcel's document. `Idempotency-Key` is the same in every attempt."""
        fields = parcel.contact.fields
        headers = {
            "Content-Type": "application/json",
            "User-Agent": self._agent,
            "Idempotency-Key": parcel.key,
        }
        if "token" in fields:
            headers["Authorization"] = f"Bearer {fields['token']}"
        body = orjson.dumps({**parcel.document, "subject": parcel.subject, "text": parcel.body})
        try:
            answer = self._pool.request(
                "POST", fields["url"], body=body, headers=headers, timeout=self._timeout, redirect=False, retries=False
            )
        except (HTTPError, ValueError) as error:
            return failed_request(error)
        return self._judged(answer)

    def _judged(self, answer: urllib3.BaseHTTPResponse) -> Outcome:
        status = answer.status
        if 200 <= status < 300:
            return TAKEN
        said = answer.data[:SHOWN_BYTES].decode("utf-8", "replace").strip()
        sentence = f"HTTP {status} {answer.reason or ''}".strip() + (f": {said}" if said else "")
        return Outcome(failure_of_status(status), sentence, self._wait(answer.headers.get("Retry-After", "")))

    def _wait(self, header: str) -> float:
        """Return what Retry-After asks for, in seconds, within reason: a number or a date."""
        try:
            seconds = float(header)
        except ValueError:
            try:
                seconds = parsedate_to_datetime(header).timestamp() - self._clock.wall_ms() / 1000
            except (ValueError, TypeError):
                return 0.0
        return min(MOST_WAIT_SECONDS, max(0.0, seconds)) if isfinite(seconds) else 0.0


def failure_of_status(status: int) -> SendFailure:
    """Return what an HTTP status says about trying again."""
    if status == 429:
        return SendFailure.RATE_LIMITED
    if status in {401, 403, 407}:
        return SendFailure.REFUSED_LOGIN
    if status >= 500 or status in {408, 425}:
        return SendFailure.SERVER_ERROR
    return SendFailure.REJECTED


def failed_request(error: Exception) -> Outcome:
    """Return the outcome of a request that got no answer."""
    cause = error.reason if isinstance(error, MaxRetryError) and error.reason else error
    if isinstance(cause, NewConnectionError):
        return Outcome(SendFailure.UNREACHABLE, "the address does not answer: connection refused, or no such host")
    if isinstance(cause, Timeout):
        return Outcome(SendFailure.TIMEOUT, "no answer in time; the message may have arrived all the same")
    if isinstance(cause, SSLError):
        return Outcome(SendFailure.CERTIFICATE, "the certificate could not be verified")
    if isinstance(cause, ValueError):
        return Outcome(SendFailure.INVALID_CONTACT, "the address can't be read")
    return Outcome(SendFailure.UNREACHABLE, f"the connection broke ({type(cause).__name__})")
