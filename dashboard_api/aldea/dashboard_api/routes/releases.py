"""Where devices fetch a release from, in small ranges.

Open to all, for a release is the program itself: it has no secret, devices check its signature, and a device's
password is the broker's alone. So it costs the server little: a range is bounded, and few are read at once.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from aldea.dashboard_api.access.visitor import SignedIn
from aldea.dashboard_api.context import Aldea
from aldea.dashboard_api.instants import iso
from aldea.dashboard_api.problems import Problem, sentence
from aldea.dashboard_api.rollout_view import begin, change, choose
from aldea.dashboard_api.routes.documented import PROBLEM, RESPONSES
from aldea.dashboard_api.words import said
from aldea.storage.register import RegisterError, Unit
from aldea.storage.register.releases import StoredRelease, find_release_file, list_releases, read_release_file
from aldea.storage.register.rollout_devices import rollout_devices
from aldea.storage.register.rollout_rows import StoredRollout
from aldea.storage.register.rollouts import list_rollouts

router = APIRouter(prefix="/api/v1", tags=["releases"])

LARGEST_RANGE_BYTES = 1_048_576
RELEASES_LISTED, ROLLOUTS_LISTED = 100, 20
_RANGE = re.compile(r"bytes=(\d{1,12})-(\d{0,12})")
_BINARY: dict[str, Any] = {"content": {"application/octet-stream": {}}}


class ReleaseDocument(BaseModel):
    """A release that was added."""

    version: str
    python: str = Field(description="The oldest Python that it runs on.")
    size_bytes: int
    files: list[str]
    added: str


class RolloutDeviceDocument(BaseModel):
    """A device that was asked."""

    site: str
    device: str
    wave: int = Field(description="0: the first site, 1: the ten, 2: all others.")
    progress: str
    asked: str
    ended: str | None
    detail: dict[str, Any] = Field(description="What the device answered last.")


class RolloutDocument(BaseModel):
    """A rollout: where it stands, and its devices."""

    version: str
    state: str
    wave: int
    why: str | None = Field(description="Why it halted or waits, as a word.")
    about: dict[str, str] = Field(description="What the word is about, such as a site.")
    reason: str | None = Field(description="Both together, to be given back as `seen`.")
    first_site: str | None = Field(description="The first site that was named; null: the one that was heard last.")
    begun: str
    devices: list[RolloutDeviceDocument]


class ReleasesDocument(BaseModel):
    """Everything that is known of releases."""

    items: list[ReleaseDocument]
    rollouts: list[RolloutDocument]


class NewRollout(BaseModel):
    """What is to be rolled out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str = Field(max_length=40)
    first_site: str | None = Field(None, max_length=39, description="Null: the site that was heard last.")
    bake_hours: float = Field(24.0, description="Hours between waves.")


class RolloutChange(BaseModel):
    """What is to become of the rollout that is under way."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    to: Literal["pause", "resume", "stop"]
    seen: str | None = Field(
        None, max_length=200, description="Of one that has halted: its `reason` when you looked. Another one: 409."
    )


class FirstSite(BaseModel):
    """Which site is to go first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    first_site: str | None = Field(max_length=39, description="Null: the site that was heard last.")


@router.get("/releases", summary="Releases and rollouts", responses=RESPONSES)
def list_all(aldea: Aldea) -> ReleasesDocument:
    """List the releases, the newest version first, and the rollouts, the newest first."""
    with aldea.register.reading() as unit:
        found = list_releases(unit)[:RELEASES_LISTED]
        rollouts = [_rollout(unit, item) for item in list_rollouts(unit, limit=ROLLOUTS_LISTED)]
    return ReleasesDocument(items=[_release(item) for item in found], rollouts=rollouts)


@router.post("/rollouts", status_code=201, summary="Roll a release out", responses={**RESPONSES, 409: PROBLEM})
def roll_out(aldea: Aldea, visitor: SignedIn, new: Annotated[NewRollout, Body()]) -> RolloutDocument:
    """Begin: one site is asked first. One rollout is under way at a time."""
    try:
        with aldea.register.transaction() as unit:
            made = begin(unit, visitor, new.version, new.first_site, new.bake_hours, aldea.clock.wall_ms())
            return _rollout(unit, made)
    except RegisterError as error:
        raise Problem(409, sentence(error)) from error


@router.post("/rollouts/change", summary="Pause, resume or stop the rollout", responses={**RESPONSES, 409: PROBLEM})
def change_it(aldea: Aldea, visitor: SignedIn, wish: Annotated[RolloutChange, Body()]) -> RolloutDocument:
    """Change the rollout that is under way. Resuming one that has halted sets those aside that were the reason."""
    try:
        with aldea.register.transaction() as unit:
            return _rollout(unit, change(unit, visitor, wish.to, aldea.clock.wall_ms(), wish.seen))
    except RegisterError as error:
        raise Problem(409, sentence(error)) from error


@router.post("/rollouts/first", summary="Choose another first site", responses={**RESPONSES, 409: PROBLEM})
def choose_it(aldea: Aldea, visitor: SignedIn, wish: Annotated[FirstSite, Body()]) -> RolloutDocument:
    """Choose which site goes first, while none has taken the release yet. What has begun at another goes on there."""
    try:
        with aldea.register.transaction() as unit:
            return _rollout(unit, choose(unit, visitor, wish.first_site, aldea.clock.wall_ms()))
    except RegisterError as error:
        raise Problem(409, sentence(error)) from error


@router.get(
    "/releases/{version}/{file}",
    summary="A part of a release's file",
    response_class=Response,
    responses={200: _BINARY, 206: _BINARY, 304: {}, 404: PROBLEM, 416: PROBLEM, "default": PROBLEM},
)
def release_file(
    aldea: Aldea,
    request: Request,
    version: Annotated[str, Path(max_length=40, description="The release's version.")],
    file: Annotated[str, Path(max_length=130, description="The wheel's name, as the manifest has it.")],
) -> Response:
    """Answer a range of a wheel (`Range: bytes=0-65535`), at most 1 MiB; without one, all of it if it is that small.

    `ETag` is the file's SHA-256.
    """
    with aldea.register.reading() as unit:
        found = find_release_file(unit, version, file)
        if found is None:
            raise Problem(404, said("There is no such file: its release was not added to this server."))
        etag = f'"{found.sha256}"'
        headers = {
            "ETag": etag,
            "Accept-Ranges": "bytes",
            "Cache-Control": "public, max-age=86400, no-transform",
            "Content-Encoding": "identity",  # said outright, so that no layer compresses it
        }
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        first, last, partial = _wanted(request, etag, found.size_bytes)
        content = read_release_file(unit, version, file, first, last - first + 1)
    if partial:
        headers["Content-Range"] = f"bytes {first}-{last}/{found.size_bytes}"
    return Response(content, 206 if partial else 200, headers, "application/octet-stream")


def _release(item: StoredRelease) -> ReleaseDocument:
    manifest = item.release.manifest
    return ReleaseDocument(
        version=manifest.version,
        python=manifest.python,
        size_bytes=manifest.size_bytes,
        files=[file.name for file in manifest.files],
        added=iso(item.added_ms) or "",
    )


def _rollout(unit: Unit, item: StoredRollout) -> RolloutDocument:
    return RolloutDocument(
        version=item.rollout.version,
        state=item.rollout.state.value,
        wave=item.rollout.wave,
        why=None if item.why is None else item.why.word,
        about={} if item.why is None else dict(item.why.about),
        reason=None if item.why is None else item.why.short,
        first_site=item.rollout.first_site,
        begun=iso(item.rollout.created_ms) or "",
        devices=[
            RolloutDeviceDocument(
                site=one.site,
                device=one.device,
                wave=one.wave,
                progress=one.progress.value,
                asked=iso(one.asked_ms) or "",
                ended=iso(one.ended_ms),
                detail=dict(one.detail),
            )
            for one in rollout_devices(unit, item.id)
        ],
    )


def _wanted(request: Request, etag: str, size: int) -> tuple[int, int, bool]:
    """Return first and last byte, and whether a range was asked for. Raises Problem."""
    asked = _RANGE.fullmatch(request.headers.get("range", ""))
    if asked is None or request.headers.get("if-range", etag) != etag:
        if size > LARGEST_RANGE_BYTES:
            raise Problem(
                416, said("Ask for ranges of at most %(most)s bytes (Range: bytes=0-65535).", most=LARGEST_RANGE_BYTES)
            )
        return 0, size - 1, False
    first, last = int(asked[1]), int(asked[2] or size - 1)
    last = min(last, size - 1, first + LARGEST_RANGE_BYTES - 1)
    if first > last:
        raise Problem(416, said("The file has %(size)s bytes: ask for a range within them.", size=size))
    return first, last, True
