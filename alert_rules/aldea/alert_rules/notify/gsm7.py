"""The alphabet of an SMS (3GPP TS 23.038): what fits 160 characters, and how other letters are written in it."""

from __future__ import annotations

import unicodedata

SMS_SEPTETS = 160
BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("^{}\\[~]|€")
"""These are written with an escape before them: two septets each."""

_WRITTEN = {
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{HORIZONTAL ELLIPSIS}": "...",
    "\N{LEFT SINGLE QUOTATION MARK}": "'",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{MODIFIER LETTER APOSTROPHE}": "'",
    "\N{MODIFIER LETTER GLOTTAL STOP}": "'",
    "\N{LATIN SMALL LETTER SALTILLO}": "'",
    "\N{LATIN CAPITAL LETTER SALTILLO}": "'",
    "\N{LEFT DOUBLE QUOTATION MARK}": '"',
    "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
    "\N{LEFT-POINTING DOUBLE ANGLE QUOTATION MARK}": '"',
    "\N{RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK}": '"',
    "\N{LATIN SMALL LETTER L WITH STROKE}": "l",
    "\N{LATIN SMALL LETTER I WITH STROKE}": "i",
    "\N{LATIN SMALL LETTER U BAR}": "u",
    "ç": "c",
    "`": "'",
    "\N{ACUTE ACCENT}": "'",
}


def septets(text: str) -> int:
    """Return how much of an SMS a text of this alphabet takes."""
    return sum(2 if letter in EXTENDED else 1 for letter in text)


def written(text: str) -> str:
    """Return `text` on one line in the SMS alphabet: accents it lacks are left off, unknown signs become `?`."""
    # Split last: what a sign is made of may be a space.
    return " ".join("".join(_letter(letter) for letter in " ".join(text.split())).split())


def cut(text: str, room: int) -> str:
    """Return as much of a text of this alphabet as takes `room` septets, with `..` where it was cut."""
    if septets(text) <= room:
        return text
    kept = ""
    for letter in text:
        if septets(kept + letter) > room - 2:
            break
        kept += letter
    return (kept.rstrip() + "..")[: max(0, room)]


def _letter(letter: str) -> str:
    if letter in BASIC or letter in EXTENDED:
        return letter
    if letter in _WRITTEN:
        return _WRITTEN[letter]
    plain = "".join(part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part))
    known = "".join(part for part in plain if part in BASIC or part in EXTENDED)
    if known or unicodedata.combining(letter) or unicodedata.category(letter) in {"Cf", "Mn"}:
        return known
    return "?"
