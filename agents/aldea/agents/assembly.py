"""What the agent is assembled from: what it announces, how it reaches its broker, which machine it is on."""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version

from aldea.agents.machine import boot_id, clock_state, hardware_id
from aldea.agents.outbox import Machine
from aldea.agents.settings import AgentSettings, what_it_sees
from aldea.agents.uplink import Identity, LinkOptions, Moment, Pace
from aldea.model.clock import Clock, ClockState, SystemClock
from aldea.model.said import Said
from aldea.model.settings import SettingsError

_CLOCK_STATE_LASTS_MS = 10_000


class ClockStates:
    """The moment, with the clock's state asked of the system now and then only."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asked_ms: int | None = None
        self._state = ClockState.UNSYNCED

    def now(self) -> Moment:
        """Return the moment."""
        mono_ms = self._clock.mono_ms()
        if self._asked_ms is None or mono_ms - self._asked_ms >= _CLOCK_STATE_LASTS_MS:
            self._asked_ms = mono_ms
            self._state = clock_state(self._clock)
        return Moment(mono_ms, self._clock.wall_ms(), self._state)


def this_machine() -> Machine:
    """Return what the operating system says of this machine and boot."""
    try:
        own_version = version("aldea")
    except PackageNotFoundError:
        own_version = "unknown"
    # Half of the kernel's id tells a device's boots apart as well, and travels in every batch.
    return Machine(hardware_id() or "", boot_id().replace("-", "")[:16], own_version, clock_state(SystemClock()).value)


def identity_of(settings: AgentSettings, own_version: str) -> Identity:
    """Return what the agent announces of itself; intervals are announced in whole seconds."""
    return Identity(
        site=settings.site,
        device=settings.device,
        version=own_version,
        sample_seconds=max(1, round(settings.sample_seconds)),
        send_seconds=max(1, round(settings.send_seconds)),
        sees=asdict(what_it_sees(settings)),
    )


def pace_of(settings: AgentSettings) -> Pace:
    """Return the conversation's pace as the settings have it."""
    return Pace(send_interval_ms=round(settings.send_seconds * 1000))


def link_options(settings: AgentSettings) -> LinkOptions:
    """Return how to reach the broker. Raises SettingsError when the password cannot be read."""
    broker = settings.broker
    password = None
    if broker.password_file is not None:
        try:
            password = broker.password_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(
                [
                    Said(
                        f"agent.broker.password_file cannot be read: {error}",
                        f"agent.broker.password_file no se puede leer: {error}",
                    )
                ]
            ) from error
    if broker.ca_file is not None and not broker.ca_file.is_file():
        path = str(broker.ca_file)
        raise SettingsError(
            [
                Said(
                    f"agent.broker.ca_file is {path!r}; expects a file that exists",
                    f"agent.broker.ca_file es {path!r}; se espera un archivo que exista",
                )
            ]
        )
    return LinkOptions(
        host=broker.host,
        port=broker.port,
        username=broker.username,
        password=password,
        tls=broker.tls,
        ca_file=broker.ca_file,
        keepalive_seconds=settings.keepalive_seconds,
        version=broker.mqtt_version,
    )
