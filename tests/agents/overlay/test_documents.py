"""Documents of settings: laid over one another, checked, and put in their place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aldea.agents.overlay.checking import NEVER, agent_guide, check_agent_settings, placed, refusals
from aldea.agents.overlay.source import Source, differing
from aldea.model.describing import Shape
from aldea.model.overlays import changed_keys, leaves, merged
from aldea.model.said import Said
from aldea.model.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2)
KEYS = st.sampled_from("abc")
DOCUMENTS = st.recursive(
    st.dictionaries(KEYS, SCALARS, max_size=3),
    lambda inner: st.dictionaries(KEYS, SCALARS | inner, max_size=3),
    max_leaves=12,
)


def has_none(document: Mapping[str, Any]) -> bool:
    return any(value is None for _, value in leaves(document))


@given(DOCUMENTS, DOCUMENTS)
def test_what_lies_above_wins_and_what_it_does_not_name_holds(below: dict[str, Any], above: dict[str, Any]) -> None:
    found = merged(below, above)
    assert not has_none(found)
    for key, value in above.items():
        if value is None:
            assert key not in found
        elif not isinstance(value, dict):
            assert found[key] == value
    for key in below.keys() - above.keys():
        assert found.get(key) == merged({}, {key: below[key]}).get(key)


@given(DOCUMENTS, DOCUMENTS)
def test_laying_it_over_twice_changes_nothing_more(below: dict[str, Any], above: dict[str, Any]) -> None:
    once = merged(below, above)
    assert merged(once, above) == once
    assert merged(below, {}) == merged({}, below)


@given(DOCUMENTS, DOCUMENTS)
def test_the_result_shares_nothing_with_what_it_was_made_of(below: dict[str, Any], above: dict[str, Any]) -> None:
    before = (repr(below), repr(above))

    def spoil(table: dict[str, Any]) -> None:
        for value in table.values():
            if isinstance(value, dict):
                spoil(value)
            elif isinstance(value, list):
                value.append("spoilt")
        table["spoilt"] = True

    spoil(merged(below, above))
    assert (repr(below), repr(above)) == before


@given(DOCUMENTS, DOCUMENTS)
def test_what_changed_is_named_and_nothing_else(before: dict[str, Any], after: dict[str, Any]) -> None:
    named = changed_keys(before, after)
    assert named == sorted(set(named))
    assert bool(named) == (dict(leaves(before)) != dict(leaves(after)))


def test_good_settings_pass_and_every_mistake_is_said_at_once() -> None:
    good = {"sample_seconds": 300, "ping": {"anchors": ["192.0.2.1"]}, "snmp": {"targets": [{"host": "192.0.2.7"}]}}
    assert check_agent_settings(good) == []
    wrong = {"sample_seconds": "often", "pin": {}, "dns": {"timeout_seconds": 0}, "site": "another"}
    sentences = "\n".join(check_agent_settings(wrong))
    for part in ("sample_seconds", "did you mean ping?", "dns.timeout_seconds", "site cannot be set from afar"):
        assert part in sentences


@pytest.mark.parametrize(
    "document",
    [
        {"site": "another"},
        {"device": "another"},
        {"data": "elsewhere"},
        {"broker": {"password_file": "x"}},
        {"broker": {"username": "x"}},
        {"upgrade": {"key_file": "mine.pem"}},
    ],
)
def test_who_a_device_is_never_comes_from_afar(document: dict[str, Any]) -> None:
    assert "cannot be set from afar" in check_agent_settings(document)[0]


@pytest.mark.parametrize("name", ["/etc/shadow", "../authority.pem", "~/x", "a/../../b", ""])
def test_files_lie_in_the_data_folder(name: str) -> None:
    ca = {"broker": {"tls": True, "ca_file": name}}
    secret = {"snmp": {"targets": [{"host": "h", "version": "3", "user": "u", "auth_password_file": name}]}}
    for document in (ca, secret):
        assert "expects a file in the device's own data folder" in refusals(document)[0]


def test_files_are_put_in_the_data_folder() -> None:
    folder = Path("/var/lib/box")
    target = {"host": "h", "version": "3", "user": "u", "auth_password_file": "snmp.password"}
    leases = {"sources": [{"kind": "dnsmasq", "file": "/tmp/leases"}]}
    document = {"broker": {"tls": True, "ca_file": "new.pem"}, "snmp": {"targets": [target]}, "clients": leases}
    assert refusals(document) == []
    found = placed(document, folder)
    assert found["broker"]["ca_file"] == "/var/lib/box/new.pem"
    assert found["snmp"]["targets"][0]["auth_password_file"] == "/var/lib/box/snmp.password"
    assert found["clients"] == leases


def test_the_guide_names_every_setting_that_may_come_from_afar_with_its_limits() -> None:
    settings = {item.key: item for item in agent_guide().settings}
    assert not settings.keys() & NEVER.keys()
    port = settings["broker.port"]
    assert (port.table, port.name, port.shape, port.minimum, port.maximum) == ("broker", "port", Shape.WHOLE, 1, 65535)
    assert settings["snmp.targets"].shape is Shape.TABLES
    assert settings["ping.anchors"].default == ["1.1.1.1", "8.8.8.8", "9.9.9.9"]
    assert settings["log_level"].choices == ("debug", "info", "warning", "error")
    assert all(item.help for item in settings.values())


def test_the_order_is_file_then_afar_then_environment(tmp_path: Path) -> None:
    config = tmp_path / "aldea.toml"
    config.write_text(
        f'[agent]\nsite = "village"\ndata = "{tmp_path}"\nsample_seconds = 30.0\nkeepalive_seconds = 60\n'
        "[agent.ping]\npackets = 5\n"
    )
    source = Source(config, {"ALDEA_KEEPALIVE_SECONDS": "90"})
    overlay = {"keepalive_seconds": 700, "sample_seconds": 20, "ping": {"packets": None}}
    settings = source.settings(overlay)
    assert (settings.sample_seconds, settings.keepalive_seconds) == (20, 90)
    assert settings.ping.packets == 3, "a None goes back to the default"
    assert source.overruled(overlay) == ["keepalive_seconds: ALDEA_KEEPALIVE_SECONDS in the machine's environment wins"]
    assert differing(source.settings(), settings) == ["ping.packets", "sample_seconds"]


def test_the_machines_own_limits_are_held_against_what_comes(tmp_path: Path) -> None:
    config = tmp_path / "aldea.toml"
    config.write_text(f'[agent]\nsite = "village"\ndata = "{tmp_path}"\nsend_seconds = 100.0\n')
    assert check_agent_settings({"sample_seconds": 200}) == []
    with pytest.raises(SettingsError, match="send at most as often as is sampled"):
        Source(config, {}).settings({"sample_seconds": 200})


@pytest.mark.parametrize(
    "document",
    [
        {"trial_seconds": 1},
        {"sample_seconds": 0.1},
        {"send_seconds": 30 * 86_400},
        {"ping": {"every_seconds": 1e308}},
        {"outbox": {"max_bytes": 2**63}},
        {"sample_seconds": 10**400},
        {"page": {"site_name": "a\0b"}},
        {"dns": {"servers": [None]}},
    ],
)
def test_what_would_leave_a_box_out_of_reach_or_without_rest_is_refused(document: dict[str, Any]) -> None:
    (key, value), *_ = leaves(document)
    sentences = check_agent_settings(document)
    assert sentences
    assert all(key in sentence for sentence in sentences), value


WRONG: list[dict[str, Any]] = [
    {key: 1 if "." not in key else {}} if "." not in key else {key.split(".")[0]: {key.split(".")[1]: "x"}}
    for key in NEVER
]
WRONG += [
    {"sample_second": 1},
    {"nonsense_of_ours": 1},
    {"sample_seconds": "often"},
    {"sample_seconds": 0.5},
    {"keepalive_seconds": 1e9},
    {"keepalive_seconds": 10.5},
    {"log_level": "loud"},
    {"log_level": 7},
    {"ping": []},
    {"ping": {"enabled": "maybe"}},
    {"http": {"targets": {}}},
    {"http": {"targets": [{}]}},
    {"http": {"targets": [{"url": "ftp://x"}]}},
    {"http": {"ca_file": "/etc/passwd"}},
    {"broker": {"ca_file": "own.pem"}},
    {"send_seconds": 1, "sample_seconds": 60},
    {"dns": {"servers": ["nobody"]}},
    {"page": {"timezone": "Nowhere"}},
    {"page": {"pin_hash": "1234"}},
    {"budget": {"peak_hours": ["always"]}},
    {"throughput": {"full_bytes": 100_000, "short_bytes": 9_000_000}},
    {"throughput": {"iperf3_host": "x", "server": "http://x"}},
    {"clients": {"sources": [{"kind": "iw"}]}},
    {"power": {"nut": [{"ups": "a@b"}]}},
    {"snmp": {"targets": [{"host": "x", "name": "r", "version": "3"}]}},
    {"snmp": {"targets": [{"host": "x", "name": "r", "clients_oid": "ups"}]}},
    {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {}}}}}}}}}}}}}},
]


@pytest.mark.parametrize("document", WRONG)
def test_what_is_wrong_is_said_in_both_languages(document: dict[str, Any]) -> None:
    wrong = check_agent_settings(document)
    assert wrong
    for sentence in wrong:
        assert isinstance(sentence, Said), sentence
        assert not any(f" {word} " in sentence.es for word in ("is", "expects", "cannot", "has", "needs", "set")), (
            sentence.es
        )
