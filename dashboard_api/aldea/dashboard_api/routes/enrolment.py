"""A device exchanges its one-time code for its credential. Nobody is signed in: the code is the proof."""

from __future__ import annotations

import logging
from typing import Annotated

from fastapi import APIRouter, Body, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from aldea.dashboard_api.context import Aldea, Context
from aldea.dashboard_api.problems import Problem, sentence
from aldea.dashboard_api.routes.documented import PROBLEM
from aldea.dashboard_api.settings_faults import known_keys
from aldea.dashboard_api.settings_moves import led, note_led
from aldea.dashboard_api.words import said
from aldea.storage.register import Register, RegisterError
from aldea.storage.register.audit import audit
from aldea.storage.register.device_overlays import device_settings_of
from aldea.storage.register.device_settings import send_settings
from aldea.storage.register.endpoint import BrokerEndpoint, broker_endpoint
from aldea.storage.register.enrolment import (
    Enrolled,
    EnrolmentRefused,
    TooManyAttempts,
    note_wrong_attempt,
    redeem_code,
    refuse_many_attempts,
)
from aldea.storage.register.register import Unit
from aldea.storage.register.releases import trusted_pem

log = logging.getLogger(__name__)

router = APIRouter(prefix="/api/v1", tags=["enrolment"])

Short = Annotated[str, Field(max_length=80)]


class EnrolRequest(BaseModel):
    """What the device says."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    code: str = Field(max_length=40, description="The one-time code, such as `K7QM-3XPT`.")
    hardware: dict[Annotated[str, Field(max_length=40)], Short] = Field(
        default_factory=dict, max_length=12, description="Facts about the hardware, kept with the credential."
    )
    site: str | None = Field(None, max_length=39, description="The site whose data the device still holds.")


class BrokerDocument(BaseModel):
    """How to reach the broker."""

    host: str
    port: int
    tls: bool
    ca_pem: str | None = Field(description="The authority of the broker's certificate; null: the system's.")


class EnrolmentSettings(BaseModel):
    """What else the device may want to know."""

    timezone: str = Field(description="The site's IANA time zone.")
    release_key: str | None = Field(None, description="Public keys (PEM) of those who may sign the agent's releases.")


class EnrolmentDocument(BaseModel):
    """What the device is given. The password is said this once."""

    site: str
    device: str
    broker: BrokerDocument
    username: str
    password: str
    settings: EnrolmentSettings


@router.post(
    "/enrol",
    summary="Exchange a one-time code for a device's credential",
    responses={400: PROBLEM, 403: PROBLEM, 429: PROBLEM, 503: PROBLEM, "default": PROBLEM},
)
def enrol(
    aldea: Aldea, request: Request, response: Response, wish: Annotated[EnrolRequest, Body()]
) -> EnrolmentDocument:
    """Answer the device's place, broker and credential. Each code is good once; wrong ones are counted."""
    now = aldea.clock.wall_ms()
    source = "unknown" if request.client is None else request.client.host
    try:
        with aldea.register.transaction() as unit:
            refuse_many_attempts(unit, source, now)
            endpoint = broker_endpoint(unit)
            if endpoint is None:
                raise Problem(
                    503, said("This server does not know yet how its broker is reached: run `aldea broker config`.")
                )
            made = redeem_code(unit, wish.code, wish.hardware, now, held_site=wish.site)
            release_key = trusted_pem(unit)
            audit(unit, None, "device_enrolled", made.username, {"from": source, **wish.hardware}, now)
            _send_settings(aldea, unit, made, now)
    except TooManyAttempts as error:
        raise Problem(429, sentence(error)) from error
    except EnrolmentRefused as error:
        _count(aldea.register, source, now)
        raise Problem(403, sentence(error)) from error
    except RegisterError as error:
        raise Problem(403, sentence(error)) from error
    response.headers["Cache-Control"] = "no-store"
    return _document(made, endpoint, release_key)


def _send_settings(aldea: Context, unit: Unit, made: Enrolled, now_ms: int) -> None:
    """Let what its site is to run with follow at once: a new card begins with its machine's own settings."""
    if not aldea.guide.settings:
        return
    try:
        found = device_settings_of(unit, made.site, made.device, known_keys(aldea), now_ms)
        if send_settings(unit, made.site, made.device, known_keys(aldea), now_ms) is not None:
            note_led(unit, None, led([found]), now_ms, by="enrolment")
    except RegisterError as error:
        log.warning("%s/%s is enrolled, its settings could not be sent: %s", made.site, made.device, error)


def _document(made: Enrolled, endpoint: BrokerEndpoint, release_key: str | None) -> EnrolmentDocument:
    return EnrolmentDocument(
        site=made.site,
        device=made.device,
        broker=BrokerDocument(host=endpoint.host, port=endpoint.port, tls=endpoint.tls, ca_pem=endpoint.ca_pem),
        username=made.username,
        password=made.password,
        settings=EnrolmentSettings(timezone=made.timezone, release_key=release_key),
    )


def _count(register: Register, source: str, now_ms: int) -> None:
    with register.transaction() as unit:
        note_wrong_attempt(unit, source, now_ms)
