"""Our reading and writing of a name server's messages, beside the library's."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aldea.agents.probes.dns_message import NOERROR, NXDOMAIN, REFUSED, SERVFAIL, question, read_answer

NUMBER = 4711
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
LABELS = st.text(f"{LETTERS}ABC-_", min_size=1, max_size=12) | st.text(f"{LETTERS}ñéá", min_size=1, max_size=12)
NAMES = st.lists(LABELS, min_size=1, max_size=5).map(".".join)
ADDRESSES = st.sets(st.ip_addresses(v=4).map(str), max_size=6)
OTHERS = st.sets(
    st.sampled_from(
        [("AAAA", "2001:db8::1"), ("CNAME", "other.good.test."), ("TXT", '"some words"'), ("MX", "10 mail.good.test.")]
    )
)


def _answer(asked: bytes, addresses: set[str], others: set[tuple[str, str]] = frozenset()) -> dns.message.Message:  # type: ignore[assignment]  # a frozen set is one
    said = dns.message.make_response(dns.message.from_wire(asked))
    name = said.question[0].name
    for kind, text in sorted(others):
        said.answer.append(dns.rrset.from_text(name, 60, "IN", kind, text))
    if addresses:
        said.answer.append(dns.rrset.from_text(name, 60, "IN", "A", *sorted(addresses)))
    said.authority.append(dns.rrset.from_text("good.test.", 60, "IN", "NS", "ns.good.test."))
    said.additional.append(dns.rrset.from_text("ns.good.test.", 60, "IN", "A", "192.0.2.77"))
    return said


@given(NAMES)
def test_a_question_is_what_the_library_would_ask(name: str) -> None:
    theirs = dns.message.make_query(name, "A", use_edns=0, payload=1232, id=NUMBER)
    assert question(name, NUMBER) == theirs.to_wire()


@given(NAMES.filter(str.isascii), ADDRESSES, OTHERS)
def test_an_answer_has_as_many_addresses_as_the_library_finds(
    name: str, addresses: set[str], others: set[tuple[str, str]]
) -> None:
    asked = question(name, NUMBER)
    found = read_answer(_answer(asked, addresses, others).to_wire(), asked)
    assert found is not None
    assert (found.outcome, found.addresses, found.truncated) == (NOERROR, len(addresses), False)


@given(st.binary(max_size=200), st.booleans())
def test_whatever_comes_is_an_answer_or_passed_over(noise: bytes, begins_well: bool) -> None:
    asked = question("good.test", NUMBER)
    wire = asked[:2] + b"\x84\x00" + asked[4:] + noise if begins_well else noise
    read_answer(wire, asked)


@given(st.data())
def test_a_cut_or_changed_answer_never_has_more_addresses_than_were_said(data: st.DataObject) -> None:
    asked = question("good.test", NUMBER)
    whole = _answer(asked, {"192.0.2.1", "192.0.2.2"}).to_wire()
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    found = read_answer(cut, asked)
    assert found is None or found.addresses == 2


@pytest.mark.parametrize(
    ("rcode", "outcome"),
    [(dns.rcode.NXDOMAIN, NXDOMAIN), (dns.rcode.SERVFAIL, SERVFAIL), (dns.rcode.REFUSED, REFUSED)],
)
def test_an_outcome_is_read_also_without_the_question_where_servers_leave_it_out(
    rcode: dns.rcode.Rcode, outcome: int
) -> None:
    asked = question("good.test", NUMBER)
    said = dns.message.make_response(dns.message.from_wire(asked))
    said.set_rcode(rcode)
    found = read_answer(said.to_wire(), asked)
    assert found is not None
    assert found.outcome == outcome
    said.question.clear()
    bare = read_answer(said.to_wire(), asked)
    assert (bare is not None) == (rcode != dns.rcode.NXDOMAIN)


def test_what_answers_another_question_is_no_answer() -> None:
    asked = question("good.test", NUMBER)
    other_number = _answer(question("good.test", NUMBER + 1), {"192.0.2.1"}).to_wire()
    other_name = _answer(question("evil.test", NUMBER), {"192.0.2.1"}).to_wire()
    asking = bytearray(_answer(asked, {"192.0.2.1"}).to_wire())
    asking[2] &= 0x7F
    assert [read_answer(bytes(wire), asked) for wire in (other_number, other_name, asking)] == [None] * 3


def test_a_server_may_write_the_name_in_other_letters_and_cut_the_answer_short() -> None:
    asked = question("good.test", NUMBER)
    said = _answer(asked, set())
    said.flags |= dns.flags.TC
    found = read_answer(said.to_wire().replace(b"good", b"GooD"), asked)
    assert found is not None
    assert found.truncated


@pytest.mark.parametrize("name", ["", ".", "a..b", ".a", "a" * 64 + ".test", ".".join(["abcdefgh"] * 30)])
def test_what_is_no_name_is_not_asked(name: str) -> None:
    with pytest.raises(ValueError, match=r"label|name|codec|idna"):
        question(name, NUMBER)


def test_an_address_counts_once_and_one_of_a_wrong_length_spoils_the_answer() -> None:
    asked = question("good.test", NUMBER)
    record = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01"
    head = asked[:2] + b"\x81\x80\x00\x01\x00\x02\x00\x00\x00\x00" + asked[12:-11]
    found = read_answer(head + record + record, asked)
    assert found is not None
    assert found.addresses == 1
    short = record.replace(b"\x00\x04\xc0", b"\x00\x03")
    assert read_answer(head + record + short, asked) is None
