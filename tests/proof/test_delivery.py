"""The proof of delivery: what was recorded is stored, once, whoever is killed and whatever the broker drops.

Agents, collector and broker run as processes and are killed with SIGKILL at random moments, drawn from a seed
that is printed (ALDEA_PROOF_SEED repeats the schedule; the machine's own timing it cannot repeat). The broker's
queues are so small that it drops messages, and a client sends old batches again, as they were and cut anew.

What is compared, and why it is exact. Each reading carries a random marker and is written to the agent's oracle,
with fsync, before the agent gets it to queue. So an oracle line comes *before* the outbox's commit, and a kill in
between leaves a cycle in the oracle that was never recorded; nothing was promised for it. A log written *after* the
commit would err the other way. Instead, what was committed is told by the outbox itself: seqs are given in the
commit and have no gaps, so the last one given says that all from 1 to it were committed, and no others. Hence:

- 0 missing: the stored seqs of each epoch are exactly 1 to the outbox's last. And since seqs alone could be given
  anew after a loss, the stored rows in order of seq are compared with the oracle: run by run (a run is one process
  from start to kill), every cycle is stored, in the oracle's order, except at most the last one of a run that was
  killed; the probe is asked for one cycle at a time, so no more than one can be between oracle and commit.
- 0 stored twice: in the journal's payloads, in what the series store gives to a reader, and by the counts of the
  register's streams and of the collector itself.
- 0 phantom: every stored row is the oracle's, value for value, or one of the two that each run writes of itself.

Tombstones would explain a missing row; the proof's outboxes are far from their cap, so that there must be none.
A box that is replaced has two outboxes and two epochs; what the old disk still holds is taken over by the real
command, which is killed too, and all seqs of both epochs are stored in the end.

The proof counts only if the dangerous window was hit: rows must have been received that were already stored.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from proof.mutations import ACK_BEFORE_COMMIT, DELETE_ON_PUBACK, WITHOUT_UNIQUENESS, read_without_identity
from proof.rehearsal import rehearse
from proof.storm import Plan

if TYPE_CHECKING:
    from pathlib import Path

    from proof.rehearsal import Outcome

pytestmark = [pytest.mark.proof, pytest.mark.waiting, pytest.mark.timeout(900)]

FULL = Plan(kills=56, everybody=True)
SHORT = Plan(kills=16, stall_every=0, everybody=True)
BEFORE_A_REPLACEMENT = Plan(kills=4, stall_every=0)
FOR_A_FAULT = Plan(kills=4, stall_every=0, agent=0.05, collector=0.9, broker=0.05, patience_seconds=60.0)


@pytest.fixture
def seed() -> int:
    return int(os.environ.get("ALDEA_PROOF_SEED") or secrets.randbelow(10**6))


def show(outcome: Outcome, capsys: pytest.CaptureFixture[str]) -> None:
    """Print it whether the test passes or not: a proof without its numbers is none."""
    with capsys.disabled():
        print(f"\n  {outcome}")


def assert_nothing_is_wrong(outcome: Outcome) -> None:
    assert outcome.findings.wrong() == []
    assert outcome.settled_in_seconds is not None
    assert outcome.findings.duplicates_received > 0, "the window was not hit: this run proves nothing"
    assert set(outcome.kills) == {"agent", "collector", "broker"}


@pytest.mark.mosquitto
def test_nothing_is_lost_or_stored_twice_whoever_is_killed(
    tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = rehearse(tmp_path / "proof", seed, FULL, agents=4)
    show(outcome, capsys)
    assert_nothing_is_wrong(outcome)
    assert sum(outcome.kills.values()) >= 50
    assert outcome.dropped_by_broker > 0, "the broker's queue limit was not hit"


def test_the_same_holds_on_the_built_in_broker(tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = rehearse(tmp_path / "proof", seed, SHORT, agents=2, embedded=True, echo_share=0.6)
    show(outcome, capsys)
    assert_nothing_is_wrong(outcome)


@pytest.mark.mosquitto
def test_the_same_holds_when_a_box_is_replaced_and_its_disk_taken_over_under_kills(
    tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = rehearse(tmp_path / "proof", seed, BEFORE_A_REPLACEMENT, agents=2, replaced=6)
    show(outcome, capsys)
    assert outcome.findings.wrong() == []
    assert outcome.settled_in_seconds is not None
    assert outcome.kills["take-over"] == 6


@pytest.mark.mosquitto
def test_the_proof_notices_rows_that_are_stored_twice(
    tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read_without_identity(monkeypatch)
    outcome = rehearse(tmp_path / "proof", seed, FOR_A_FAULT, agents=2, mutation=WITHOUT_UNIQUENESS, echo_share=0.6)
    show(outcome, capsys)
    assert any(sentence.startswith("journal") for sentence in outcome.findings.twice)
    assert any("series store" in sentence for sentence in outcome.findings.twice)


@pytest.mark.mosquitto
@pytest.mark.parametrize(("fault", "kills"), [(ACK_BEFORE_COMMIT, 7), (DELETE_ON_PUBACK, 4)])
def test_the_proof_notices_rows_that_were_given_up_too_early(
    tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str], fault: str, kills: int
) -> None:
    # An answer that comes before the commit is a lie for a moment alone: the kill must come within it.
    plan = replace(FOR_A_FAULT, kills=kills, behind_an_answer=fault == ACK_BEFORE_COMMIT)
    outcome = rehearse(tmp_path / "proof", seed, plan, agents=2, mutation=fault, echo_share=0)
    show(outcome, capsys)
    assert any(sentence.startswith("journal") for sentence in outcome.findings.missing)
