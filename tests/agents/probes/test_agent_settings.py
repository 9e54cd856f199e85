from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from aldea.agents.device_settings import SnmpSettings, SnmpTarget
from aldea.agents.probe_settings import server_address
from aldea.agents.settings import AgentSettings, Sees, agent_settings, what_it_sees
from aldea.model.settings import SettingsError, rule_of

LISTS_OF_TABLES = {"agent.snmp.targets", "agent.power.snmp", "agent.power.nut"}
EXAMPLE = Path(__file__).parents[3] / "agents/aldea/agents/agent.example.toml"


def _settings(document: dict[str, Any], **environ: str) -> AgentSettings:
    return agent_settings(document, environ)


def _leaves(cls: type[Any], path: str = "agent") -> Iterator[tuple[str, str, Any]]:
    """Yield (table, key, default) of every setting, those of lists of tables included."""
    hints = get_type_hints(cls)
    for item in fields(cls):
        hint = hints[item.name]
        inner = get_args(hint)[0] if get_origin(hint) is tuple else hint
        if is_dataclass(inner):
            assert isinstance(inner, type)
            yield from _leaves(inner, f"{path}.{item.name}")
        else:
            yield path, item.name, item.default


def _mentioned(text: str) -> set[tuple[str, str]]:
    """Return every (table, key) in the text of a TOML file, the commented ones included."""
    found, table = set(), ""
    for line in text.splitlines():
        if header := re.fullmatch(r"(?:# )?\[\[?([a-z.]+)\]\]?", line):
            table = header[1]
        elif setting := re.match(r"(?:# )?([a-z0-9_]+) = ", line):
            found.add((table, setting[1]))
    return found


def test_the_example_mentions_every_setting_and_nothing_else() -> None:
    known = {(table, key) for table, key, _ in _leaves(AgentSettings)}
    assert _mentioned(EXAMPLE.read_text(encoding="utf-8")) == known


def test_the_example_is_the_default() -> None:
    document = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    assert _settings(document, ALDEA_SITE="a") == AgentSettings(site="a")


def test_what_the_example_leaves_out_has_no_default_or_is_off() -> None:
    document = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    for table, key, default in _leaves(AgentSettings):
        place: Any = {"root": document}
        for part in f"root.{table}".split("."):
            place = place.get(part, {}) if isinstance(place, dict) else place[0]
        place = place[0] if isinstance(place, list) else place
        if key not in place:
            assert default is None or default is MISSING or table in LISTS_OF_TABLES, f"{table}.{key}"


def test_the_commented_router_of_the_example_can_be_switched_on() -> None:
    text = EXAMPLE.read_text(encoding="utf-8").replace("# [[agent.snmp.targets]]", "[[agent.snmp.targets]]")
    for key in ("host", "interface", "clients_oid"):
        text = text.replace(f'# {key} = "', f'{key} = "', 1)
    settings = _settings(tomllib.loads(text), ALDEA_SITE="a")
    assert settings.snmp.targets[0].interface == "ether1"
    assert what_it_sees(settings) == Sees(wan_bytes=True, clients=False, power=False)


def test_every_variable_is_named_in_the_example_beside_its_setting() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")

    def variables(cls: type[Any]) -> Iterator[str]:
        hints = get_type_hints(cls)
        for item in fields(cls):
            if is_dataclass(hints[item.name]):
                yield from variables(hints[item.name])
            if env := rule_of(item).env:
                yield env

    named = set(variables(AgentSettings))
    assert {"ALDEA_DATA", "ALDEA_MQTT_HOST", "ALDEA_MQTT_PORT", "ALDEA_SITE", "ALDEA_DEVICE"} <= named
    assert set(re.findall(r"\[(ALDEA_[A-Z_]+)\]", text)) == named


def test_the_site_is_required_and_must_be_an_id() -> None:
    with pytest.raises(SettingsError) as missing:
        _settings({})
    assert missing.value.errors == [
        "agent.site is missing; set it (or the variable ALDEA_SITE): the site's id, as it is registered"
    ]
    with pytest.raises(SettingsError, match=r"agent\.site is 'San José'; expects 1 to 39 of a-z"):
        _settings({"agent": {"site": "San José"}})


def test_settings_of_other_parts_are_none_of_the_agents_business() -> None:
    assert _settings({"agent": {"site": "a"}, "collector": {"x": 1}}) == AgentSettings(site="a")


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"send_seconds": 30.0}, "agent has send_seconds 30 below sample_seconds 60"),
        ({"broker": {"ca_file": "x"}}, "agent.broker has a ca_file but tls is false"),
        ({"broker": {"password_file": "x"}}, "agent.broker has a password_file but no username"),
        ({"http": {"targets": [{"url": "ftp://x"}]}}, r"agent.http.targets\[0\].url is 'ftp://x'; expects http://"),
        ({"http": {"targets": [{"url": "http://u:p@x/"}]}}, "no user name in it"),
        ({"dns": {"servers": ["dns.test"]}}, "agent.dns.servers is .* expects addresses such as"),
        ({"snmp": {"targets": [{"host": "r", "version": "3"}]}}, "version 3 but no user"),
        ({"snmp": {"targets": [{"host": "r", "version": "3", "user": "u"}]}}, "needs auth_password_file"),
        ({"snmp": {"targets": [{"host": "r", "clients_oid": "ifNumber"}]}}, "clients_oid is 'ifNumber'"),
        ({"ping": {"timeout": 3}}, "agent.ping.timeout is not a setting; did you mean timeout_seconds?"),
    ],
)
def test_what_cannot_work_is_refused_with_a_sentence(table: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        _settings({"agent": {"site": "a", **table}})


def test_a_box_that_is_not_the_router_sees_nothing_of_the_village() -> None:
    assert what_it_sees(AgentSettings(site="a")) == Sees(wan_bytes=False, clients=False, power=False)


def test_what_is_told_wins_over_what_follows_from_the_probes() -> None:
    router = SnmpSettings(targets=(SnmpTarget(host="r", interface="ether1"),))
    settings = _settings({"agent": {"site": "a", "sees": {"power": True, "clients": True}}})
    assert what_it_sees(settings) == Sees(wan_bytes=False, clients=True, power=True)
    assert what_it_sees(AgentSettings(site="a", snmp=router)) == Sees(wan_bytes=True, clients=False, power=False)
    off = SnmpSettings(enabled=False, targets=router.targets)
    assert what_it_sees(AgentSettings(site="a", snmp=off)) == Sees(wan_bytes=False, clients=False, power=False)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("192.0.2.1:5353", ("192.0.2.1", 5353)),
        ("2001:db8::1", ("2001:db8::1", 53)),
        ("[2001:db8::1]", ("2001:db8::1", 53)),
        ("[2001:db8::1]:5353", ("2001:db8::1", 5353)),
    ],
)
def test_a_server_is_an_address_with_or_without_a_port(text: str, address: tuple[str, int]) -> None:
    assert server_address(text) == address


def test_the_default_probes_stay_inside_their_traffic_budget() -> None:
    settings = AgentSettings(site="a")
    minutes = 30 * 24 * 60
    rounds_a_minute = 60 / max(settings.ping.every_seconds, settings.sample_seconds)
    assert not settings.ping.every_anchor
    echoes = minutes * rounds_a_minute * (settings.ping.gateway_packets + settings.ping.packets)
    echo_bytes = 2 * (20 + 8 + 16)
    dns = minutes * 60 / settings.dns.every_seconds * len(settings.dns.names) * 180
    http = minutes * 60 / settings.http.every_seconds * len(settings.http.targets) * 1000
    assert echoes * echo_bytes + dns + http <= 25e6
    assert minutes * rounds_a_minute * 2 * 220 + dns + http <= 25e6  # by TCP: one connection a target and round
