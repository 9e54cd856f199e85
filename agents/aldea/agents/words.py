"""What the box says to people, in both languages: it is read at the server and at the box."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Words(NamedTuple):
    """A sentence in English and in Spanish."""

    en: str
    es: str

    @property
    def told(self) -> dict[str, str]:
        """The sentence as an answer has it."""
        return {"sentence": self.en, "sentence_es": self.es}


def joined(sentences: Iterable[Words], between: str = "; ") -> Words:
    """Return several sentences as one."""
    said = tuple(sentences)
    return Words(between.join(item.en for item in said), between.join(item.es for item in said))
