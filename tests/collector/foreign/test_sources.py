"""The settings of foreign sources: what they match, and every mistake at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aldea.collector.foreign.filters import TopicFilter, overlap
from aldea.collector.settings import read_settings
from aldea.model.settings import SettingsError

GOOD = """
[[collector.foreign]]
topic = "tele/{site}/{device}/SENSOR"
decoder = "json"
measurement = "weather"

[[collector.foreign]]
topic = "telegraf/#"
decoder = "telegraf"
site = "norte-01"
device_key = "host"
"""

MISTAKES = """
[[collector.foreign]]
topic = "aldea/#"
decoder = "xml"
measurement = "tombstone"

[[collector.foreign]]
topic = "a/{site}/b+"
decoder = "value"
time_zone = "Yucatan"
sight = "norte-01"

[[collector.foreign]]
topic = "a/{site}/b"
site = "norte-01"
decoder = "value"
time_key = "t"
"""


def _read(folder: Path, text: str) -> tuple[str, ...]:
    file = folder / "aldea.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        read_settings(file, {})
    return tuple(caught.value.errors)


def test_sources_are_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "aldea.toml").write_text(GOOD, encoding="utf-8")
    first, second = read_settings(tmp_path / "aldea.toml", {}).foreign
    assert (first.filter.mqtt, second.filter.mqtt) == ("tele/+/+/SENSOR", "telegraf/#")
    assert first.filter.match("tele/norte-01/plug/SENSOR") == {"site": "norte-01", "device": "plug"}
    assert first.filter.match("tele/norte-01/plug/STATE") is None
    assert second.filter.match("telegraf") == {}
    assert second.filter.match("telegrafo/x") is None


def test_every_mistake_is_said_at_once(tmp_path: Path) -> None:
    told = "\n".join(_read(tmp_path, MISTAKES))
    for part in (
        "foreign[0].topic",
        "leaves aldea/1/... to the agents",
        "foreign[0].decoder",
        "foreign[0].measurement",
        "foreign[1].topic",
        "foreign[1].time_zone",
        "foreign[1].sight is not a setting; did you mean site?",
        "foreign[2] cannot be used: give the site in one way",
        "give the device in one way",
        "time_key is not an option of the decoder value",
        "measurement is missing; the decoder value needs it",
    ):
        assert part in told, part


def test_topics_that_overlap_are_refused(tmp_path: Path) -> None:
    (told,) = _read(tmp_path, GOOD.replace("telegraf/#", "tele/#"))
    assert "'tele/{site}/{device}/SENSOR' and 'tele/#'" in told


LEVELS = st.lists(st.sampled_from(["a", "b", "+"]), min_size=1, max_size=4)
FILTERS = st.tuples(LEVELS, st.booleans()).map(lambda made: "/".join([*made[0], *(["#"] if made[1] else [])]))


@given(FILTERS, FILTERS, st.lists(st.sampled_from("abc"), min_size=1, max_size=5).map("/".join))
def test_filters_that_match_one_topic_overlap(one: str, other: str, topic: str) -> None:
    if TopicFilter(one).match(topic) is not None and TopicFilter(other).match(topic) is not None:
        assert overlap(one, other)
    assert overlap(one, other) == overlap(other, one)
    assert overlap(one, one)
