"""HTTPS by a certificate of one's own, renewed while running; and behind a reverse proxy."""

from __future__ import annotations

import shutil
import ssl
from typing import TYPE_CHECKING

import httpx
import pytest
import trustme

from aldea.dashboard_api.access.cookies import SESSION
from aldea.dashboard_api.app import create_app
from aldea.dashboard_api.certificate import Certificate
from aldea.dashboard_api.server import CannotServe, serve
from aldea.dashboard_api.settings import ApiSettings
from aldea.model.clock import ManualClock
from dashboard_api.accounts import session_of
from dashboard_api.village import NOW_MS
from rigs.processes import LOOPBACK, ServerProcess, find_program, free_port

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi import FastAPI

    from dashboard_api.village import Village


@pytest.fixture
def app(filled: Village) -> FastAPI:
    return create_app(filled.register, filled.series, ManualClock(NOW_MS), ApiSettings(demo_admin=True))


def issue(authority: trustme.CA, folder: Path) -> Certificate:
    made = authority.issue_cert(LOOPBACK)
    made.private_key_pem.write_to_path(folder / "key.pem")
    made.cert_chain_pems[0].write_to_path(folder / "certificate.pem")
    return Certificate(folder / "certificate.pem", folder / "key.pem")


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def test_pages_come_over_https_with_the_operators_certificate(app: FastAPI, tmp_path: Path) -> None:
    authority = trustme.CA()
    server = serve(app, port=0, certificate=issue(authority, tmp_path))
    try:
        assert server.url.startswith("https://")
        assert httpx.get(f"{server.url}/healthz", verify=trusting(authority)).status_code == 200
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{server.url}/healthz", verify=trusting(trustme.CA()))
    finally:
        server.stop()


def test_a_renewed_certificate_is_taken_up_and_half_a_renewal_is_not(tmp_path: Path) -> None:
    first, second = trustme.CA(), trustme.CA()
    certificate = issue(first, tmp_path)
    certificate.check()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.file, certificate.key)
    old_key = certificate.key.read_bytes()
    issue(second, tmp_path)
    new_key = certificate.key.read_bytes()
    certificate.key.write_bytes(old_key)
    certificate.renew(context)
    assert shown(context, first)
    certificate.key.write_bytes(new_key)
    certificate.renew(context)
    assert shown(context, second)
    assert not shown(context, first)


def shown(context: ssl.SSLContext, authority: trustme.CA) -> bool:
    """Say whether a client that trusts this authority accepts what the context shows."""
    client_in, client_out, server_in, server_out = (ssl.MemoryBIO() for _ in range(4))
    client = trusting(authority).wrap_bio(client_in, client_out, server_hostname=LOOPBACK)
    server = context.wrap_bio(server_in, server_out, server_side=True)
    for _ in range(6):
        for side, out, into in ((client, client_out, server_in), (server, server_out, client_in)):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                return False
            into.write(out.read())
    return client.version() is not None


def test_a_certificate_that_does_not_fit_its_key_is_named(app: FastAPI, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, other = issue(trustme.CA(), tmp_path / "a"), issue(trustme.CA(), tmp_path / "b")
    with pytest.raises(CannotServe, match=r"certificate\.pem with the key .*key\.pem can't be used"):
        serve(app, port=0, certificate=Certificate(one.file, other.key))
    with pytest.raises(CannotServe, match="No such file"):
        serve(app, port=0, certificate=Certificate(tmp_path / "none.pem", one.key))


PROXY = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr; worker_processes 1;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{
    listen {host}:{port} ssl;
    ssl_certificate {folder}/certificate.pem; ssl_certificate_key {folder}/key.pem;
{location}
  }}
}}
"""


def documented_location(port: int) -> str:
    """Return the proxy's settings as the page of the documentation gives them."""
    from test_docs import ROOT

    text = (ROOT / "docs/https.md").read_text(encoding="utf-8")
    block = text.split("```nginx\n")[1].split("```")[0]
    return block.replace("127.0.0.1:8000", f"{LOOPBACK}:{port}")


@pytest.mark.skipif(shutil.which("nginx") is None and not shutil.which("/usr/sbin/nginx"), reason="needs nginx")
def test_behind_the_documented_proxy_the_stream_flows_and_cookies_are_secure(app: FastAPI, tmp_path: Path) -> None:
    authority, port = trustme.CA(), free_port()
    issue(authority, tmp_path)
    server = serve(app, port=0)
    config = PROXY.format(folder=tmp_path, host=LOOPBACK, port=port, location=documented_location(server.port))
    (tmp_path / "nginx.conf").write_text(config)
    proxy = ServerProcess(
        "nginx",
        [find_program("nginx", "nginx-light"), "-c", str(tmp_path / "nginx.conf"), "-p", str(tmp_path)],
        tmp_path / "nginx.log",
    )
    client = httpx.Client(base_url=f"https://{LOOPBACK}:{port}", verify=trusting(authority), timeout=60)

    def answers() -> bool:
        try:
            return client.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False

    try:
        proxy.start(answers)
        # Whoever comes through a proxy is no demo administrator.
        page = client.get("/sign-in?lang=en")
        assert page.status_code == 200
        assert "Secure" in page.headers["set-cookie"]
        # Not held back until some buffer is full.
        context = app.state.context
        client.cookies.set(SESSION, session_of(context.register, "viewer", "viewer", context.clock.wall_ms()))
        with client.stream("GET", "/api/v1/stream") as stream:
            assert next(stream.iter_text()).startswith("retry:")
    finally:
        client.close()
        proxy.stop()
        server.stop()
