"""Requests that nobody could mean: too much, half a character, a number without end. Each is refused, none breaks."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING

import pytest

from aldea.dashboard_api.access.limits import MOST_BYTES, most_of
from dashboard_api.accounts import csrf_of, send

if TYPE_CHECKING:
    from collections.abc import Iterator

    from httpx import Client

MEGABYTE = 1024 * 1024


@pytest.mark.parametrize("path", ["/api/v1/enrol", "/sign-in", "/nowhere", "/api/v1/records"])
def test_a_body_that_is_too_large_is_refused_before_it_is_read(fresh: Client, path: str) -> None:
    answer = fresh.post(path, content=b"x" * (MOST_BYTES + 1))
    assert answer.status_code == 413
    assert answer.json()["detail"] == "That is more than 1 MB, which is all that is taken here: send parts."


def test_a_body_that_does_not_say_its_length_is_counted(fresh: Client) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(40):
            yield b"x" * 65_536

    answer = fresh.post("/api/v1/enrol", content=parts(), headers={"content-type": "application/json"})
    assert answer.status_code == 413


def test_a_length_that_is_a_lie_is_no_way_around(fresh: Client) -> None:
    connection = http.client.HTTPConnection(fresh.base_url.host, fresh.base_url.port, timeout=60)
    connection.putrequest("POST", "/api/v1/enrol")
    connection.putheader("Content-Length", "9" * 30)
    connection.endheaders()
    assert connection.getresponse().status == 400
    connection.close()


def test_a_page_says_that_it_was_too_much(fresh: Client) -> None:
    answer = fresh.post("/sign-in?lang=en", content=b"x" * (MOST_BYTES + 1), headers={"accept": "text/html"})
    assert answer.status_code == 413
    assert "That is too much at once" in answer.text
    assert "Divide the file" in answer.text


def test_a_file_of_the_size_that_its_page_takes_comes_through(fresh: Client) -> None:
    token = csrf_of(fresh.get("/admin/import"))
    for path, size in (("/admin/import", 5 * MEGABYTE), ("/records/import", 6 * MEGABYTE)):
        fields = {"csrf": token, "form": "attendance"}
        answer = fresh.post(path, data=fields, files={"file": ("a.csv", b"x" * size)}, headers={"accept": "text/html"})
        assert answer.status_code == 400, "the page's own sentence"
        assert "MB" in answer.text
        assert most_of(path) > size
        assert fresh.post(path, data=fields, files={"file": ("a.csv", b"x" * 9 * MEGABYTE)}).status_code == 413


@pytest.mark.parametrize(
    "path", ["/sites/a%00b", "/?q=%00", "/records?site=%00", "/incidents/%00", "/admin/people/%00"]
)
def test_a_character_that_is_no_text_is_refused(fresh: Client, path: str) -> None:
    answer = fresh.get(path)
    assert answer.status_code == 400
    assert "%00" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/admin/contacts/{}", "/admin/audit?before={}", "/admin/notifications?before={}"])
def test_a_number_without_end_is_no_crash(fresh: Client, path: str) -> None:
    assert fresh.get(path.format("9" * 30)).status_code == 400


def test_half_a_character_in_json_gets_a_sentence(fresh: Client) -> None:
    for path, body in (
        ("/api/v1/records", '{"site": "\\ud800", "form": "attendance", "payload": {}}'),
        ("/api/v1/maintenance", '{"site": "\\ud800", "start": "now", "end": "now", "reason": "x"}'),
        ("/api/v1/enrol", '{"code": "\\ud800"}'),
    ):
        answer = fresh.post(path, content=body, headers={"content-type": "application/json"})
        assert 400 <= answer.status_code < 500 or answer.status_code == 503, (path, answer.text)


def test_a_nul_in_a_form_is_no_crash(fresh: Client) -> None:
    for path in ("/admin/people", "/maintenance"):
        answer = send(fresh, path, account="a\0b", label="a\0b", site="a\0b", start="\0", end="\0", reason="\0")
        assert answer.status_code == 400, path
