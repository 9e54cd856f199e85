"""What the API answers to an address, or why it refuses."""

from __future__ import annotations

from typing import Any

from httpx import Client

SITE = "/api/v1/sites/escuela-01"


def get(client: Client, address: str) -> dict[str, Any]:
    """Return what the API answers to an address."""
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def refused(client: Client, address: str, status: int = 400) -> dict[str, Any]:
    """Return the problem with which the API refuses an address."""
    answer = client.get(address)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail"} <= found.keys()
    assert found["status"] == status
    return found
