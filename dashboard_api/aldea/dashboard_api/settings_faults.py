"""What is wrong with a document of settings, by setting and in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aldea.dashboard_api.context import Context
from aldea.dashboard_api.problems import Fault, bad_request
from aldea.model.said import Said, in_spanish


def known_keys(aldea: Context) -> frozenset[str]:
    """Return the settings that agents know."""
    return frozenset(item.key for item in aldea.guide.settings)


def faults_of(aldea: Context, document: Mapping[str, Any]) -> list[Fault]:
    """Return what is wrong with a document, each sentence with the setting that it is about ('' for none)."""
    keys = sorted(known_keys(aldea), key=len, reverse=True)
    found = []
    for wrong in aldea.guide.check(document):
        head = wrong.strip().partition(" ")[0]
        about = next((key for key in keys if head == key or head.startswith((f"{key}[", f"{key}."))), "")
        found.append(Fault(about, Said(_whole(wrong, about), _whole(in_spanish(wrong), about))))
    return found


def _whole(text: str, about: str) -> str:
    """Return a sentence as one; a setting's name stays as it is written."""
    text = text.strip()
    return f"{text}." if about else f"{text[:1].upper()}{text[1:]}."


def refuse_faults(aldea: Context, document: Mapping[str, Any]) -> None:
    """Raise Problem (400) with every mistake of a document."""
    if wrong := faults_of(aldea, document):
        raise bad_request(wrong)
