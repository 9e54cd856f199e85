"""`test`: one round of a probe now, since a person asks."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aldea.agents.operating.handler import Outcome, State, Tell, refused, told
from aldea.agents.probes import PROBES
from aldea.model.failures import Failure
from aldea.model.said import Said

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aldea.agents.probe import Probe, ProbeContext
    from aldea.agents.runner import Runner
    from aldea.agents.settings import AgentSettings
    from aldea.model.messages import Command
    from aldea.model.sample import Reading

THROUGHPUT = "throughput"
_MOST_READINGS = 24
_LONGEST_TEXT = 120
_NO_SERVER = Said(
    "this site has no server to test its throughput with: set agent.throughput.server",
    "este sitio no tiene servidor para medir su velocidad: poner agent.throughput.server",
)
_SPENT = Said(
    "what is kept for tests by hand is spent for this month",
    "lo que se guarda para pruebas a mano ya se gastó este mes",
)


class ProbeNow:
    """`{"probe": name}`: runs that probe once; its readings are recorded like any others, and sent at once.

    A throughput test takes what is kept for tests by hand, and is refused when that is spent.
    """

    kind = "test"
    quick = False
    resumes = False

    def __init__(self, settings: AgentSettings, runner: Runner, context: ProbeContext) -> None:
        self._settings = settings
        self._runner = runner
        self._context = context

    async def carry_out(self, command: Command, tell: Tell) -> Outcome:  # noqa: ARG002 - a round has no steps
        """Run the round and say in short what was found."""
        name = command.payload.get("probe")
        names = self._runner.names
        if not isinstance(name, str) or name not in names:
            return refused(_no_such_probe(name, ", ".join(names)), "probe")
        if name == THROUGHPUT and not self._settings.throughput.has_server:
            return refused(_NO_SERVER, "no_server")
        by_hand = self._by_hand(name)
        try:
            readings = await self._runner.run_now(name, by_hand)
        finally:
            if by_hand is not None:
                await by_hand.aclose()
        return _outcome(name, readings)

    def _by_hand(self, name: str) -> Probe | None:
        """Return a throughput probe for a test by hand; None for a probe that does the same whoever asks."""
        if name != THROUGHPUT:
            return None
        return PROBES[name](self._settings, replace(self._context, by_hand=True))


def _no_such_probe(name: object, names: str) -> Said:
    if not isinstance(name, str):
        return Said(f"no probe is named; there are: {names}", f"no se nombra ninguna sonda; hay: {names}")
    asked = f"{name[:40]!r}"
    return Said(f"there is no probe {asked} here; there are: {names}", f"aquí no hay sonda {asked}; hay: {names}")


def _outcome(name: str, readings: Sequence[Reading]) -> Outcome:
    failures = Counter(str(found) for reading in readings if (found := reading.fields.get("failure")) is not None)
    detail: dict[str, Any] = {
        "probe": name,
        "readings": len(readings),
        "failures": dict(failures),
        "found": [_shown(reading) for reading in readings[:_MOST_READINGS]],
    }
    if failures and name == THROUGHPUT and set(failures) == {Failure.BUDGET_SPENT.value}:
        detail["reason"] = "budget_spent"
        detail |= told(_SPENT)
        return Outcome(State.FAILED, detail)
    return Outcome(State.DONE, detail)


def _shown(reading: Reading) -> Mapping[str, Any]:
    fields = {
        name: value[:_LONGEST_TEXT] if isinstance(value, str) else value
        for name, value in reading.fields.items()
        if value is not None
    }
    return {"measurement": reading.measurement, "tags": dict(reading.tags), "fields": fields}
