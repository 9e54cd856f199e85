"""The API's documents. Times are ISO 8601 in UTC; null means "not known", never zero."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from aldea.model.liveness import SiteState
from aldea.model.series import Aggregate


class Document(BaseModel):
    """What an answer is made of."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="null")


class Parameters(BaseModel):
    """Query parameters; a misspelt one is an error, because ignoring it would answer another question."""

    model_config = ConfigDict(extra="forbid")


class PageQuery(Parameters):
    """Where in a list, and how much of it."""

    after: str | None = Field(None, max_length=39, description="The cursor: `next` of the page before.")
    limit: int = Field(100, ge=1, le=1000, description="How many items at most.")


class SitesQuery(PageQuery):
    """Which sites."""

    simulated: bool | None = Field(None, description="Only simulated sites, or only real ones.")
    state: SiteState | None = Field(None, description="Only sites in this live state.")
    q: str | None = Field(None, max_length=80, description="Text in the id or the name; accents don't matter.")


class CompletenessQuery(PageQuery):
    """Whose completeness."""

    site: str | None = Field(None, max_length=39, description="One site, with its streams and their gaps.")
    simulated: bool | None = Field(None, description="Only simulated sites, or only real ones.")


class SeriesQuery(Parameters):
    """Which values, from when to when, and how condensed."""

    measurement: str = Field(max_length=80, description="As listed by `/measurements`, such as `ping`.")
    field: str = Field(max_length=80, description="A field of the measurement, such as `rtt_avg_seconds`.")
    start: str = Field("-24h", max_length=40, description="ISO 8601 with its offset, or `-24h`, `-7d`.")
    end: str = Field("now", max_length=40, description="As `start`; the end itself is not included.")
    step: str | None = Field(None, max_length=12, description="`5m`, `1h`: one value a step. Left out: every value.")
    aggregate: Aggregate | None = Field(None, description="How a step becomes one value (mean; last for texts).")
    tag: list[str] = Field(default_factory=list, max_length=8, description="`name:value`, may be repeated.")
    device: str | None = Field(None, max_length=39, description="Only this device's series.")


class StreamQuery(Parameters):
    """Which events."""

    site: str | None = Field(None, max_length=39, description="Only this site's events.")
    after: int | None = Field(None, ge=0, lt=10**18, description="Start behind this event id.")


class FaultDocument(Document):
    """One thing wrong with a request."""

    parameter: str
    detail: str


class ProblemDocument(Document):
    """RFC 9457: what went wrong, and how to mend it."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FaultDocument] | None = None


class HealthDocument(Document):
    """The process answers."""

    status: Literal["ok"]
    version: str


class ReadyDocument(Document):
    """Stores answer and a collector delivers."""

    status: Literal["ready"]
    last_commit: str | None
    last_commit_age_seconds: float | None


class CompletenessDocument(Document):
    """How many of the rows that agents gave a sequence number have arrived."""

    expected_rows: int
    stored_rows: int
    explained_rows: int = Field(description="Not stored, and the agent or the collector said why.")
    open_rows: int = Field(description="Not stored yet; may still come.")
    lost_rows: int = Field(description="Not stored; will not come, and nothing says why.")
    ratio: float | None = Field(description="Stored over expected; null where nothing is expected.")


class SiteDocument(Document):
    """A site as lists show it. `state` is the live guess; `lifecycle` where the site is in its life."""

    id: str
    name: str
    state: SiteState
    simulated: bool
    last_seen: str | None = Field(description="When the server last heard any of its devices.")
    last_event: str | None = Field(description="The time of the newest row.")
    settled_until: str | None = Field(
        description="Event time up to which every row of the primary device is stored or accounted for."
    )
    lifecycle: str | None
    time_zone: str
    latitude: float | None
    longitude: float | None
    municipality: str | None
    state_name: str | None
    inegi_code: str | None
    provider: str | None
    technology: str | None
    organisation: str | None
    programmes: list[str]
    completeness: CompletenessDocument


class SitesDocument(Document):
    """One page of a list of sites."""

    items: list[SiteDocument]
    next: str | None


class DeviceDocument(Document):
    """A device at a site, and what is known of its agent now."""

    id: str
    kind: str
    primary: bool
    sees: dict[str, bool]
    enrolled: str | None
    retired: str | None
    last_seen: str | None
    presence: str
    send_seconds: float | None
    boot_id: str | None
    clock: str | None
    agent_version: str | None


class LatestDocument(Document):
    """The newest row of one series."""

    device: str
    measurement: str
    tags: dict[str, str]
    time: str | None
    fields: dict[str, Any]


class GapDocument(Document):
    """Sequence numbers that are not stored, both ends included."""

    first_seq: int
    last_seq: int
    state: str


class StreamDocument(CompletenessDocument):
    """Coverage of one outbox."""

    device: str
    epoch: str
    first_seq: int
    last_seq: int
    contiguous_until: str | None
    gaps: list[GapDocument]


class SiteDetailDocument(SiteDocument):
    """One site with all that is known of it now."""

    facts: dict[str, Any]
    devices: list[DeviceDocument]
    latest: list[LatestDocument]
    streams: list[StreamDocument]


class MeasuredDocument(Document):
    """A series that a site has."""

    device: str
    measurement: str
    title: str | None
    tags: dict[str, str]
    fields: list[str]


class MeasurementsDocument(Document):
    """Every series of a site."""

    items: list[MeasuredDocument]
    next: None = None


class ColumnsDocument(Document):
    """One series as columns: `values[i]` is of `times[i]`."""

    device: str
    tags: dict[str, str]
    times: list[str]
    values: list[Any]


class SeriesDocument(Document):
    """The values that were asked for."""

    site: str
    measurement: str
    field: str
    title: str | None
    unit: str | None
    start: str | None
    end: str | None
    step_seconds: float | None
    aggregate: Aggregate | None
    series: list[ColumnsDocument]


class SiteCompletenessDocument(CompletenessDocument):
    """A site's completeness over all its streams; the streams themselves when one site is asked for."""

    site: str
    streams: list[StreamDocument] | None = None


class CompletenessListDocument(Document):
    """One page of the completeness of sites."""

    items: list[SiteCompletenessDocument]
    next: str | None
