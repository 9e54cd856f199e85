"""How large a request may be: nothing that anybody sends fills the memory or the disk."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope

MEGABYTE = 1024 * 1024
MOST_BYTES = MEGABYTE
LARGER: Mapping[str, int] = MappingProxyType({"/admin/import": 8 * MEGABYTE, "/records/import": 8 * MEGABYTE})
"""Addresses that take files. Their pages have limits of their own, below these, with a sentence of their own."""


class TooLarge(HTTPException):
    """More has come than the address takes."""

    def __init__(self, most: int) -> None:
        super().__init__(413, f"That is more than {most // MEGABYTE} MB, which is all that is taken here: send parts.")


def most_of(path: str) -> int:
    """Return how many bytes a request to an address may have, its form's own included."""
    return LARGER.get(path, MOST_BYTES)


def announced_too_large(scope: Scope) -> TooLarge | None:
    """Return what to refuse a request with that says itself that it is too large."""
    most = most_of(scope["path"])
    length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return TooLarge(most) if length.isdigit() and (len(length) > 18 or int(length) > most) else None


def bounded(scope: Scope, receive: Receive) -> Receive:
    """Return `receive` such that it raises TooLarge once more has come than may."""
    most, come = most_of(scope["path"]), 0

    async def counted() -> Message:
        nonlocal come
        message = await receive()
        come += len(message.get("body", b""))
        if come > most:
            raise TooLarge(most)
        return message

    return counted
