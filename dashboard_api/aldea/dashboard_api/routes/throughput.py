"""What agents measure their link against: an object of any size to get, and an address that takes a POST.

Open to all, for a device has no account. So each test is bounded in bytes and time, and few run at once, of which
nobody holds more than are left for others; nothing is kept, and nothing is compressed.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from aldea.dashboard_api.access.local import address_of
from aldea.dashboard_api.problems import Problem, answer
from aldea.dashboard_api.routes.documented import PROBLEM
from aldea.dashboard_api.words import said

router = APIRouter(prefix="/api/v1/throughput", tags=["throughput"])

LARGEST_BYTES = 50_000_000
MOST_AT_ONCE = 32
"""Connections, of all agents together: eight tests with four flows each."""
LONGEST_SECONDS = 60.0
RETRY_SECONDS = 30
_BLOCK_BYTES = 65_536


class ReceivedDocument(BaseModel):
    """What came."""

    received_bytes: int = Field(description="The size of the body; it was thrown away as it came.")


class Places:
    """How many transfers may run at once, and who has them. `take` and `leave` are called in the server's loop.

    Nobody takes more than are free: one alone gets half of them, and whoever comes next still finds some. (The dynamic
    threshold of Choudhury and Hahne, "Dynamic Queue Length Thresholds for Shared-Memory Packet Switches", 1998.)
    """

    def __init__(self, most: int) -> None:
        self._free = most
        self._held: Counter[str] = Counter()

    def take(self, who: str) -> bool:
        """Take a place for `who`; False when there is none for them."""
        if self._held[who] >= self._free:
            return False
        self._free -= 1
        self._held[who] += 1
        return True

    def leave(self, who: str) -> None:
        """Give it back."""
        self._free += 1
        self._held[who] -= 1
        if not self._held[who]:
            del self._held[who]


@router.get(
    "/{bytes}",
    summary="An object of so many random bytes",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}}, 400: PROBLEM, 503: PROBLEM, "default": PROBLEM},
)
async def download(
    request: Request, size: Annotated[int, Path(alias="bytes", ge=1, le=LARGEST_BYTES, description="Its size.")]
) -> Response:
    """Stream random bytes, which no link can compress, for an agent to measure its download with."""
    places, who = _places(request), _who(request)
    if not places.take(who):
        return _busy(request)
    headers = {
        "Content-Length": str(size),
        "Cache-Control": "no-store, no-transform",
        "Content-Encoding": "identity",  # said outright, so that no layer compresses it
    }
    return _Held(places, who, _random_bytes(size), media_type="application/octet-stream", headers=headers)


@router.post(
    "",
    summary="Take a body of any kind and throw it away",
    responses={413: PROBLEM, 503: PROBLEM, "default": PROBLEM},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
    response_model=ReceivedDocument,
)
async def upload(request: Request) -> Response | ReceivedDocument:
    """Count what comes, for an agent to measure its upload with. Nothing of it is kept."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > LARGEST_BYTES:
        raise _too_large()
    places, who = _places(request), _who(request)
    if not places.take(who):
        return _busy(request)
    received = 0
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            async for part in request.stream():
                received += len(part)
                if received > LARGEST_BYTES:
                    raise _too_large()
    except TimeoutError as error:
        raise Problem(
            408, said("The body took longer than %(seconds)s s: send less.", seconds=f"{LONGEST_SECONDS:g}")
        ) from error
    except ClientDisconnect:
        return Response(status_code=400)  # nobody is there to read it: the agent has seen enough
    finally:
        places.leave(who)
    return ReceivedDocument(received_bytes=received)


class _Held(StreamingResponse):
    """A stream that gives its place back however it ends, and ends when it takes too long."""

    def __init__(self, places: Places, who: str, content: AsyncIterator[bytes], **options: object) -> None:
        super().__init__(content, **options)  # type: ignore[arg-type]  # StreamingResponse's own options
        self._places = places
        self._who = who

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                await super().__call__(scope, receive, send)
        except TimeoutError:
            # Its length was promised: the connection ends unfinished, which is what the agent must see.
            return
        finally:
            self._places.leave(self._who)


async def _random_bytes(size: int) -> AsyncIterator[bytes]:
    block = os.urandom(_BLOCK_BYTES)
    left = size
    while left > 0:
        yield block[:left] if left < _BLOCK_BYTES else block
        left -= _BLOCK_BYTES


def _places(request: Request) -> Places:
    state = request.app.state
    if not hasattr(state, "throughput_places"):
        state.throughput_places = Places(MOST_AT_ONCE)
    places: Places = state.throughput_places
    return places


def _who(request: Request) -> str:
    """Return whose place it is: the address that asks, of version 6 the network that one household has."""
    address = address_of(request)
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        mapped = found.ipv4_mapped
        return str(ip_network((found, 64), strict=False)) if mapped is None else str(mapped)
    return address


def _busy(request: Request) -> Response:
    busy = said("Other tests are running: try again in half a minute.")
    return answer(request, 503, busy, headers={"Retry-After": str(RETRY_SECONDS)})


def _too_large() -> Problem:
    return Problem(413, said("The body is too large: send at most %(most)s bytes.", most=LARGEST_BYTES))
