"""The pages that list things name every one, as the code has it: settings, variables, commands, measurements."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from aldea.agents.probes import PROBES
from aldea.agents.settings import AgentSettings
from aldea.alert_rules.settings import AlertSettings
from aldea.collector.settings import CollectorSettings
from aldea.deploy.allinone.settings import UpSettings
from aldea.deploy.cli.main import COMMANDS
from aldea.model.catalogue import CATALOGUE
from aldea.model.failures import Failure
from aldea.model.settings import rule_of
from aldea.model.wire import Anchor, encode
from aldea.model.wire.dictionary import DICTIONARY
from builders import START_MS, make_header

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
MEASUREMENTS = (ROOT / "docs/measurements.md").read_text(encoding="utf-8")
VARIABLE = re.compile(r"\bALDEA_[A-Z]+(?:_[A-Z]+)*\b")


def setting_rows(table: str, cls: type[Any]) -> Iterator[str]:
    """Yield the line that the page must have for each setting of a class and of the tables within it."""
    hints = get_type_hints(cls)
    for item in fields(cls):
        kind = hints[item.name]
        inner = next((part for part in get_args(kind) if is_dataclass(part)), None) if get_origin(kind) else kind
        if isinstance(inner, type) and is_dataclass(inner):
            yield from setting_rows(f"{table}.{item.name}", inner)
            continue
        rule = rule_of(item)
        variable = f"`{rule.env}`" if rule.env else ""
        yield f"| `{table}.{item.name}` | {_default(item)} | {variable} | {rule.help} |"


def _default(item: Field[Any]) -> str:
    if item.default is MISSING:
        return "required"
    if item.default is None:
        return "unset"
    if isinstance(item.default, bool):
        return f"`{str(item.default).lower()}`"
    if isinstance(item.default, tuple):
        listed = ", ".join(f'"{part}"' for part in item.default)
        return f"`[{listed}]`"
    return f"`{item.default}`"


def field_rows() -> Iterator[str]:
    """Yield the line that the page must have for each field of each measurement."""
    for measurement in CATALOGUE.values():
        for item in measurement.fields:
            yield f"| `{measurement.name}.{item.name}` | {item.title} | {item.kind.value} | {item.unit} |"


@pytest.mark.parametrize(
    ("table", "cls"),
    [("agent", AgentSettings), ("collector", CollectorSettings), ("alerts", AlertSettings), ("up", UpSettings)],
)
def test_every_setting_is_listed_with_its_default_and_variable(table: str, cls: type[Any]) -> None:
    listed = set(SETTINGS.splitlines())
    expected = list(setting_rows(table, cls))
    assert [row for row in expected if row not in listed] == []
    told = {line for line in listed if line.startswith(f"| `{table}.")}
    assert sorted(told - set(expected)) == [], "listed, but not a setting"


def test_every_variable_that_the_code_reads_is_listed() -> None:
    sources = list(ROOT.glob("*/aldea/**/*.py"))
    assert len(sources) > 100
    read = {name for path in sources for name in VARIABLE.findall(path.read_text(encoding="utf-8"))}
    assert read == set(VARIABLE.findall(SETTINGS))


def test_every_command_is_listed() -> None:
    told = re.findall(r"^\| `aldea ([a-z-]+)[^`]*` \| (.*) \|$", SETTINGS, re.MULTILINE)
    assert dict(told) == COMMANDS


def test_every_measurement_and_field_is_listed_and_no_other() -> None:
    told = [line for line in MEASUREMENTS.splitlines() if re.match(r"\| `[a-z_]+\.[a-z0-9_]+` \|", line)]
    assert sorted(told) == sorted(field_rows())
    for measurement in CATALOGUE.values():
        tags = ", ".join(f"`{tag}`" for tag in measurement.tags)
        assert f"## `{measurement.name}`: {measurement.title}\n" in MEASUREMENTS
        assert not tags or f"Tags: {tags}.\n" in MEASUREMENTS


def test_every_probe_is_a_measurement_with_its_settings() -> None:
    for name in PROBES:
        assert f"## `{name}`:" in MEASUREMENTS
        assert f"| `agent.{name}.enabled` |" in SETTINGS


def test_every_failure_word_is_listed_and_no_other() -> None:
    told = re.findall(r"^- `([a-z_]+)`$", MEASUREMENTS, re.MULTILINE)
    assert told == [word.value for word in Failure]


def test_every_key_of_the_wires_header_is_described() -> None:
    message = encode(make_header(1, 0, anchor=Anchor(0, START_MS, 10, "ntp"), past=True), ())
    body = zlib.decompressobj(-15, DICTIONARY).decompress(message[2:])
    header = json.loads(body[body.index(b"{") :])
    page = (ROOT / "docs/wire.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ((?:`[a-z]`(?:, )?)+) \|", page, re.MULTILINE)
    assert {key for row in rows for key in re.findall(r"[a-z]", row)} == set(header)
