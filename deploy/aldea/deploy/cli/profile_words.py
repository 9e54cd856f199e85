"""How profiles, and what is sent of them, are shown at the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from aldea.dashboard_api.web.settings_words import READY_NAMES, STANDING_WORDS
from aldea.deploy.cli.page_words import as_on_pages, translated
from aldea.deploy.words import said
from aldea.model.overlays import leaves
from aldea.model.said import Said, in_spanish, joined
from aldea.model.toml_text import as_toml
from aldea.storage.register.device_overlays import DeviceSettings
from aldea.storage.register.profiles import Profile


def profile_line(item: Profile) -> Said:
    """Return a profile as a line of the list."""
    name = _name(item)
    counts = said("%(settings)s settings, %(sites)s sites", settings=len(list(leaves(item.document))), sites=item.sites)
    return joined([f"{item.id:<20}", Said(f"{name:<24}", f"{in_spanish(name):<24}"), counts], " ")


def profile_text(found: Profile, devices: Sequence[DeviceSettings]) -> Said:
    """Return a profile as TOML, and as remarks what it is and how its devices stand."""
    head = said(
        "# %(name)s (%(id)s), revision %(revision)s, %(sites)s sites",
        name=_name(found),
        id=found.id,
        revision=found.revision,
        sites=found.sites,
    )
    toml = as_toml(found.document).removesuffix("\n")
    stand = [
        joined([f"# {item.site}/{item.device}:", as_on_pages(item.standing.value, STANDING_WORDS[item.standing])], " ")
        for item in devices
    ]
    return joined([head, toml or said("# no setting: devices run with their machine's own"), *stand], "\n")


def sending_text(due: Sequence[DeviceSettings], chosen: int, *, dry_run: bool) -> Said:
    """Return what was sent to whom, or would be."""
    lines = [
        joined([f"{item.site}/{item.device}:", ", ".join(item.changes) or said("the same again")], " ") for item in due
    ]
    if dry_run:
        total = said("%(count)s of %(chosen)s devices would change", count=len(due), chosen=chosen)
    else:
        total = said("%(count)s of %(chosen)s devices were sent their settings", count=len(due), chosen=chosen)
    return joined([*lines, total], "\n")


def why_not(file: Path, wrong: Sequence[str]) -> Said:
    """Return what is wrong with a file, a line each."""
    return joined([said("%(file)s cannot be a profile:", file=file), *wrong], "\n")


def _name(item: Profile) -> str:
    """Return a profile's name; those that are there from the start have one in each language."""
    return Said(item.name, translated(item.name)) if item.name in READY_NAMES else item.name
