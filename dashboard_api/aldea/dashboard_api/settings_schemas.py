"""What the API says and takes about settings of agents."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

DOCUMENT = "Settings as under `[agent]` in `aldea.toml`, without site, device, data and credentials."

SEEN = "`seen` of what was looked at; 409 where somebody has changed something since. null: whatever it is."
LEADS = (
    "Confirms that boxes are led elsewhere by `broker.host`, `broker.port`, `broker.tls` or `broker.ca_file`; an"
    " administrator's alone. Without it such a request is refused with the boxes named."
)


class ProfileDocument(BaseModel):
    """A profile."""

    id: str
    name: str
    document: dict[str, Any] = Field(description=DOCUMENT)
    revision: int
    changed_by: str | None
    changed: str
    sites: int = Field(description="How many sites have it.")


class ProfileListDocument(BaseModel):
    """All profiles."""

    items: list[ProfileDocument]
    next: str | None = Field(None, description="Always null: there is one page.")


class ProfileWish(BaseModel):
    """A profile as it is to be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=120)
    document: dict[str, Any] = Field(description=DOCUMENT)
    revision: int | None = Field(None, ge=1, description="The revision that was looked at; null: a new profile.")


class SitesWish(BaseModel):
    """Sites that get a profile."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sites: list[str] = Field(min_length=1, max_length=10_000)


class AssignedDocument(BaseModel):
    """For how many sites that is new."""

    changed: int


class DeviceName(BaseModel):
    """A device."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    site: str = Field(max_length=39)
    device: str = Field(max_length=39)


class SendWish(BaseModel):
    """To whom a profile is sent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    devices: list[DeviceName] | None = Field(None, max_length=10_000, description="null: all of them.")
    again: bool = Field(default=False, description="Also to those that did not take it the last time.")
    leads: bool = Field(default=False, description=LEADS)
    seen: str | None = Field(None, max_length=64, description=SEEN)


class SentDocument(BaseModel):
    """How many devices were sent something."""

    sent: int
    left: int = Field(0, description="So many more are to be sent to: ask again, for as long as there are any.")


class DeviceSettingsDocument(BaseModel):
    """A device's settings, as they are decided and as it has answered."""

    site: str
    device: str
    profile: str | None
    differences: dict[str, Any] = Field(description="Over the profile; a null takes a profile's setting out.")
    revision: int = Field(description="Of the differences; 0: never changed.")
    overlay: dict[str, Any] = Field(description="What the device is to run with, over its own file.")
    standing: str = Field(description="same, not_sent, under_way, failed or rolled_back")
    changes: list[str] = Field(description="Keys in which it differs from what the device runs with.")
    held_revision: int = Field(description="What the device has said to run with; 0: nothing from here.")
    command: str | None = Field(description="The newest command that brought settings.")
    state: str | None = Field(description="What became of it.")
    answer: dict[str, Any] = Field(description="What the device said of it.")
    seen: str = Field(description="To be given back when it is sent; it changes with the overlay.")


class DeviceSettingsListDocument(BaseModel):
    """The devices of a profile."""

    items: list[DeviceSettingsDocument]
    next: str | None = Field(None, description="The cursor for `after`; null at the end.")
    seen: str = Field(description="To be given back when they are sent; it changes with the overlay of any of them.")


class DifferencesWish(BaseModel):
    """What is to differ at a device."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    differences: dict[str, Any]
    revision: int | None = Field(None, ge=0, description="The revision that was looked at; null: whatever it is.")


class SendOneWish(BaseModel):
    """Whether to send what a device did not take before."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    again: bool = False
    leads: bool = Field(default=False, description=LEADS)
    seen: str | None = Field(None, max_length=64, description=SEEN)


class SettingDocument(BaseModel):
    """One setting that agents know."""

    key: str
    shape: str
    help: str
    default: Any = None
    minimum: float | None = None
    maximum: float | None = None
    choices: list[str] = []
    env: str | None = Field(None, description="A variable of the machine's environment that wins over it.")


class SettingListDocument(BaseModel):
    """Every setting that may come from afar."""

    items: list[SettingDocument]
    next: str | None = Field(None, description="Always null: there is one page.")
