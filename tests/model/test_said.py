"""A sentence in two languages is a text wherever a text goes, and loses neither on the way."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import asdict, dataclass

from aldea.model.said import Said, in_spanish, joined

YES = Said("yes", "sí")


@dataclass(frozen=True)
class Holder:
    """Something that holds one, and is written down."""

    said: str


def test_it_is_its_english_text_and_knows_its_spanish() -> None:
    assert (YES, f"{YES}!", json.dumps([YES])) == ("yes", "yes!", '["yes"]')
    assert (in_spanish(YES), in_spanish("plain")) == ("sí", "plain")
    both = joined([YES, "plain"])
    assert (both, both.es) == ("yes; plain", "sí; plain")


def test_a_copy_says_the_same() -> None:
    for made in (copy.copy(YES), copy.deepcopy(YES), pickle.loads(pickle.dumps(YES)), asdict(Holder(YES))["said"]):
        assert (made, in_spanish(made)) == ("yes", "sí")
