"""Releases at the server: what devices fetch, what people see and do, what the rollout does with what devices say."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from httpx import Client, Response

from aldea.collector.rollouts import RolloutDriver
from aldea.deploy.cli.release_words import rollout_text
from aldea.deploy.releasing.signing import sign
from aldea.model.clock import ManualClock
from aldea.model.release import Manifest, ReleaseFile, SignedRelease, public_pem
from aldea.model.rollouts import RolloutState
from aldea.storage.register.audit import list_audit
from aldea.storage.register.commands import CommandState, commands_of, note_answer
from aldea.storage.register.credentials import make_credential
from aldea.storage.register.errors import RegisterConflictError, RegisterError
from aldea.storage.register.release_reach import reach_of, without_key
from aldea.storage.register.release_trust import is_trusted
from aldea.storage.register.releases import add_release, distrust_keys, trust_keys, trusted_pem
from aldea.storage.register.rollout_devices import rollout_devices
from aldea.storage.register.rollouts import begin_rollout, keep_step, list_rollouts, open_rollout
from dashboard_api.forms import forms_of
from dashboard_api.village import HOUR, NOW_MS, Village

CONTENT = bytes(range(256)) * 6000
NAME = "aldea-0.2.0-py3-none-any.whl"
FILE = ReleaseFile(NAME, len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
MANIFEST = Manifest("0.2.0", "3.11", 1, (FILE,))
KEY, OTHER_KEY = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2))
RELEASE = sign(MANIFEST, KEY)
SPANISH = {"Accept-Language": "es"}
ADDRESS = f"/api/v1/releases/0.2.0/{NAME}"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW_MS)


@pytest.fixture
def pages(empty: Village, clock: ManualClock) -> Iterator[Client]:
    with empty.register.transaction() as unit:
        add_release(unit, RELEASE, {NAME: CONTENT}, "test", NOW_MS)
    with forms_of(empty, clock) as client:
        yield client


def test_a_range_is_answered_with_the_files_digest_and_unpacked(pages: Client) -> None:
    answer = pages.get(ADDRESS, headers={"Range": "bytes=1000-65999", "Accept-Encoding": "gzip"})
    assert (answer.status_code, answer.content) == (206, CONTENT[1000:66000])
    assert answer.headers["Content-Range"] == f"bytes 1000-65999/{len(CONTENT)}"
    assert answer.headers["ETag"] == f'"{FILE.sha256}"'
    assert answer.headers["Content-Encoding"] == "identity"
    tail = pages.get(ADDRESS, headers={"Range": f"bytes={len(CONTENT) - 10}-"})
    assert tail.content == CONTENT[-10:]
    assert pages.get(ADDRESS, headers={"If-None-Match": f'"{FILE.sha256}"'}).status_code == 304


def test_a_range_is_bounded_and_must_lie_within_the_file(pages: Client) -> None:
    assert len(pages.get(ADDRESS, headers={"Range": "bytes=0-99999999"}).content) == 1_048_576
    assert pages.get(ADDRESS).status_code == 416  # all of it is more than is given at once
    assert pages.get(ADDRESS, headers={"Range": "bytes=99999999-"}).status_code == 416
    assert pages.get(ADDRESS, headers={"Range": "bytes=5-4"}).status_code == 416


@pytest.mark.parametrize(
    "address",
    [
        "/api/v1/releases/0.2.0/other.whl",
        "/api/v1/releases/9.9/aldea-0.2.0-py3-none-any.whl",
        "/api/v1/releases/0.2.0/..%2F..%2Fregister.db",
        "/api/v1/releases/..%2F..%2Fetc/passwd",
        "/api/v1/releases/0.2.0/" + "x" * 131,
    ],
)
def test_nothing_else_can_be_fetched(pages: Client, address: str) -> None:
    answer = pages.get(address, headers={"Range": "bytes=0-9"})
    assert answer.status_code == (400 if len(address) > 150 else 404)
    assert answer.headers["Content-Type"].startswith("application/problem+json")


def test_a_version_is_never_given_other_files(pages: Client, empty: Village) -> None:
    with empty.register.transaction() as unit:
        assert add_release(unit, RELEASE, {NAME: CONTENT}, "test", NOW_MS) is False
        changed = ReleaseFile(NAME, 1, hashlib.sha256(b"x").hexdigest())
        with pytest.raises(RegisterConflictError, match="give it a new version"):
            add_release(unit, SignedRelease(Manifest("0.2.0", "3.11", 1, (changed,)), bytes(64)), {NAME: b"x"}, "", 1)
        with pytest.raises(RegisterError, match="is not the file that was signed"):
            add_release(unit, SignedRelease(Manifest("0.3", "3.11", 1, (FILE,)), bytes(64)), {NAME: b"x"}, "", 1)
        with pytest.raises(RegisterError, match="no public key"):
            trust_keys(unit, "something else", NOW_MS)
        assert trusted_pem(unit) is None


def fleet(village: Village, clock: ManualClock, count: int = 3) -> list[str]:
    """Real sites that were just heard with version 0.1.0, the last one last."""
    sites = village.add_sites(count, simulated=False, prefix="real")
    village.add_sites(1, simulated=True, prefix="sim")
    for place, site in enumerate(["sim-01", *sites]):
        village.hear(site, clock.wall_ms() - 60_000 + place)
    return sites


def say(village: Village, site: str, state: CommandState, at_ms: int, **detail: object) -> None:
    with village.register.transaction() as unit:
        (command,) = commands_of(unit, site, kinds=["upgrade"], limit=1)
        note_answer(unit, site, "agent", command.id, state, detail, at_ms)


def asked(village: Village, site: str) -> int:
    with village.register.reading() as unit:
        return len(commands_of(unit, site, kinds=["upgrade"]))


def test_a_rollout_by_hand_goes_to_one_then_to_the_others_and_is_shown(
    pages: Client, empty: Village, clock: ManualClock
) -> None:
    sites = fleet(empty, clock)
    assert "First site" in pages.get("/admin/releases").text
    form = {"version": "0.2.0", "first": "real-02", "bake_hours": "2"}
    assert "It goes out" in pages.post("/admin/releases", data=form).text
    driver = RolloutDriver(empty.register, clock)
    driver.step()
    driver.step()
    assert [asked(empty, site) for site in sites] == [0, 1, 0]
    with empty.register.reading() as unit:
        payload = commands_of(unit, "real-02", kinds=["upgrade"])[0].payload
    assert payload["manifest"]["files"][0]["name"] == NAME
    say(empty, "real-02", CommandState.RUNNING, clock.wall_ms(), step="fetching", bytes=500_000, of=1_000_000)
    driver.step()
    shown = pages.get("/admin/releases").text
    assert "Fetching" in shown
    assert "500 kB / 1 MB" in shown
    assert "real-02" in pages.get("/admin/sites/real-02/devices/agent").text
    why = {"sentence": "nothing more of it comes", "sentence_es": "ya no llega más", "stuck": True}
    say(empty, "real-02", CommandState.RUNNING, clock.wall_ms(), step="fetching", bytes=500_000, of=1_000_000, **why)
    driver.step()
    assert "ya no llega más" in pages.get("/admin/releases", headers=SPANISH).text
    say(empty, "real-02", CommandState.DONE, clock.wall_ms(), sentence="it runs")
    driver.step()
    clock.advance(3 * HOUR)
    for site in sites:
        empty.hear(site, clock.wall_ms(), agent_version="0.2.0" if site == "real-02" else "0.1.0")
    driver.step()
    assert [asked(empty, site) for site in sites] == [1, 1, 1]
    assert asked(empty, "sim-01") == 0
    shown = pages.get("/admin/releases").text
    assert "Then: ten sites" in shown
    assert "1 / 1" in shown
    assert "being rolled out" in pages.post("/admin/releases", data=form).text


def test_a_rollback_halts_it_says_where_and_a_person_goes_on_without_that_site(
    pages: Client, empty: Village, clock: ManualClock
) -> None:
    sites = fleet(empty, clock)
    made = pages.post("/api/v1/rollouts", json={"version": "0.2.0", "first_site": "real-01", "bake_hours": 0})
    assert made.status_code == 201, made.text
    driver = RolloutDriver(empty.register, clock)
    driver.step()
    say(empty, "real-01", CommandState.ROLLED_BACK, clock.wall_ms(), sentence="it did not hear the server")
    for _ in range(3):
        driver.step()
        clock.advance(HOUR)
    assert [asked(empty, site) for site in sites] == [1, 0, 0]
    shown = pages.get("/admin/releases").text
    assert "Halted by itself" in shown
    assert "real-01 went back to the version before" in shown
    document = pages.get("/api/v1/releases").json()
    assert (document["rollouts"][0]["state"], document["rollouts"][0]["about"]["site"]) == ("halted", "real-01")
    assert "Going out" in pages.post("/admin/releases/change", data={"to": "resume"}).text
    driver.step()
    document = pages.get("/api/v1/releases").json()["rollouts"][0]
    assert document["devices"][0]["progress"] == "set_aside"
    with empty.register.reading() as unit:
        actions = [item.action for item in list_audit(unit)]
    assert actions[:2] == ["rollout_running", "rollout_begun"]


def test_a_site_that_goes_back_after_it_was_kept_halts_the_rollout_too(
    pages: Client, empty: Village, clock: ManualClock
) -> None:
    fleet(empty, clock)
    pages.post("/api/v1/rollouts", json={"version": "0.2.0", "first_site": "real-01", "bake_hours": 0})
    driver = RolloutDriver(empty.register, clock)
    driver.step()
    say(empty, "real-01", CommandState.DONE, clock.wall_ms(), sentence="it runs")
    empty.hear("real-01", clock.wall_ms(), agent_version="0.2.0")
    driver.step()
    clock.advance(HOUR)
    empty.hear("real-01", clock.wall_ms(), agent_version="0.1.0")
    driver.step()
    document = pages.get("/api/v1/releases").json()["rollouts"][0]
    assert (document["state"], document["devices"][0]["progress"]) == ("halted", "rolled_back")
    assert "later went back" in document["devices"][0]["detail"]["sentence"]
    assert "real-01 went back to the version before" in pages.get("/admin/releases").text


def test_a_link_that_failed_in_the_trial_halts_nothing_and_is_said_in_the_readers_language(
    pages: Client, empty: Village, clock: ManualClock
) -> None:
    sites = fleet(empty, clock)
    pages.post("/api/v1/rollouts", json={"version": "0.2.0", "bake_hours": 0})
    driver = RolloutDriver(empty.register, clock)
    driver.step()
    first = next(site for site in sites if asked(empty, site))
    again = {"step": "trying_again", "sentence": "inconclusive: tried again", "sentence_es": "sin conclusión: sigue"}
    say(empty, first, CommandState.RUNNING, clock.wall_ms(), **again)
    driver.step()
    assert "sin conclusión: sigue" in pages.get("/admin/releases", headers=SPANISH).text
    ended = {
        "verdict": "inconclusive",
        "sentence": "inconclusive after 3",
        "sentence_es": "sin conclusión después de 3",
    }
    say(empty, first, CommandState.ROLLED_BACK, clock.wall_ms(), **ended)
    driver.step()
    shown = pages.get("/admin/releases", headers=SPANISH).text
    assert "Falló el enlace mientras probaba" in shown
    assert "sin conclusión después de 3" in shown
    document = pages.get("/api/v1/releases").json()["rollouts"][0]
    progress = {item["site"]: item["progress"] for item in document["devices"]}
    assert (document["state"], progress[first]) == ("running", "inconclusive")
    assert sum(asked(empty, site) for site in sites) == 2  # another site has its place


def test_more_links_that_failed_in_trials_than_sites_that_run_it_halt_it_and_are_said_on_the_page_and_at_the_terminal(
    pages: Client, empty: Village, clock: ManualClock
) -> None:
    sites = fleet(empty, clock, 5)
    first, driver = first_asked(pages, empty, clock, sites, bake=0)
    say(empty, first, CommandState.DONE, clock.wall_ms(), sentence="it runs")
    driver.step()
    driver.step()
    untold = [site for site in sites if site != first and asked(empty, site)]
    for site in untold[:3]:
        assert stands(pages)[0] == "running"
        say(empty, site, CommandState.ROLLED_BACK, clock.wall_ms(), verdict="inconclusive", sentence="no link")
        driver.step()
    assert stands(pages)[0] == "halted"
    assert "Más sitios perdieron el enlace" in pages.get("/admin/releases", headers=SPANISH).text
    with empty.register.transaction() as unit:
        (found,) = list_rollouts(unit)
        said = rollout_text(found, rollout_devices(unit, found.id))
    assert f"because: More sites lost their link just while they tried it, {untold[2]}/agent last" in said


def test_a_device_that_knows_no_key_halts_nothing_and_is_listed_with_what_to_do(
    pages: Client, empty: Village, clock: ManualClock
) -> None:
    """Before it is asked: it enrolled before a key was trusted. After: it has said so itself."""
    first, second, third = fleet(empty, clock)
    with empty.register.transaction() as unit:
        for site, at_ms in ((first, NOW_MS - 10), (second, NOW_MS + 10)):
            make_credential(unit, f"{site}/agent", at_ms, site=site, device="agent")
        trust_keys(unit, public_pem(KEY.public_key().public_bytes_raw()), NOW_MS)
        reach = reach_of(unit, "0.2.0", clock.wall_ms())
        assert (reach.keyless, len(reach.behind), reach.have_it) == (((first, "agent"),), 3, ())
    shown = pages.get("/admin/releases", headers=SPANISH).text
    assert "Equipos que no conocen ninguna llave" in shown
    assert f'<a href="/admin/sites/{first}/devices/agent">' in shown
    assert f'<a href="/admin/sites/{second}/devices/agent">' not in shown
    pages.post("/api/v1/rollouts", json={"version": "0.2.0", "first_site": second, "bake_hours": 0})
    driver = RolloutDriver(empty.register, clock)
    driver.step()
    clock.advance(1_000)
    say(empty, second, CommandState.FAILED, clock.wall_ms(), reason="no_key", sentence="this agent knows no key")
    driver.step()
    document = pages.get("/api/v1/releases").json()["rollouts"][0]
    assert (document["state"], document["devices"][0]["progress"]) == ("running", "no_key")
    with empty.register.reading() as unit:
        assert without_key(unit) == ((first, "agent"), (second, "agent"))
    with empty.register.transaction() as unit:  # it has enrolled again
        make_credential(unit, f"{second}/agent", clock.wall_ms() + 1, site=second, device="agent")
        assert without_key(unit) == ((first, "agent"),)
    assert third not in shown


def test_a_release_whose_key_is_trusted_no_more_goes_to_nobody_until_another_has_signed_it(
    pages: Client, empty: Village, clock: ManualClock
) -> None:
    sites = fleet(empty, clock)
    public, other = (public_pem(key.public_key().public_bytes_raw()) for key in (KEY, OTHER_KEY))
    with empty.register.transaction() as unit:
        trust_keys(unit, public, NOW_MS)
    first, driver = first_asked(pages, empty, clock, sites, bake=0)
    with empty.register.transaction() as unit:  # it was stolen
        trust_keys(unit, other, NOW_MS)
        distrust_keys(unit, public)
    say(empty, first, CommandState.DONE, clock.wall_ms(), sentence="it runs")
    driver.step()
    assert stands(pages) == ("halted", {first: "confirmed"})
    assert "ya no es de confianza" in pages.get("/admin/releases", headers=SPANISH).text
    pages.post("/admin/releases/change", data={"to": "resume"})
    driver.step()
    assert stands(pages) == ("halted", {first: "confirmed"}), "whoever goes on all the same asks nobody either"
    with empty.register.transaction() as unit:
        distrust_keys(unit, other)
        assert not is_trusted(unit, RELEASE), "none is left"
        trust_keys(unit, other, NOW_MS)
        assert add_release(unit, sign(MANIFEST, OTHER_KEY), {NAME: CONTENT}, "test", NOW_MS)
        assert not add_release(unit, sign(MANIFEST, OTHER_KEY), {NAME: CONTENT}, "test", NOW_MS)
    pages.post("/admin/releases/change", data={"to": "resume"})
    driver.step()
    assert sum(asked(empty, site) for site in sites) == 3


@pytest.mark.parametrize("state", [RolloutState.RUNNING, RolloutState.PAUSED])
def test_who_has_not_heard_of_a_release_yet_whose_key_is_trusted_no_more_is_called_off_and_gets_the_new_signature(
    pages: Client, empty: Village, clock: ManualClock, state: RolloutState
) -> None:
    (site,) = fleet(empty, clock, 1)
    public, other = (public_pem(key.public_key().public_bytes_raw()) for key in (KEY, OTHER_KEY))
    with empty.register.transaction() as unit:
        trust_keys(unit, public, NOW_MS)
    _, driver = first_asked(pages, empty, clock, [site], bake=0)
    with empty.register.transaction() as unit:
        trust_keys(unit, other, NOW_MS)
        distrust_keys(unit, public)
        made = open_rollout(unit)
        assert made is not None
        keep_step(unit, made.id, state, 0, None, NOW_MS)
    driver.step()
    with empty.register.transaction() as unit:
        assert [item.state for item in commands_of(unit, site, kinds=["upgrade"])] == [CommandState.CANCELLED]
        add_release(unit, sign(MANIFEST, OTHER_KEY), {NAME: CONTENT}, "test", NOW_MS)
    pages.post("/admin/releases/change", data={"to": "resume"})
    driver.step()
    with empty.register.reading() as unit:
        signatures = {
            item.payload["signature"]: item.state.is_over for item in commands_of(unit, site, kinds=["upgrade"])
        }
    signed = (base64.b64encode(sign(MANIFEST, key).signature).decode() for key in (KEY, OTHER_KEY))
    assert signatures == dict(zip(signed, (True, False), strict=True))


def test_of_a_large_fleet_a_part_is_asked_at_each_look(
    pages: Client, empty: Village, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aldea.collector.rollouts.driver.ASKED_AT_ONCE", 2)
    sites = fleet(empty, clock, 6)
    with empty.register.transaction() as unit:
        made = begin_rollout(unit, "0.2.0", NOW_MS, "test")
        keep_step(unit, made.id, RolloutState.RUNNING, 2, None, NOW_MS)
    driver = RolloutDriver(empty.register, clock)
    for count in (2, 4, 6, 6):
        driver.step()
        assert sum(asked(empty, site) for site in sites) == count


def test_stopping_calls_off_who_has_not_heard_of_it(pages: Client, empty: Village, clock: ManualClock) -> None:
    fleet(empty, clock)
    with empty.register.transaction() as unit:
        begin_rollout(unit, "0.2.0", NOW_MS, "test", first_site="real-01")
    RolloutDriver(empty.register, clock).step()
    assert "Ended early" in pages.post("/admin/releases/change", data={"to": "stop"}).text
    with empty.register.reading() as unit:
        assert open_rollout(unit) is None
        assert commands_of(unit, "real-01", kinds=["upgrade"])[0].state is CommandState.CANCELLED
    assert pages.post("/api/v1/rollouts/change", json={"to": "pause"}).status_code == 409


DAY = 24 * HOUR


def stands(pages: Client) -> tuple[str, dict[str, str]]:
    """Return the newest rollout's state, and where each of its sites stands."""
    document = pages.get("/api/v1/releases").json()["rollouts"][0]
    return document["state"], {item["site"]: item["progress"] for item in document["devices"]}


def first_asked(
    pages: Client, village: Village, clock: ManualClock, sites: list[str], bake: int
) -> tuple[str, RolloutDriver]:
    """Begin a rollout; return the site that was asked first, and the driver."""
    pages.post("/api/v1/rollouts", json={"version": "0.2.0", "bake_hours": bake})
    driver = RolloutDriver(village.register, clock)
    driver.step()
    return next(site for site in sites if asked(village, site)), driver


def test_a_site_that_falls_silent_gives_its_place_away_is_shown_and_goes_on_where_it_stood_once_it_is_back(
    pages: Client, empty: Village, clock: ManualClock
) -> None:
    sites = fleet(empty, clock, 4)
    first, driver = first_asked(pages, empty, clock, sites, bake=0)
    say(empty, first, CommandState.RUNNING, clock.wall_ms(), step="trying")
    driver.step()
    clock.advance(DAY + HOUR)
    for site in set(sites) - {first}:
        empty.hear(site, clock.wall_ms())
    driver.step()
    driver.step()
    state, progress = stands(pages)
    assert (state, progress[first], len(progress)) == ("running", "silent", 2)
    shown = pages.get("/admin/releases").text
    for counted in ("Silent for now, asked again: 1", "Asked, no answer yet: 1"):
        assert counted in shown
    # It took the release in the dark, and says so.
    clock.advance(DAY)
    empty.hear(first, clock.wall_ms(), agent_version="0.2.0")
    say(empty, first, CommandState.DONE, clock.wall_ms(), sentence="it runs")
    driver.step()
    driver.step()
    assert stands(pages)[1][first] == "confirmed"


def test_going_on_without_silent_sites_waits_for_none_of_them_until_they_are_back(
    pages: Client, empty: Village, clock: ManualClock
) -> None:
    sites = fleet(empty, clock, 4)
    _, driver = first_asked(pages, empty, clock, sites, bake=0)
    for _ in range(2):
        (trying,) = (site for site, progress in stands(pages)[1].items() if progress == "asked")
        say(empty, trying, CommandState.RUNNING, clock.wall_ms(), step="trying", sentence="it is being tried")
        driver.step()
        clock.advance(DAY + HOUR)
        for site in set(sites) - set(stands(pages)[1]):
            empty.hear(site, clock.wall_ms())
        driver.step()
    state, before = stands(pages)
    assert (state, set(before.values())) == ("halted", {"silent"})
    pages.post("/admin/releases/change", data={"to": "resume"})
    driver.step()
    state, progress = stands(pages)
    assert (state, {site: progress[site] for site in before}) == ("running", dict.fromkeys(before, "left"))
    (third,) = (site for site, stood in progress.items() if stood == "asked")
    # One of them is back, has taken the release in the dark, and had said so before anybody looked.
    dark = next(iter(before))
    clock.advance(HOUR)
    empty.hear(dark, clock.wall_ms(), agent_version="0.2.0")
    say(empty, dark, CommandState.DONE, clock.wall_ms(), sentence="it runs")
    driver.step()
    assert stands(pages) == ("running", {**progress, dark: "confirmed", third: "asked"})


def test_a_site_that_took_it_and_was_silent_counts_again_once_it_is_back(
    pages: Client, empty: Village, clock: ManualClock
) -> None:
    first, driver = first_asked(pages, empty, clock, fleet(empty, clock, 3), bake=24)
    empty.hear(first, clock.wall_ms(), agent_version="0.2.0")
    say(empty, first, CommandState.DONE, clock.wall_ms(), sentence="it runs")
    driver.step()
    clock.advance(DAY + HOUR)
    driver.step()
    assert stands(pages) == ("running", {first: "silent"})
    empty.hear(first, clock.wall_ms() + 1, agent_version="0.2.0")
    clock.advance(HOUR)
    driver.step()
    driver.step()
    assert stands(pages)[1][first] == "confirmed"


def test_a_first_site_that_tells_nothing_is_said_after_three_days_and_another_is_chosen(
    pages: Client, empty: Village, clock: ManualClock
) -> None:
    sites = fleet(empty, clock)
    pages.post("/admin/releases", data={"version": "0.2.0", "first": "real-01", "bake_hours": "0"})
    driver = RolloutDriver(empty.register, clock)
    for _ in range(4):
        for site in sites:
            empty.hear(site, clock.wall_ms())
        driver.step()
        if stands(pages)[0] == "running":
            say(empty, "real-01", CommandState.ROLLED_BACK, clock.wall_ms(), verdict="inconclusive", sentence="no link")
        driver.step()
        clock.advance(DAY)
    assert stands(pages) == ("halted", {"real-01": "inconclusive"})
    assert [asked(empty, site) for site in sites] == [3, 0, 0]
    shown = pages.get("/admin/releases", headers=SPANISH).text
    assert "en tres días no ha dicho nada" in shown
    assert "por Administrador de demostración" in shown
    assert 'href="/admin/releases?choose=first#first-site"' in shown
    form = pages.get("/admin/releases?choose=first").text
    assert 'action="/admin/releases/first"' in form
    assert "http-equiv" not in form, "what is typed is not thrown away"
    wrong = pages.post("/admin/releases/first", data={"first": "sim-01"})
    assert (wrong.status_code, "There is no real site" in wrong.text) == (400, True)
    assert 'action="/admin/releases/first"' in wrong.text
    assert "Another site goes first" in pages.post("/admin/releases/first", data={"first": "real-03"}).text
    empty.hear("real-03", clock.wall_ms())
    driver.step()
    assert [asked(empty, site) for site in sites] == [3, 0, 1]
    say(empty, "real-03", CommandState.DONE, clock.wall_ms(), sentence="it runs")
    driver.step()
    assert pages.post("/api/v1/rollouts/first", json={"first_site": "real-02"}).status_code == 409
    assert "choose=first" not in pages.get("/admin/releases").text


def test_of_two_people_who_go_on_at_once_the_second_is_told_what_has_halted_it_since(
    pages: Client, empty: Village, clock: ManualClock
) -> None:
    fleet(empty, clock)
    pages.post("/api/v1/rollouts", json={"version": "0.2.0", "first_site": "real-01", "bake_hours": 0})
    driver = RolloutDriver(empty.register, clock)
    driver.step()
    say(empty, "real-01", CommandState.FAILED, clock.wall_ms(), sentence="no")
    driver.step()
    document = pages.get("/api/v1/releases").json()["rollouts"][0]
    assert f'name="seen" value="{document["reason"]}"' in pages.get("/admin/releases").text
    late = pages.post("/admin/releases/change", data={"to": "resume", "seen": "rolled_back device=agent site=real-02"})
    assert (late.status_code, "for another reason" in late.text) == (400, True)
    assert pages.post("/api/v1/rollouts/change", json={"to": "resume", "seen": "silent"}).status_code == 409
    assert pages.post("/api/v1/rollouts/change", json={"to": "resume", "seen": document["reason"]}).status_code == 200


def test_what_programs_are_refused_is_said_in_the_language_they_ask_for(
    pages: Client, empty: Village, clock: ManualClock
) -> None:
    fleet(empty, clock)
    asks: dict[str, Callable[[dict[str, str]], Response]] = {
        "no hay ninguna versión": lambda headers: pages.post(
            "/api/v1/rollouts", json={"version": "9"}, headers=headers
        ),
        "no se está distribuyendo ninguna": lambda headers: pages.post(
            "/api/v1/rollouts/change", json={"to": "pause"}, headers=headers
        ),
        "ese archivo no está": lambda headers: pages.get("/api/v1/releases/9.9/x.whl", headers=headers),
        "hay que pedir un tramo dentro": lambda headers: pages.get(ADDRESS, headers={**headers, "Range": "bytes=5-4"}),
        "hay que pedir tramos de 1048576": lambda headers: pages.get(ADDRESS, headers=headers),
    }
    for words, ask in asks.items():
        answer = ask(SPANISH)
        assert answer.headers["Content-Type"] == "application/problem+json", words
        assert words in answer.json()["detail"].lower()
        assert words not in ask({"Accept-Language": "en"}).json()["detail"].lower()
    pages.headers.pop("Accept-Language", None)
    assert "There is no release" in pages.post("/api/v1/rollouts", json={"version": "9"}).json()["detail"]
    spanish = pages.get("/api/v1/throughput/0", headers=SPANISH)
    assert spanish.status_code == 400, "what has no Spanish yet stays as it is"


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"version": "9.9"}, ("There is no release", "No hay ninguna versión")),
        ({"version": "0.2.0", "first": "sim-01"}, ("There is no real site", "No hay ningún sitio real")),
        (
            {"version": "0.2.0", "bake_hours": "many"},
            ("The hours between waves are 0 to 720", "Las horas entre grupos van de 0 a 720"),
        ),
    ],
)
def test_what_cannot_be_rolled_out_says_why_in_the_readers_language(
    pages: Client, empty: Village, clock: ManualClock, form: dict[str, str], sentence: tuple[str, str]
) -> None:
    fleet(empty, clock)
    answer = pages.post("/admin/releases", data=form)
    assert answer.status_code == 400
    assert sentence[0] in answer.text
    assert sentence[1] in pages.post("/admin/releases", data=form, headers=SPANISH).text
