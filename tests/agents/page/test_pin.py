"""The facilitator's PIN: set, forgotten, guessed at, and what it opens."""

from __future__ import annotations

import errno
import io
import re
from pathlib import Path

import bottle
import pytest

from agentkit.box import Browser, make_view
from aldea.agents.__main__ import main
from aldea.agents.page.app import build_app
from aldea.agents.page.guard import Guard
from aldea.agents.page.patience import MOST_REMEMBERED, Patience, place_of
from aldea.agents.page.pin import needs_pin
from aldea.agents.page.pins import PinStore, hash_pin, is_easy, is_pin, is_right, new_pin
from aldea.agents.page.rendering import PAGES
from aldea.agents.page.sessions import MOST_SESSIONS, Sessions
from aldea.agents.page.tries import FOR_A_BOOT, TriesFile
from aldea.agents.page_settings import PIN_HASH, PageSettings
from aldea.model.clock import ManualClock

MINUTE = 60_000
DAY = 24 * 60 * MINUTE


@pytest.fixture
def site(tmp_path: Path, clock: ManualClock) -> Guard:
    """A page with a room behind the PIN."""
    app = build_app(make_view(tmp_path, clock))
    app.route("/room", "GET", needs_pin(lambda: "inside"))
    app.route("/room", "POST", needs_pin(lambda: f"kept {bottle.request.forms.getunicode('text')}"))
    return Guard(app, app.config[PAGES])


def signed_in(site: Guard, pin: str = "4711", peer: str = "192.168.1.50") -> Browser:
    browser = Browser(site, peer=peer)
    assert browser.post("/pin", {"pin": pin}).status == 303
    return browser


def test_without_a_pin_nobody_comes_in_and_it_is_said_how_to_get_one(site: Guard) -> None:
    answer = Browser(site).get("/room")
    assert answer.status == 403
    assert "todavía no tiene PIN" in answer.text
    assert "aldea-agent pin" in answer.text


def test_the_pin_opens_the_room_that_was_asked_for(site: Guard, tmp_path: Path) -> None:
    PinStore(tmp_path, None).set("4711")
    browser = Browser(site)
    asked = browser.get("/room?day=2026-11-22")
    assert asked.status == 403
    then = re.search(r'name="then" value="([^"]+)"', asked.text)
    assert then is not None
    answer = browser.post("/pin", {"pin": "47 11", "then": then[1]})
    assert answer.status == 303
    assert answer.headers["location"] == "/room?day=2026-11-22&said=signed_in"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie.replace("Strict", "strict")
    assert browser.get("/room").body == b"inside"
    assert (tmp_path / "page.pin").stat().st_mode & 0o777 == 0o600
    assert "4711" not in (tmp_path / "page.pin").read_text()


def test_a_browser_that_keeps_no_cookies_is_told_so_instead_of_being_asked_for_ever(
    site: Guard, tmp_path: Path, clock: ManualClock
) -> None:
    PinStore(tmp_path, None).set("4711")
    browser = Browser(site)
    let_in = browser.post("/pin", {"pin": "4711", "then": "/room"})
    browser.cookies.clear()
    told = browser.get(let_in.headers["location"])
    assert (told.status, "permita las cookies" in told.text, "Sesión iniciada" in told.text) == (403, True, False)
    assert "permita las cookies" not in browser.get("/room").text
    keeps = signed_in(site)
    clock.advance(31 * MINUTE)
    assert "permita las cookies" not in keeps.get(let_in.headers["location"]).text, "it is only too late"


@pytest.mark.parametrize("then", ["https://evil.example/", "//evil.example", "/\\evil.example", "/a\r\nX: y"])
def test_nobody_is_sent_elsewhere_after_signing_in(site: Guard, tmp_path: Path, then: str) -> None:
    PinStore(tmp_path, None).set("4711")
    assert Browser(site).post("/pin", {"pin": "4711", "then": then}).headers["location"] == "/?said=signed_in"


def test_a_session_ends_after_half_an_hour_without_use_or_by_signing_out(
    site: Guard, tmp_path: Path, clock: ManualClock
) -> None:
    PinStore(tmp_path, None).set("4711")
    browser = signed_in(site)
    for _ in range(3):
        clock.advance(29 * MINUTE)
        assert browser.get("/room").status == 200
    clock.advance(31 * MINUTE)
    assert browser.get("/room").status == 403
    again = signed_in(site)
    assert again.post("/pin/out", token_from="/about").status == 303
    assert again.get("/room").status == 403


def test_a_page_that_loads_again_by_itself_keeps_no_session_open(
    site: Guard, tmp_path: Path, clock: ManualClock
) -> None:
    PinStore(tmp_path, None).set("4711")
    browser = Browser(site)
    browser.post("/pin", {"pin": "4711"})
    for _ in range(31):
        assert "Cerrar sesión" in browser.get("/").text
        clock.advance(60_000)
    assert "Cerrar sesión" not in browser.get("/").text


def test_what_was_typed_before_the_session_ended_is_carried_through_the_pin(
    site: Guard, tmp_path: Path, clock: ManualClock
) -> None:
    PinStore(tmp_path, None).set("4711")
    browser = signed_in(site)
    token = browser.get("/about").csrf
    clock.advance(40 * MINUTE)
    asked = browser.post_bare("/room", {"text": "Asamblea, 14 mujeres", "csrf": token})
    assert asked.status == 403
    assert 'name="text" value="Asamblea, 14 mujeres"' in asked.text
    fields = {"pin": "4711", "then": "/room", "text": "Asamblea, 14 mujeres", "csrf": asked.csrf}
    carried = browser.post_bare("/pin", fields)
    assert 'action="/room"' in carried.text
    kept = browser.post_bare("/room", {"text": "Asamblea, 14 mujeres", "csrf": carried.csrf})
    assert kept.text == "kept Asamblea, 14 mujeres"


def test_wrong_tries_have_to_wait_and_the_right_one_too(site: Guard, tmp_path: Path, clock: ManualClock) -> None:
    PinStore(tmp_path, None).set("4711")
    browser = Browser(site)
    for _ in range(3):
        answer = browser.post("/pin", {"pin": "0000"})
    assert "Espere 5 segundos" in answer.text
    assert browser.post("/pin", {"pin": "4711"}).status == 403, "the wait holds for everybody who types here"
    clock.advance(5_000)
    assert browser.post("/pin", {"pin": "4711"}).status == 303


def guesses_in_a_day(clock: ManualClock, patience: Patience, addresses: int) -> int:
    """Return how many wrong PINs get through in a day from so many addresses that try without pause."""
    names = [f"10.0.{number // 250}.{number % 250}" for number in range(addresses)]
    until_ms, count = clock.mono_ms() + DAY, 0
    while clock.mono_ms() < until_ms:
        for name in names:
            if patience.wait(name).ms == 0:
                patience.wrong(name)
                count += 1
        clock.advance(max(1_000, min(patience.wait(name).ms for name in names)))
    return count


def test_an_address_waits_twice_as_long_each_time(clock: ManualClock) -> None:
    patience = Patience(clock)
    waits = []
    for _ in range(14):
        patience.wrong("192.168.1.9")
        waits.append(patience.wait("192.168.1.9").ms)
        clock.advance(waits[-1])
    assert waits[:5] == [0, 0, 5_000, 10_000, 20_000]
    assert waits[-1] == 15 * MINUTE
    clock.advance(DAY + MINUTE)
    patience.wrong("192.168.1.9")
    assert patience.wait("192.168.1.9").ms == 0, "a day without a try is forgiven"


@pytest.mark.parametrize(("addresses", "most"), [(1, 106), (10, 1_060), (250, 1_500), (400, 1_500)])
def test_so_many_guesses_a_day_are_possible_and_no_more(clock: ManualClock, addresses: int, most: int) -> None:
    count = guesses_in_a_day(clock, Patience(clock), addresses)
    assert 0.9 * most < count <= most


def test_the_right_pin_passes_from_elsewhere_while_an_address_is_locked(site: Guard, tmp_path: Path) -> None:
    PinStore(tmp_path, None).set("4711")
    hostile = [Browser(site, peer=f"192.168.1.{number}") for number in range(2, 22)]
    for _ in range(4):
        for browser in hostile:
            browser.post("/pin", {"pin": "0000"})
    assert "Espere" in hostile[0].post("/pin", {"pin": "4711"}).text
    signed_in(site, peer="192.168.1.99")


def test_who_was_signed_in_before_passes_whatever_others_try(site: Guard, tmp_path: Path, clock: ManualClock) -> None:
    PinStore(tmp_path, None).set("4711")
    facilitator = signed_in(site, peer="192.168.1.1")
    clock.advance(31 * MINUTE)
    for number in range(70):  # somebody who changes addresses, and one behind the same address as the facilitator
        Browser(site, peer=f"192.168.7.{number}").post("/pin", {"pin": "0000"})
        if number % 10 == 0:
            Browser(site, peer="192.168.1.1").post("/pin", {"pin": "0000"})
    stranger = Browser(site, peer="192.168.8.1").post("/pin", {"pin": "4711"})
    assert stranger.status == 403
    assert "se han probado muchos PIN" in stranger.text
    assert facilitator.post("/pin", {"pin": "4710"}).status == 403
    assert facilitator.post("/pin", {"pin": "4711"}).status == 303
    facilitator.post("/pin/out", token_from="/about")
    for _ in range(3):
        answer = facilitator.post("/pin", {"pin": "0000"})
    assert "Espere 5 segundos" in answer.text, "who is known waits for its own wrong tries"


def test_a_telephone_that_is_signed_in_lets_a_new_one_in_while_others_try_without_end(
    site: Guard, tmp_path: Path, clock: ManualClock
) -> None:
    PinStore(tmp_path, None).set("4711")
    facilitator = signed_in(site, peer="192.168.1.1")
    for number in range(70):
        Browser(site, peer=f"192.168.7.{number}").post("/pin", {"pin": "0000"})
    new = Browser(site, peer="192.168.8.1")
    held_up = new.post("/pin", {"pin": "4711"})
    assert (held_up.status, 'name="word"' in held_up.text) == (403, True)
    assert new.get("/records/invite").status == 403, "a word is shown to whoever is signed in"
    shown = re.search(r"<h1>([A-Z]{4} [A-Z]{4})</h1>", facilitator.post("/records/invite").text)
    assert shown is not None
    assert new.post("/pin", {"pin": "4711", "word": "AAAA BBBB"}).status == 403
    wrong = new.post("/pin", {"pin": "4710", "word": shown[1].lower().replace(" ", "")})
    assert (wrong.status, "Ese no es el PIN" in wrong.text) == (403, True), "the word opens nothing by itself"
    other = Browser(site, peer="192.168.8.2")
    assert other.post("/pin", {"pin": "4711", "word": shown[1]}).status == 403, "it is good once"
    assert new.post("/pin", {"pin": "4711"}).status == 303
    assert new.get("/room").status == 200
    late = re.search(r"<h1>([A-Z]{4} [A-Z]{4})</h1>", facilitator.post("/records/invite").text)
    assert late is not None
    clock.advance(10 * MINUTE)
    for number in range(20):
        Browser(site, peer=f"192.168.9.{number}").post("/pin", {"pin": "0000"})
    assert other.post("/pin", {"pin": "4711", "word": late[1]}).status == 403, "and for ten minutes"


def test_a_session_goes_on_whatever_others_try(site: Guard, tmp_path: Path) -> None:
    PinStore(tmp_path, None).set("4711")
    facilitator = signed_in(site, peer="192.168.1.1")
    for _ in range(20):
        Browser(site, peer="192.168.1.1").post("/pin", {"pin": "0000"})
    assert facilitator.get("/room").status == 200


def test_who_is_known_is_a_stranger_again_with_another_pin_or_a_forged_word(site: Guard, tmp_path: Path) -> None:
    PinStore(tmp_path, None).set("4711")
    former = signed_in(site, peer="192.168.1.1")
    PinStore(tmp_path, None).set("5823")
    forger = Browser(site, peer="192.168.1.2", cookies={"aldea_known": "0011223344556677." + "0" * 32})
    for browser in (former, forger):
        for _ in range(3):
            browser.post("/pin", {"pin": "0000"})
        other = Browser(site, peer=browser.peer)
        assert "Espere 5 segundos" in other.post("/pin", {"pin": "5823"}).text, "it was counted by its address"


def tried(folder: Path, clock: ManualClock, boot: str = "boot") -> Patience:
    """Return the patience of an agent that starts in this boot."""
    return Patience(clock, TriesFile(folder, boot))


def test_what_is_left_in_all_outlives_a_restart_and_nobodys_address_is_on_disk(
    tmp_path: Path, clock: ManualClock
) -> None:
    patience = tried(tmp_path, clock)
    for number in range(60):
        patience.wrong(f"10.0.0.{number}")
    for boot, free in (("boot", 0), ("another", round(FOR_A_BOOT)), ("another", 0)):
        patience = tried(tmp_path, clock, boot)
        count = 0
        while patience.wait(name := f"10.1.{boot}.{count}").ms == 0:
            patience.wrong(name)
            count += 1
        assert (count, patience.wait("10.2.0.1").by_others) == (free, True)
    clock.advance(3 * MINUTE)
    assert tried(tmp_path, clock, "another")._in_all.left() == pytest.approx(3, abs=0.1), "it fills meanwhile"
    assert "10." not in "".join(path.read_text() for path in tmp_path.iterdir())
    assert [path.name for path in tmp_path.iterdir()] == ["page.tries"]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"left": "x", "at_ms": 1, "boot": "boot"}', '{"left": 1e999}', "[" * 100_000]
)
def test_a_spoilt_file_of_tries_keeps_nobody_out(tmp_path: Path, clock: ManualClock, content: str) -> None:
    (tmp_path / "page.tries").write_text(content)
    assert tried(tmp_path, clock).wait("10.0.0.1").ms == 0
    tried(tmp_path / "missing", clock).wrong("10.0.0.1")


def test_the_tries_that_are_remembered_are_bounded(clock: ManualClock) -> None:
    patience = Patience(clock)
    for number in range(MOST_REMEMBERED + 50):
        patience.wrong(str(number), known=True)
    assert len(patience._by_who) == MOST_REMEMBERED


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("192.168.1.5", "192.168.1.5"),
        ("::ffff:192.168.1.5", "192.168.1.5"),
        ("fe80::1%eth0", "fe80::/64"),
        ("fd00:1:2:3:4:5:6:7", "fd00:1:2:3::/64"),
        ("nonsense", "nonsense"),
    ],
)
def test_addresses_that_one_can_choose_count_as_one(address: str, place: str) -> None:
    assert place_of(address) == place


def test_sessions_are_bounded(clock: ManualClock) -> None:
    sessions = Sessions(clock)
    words = [sessions.begin() for _ in range(MOST_SESSIONS + 1)]
    assert not sessions.is_open(words[0], is_use=True)
    assert sessions.is_open(words[-1], is_use=True)
    assert not sessions.is_open(None, is_use=True)


def test_a_new_pin_ends_the_sessions_of_the_old_one(site: Guard, tmp_path: Path) -> None:
    PinStore(tmp_path, None).set("4711")
    browser = signed_in(site)
    PinStore(tmp_path, None).set("5823")
    assert browser.get("/room").status == 403
    signed_in(site, "5823")


def test_a_disk_that_fails_signs_nobody_out_and_takes_no_pin_away(
    site: Guard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    PinStore(tmp_path, None).set("4711")
    browser = signed_in(site)

    def fails(*_: object, **__: object) -> str:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_text", fails)
        assert browser.get("/room").status == 200
        signed_in(site, peer="192.168.1.51")
    assert browser.get("/room").status == 200
    (tmp_path / "page.pin").unlink()
    assert browser.get("/room").status == 403, "taken away by hand"


def test_the_newer_of_the_boxs_and_the_settings_pin_holds(tmp_path: Path) -> None:
    first, second = hash_pin("1470"), hash_pin("2581")
    from_afar = PinStore(tmp_path, first)
    assert from_afar.current() == first
    from_afar.set("3692")
    assert is_right("3692", from_afar.current() or ""), "set on the box after the settings came"
    assert is_right("2581", PinStore(tmp_path, second).current() or ""), "the settings changed after that"
    (tmp_path / "page.pin").write_text("spoilt")
    assert PinStore(tmp_path, second).current() == second


@pytest.mark.parametrize(
    ("text", "fine"),
    [("1234", True), ("12345678", True), ("123", False), ("123456789", False), ("12a4", False), ("١٢٣٤", False)],
)
def test_a_pin_has_four_to_eight_digits(text: str, fine: bool) -> None:
    assert is_pin(text) is fine


def test_a_made_pin_is_six_digits_and_no_easy_one() -> None:
    pins = {new_pin() for _ in range(50)}
    assert all(re.fullmatch(r"\d{6}", pin) and not is_easy(pin) for pin in pins)
    assert len(pins) > 40
    assert PIN_HASH.fullmatch(hash_pin("4711"))
    assert not is_right("4711", "nonsense")
    assert not is_right("4711", "scrypt$zz$zz")


def test_the_command_sets_a_pin_that_opens_the_page(
    tmp_path: Path, site: Guard, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ["--site", "yaxcaba", "--data", str(tmp_path)]
    assert main(["pin", *options]) == 0
    pin = re.search(r"The PIN is (\d{6})\.", capsys.readouterr().out)
    assert pin is not None
    signed_in(site, pin[1])
    monkeypatch.setattr("sys.stdin", io.StringIO("86420\n"))
    assert main(["pin", "--choose", *options]) == 0
    signed_in(site, "86420", peer="192.168.1.51")
    for bad in ("1234", "77", "12345678901"):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{bad}\n"))
        assert main(["pin", "--choose", *options]) == 1
    assert "nothing was changed" in capsys.readouterr().err


def test_a_hash_for_the_settings_opens_the_page_of_a_box_far_away(
    tmp_path: Path, clock: ManualClock, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pin", "--hash", "--site", "yaxcaba", "--data", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    pin, hashed = re.findall(r'The PIN is (\d+)\..* pin_hash = "([^"]+)"', said)[0]
    assert list(tmp_path.glob("page.pin*")) == []
    app = build_app(make_view(tmp_path, clock, PageSettings(enabled=True, pin_hash=hashed)))
    signed_in(Guard(app, app.config[PAGES]), pin)
