"""Asks the server's broker whether it is there, who it is, and whether it takes this box.

As another client of the box, so that the connection of an agent that runs is left alone.
"""

from __future__ import annotations

import os
from time import perf_counter
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from aldea.agents.assembly import link_options
from aldea.agents.checkup.evidence import BrokerAnswer, Enrolled
from aldea.agents.enrolment import FILE, enrolled
from aldea.agents.settings import AgentSettings
from aldea.agents.uplink.link import LinkOptions, TlsContext, tls_context
from aldea.model.failures import Failure, failure_of
from aldea.model.settings import SettingsError


def ask_broker(settings: AgentSettings, within_seconds: float, *, clock_is_right: bool) -> BrokerAnswer:
    """Connect, hear whether this box is accepted, and say goodbye; nothing is published. Blocks for so long."""
    where = f"{settings.broker.host}:{settings.broker.port}"
    try:
        options = link_options(settings)
        return _Asked(options, f"aldea-{settings.site}-{settings.device}-check").ask(
            where, within_seconds, clock_is_right=clock_is_right
        )
    except SettingsError as error:
        return BrokerAnswer(where, None, accepted=False, said=str(error), asked=False)
    except (OSError, ValueError) as error:
        return BrokerAnswer(where, failure_of(error).value, said=str(error))


class _Asked:
    def __init__(self, options: LinkOptions, client_id: str) -> None:
        self._options = options
        self._answer: Any = None
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=True,
            protocol=MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        if options.username is not None:
            self._client.username_pw_set(options.username, options.password)
        self._client.on_connect = self._on_connect

    def ask(self, where: str, within_seconds: float, *, clock_is_right: bool) -> BrokerAnswer:
        options = self._options
        self._client.connect_timeout = within_seconds
        context: TlsContext | None = None
        if options.tls:
            context = tls_context(options.ca_file, clock_is_right=clock_is_right)
            self._client.tls_set_context(context)
        deadline = perf_counter() + within_seconds
        try:
            self._client.connect(options.host, options.port, 60)
            while self._answer is None and perf_counter() < deadline:
                if self._client.loop(timeout=0.2) != 0:
                    break
        finally:
            self._client.disconnect()
            if context is not None and context.wrapped is not None:
                context.wrapped.close()  # paho leaves one open whose handshake failed
        if self._answer is None:
            return BrokerAnswer(where, Failure.NO_REPLY.value)
        return BrokerAnswer(where, None, accepted=not self._answer.is_failure, said=str(self._answer))

    def _on_connect(self, _client: Any, _data: object, _flags: object, reason: Any, _properties: object) -> None:
        self._answer = reason


def look_at_enrolment(settings: AgentSettings) -> Enrolled:
    """Return how this box is enrolled, and what is wrong with what it was given."""
    try:
        found = enrolled(settings.data)
    except SettingsError as error:
        return Enrolled("", f"{settings.data / FILE} ({error.__cause__})")
    if found is None:
        return Enrolled(f"{settings.site}/{settings.device}")
    safe = "TLS" if found.tls else "-"
    sentence = f"{found.site}/{found.device}, {found.server}, {found.host}:{found.port} ({safe})"
    for name in (found.password_file, found.ca_file):
        if name is not None and not os.access(settings.data / name, os.R_OK):
            return Enrolled(sentence, f"{name}")
    if (settings.data / found.password_file).stat().st_mode & 0o077:
        return Enrolled(sentence, f"chmod 600 {found.password_file}")
    return Enrolled(sentence)
