"""The API's documents of settled truth and of maintenance."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from aldea.dashboard_api.schemas import Document, Parameters
from aldea.model.truth import Cause, TruthState


class WindowQuery(Parameters):
    """From when to when."""

    start: str = Field("-24h", max_length=40, description="ISO 8601 with its offset, or `-24h`, `-30d`.")
    end: str = Field("now", max_length=40, description="As `start`; the end itself is not included.")


class AvailabilityQuery(WindowQuery):
    """From when to when."""

    start: str = Field("-30d", max_length=40, description="ISO 8601 with its offset, or `-24h`, `-30d`.")


class IntervalDocument(Document):
    """A stretch of one state and cause.

    `evidence` is what the verdict rests on; of an interval that the window cuts it is still the whole interval's.
    """

    start: str
    end: str
    state: TruthState
    cause: Cause | str | None
    evidence: dict[str, Any]
    provisional: bool = Field(description="Behind `settled_until`: rows are still expected that may change it.")


class IntervalsDocument(Document):
    """A site's intervals, end to end over the time that was judged."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "site": "escuela-01",
                    "start": "2026-11-21T17:00:00Z",
                    "end": "2026-11-22T17:00:00Z",
                    "settled_until": "2026-11-22T16:55:00Z",
                    "items": [
                        {
                            "start": "2026-11-21T19:00:00Z",
                            "end": "2026-11-21T20:00:00Z",
                            "state": "down",
                            "cause": "backhaul",
                            "evidence": {"sent": 240, "received": 3, "gateway": "answers"},
                            "provisional": False,
                        }
                    ],
                    "next": None,
                }
            ]
        }
    )

    site: str
    start: str
    end: str
    settled_until: str | None = Field(
        description="Up to here all evidence has come, and is taken into account; null before there is any."
    )
    items: list[IntervalDocument]
    next: None = None


class DurationsDocument(Document):
    """How long the site was in each state."""

    up_seconds: float
    down_seconds: float
    planned_seconds: float
    off_seconds: float
    unknown_seconds: float


class BoundsDocument(Document):
    """Where service availability lies if all unknown time was down, or all of it up."""

    low: float
    high: float


class AvailabilityDocument(Document):
    """A site's availability. Ratios are null where nothing would be divided by, or the status is `O`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "site": "escuela-01",
                    "start": "2026-11-21T17:00:00Z",
                    "end": "2026-11-22T17:00:00Z",
                    "durations": {
                        "up_seconds": 68400,
                        "down_seconds": 4800,
                        "planned_seconds": 7200,
                        "off_seconds": 0,
                        "unknown_seconds": 6000,
                    },
                    "service_ratio": 0.9344,
                    "experienced_ratio": 0.8507,
                    "coverage_ratio": 0.9306,
                    "service_bounds": {"low": 0.8636, "high": 0.9394},
                    "status": "A",
                    "settled_until": "2026-11-22T16:55:00Z",
                    "provisional": True,
                }
            ]
        }
    )

    site: str
    start: str
    end: str
    durations: DurationsDocument
    service_ratio: float | None = Field(description="Up over up and down: what a provider promises.")
    experienced_ratio: float | None = Field(description="Up over up, down and planned: what the village lived.")
    coverage_ratio: float | None = Field(description="Known over expected time.")
    service_bounds: BoundsDocument | None
    status: Literal["A", "U", "O"] = Field(
        description="`A`: at least 80 % of the time is known; `U`: at least 50 %, use with care; `O`: less, no value."
    )
    settled_until: str | None
    provisional: bool = Field(description="A part of the window is not settled yet: late data may change the figures.")


class MaintenanceQuery(Parameters):
    """Which windows."""

    start: str = Field("-30d", max_length=40, description="ISO 8601 with its offset, or `-30d`.")
    end: str | None = Field(None, max_length=40, description="As `start`; left out: all that is announced.")
    simulated: bool = Field(default=False, description="Windows of simulated sites in place of real ones.")


class NewMaintenance(Parameters):
    """Work that is announced. Exactly one of `site`, `programme` and `region` says where."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "site": "escuela-01",
                    "start": "2026-12-01T08:00:00-06:00",
                    "end": "2026-12-01T14:00:00-06:00",
                    "reason": "New antenna",
                }
            ]
        },
    )

    site: str | None = Field(None, max_length=39)
    programme: str | None = Field(None, max_length=39)
    region: str | None = Field(None, max_length=80, description="A federal state's name, as sites have it.")
    start: str = Field(max_length=40, description="ISO 8601 with its offset.")
    end: str = Field(max_length=40, description="ISO 8601 with its offset; the end itself is not included.")
    reason: str = Field(max_length=500)


class MaintenanceDocument(Document):
    """A maintenance window."""

    id: str
    site: str | None
    programme: str | None
    region: str | None
    start: str
    end: str
    announced: str
    counts_as_planned: bool = Field(
        description="Approved, and announced 48 hours before: downtime in it is planned. Else it counts as down."
    )
    reason: str
    author: str | None
    simulated: bool


class MaintenanceListDocument(Document):
    """Maintenance windows, by their start."""

    items: list[MaintenanceDocument]
    next: None = None
