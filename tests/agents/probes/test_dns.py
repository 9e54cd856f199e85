"""Against a name server on loopback that answers as each name says."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from aldea.agents.probe import ProbeContext
from aldea.agents.probe_settings import DnsSettings
from aldea.agents.probes.dns import DnsProbe
from aldea.model.catalogue import CATALOGUE
from aldea.model.sample import Reading
from rigs.processes import LOOPBACK, free_port

TOGETHER = 10

RCODES = {
    "missing.test.": dns.rcode.NXDOMAIN,
    "broken.test.": dns.rcode.SERVFAIL,
    "private.test.": dns.rcode.REFUSED,
    "odd.test.": dns.rcode.NOTIMP,
}


class NameServer:
    """UDP and TCP on one port. Counts the questions."""

    def __init__(self) -> None:
        self.questions: list[str] = []
        self._together: list[tuple[bytes, Any]] = []
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.port = free_port(socket.SOCK_DGRAM)
        self._udp.bind((LOOPBACK, self.port))
        self._tcp = socket.create_server((LOOPBACK, self.port))
        self._stopping = threading.Event()
        for channel in (self._udp, self._tcp):
            channel.settimeout(0.05)
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._serve_udp, self._serve_tcp)]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        for channel in (self._udp, self._tcp):
            channel.close()

    def _serve_udp(self) -> None:
        while not self._stopping.is_set():
            try:
                question, asker = self._udp.recvfrom(2000)
            except TimeoutError:
                continue
            answers = self._answers(question, big_fits=False)
            if self.questions[-1] == "together.test.":
                answers = self._once_all_have_asked(answers[0], asker)
            for answer in answers:
                self._udp.sendto(answer, asker)

    def _serve_tcp(self) -> None:
        while not self._stopping.is_set():
            try:
                channel, _ = self._tcp.accept()
            except TimeoutError:
                continue
            with channel:
                question = channel.recv(2000)[2:]
                for answer in self._answers(question, big_fits=True):
                    channel.sendall(len(answer).to_bytes(2, "big") + answer)

    def _once_all_have_asked(self, answer: bytes, asker: Any) -> list[bytes]:
        """Keep back what was asked until there are TOGETHER questions, and answer them all."""
        self._together.append((answer, asker))
        if len(self._together) == TOGETHER:
            for kept, other in self._together:
                self._udp.sendto(kept, other)
            self._together.clear()
        return []

    def _answers(self, wire: bytes, *, big_fits: bool) -> list[bytes]:
        question = dns.message.from_wire(wire)
        name = question.question[0].name.to_text()
        self.questions.append(name)
        answer = dns.message.make_response(question)
        answer.set_rcode(RCODES.get(name, dns.rcode.NOERROR))
        if name == "silent.test.":
            return []
        if name == "garbage.test.":
            return [b"\xff" * 5, b"\x00" * 12]
        if name == "cut.test." and big_fits:
            return []
        if name in {"big.test.", "cut.test."} and not big_fits:
            answer.flags |= dns.flags.TC
        elif name in {"good.test.", "big.test.", "noisy.test.", "together.test."}:
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "A", "192.0.2.1", "192.0.2.2"))
        if name == "noisy.test.":
            others = dns.message.make_response(dns.message.make_query("other.test", "A", id=question.id ^ 1))
            return [b"\xff" * 5, wire, others.to_wire(), answer.to_wire()]
        return [answer.to_wire()]


@pytest.fixture(scope="module")
def server() -> Iterator[NameServer]:
    running = NameServer()
    yield running
    running.close()


def _ask(context: ProbeContext, *names: str, servers: tuple[str, ...], timeout: float = 30) -> list[Reading]:
    settings = DnsSettings(names=names, servers=servers, timeout_seconds=timeout)
    return list(asyncio.run(DnsProbe(settings, context).measure()))


def test_a_name_that_resolves_has_a_time_and_its_number_of_addresses(context: ProbeContext, server: NameServer) -> None:
    where = f"{LOOPBACK}:{server.port}"
    (reading,) = _ask(context, "good.test", servers=(where,))
    assert reading.tags == {"target": "good.test", "server": where}
    assert (reading.fields["answers"], reading.fields["failure"]) == (2, None)
    duration = reading.fields["duration_seconds"]
    assert isinstance(duration, float)
    assert 0 < duration < 30
    assert set(reading.fields) == {item.name for item in CATALOGUE["dns"].fields}


@pytest.mark.parametrize(
    ("name", "failure"),
    [
        ("missing.test", "dns_nxdomain"),
        ("broken.test", "dns_servfail"),
        ("private.test", "dns_refused"),
        ("odd.test", "dns_failed"),
        ("empty.test", "dns_no_answer"),
        ("silent.test", "dns_timeout"),
        ("garbage.test", "dns_timeout"),
        ("a..b", "dns_failed"),
        ("cut.test", "dns_failed"),
    ],
)
def test_each_trouble_has_its_word(context: ProbeContext, server: NameServer, name: str, failure: str) -> None:
    timeout = 0.2 if failure == "dns_timeout" else 30
    (reading,) = _ask(context, name, servers=(f"{LOOPBACK}:{server.port}",), timeout=timeout)
    assert reading.fields["failure"] == failure
    was_answered = failure != "dns_timeout" and name not in {"a..b", "cut.test"}
    assert (reading.fields["duration_seconds"] is not None) == was_answered


def test_an_answer_too_large_for_udp_is_fetched_by_tcp(context: ProbeContext, server: NameServer) -> None:
    (reading,) = _ask(context, "big.test", servers=(f"{LOOPBACK}:{server.port}",))
    assert (reading.fields["answers"], reading.fields["failure"]) == (2, None)


def test_what_is_no_answer_to_the_question_is_passed_over(context: ProbeContext, server: NameServer) -> None:
    (reading,) = _ask(context, "noisy.test", servers=(f"{LOOPBACK}:{server.port}",))
    assert (reading.fields["answers"], reading.fields["failure"]) == (2, None)


def test_a_server_that_is_not_there_gives_no_answer(context: ProbeContext) -> None:
    (reading,) = _ask(context, "good.test", servers=(f"{LOOPBACK}:{free_port(socket.SOCK_DGRAM)}",), timeout=0.2)
    assert reading.fields["failure"] in {"dns_timeout", "connection_refused"}


def test_nothing_is_answered_from_a_cache(context: ProbeContext, server: NameServer) -> None:
    server.questions.clear()
    for _ in range(3):
        _ask(context, "good.test", servers=(f"{LOOPBACK}:{server.port}",))
    assert server.questions == ["good.test."] * 3


def test_the_systems_servers_are_read_anew_each_round(machine: ProbeContext) -> None:
    probe = DnsProbe(DnsSettings(names=("good.test",), timeout_seconds=0.05), machine)
    (reading,) = asyncio.run(probe.measure())
    assert reading.fields == {"failure": "not_available"}
    conf = machine.root / "etc/resolv.conf"
    conf.parent.mkdir()
    conf.write_text("# here\nsearch test\nnameserver 127.0.0.2\nnameserver\nnameserver ::1\noptions edns0\n")
    readings = asyncio.run(probe.measure())
    assert [reading.tags["server"] for reading in readings] == ["127.0.0.2", "::1"]


def test_names_and_servers_are_all_asked_at_once(context: ProbeContext, server: NameServer) -> None:
    """The server says nothing before it has heard them all."""
    where = f"{LOOPBACK}:{server.port}"
    readings = _ask(context, *["together.test"] * TOGETHER, servers=(where,), timeout=20)
    assert [reading.fields["failure"] for reading in readings] == [None] * TOGETHER
