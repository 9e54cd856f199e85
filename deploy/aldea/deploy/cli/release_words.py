"""How releases and rollouts are shown at the terminal."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from aldea.dashboard_api.web.release_words import PROGRESS, STATES, WHY
from aldea.deploy.cli.page_words import as_on_pages, translated
from aldea.deploy.words import said
from aldea.model.release import Manifest
from aldea.model.rollouts import WAVES, Key, Progress, RolloutState
from aldea.model.said import Said, in_spanish, joined
from aldea.storage.register.release_reach import Reach
from aldea.storage.register.releases import StoredRelease
from aldea.storage.register.rollout_rows import RolloutDevice, StoredRollout


def fingerprint(key: bytes) -> str:
    """Return the short name of a public key: the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(key).hexdigest()[:16]


def described(manifest: Manifest) -> Said:
    """Return a line about a release."""
    count = len(manifest.files)
    line = said(
        "version %(version)s, %(files)s, %(megabytes)s MB, Python %(python)s or newer",
        version=manifest.version,
        files=said("%(count)s files", count=count) if count > 1 else said("1 file"),
        megabytes=f"{manifest.size_bytes / 1e6:.1f}",
        python=manifest.python,
    )
    if not manifest.downgrade:
        return line
    newest = manifest.replaces or said("any")
    return said("%(release)s, may follow newer ones up to %(newest)s", release=line, newest=newest)


def trusted_text(keys: str, count: int, *, removed: bool) -> Said:
    """Return that keys are trusted from now on, or no longer, and how many are."""
    if removed:
        return said(
            "%(keys)s is no longer trusted; devices that enrol from now on are told so. Trusted: %(count)s.",
            keys=keys,
            count=count,
        )
    return said(
        "%(keys)s is trusted; devices that enrol from now on are told so. Trusted: %(count)s.", keys=keys, count=count
    )


def releases_text(found: Sequence[StoredRelease]) -> Said:
    """Return releases as lines."""
    if not found:
        return said("No release was added yet: aldea release add MANIFEST")
    return joined((described(item.release.manifest) for item in found), "\n")


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


def reach_text(version: str, found: Reach) -> Said:
    """Return who a release would reach as lines."""
    lines = [
        said(
            "version %(version)s: %(behind)s devices would get it, %(have)s have it or a newer one",
            version=version,
            behind=len(found.behind),
            have=len(found.have_it),
        )
    ]
    if found.away:
        lines.append(
            said("  %(count)s of them were not heard for a day: they get it when they are back", count=len(found.away))
        )
    if found.unknown:
        lines.append(said("  of %(count)s more the version is not known yet", count=len(found.unknown)))
    if found.keyless:
        lines.append(keyless_text(found.keyless))
    return joined(lines, "\n")


def keyless_text(keys: Sequence[Key]) -> Said:
    """Return which devices know no key for releases, and what is to be done."""
    told = said(
        "%(count)s devices enrolled before a key was trusted, or say that they know none. They refuse releases\n"
        "until somebody types, at the device: sh install.sh --release-key release.pub",
        count=len(keys),
    )
    return joined([told, *(f"  {site}/{device}" for site, device in keys)], "\n")


def reach_json(found: Reach) -> str:
    """Return who a release would reach as JSON."""
    return json.dumps({name: ["/".join(key) for key in keys] for name, keys in asdict(found).items()}, indent=2)


def state_word(state: RolloutState) -> Said:
    """Return how a rollout stands, in a word."""
    return as_on_pages(state.value, STATES[state])


def rollout_text(found: StoredRollout, devices: Sequence[RolloutDevice]) -> Said:
    """Return a rollout as lines: its state, its waves, its devices."""
    lines = [
        said(
            "version %(version)s: %(state)s, wave %(wave)s of %(waves)s",
            version=found.rollout.version,
            state=state_word(found.rollout.state),
            wave=found.rollout.wave + 1,
            waves=len(WAVES),
        )
    ]
    if found.why is not None:
        lines.append(said("  because: %(why)s", why=why_text(found)))
    for number in range(len(WAVES)):
        counted = Counter(item.progress for item in devices if item.wave == number)
        if counted:
            lines.append(said("  wave %(wave)s: %(counts)s", wave=number + 1, counts=_counts(counted)))
    return joined([*lines, *map(_device, devices)], "\n")


def _counts(counted: Mapping[Progress, int]) -> Said:
    items = sorted(counted.items(), key=lambda item: item[0].value)
    parts = [said("%(count)s %(progress)s", count=count, progress=_progress(item)) for item, count in items]
    return Said(", ".join(parts), "; ".join(map(in_spanish, parts)))


def _device(item: RolloutDevice) -> Said:
    device, progress = f"{item.site}/{item.device}", _progress(item.progress)
    own = str(item.detail.get("sentence", ""))
    if not own:
        return said("  %(device)s: %(progress)s", device=device, progress=progress)
    told = Said(own, str(item.detail.get("sentence_es") or own))
    return said("  %(device)s: %(progress)s (%(told)s)", device=device, progress=progress, told=told)


def _progress(progress: Progress) -> Said:
    return as_on_pages(progress.value, PROGRESS[progress])


def why_text(found: StoredRollout) -> Said:
    """Return the reason as the page has it."""
    assert found.why is not None
    about = found.why.about
    named = {"site": f"{about['site']}/{about['device']}" if about else ""}
    text = WHY.get(found.why.word, found.why.word)
    return Said(text % named, translated(text) % named)


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
