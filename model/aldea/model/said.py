"""A sentence in two languages that can go wherever a text goes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Self


class Said(str):
    """A sentence: in English as a text, and `es` the same in Spanish."""

    __slots__ = ("es",)

    es: str

    def __new__(cls, english: str, spanish: str) -> Self:
        """Return the sentence in both."""
        made = super().__new__(cls, english)
        made.es = spanish
        return made

    def __reduce__(self) -> tuple[type[Said], tuple[str, str]]:
        """Return what a copy is made of."""
        return Said, (str(self), self.es)


def in_spanish(text: str) -> str:
    """Return a sentence in Spanish; as it is where nobody has said it in Spanish."""
    return text.es if isinstance(text, Said) else text


def in_language(text: str, language: str) -> str:
    """Return a sentence in a language; as it is where nobody has said it in that one."""
    return in_spanish(text) if language == "es" else str(text)


def joined(sentences: Iterable[str], between: str = "; ") -> Said:
    """Return several sentences as one."""
    said = tuple(sentences)
    return Said(between.join(said), between.join(in_spanish(item) for item in said))


def filled(text: str, spanish: str, values: Mapping[str, object]) -> Said:
    """Return a sentence in both languages, its values `%(name)s` filled in; a value that is a `Said` is put in both.

    Without values both stay as they are. Raises KeyError for a value that a text names and nobody gave.
    """
    if not values:
        return Said(text, spanish)
    both = {name: in_spanish(value) if isinstance(value, str) else value for name, value in values.items()}
    return Said(text % values, spanish % both)
