"""What the `boot` row says of why the agent was not running, and the row that follows once more is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agentkit.making import BOOT, OTHER_BOOT, held_rows, ping
from aldea.agents.follow_up import MARGIN_MS, PATIENCE_MS, SETTLED_MS, FollowUp
from aldea.agents.machine import is_going_down
from aldea.agents.outbox import Machine, Outbox, Stopped
from aldea.model.sample import Reading
from aldea.model.wire import Anchor

if TYPE_CHECKING:
    from pathlib import Path

HOUR = 3_600_000
WALL = 1_790_000_000_000


def start(folder: Path, boot: str = BOOT, version: str = "1.0", mono_ms: int = 1_000) -> Outbox:
    return Outbox(folder, Machine("hardware", boot, version, "rtc"), mono_ms)


def told(outbox: Outbox) -> dict[str, object]:
    return dict(next(row for row in reversed(held_rows(outbox)) if row.measurement == "boot").fields)


@pytest.mark.parametrize(
    ("stopped", "boot", "version", "cause", "kind"),
    [
        (Stopped.ALONE, BOOT, "1.0", "stopped", "restart"),
        (Stopped.CUT_OFF, BOOT, "1.0", "crashed", "restart"),
        (Stopped.ALONE, BOOT, "1.1", "upgraded", "restart"),
        (Stopped.CUT_OFF, BOOT, "1.1", "upgraded", "restart"),
        (Stopped.ALONE, OTHER_BOOT, "1.0", "stopped", "boot"),
        (Stopped.WITH_THE_MACHINE, OTHER_BOOT, "1.0", "shut_down", "boot"),
        (Stopped.CUT_OFF, OTHER_BOOT, "1.0", "power_lost", "boot"),
        (Stopped.CUT_OFF, OTHER_BOOT, "1.1", "power_lost", "boot"),
        (Stopped.FOR_SETTINGS, BOOT, "1.0", "settings", "restart"),
        (Stopped.FOR_SETTINGS, BOOT, "1.1", "upgraded", "restart"),
        # The power went while it was being upgraded, or took other settings.
        (Stopped.FOR_SETTINGS, OTHER_BOOT, "1.0", "power_lost", "boot"),
        (Stopped.FOR_SETTINGS, OTHER_BOOT, "1.1", "power_lost", "boot"),
    ],
)
def test_a_start_says_why_the_agent_was_not_running(
    tmp_path: Path, stopped: Stopped, boot: str, version: str, cause: str, kind: str
) -> None:
    before = start(tmp_path)
    before.append([ping()], 60_000)
    before.close(stopped)
    outbox = start(tmp_path, boot, version, 90_000)
    row = told(outbox)
    assert (row["cause"], row["kind"]) == (cause, kind)
    assert row["clean"] is (stopped is not Stopped.CUT_OFF and cause != "power_lost")
    assert row["clock"] == "rtc"
    assert row["previous_version"] == ("1.0" if version != "1.0" else None)
    assert row["silent_seconds"] == (30 if boot == BOOT else None)
    outbox.close()


def test_a_first_start_and_one_whose_outbox_was_lost_say_so(tmp_path: Path) -> None:
    outbox = start(tmp_path)
    assert told(outbox)["cause"] == "first_start"
    outbox.close()
    (tmp_path / "outbox.sqlite").write_bytes(b"not a database, and long enough to be looked at as one" * 40)
    outbox = start(tmp_path)
    assert told(outbox)["cause"] == "outbox_lost"
    outbox.close()


def test_how_it_was_stopped_is_asked_anew_each_time(tmp_path: Path) -> None:
    start(tmp_path).close(Stopped.WITH_THE_MACHINE)
    start(tmp_path, OTHER_BOOT).close()
    outbox = start(tmp_path, OTHER_BOOT, mono_ms=90_000)
    assert told(outbox)["cause"] == "crashed"
    outbox.close()


@pytest.mark.parametrize(("state", "down"), [("stopping", True), ("running", False), ("degraded", False), ("", False)])
def test_the_machine_goes_down_when_systemd_says_so(state: str, *, down: bool) -> None:
    assert is_going_down(lambda: state) is down


class Off:
    """A machine that was off for three hours: its boot before had an anchor, and a last row after an hour."""

    def __init__(self, folder: Path) -> None:
        before = start(folder)
        before.set_anchor(Anchor(0, WALL, 10, "server"))
        before.append([ping()], HOUR)
        before.close()
        self.outbox = start(folder, OTHER_BOOT)
        self.follow_up = FollowUp(self.outbox, 1_000)

    def learn_time(self) -> None:
        self.outbox.set_anchor(Anchor(0, WALL + 4 * HOUR, 10, "server"))


def router(started_ms: int, mono_ms: int, name: str = "router") -> Reading:
    return Reading("snmp", {"uptime_seconds": (mono_ms - started_ms) // 1000}, {"target": name})


def test_the_follow_up_tells_the_silence_and_who_restarted_with_the_machine(tmp_path: Path) -> None:
    off = Off(tmp_path)
    first = [router(-MARGIN_MS // 2, 60_000), router(-2 * HOUR, 60_000, "modem"), router(-9 * HOUR, 60_000, "ups")]
    assert off.follow_up.observe([*first, Reading("host", {"uptime_seconds": 60})], 60_000) is None
    assert off.follow_up.observe([], 1_000 + SETTLED_MS) is None  # the time is not known yet
    off.learn_time()
    row = off.follow_up.observe([router(0, 2 * HOUR)], 2_000 + SETTLED_MS)
    assert row is not None
    assert row.fields == {
        "kind": "follow_up",
        "previous_boot_id": BOOT,
        "silent_seconds": 3 * 3600,
        "restarted": "modem, router",
        "kept_running": "ups",
    }
    off.outbox.append([row], 2_000 + SETTLED_MS)
    off.follow_up.told()
    assert off.follow_up.observe(first, HOUR) is None
    assert FollowUp(off.outbox, HOUR).observe(first, 2 * HOUR) is None  # a restart of the agent tells it no more
    off.outbox.close()


def test_without_the_time_only_those_are_named_that_came_back_together(tmp_path: Path) -> None:
    off = Off(tmp_path)
    off.follow_up.observe([router(-60_000, 60_000), router(-2 * HOUR, 60_000, "modem")], 60_000)
    row = off.follow_up.observe([], 1_000 + PATIENCE_MS)
    assert row is not None
    assert (row.fields["silent_seconds"], row.fields["restarted"], row.fields["kept_running"]) == (None, "router", None)
    off.outbox.close()


def test_a_restart_of_the_agent_before_the_follow_up_does_not_lose_it(tmp_path: Path) -> None:
    off = Off(tmp_path)
    off.outbox.append([ping()], 120_000)
    off.outbox.close(Stopped.ALONE)
    outbox = start(tmp_path, OTHER_BOOT, mono_ms=130_000)
    outbox.set_anchor(Anchor(0, WALL + 4 * HOUR, 10, "server"))
    row = FollowUp(outbox, 130_000).observe([router(0, 130_000 + SETTLED_MS)], 130_000 + SETTLED_MS)
    assert row is not None
    assert (row.fields["silent_seconds"], row.fields["restarted"]) == (3 * 3600, "router")
    outbox.close()


def test_a_router_that_restarts_later_on_is_another_story(tmp_path: Path) -> None:
    off = Off(tmp_path)
    off.learn_time()
    off.follow_up.observe([router(-9 * HOUR, 60_000)], 60_000)
    row = off.follow_up.observe([router(200_000, 2 * SETTLED_MS)], 2 * SETTLED_MS)
    assert row is not None
    assert (row.fields["restarted"], row.fields["kept_running"]) == (None, "router")
    off.outbox.close()


def test_a_machine_s_first_boot_has_nothing_to_follow_up(tmp_path: Path) -> None:
    outbox = start(tmp_path)
    assert FollowUp(outbox, 0).observe([router(0, PATIENCE_MS)], PATIENCE_MS) is None
    outbox.close()
