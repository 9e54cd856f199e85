"""The API's own traffic, counted for Prometheus; and the headers that every answer carries."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import MutableHeaders

from aldea.model.clock import Clock

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
STREAM_ROUTE = "/api/v1/stream"

SECURITY_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
            "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        ),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }
)


class Traffic:
    """Counts requests by route, never by address, so that the number of series stays small."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "aldea_http_requests",
            "Requests answered, by route.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "aldea_http_request_duration_seconds",
            "Time to answer, by route; the live stream is left out.",
            ("route",),
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5),
            registry=self.registry,
        )

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        known = method if method in METHODS else "other"
        self._requests.labels(known, route, str(status)).inc()
        if route != STREAM_ROUTE:
            self._seconds.labels(route).observe(seconds)


def _secure_cookies(message: Message) -> None:
    """Let every cookie that came over HTTPS, whoever sets it, go back over HTTPS alone."""
    message["headers"] = [
        (name, value + b"; Secure" if name == b"set-cookie" and b"; secure" not in value.lower() else value)
        for name, value in message["headers"]
    ]


class Edge:
    """The outermost layer: measures each request and puts the security headers on each answer."""

    def __init__(self, app: ASGIApp, traffic: Traffic, clock: Clock) -> None:
        self._app = app
        self._traffic = traffic
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = self._clock.mono_ms(), 500

        async def with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                if scope["scheme"] == "https":
                    _secure_cookies(message)
            await send(message)

        try:
            await self._app(scope, receive, with_headers)
        finally:
            route = getattr(scope.get("route"), "path", "unmatched")
            self._traffic.count(scope["method"], route, status, (self._clock.mono_ms() - began) / 1000)
