"""The decoders: for each situation a folder with what is published, how it is set up, and what comes of it."""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aldea.collector.foreign.decoders import DECODERS, OPTIONS
from aldea.collector.foreign.readings import DecodeError, DecoderOptions, ForeignMessage
from aldea.collector.foreign.settings import ForeignSource
from aldea.model.settings import load_settings

SITUATIONS = sorted((Path(__file__).parent / "data").iterdir())


def outcome(folder: Path) -> dict[str, Any]:
    """Return what a situation's message becomes, as its expected.json has it."""
    options = tomllib.loads((folder / "options.toml").read_text(encoding="utf-8"))
    source = load_settings(ForeignSource, options, {})
    topic = (folder / "topic.txt").read_text(encoding="utf-8").strip()
    assert source.filter.match(topic) is not None
    message = ForeignMessage(topic, (folder / "payload").read_bytes())
    try:
        readings = DECODERS[source.decoder](message, source.options)
    except DecodeError as error:
        return {"reason": error.reason, "sentence": str(error)}
    return {"readings": [{key: value for key, value in asdict(item).items() if value} for item in readings]}


@pytest.mark.parametrize("folder", SITUATIONS, ids=lambda folder: folder.name)
def test_a_message_becomes_what_the_folder_says(folder: Path) -> None:
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    assert json.dumps(outcome(folder), sort_keys=True) == json.dumps(expected, sort_keys=True)


def test_every_decoder_has_situations_and_options() -> None:
    assert DECODERS.keys() == OPTIONS.keys() == {folder.name.split("_")[0] for folder in SITUATIONS}


@given(
    st.sampled_from(sorted(DECODERS)),
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["name", "fields", "tags", "t"]) | st.text(), inner)
        ),
    ).map(lambda value: json.dumps(value).encode()),
)
def test_no_payload_makes_a_decoder_raise_anything_else(decoder: str, payload: bytes) -> None:
    options = DecoderOptions("m", tags=("t",), time_key="t", time_format="iso")
    try:
        readings = DECODERS[decoder](ForeignMessage("a/b", payload), options)
    except DecodeError:
        return
    assert all(reading.fields for reading in readings)
