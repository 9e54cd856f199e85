"""One proof from the first start to the audit."""

from __future__ import annotations

import time
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from proof.audit import Findings, audit
from proof.cast import Cast, EmbeddedBrokerProcess, MosquittoProcess
from proof.echo import Echo
from proof.replacing import Replacement
from proof.storm import Plan, Storm, settle

if TYPE_CHECKING:
    from pathlib import Path

_FIRST_ANSWER_SECONDS = 120.0
WAITING_ROWS = 120


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened and what was found."""

    seed: int
    kills: dict[str, int]
    stalls: int
    echoed: int
    dropped_by_broker: int
    settled_in_seconds: float | None
    seconds: float
    findings: Findings

    def __str__(self) -> str:
        found = self.findings
        settled = "never" if self.settled_in_seconds is None else f"in {self.settled_in_seconds:.1f} s"
        return (
            f"seed {self.seed}: {sum(self.kills.values())} kills {self.kills}, {self.stalls} stalls, "
            f"broker dropped {self.dropped_by_broker}, {self.echoed} batches echoed; {found.rows} rows stored, "
            f"{found.duplicates_received} duplicates received, {found.never_recorded} never recorded; "
            f"missing {len(found.missing)}, twice {len(found.twice)}, phantom {len(found.phantom)}, "
            f"other {len(found.other)}; settled {settled}, {self.seconds:.1f} s in all; counters {found.counters}"
        )


def rehearse(
    folder: Path,
    seed: int,
    plan: Plan,
    *,
    agents: int,
    embedded: bool = False,
    mutation: str = "",
    echo_share: float = 0.3,
    settle_seconds: float = 180.0,
    replaced: int = 0,
) -> Outcome:
    """Run a proof in `folder` and return its outcome.

    `replaced`: after the storm the first village's box is replaced, and the take-over of its disk killed so often.
    """
    began = time.monotonic()
    random = Random(seed)
    broker = EmbeddedBrokerProcess(folder / "broker") if embedded else MosquittoProcess(folder / "broker")
    cast = Cast(folder, agents, broker, mutation)
    with cast:
        echo = Echo(broker.port, random, echo_share)
        echo.start()
        try:
            assert echo.answered.wait(_FIRST_ANSWER_SECONDS), f"no answer at all:\n{cast.collector.process.log_tail()}"
            storm = Storm(cast, echo, plan, Random(seed))
            storm.run()
            if replaced:
                replacement = Replacement(cast, random)
                replacement.run(WAITING_ROWS, replaced)
                storm.kills.update(replacement.kills)
                assert replacement.cut_short >= 2, "the take-over was not hit: this run proves nothing"
            cast.quiet()
            settled = settle(cast, settle_seconds)
            ended = cast.ended_by_themselves()
        finally:
            echo.stop()
    findings = audit(cast)
    findings.other += ended
    return Outcome(
        seed=seed,
        kills=dict(storm.kills),
        stalls=storm.stalls,
        echoed=echo.sent,
        dropped_by_broker=echo.dropped,
        settled_in_seconds=settled,
        seconds=time.monotonic() - began,
        findings=findings,
    )
