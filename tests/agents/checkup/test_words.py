"""The page and the doctor say the same: every sentence of every check, in both languages, in both places."""

from __future__ import annotations

import ast
import errno
import inspect
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agentkit.box import Browser, Idle, box_settings, make_view
from aldea.agents.checkup import doctor, judging_beyond, judging_box, judging_site
from aldea.agents.checkup.checks import judge
from aldea.agents.checkup.collecting import Checkup
from aldea.agents.checkup.evidence import Box, BrokerAnswer, Delivering, Enrolled, Evidence, Interface, Network
from aldea.agents.checkup.findings import State
from aldea.agents.checkup.folder import FolderError
from aldea.agents.page.app import build_site
from aldea.agents.page.words import Words, say
from aldea.model.clock import ManualClock
from aldea.model.sample import Reading, Value

WHERE = "broker.example.org:8883"
ETH, WIFI = Interface("eth0", False, False), Interface("wlan0", False, True)


def failing(measurement: str, failure: str | None, **tags: str) -> list[Reading]:
    return [Reading(measurement, {"failure": failure}, tags)]


def ping(role: str, *, answers: bool, loss: float = 0.0) -> Reading:
    fields: dict[str, Value] = {"received": int(answers), "loss_ratio": loss if answers else 1.0}
    return Reading("ping", {**fields, "failure": None if answers else "no_reply"}, {"target": "x", "role": role})


def box(error: FolderError | None = None, trouble: str | None = None, **fields: Value) -> Box:
    host = {"disk_free_bytes": 9_000_000_000, "disk_used_ratio": 0.4, "memory_used_ratio": 0.4, **fields}
    return Box(Reading("host", host), error, undervoltage=False, knows_time=False, trouble=trouble)


WELL = Evidence(
    power=[Reading("power", {"on_battery": False, "failure": None})],
    box=box(clock="ntp"),
    network=Network((Interface("eth0", True, False),), "eth0", "192.168.1.1"),
    ping=[ping("gateway", answers=True), ping("anchor", answers=True)],
    devices=failing("snmp", None, target="antenna"),
    dns=failing("dns", None),
    http=failing("http", None),
    broker=BrokerAnswer(WHERE, None, accepted=True),
    enrolled=Enrolled("yaxcaba/agent"),
)
CUT = replace(
    WELL,
    ping=[ping("gateway", answers=True), ping("anchor", answers=False)],
    dns=failing("dns", "dns_timeout"),
    http=failing("http", "connect_timeout"),
    broker=BrokerAnswer(WHERE, "connect_timeout"),
)
DEAD = replace(CUT, ping=[ping("gateway", answers=False), ping("anchor", answers=False)])
SITUATIONS = (
    WELL,
    Evidence(),
    # power
    replace(WELL, box=replace(box(), undervoltage=True)),
    replace(WELL, power=[Reading("power", {"on_battery": True, "failure": None})]),
    replace(WELL, power=failing("power", "snmp_timeout")),
    replace(WELL, power=[]),
    # the box and its clock
    replace(WELL, box=box(FolderError("/data", errno.ENOSPC, "No space left on device"))),
    replace(WELL, box=box(disk_free_bytes=3_000_000)),
    replace(WELL, box=box(FolderError("/data", errno.EROFS, "Read-only file system"))),
    replace(WELL, box=box(FolderError("/data", errno.EACCES, "Permission denied"))),
    replace(WELL, box=box(FolderError("/data", errno.EIO, "Input/output error"))),
    replace(WELL, box=box(trouble="/data/outbox.sqlite cannot be used")),
    replace(WELL, box=replace(box(), can_be_copied=True)),
    replace(WELL, box=box(temperature_celsius=90.0)),
    replace(WELL, box=box(memory_used_ratio=0.99)),
    replace(WELL, box=replace(box(), knows_time=True)),
    replace(WELL, box=box()),
    # the site
    replace(DEAD, network=Network((replace(WIFI, has_signal=True),), "wlan0", "192.168.1.1")),
    replace(DEAD, network=Network((WIFI,), "wlan0", "192.168.1.1")),
    replace(DEAD, network=Network((), None, None)),
    replace(DEAD, network=Network((ETH, WIFI), None, None)),
    replace(DEAD, network=Network((replace(ETH, has_signal=True),), None, None)),
    DEAD,
    replace(DEAD, anchor_silent_ms=3_600_000),
    replace(DEAD, anchor_silent_ms=3_600_000, router_is_mute=True),
    replace(DEAD, ping=[ping("anchor", answers=False)]),
    replace(WELL, ping=[ping("anchor", answers=True)]),
    replace(WELL, devices=[]),
    replace(WELL, devices=failing("snmp", "snmp_timeout", target="antenna")),
    replace(WELL, devices=failing("snmp", "snmp_authentication", target="antenna")),
    # beyond
    CUT,
    replace(CUT, anchor_silent_ms=3_600_000),
    replace(WELL, ping=[ping("gateway", answers=True), ping("anchor", answers=True, loss=0.4)]),
    replace(WELL, ping=[ping("gateway", answers=True)]),
    replace(CUT, http=failing("http", "captive_portal")),
    replace(WELL, ping=[], dns=[], http=[], broker=BrokerAnswer("127.0.0.1:1883", None, accepted=True)),
    replace(WELL, dns=failing("dns", "dns_timeout")),
    replace(
        WELL,
        dns=failing("dns", "dns_timeout"),
        http=failing("http", "dns_failed"),
        ping=[],
        broker=BrokerAnswer(WHERE, "dns_failed"),
    ),
    replace(WELL, http=failing("http", "http_status")),
    replace(WELL, delivering=Delivering(True, 600_000)),
    replace(WELL, broker=BrokerAnswer(WHERE, None, accepted=False, said="no secret", asked=False)),
    replace(WELL, broker=BrokerAnswer(WHERE, "tls_certificate_invalid")),
    replace(WELL, broker=BrokerAnswer(WHERE, "connect_timeout")),
    replace(WELL, broker=BrokerAnswer(WHERE, None, accepted=False, said="Not authorized")),
    replace(WELL, broker=BrokerAnswer(WHERE, asked=False)),
    replace(WELL, enrolled=Enrolled("", missing=True)),
    replace(WELL, enrolled=Enrolled("", "broker.password")),
)


def texts_of_the_judges() -> set[str]:
    """Return every text that a judge can say, as it stands in the code."""
    found = set()
    for module in (judging_box, judging_site, judging_beyond):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
                assert isinstance(node.args[0], ast.Constant)
                found.add(str(node.args[0].value))
    return found


def all_in(words: Words) -> Iterator[str]:
    """Return a sentence's text, and those of the words within it."""
    yield words.text
    for value in words.values.values():
        if isinstance(value, Words):
            yield from all_in(value)


def said_in(found: Evidence) -> Iterator[Words]:
    for item in judge(found):
        yield from (item.what, *item.do, *(() if item.bring is None else (item.bring,)))


def test_the_situations_below_make_the_judges_say_all_they_can() -> None:
    said = {text for found in SITUATIONS for words in said_in(found) for text in all_in(words)}
    assert texts_of_the_judges() - said == set()


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("number", range(len(SITUATIONS)))
def test_the_page_and_the_doctor_say_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int, language: str
) -> None:
    found = SITUATIONS[number]
    findings = judge(found)

    async def looked(_checkup: object) -> Evidence:
        return found

    monkeypatch.setattr(Checkup, "run", looked)
    doctor.run_doctor(box_settings(tmp_path), {"LANG": language}, as_json=False)
    at_the_terminal = capsys.readouterr().out
    browser = Browser(build_site(make_view(tmp_path, ManualClock(), None, Idle(found))))
    browser.post("/check")
    on_the_page = browser.get(f"/check?lang={language}").text
    first = say("Check this first: %(what)s", what="").in_(language)
    for item in findings:
        wanted = [item.title, *([] if item.state is State.RUNNING else [item.what])]
        wanted += [*item.do, *([] if item.bring is None else [item.bring])]
        for words in wanted:
            assert words.in_(language) in at_the_terminal
            assert words.in_(language) in on_the_page
    wrong = next((item for item in findings if item.state is State.WRONG), None)
    assert (first in on_the_page) == (wrong is not None)
    if wrong is not None:
        assert f"{first}{wrong.title.in_(language)}" in on_the_page
        marked = next(line for line in at_the_terminal.splitlines() if "<-" in line)
        assert wrong.what.in_(language) in marked
