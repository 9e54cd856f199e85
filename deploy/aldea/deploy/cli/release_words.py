"""How releases and rollouts are shown at the terminal."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from aldea.model.release import Manifest
from aldea.model.rollouts import WAVES, Key
from aldea.storage.register.release_reach import Reach
from aldea.storage.register.releases import StoredRelease
from aldea.storage.register.rollout_rows import RolloutDevice, StoredRollout


def fingerprint(key: bytes) -> str:
    """Return the short name of a public key: the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(key).hexdigest()[:16]


def described(manifest: Manifest) -> str:
    """Return a line about a release."""
    files = f"{len(manifest.files)} file{'s' if len(manifest.files) > 1 else ''}"
    line = f"version {manifest.version}, {files}, {manifest.size_bytes / 1e6:.1f} MB, Python {manifest.python} or newer"
    if not manifest.downgrade:
        return line
    return f"{line}, may follow newer ones up to {manifest.replaces or 'any'}"


def releases_text(found: Sequence[StoredRelease]) -> str:
    """Return releases as lines."""
    if not found:
        return "No release was added yet: aldea release add MANIFEST"
    return "\n".join(described(item.release.manifest) for item in found)


def releases_json(found: Sequence[StoredRelease]) -> str:
    """Return releases as JSON."""
    items = [
        {
            "version": item.version,
            "python": item.release.manifest.python,
            "outbox_format": item.release.manifest.outbox_format,
            "downgrade": item.release.manifest.downgrade,
            "replaces": item.release.manifest.replaces,
            "size_bytes": item.release.manifest.size_bytes,
            "files": [file.name for file in item.release.manifest.files],
            "added_ms": item.added_ms,
            "author": item.author,
        }
        for item in found
    ]
    return json.dumps(items, indent=2)


def reach_text(version: str, found: Reach) -> str:
    """Return who a release would reach as lines."""
    lines = [
        f"version {version}: {len(found.behind)} devices would get it, {len(found.have_it)} have it or a newer one",
        *([f"  {len(found.away)} of them were not heard for a day: they get it when they are back"] * bool(found.away)),
        *([f"  of {len(found.unknown)} more the version is not known yet"] * bool(found.unknown)),
        *([keyless_text(found.keyless)] * bool(found.keyless)),
    ]
    return "\n".join(lines)


def keyless_text(keys: Sequence[Key]) -> str:
    """Return which devices know no key for releases, and what is to be done."""
    named = "\n".join(f"  {site}/{device}" for site, device in keys)
    return (
        f"{len(keys)} devices enrolled before a key was trusted, or say that they know none. They refuse releases\n"
        "until somebody types, at the device: sh install.sh --release-key release.pub\n"
        f"{named}"
    )


def reach_json(found: Reach) -> str:
    """Return who a release would reach as JSON."""
    return json.dumps({name: ["/".join(key) for key in keys] for name, keys in asdict(found).items()}, indent=2)


def rollout_text(found: StoredRollout, devices: Sequence[RolloutDevice]) -> str:
    """Return a rollout as lines: its state, its waves, its devices."""
    wave = f"wave {found.rollout.wave + 1} of {len(WAVES)}"
    lines = [f"version {found.rollout.version}: {found.rollout.state.value}, {wave}"]
    if found.why is not None:
        lines.append(f"  because: {why_text(found)}")
    for number in range(len(WAVES)):
        counted = Counter(item.progress.value for item in devices if item.wave == number)
        if counted:
            parts = ", ".join(f"{count} {progress}" for progress, count in sorted(counted.items()))
            lines.append(f"  wave {number + 1}: {parts}")
    for item in devices:
        said = str(item.detail.get("sentence", ""))
        lines.append(f"  {item.site}/{item.device}: {item.progress.value}{f' ({said})' if said else ''}")
    return "\n".join(lines)


def why_text(found: StoredRollout) -> str:
    """Return the reason as the page has it."""
    from aldea.dashboard_api.web.release_words import WHY

    assert found.why is not None
    about = found.why.about
    named = {"site": f"{about['site']}/{about['device']}" if about else ""}
    return WHY.get(found.why.word, found.why.word) % named


def rollout_json(found: StoredRollout, devices: Sequence[RolloutDevice]) -> str:
    """Return a rollout as JSON."""
    document: dict[str, Any] = {
        "version": found.rollout.version,
        "state": found.rollout.state.value,
        "wave": found.rollout.wave,
        "why": None if found.why is None else {"word": found.why.word, "about": dict(found.why.about)},
        "first_site": found.rollout.first_site,
        "bake_hours": found.rollout.bake_hours,
        "created_ms": found.rollout.created_ms,
        "devices": [
            {
                "site": item.site,
                "device": item.device,
                "wave": item.wave,
                "progress": item.progress.value,
                "asked_ms": item.asked_ms,
                "ended_ms": item.ended_ms,
                "detail": dict(item.detail),
            }
            for item in devices
        ],
    }
    return json.dumps(document, indent=2)
