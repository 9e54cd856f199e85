"""What is said to the server over HTTP, and what its answers mean."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import urllib3
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.rest import ApiException
from influxdb_client.service.write_service import WriteService

from aldea.model.series import StoreRefused, StoreUnavailable

_REFUSALS = (400, 413, 422)
"""What is wrong with the data. Other refusals (401, 403, 404, ...) are mended at the server or in the settings,
and nothing may be thrown away over them."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is and how to speak to it. `database` is the bucket of a 2.x or 3.x server."""

    url: str
    database: str
    org: str = ""
    token: str = ""
    user: str = ""
    password: str = ""
    gzip: bool = True
    timeout_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One series of an InfluxQL answer."""

    name: str
    tags: dict[str, str]
    columns: list[str]
    values: list[list[Any]]


class Server:
    """One InfluxDB, or something that speaks like one. May be used from several threads."""

    def __init__(self, address: Address) -> None:
        self._address = address
        milliseconds = round(address.timeout_seconds * 1000)
        self._client = InfluxDBClient(url=address.url, token=address.token, org=address.org, timeout=milliseconds)
        self._headers: dict[str, str] = {}
        if address.user:
            self._headers = urllib3.make_headers(basic_auth=f"{address.user}:{address.password}")
        elif address.token:
            self._headers = {"authorization": f"Token {address.token}"}
        for name, value in self._headers.items():
            self._client.api_client.default_headers[name.title()] = value
        self._write_service = WriteService(self._client.api_client)  # type: ignore[no-untyped-call]  # the library
        self._pool = urllib3.PoolManager(
            maxsize=8, retries=False, timeout=urllib3.Timeout(total=address.timeout_seconds)
        )

    def write(self, lines: bytes) -> None:
        """Send line protocol with times in nanoseconds. Raises StoreRefused or StoreUnavailable."""
        body, encoding = lines, "identity"
        if self._address.gzip:
            # Level 1: the client library's own gzip costs more than the server takes to store the lines.
            packer = zlib.compressobj(1, zlib.DEFLATED, 31)
            body, encoding = packer.compress(lines) + packer.flush(), "gzip"
        try:
            self._write_service.post_write(  # type: ignore[no-untyped-call]  # the library
                org=self._address.org,
                bucket=self._address.database,
                body=body,
                precision="ns",
                content_encoding=encoding,
                content_type="text/plain; charset=utf-8",
            )
        except ApiException as error:
            raise self._failure(error.status or 0, str(error.body or error.reason or "")) from None
        except urllib3.exceptions.HTTPError as error:
            raise self._silence(error) from error

    def ask(self, statement: str) -> list[Answer]:
        """Run one InfluxQL statement and return its series, times in nanoseconds.

        Raises StoreUnavailable, or StoreRefused for what the server will not do.
        """
        fields = {"db": self._address.database, "epoch": "ns", "q": statement}
        try:
            response = self._pool.request(
                "POST",
                f"{self._address.url}/query",
                body=urlencode(fields),
                headers={
                    **self._headers,
                    "Content-Type": "application/x-www-form-urlencoded",
                    "Accept": "application/json",
                    "Accept-Encoding": "gzip" if self._address.gzip else "identity",
                },
            )
        except urllib3.exceptions.HTTPError as error:
            raise self._silence(error) from error
        if response.status != 200:
            raise self._failure(response.status, response.data.decode("utf-8", "replace"))
        return self._answers(response.data)

    def _answers(self, body: bytes) -> list[Answer]:
        try:
            parsed = json.loads(body)
            result = parsed["results"][0] if parsed.get("results") else parsed
        except (ValueError, AttributeError) as error:
            raise StoreUnavailable(f"{self._address.url} does not answer as an InfluxDB does: {error}") from error
        if "error" in result:
            status = 404 if "not found" in result["error"] else 400
            raise self._failure(status, result["error"])
        return [
            Answer(item.get("name", ""), item.get("tags") or {}, item["columns"], item.get("values") or [])
            for item in result.get("series", ())
        ]

    def _failure(self, status: int, said: str) -> StoreRefused | StoreUnavailable:
        sentence = f"InfluxDB at {self._address.url} answered {status}: {' '.join(said.split())[:500]}"
        if status in _REFUSALS:
            return StoreRefused(sentence)
        if status == 404:
            return StoreUnavailable(f"{sentence} (does the database {self._address.database!r} exist?)")
        if status in (401, 403):
            return StoreUnavailable(f"{sentence} (check the token, or user and password, of the store's URL)")
        return StoreUnavailable(sentence)

    def _silence(self, error: Exception) -> StoreUnavailable:
        return StoreUnavailable(f"InfluxDB at {self._address.url} does not answer: {error}")

    def close(self) -> None:
        """Close all connections."""
        self._pool.clear()
        self._client.close()  # type: ignore[no-untyped-call]  # the library
