"""What a page weighs on the air: packed for whoever takes that, and whole for an old telephone."""

from __future__ import annotations

import gzip

import pytest

from agentkit.box import Browser
from agentkit.facilitator import Site
from aldea.agents.page.packing import takes_gzip


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [
        ("gzip, deflate", True),
        ("deflate, GZIP;q=0.5", True),
        ("*", True),
        ("x-gzip", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0, *", False),
        ("gzip;q=nonsense", False),
    ],
)
def test_a_browser_says_whether_it_takes_a_packed_page(accepted: str, takes: bool) -> None:
    assert takes_gzip(accepted) is takes


def test_a_list_of_three_hundred_names_is_small_where_the_telephone_unpacks(crowded: Site) -> None:
    small = crowded.browser.get("/records/print", accept_encoding="gzip, deflate")
    assert (small.headers["content-encoding"], small.headers["vary"]) == ("gzip", "Accept-Encoding")
    assert int(small.headers["content-length"]) == len(small.body)
    assert len(small.body) < 6_000
    whole = crowded.browser.get("/records/print")
    assert "content-encoding" not in whole.headers
    assert whole.headers["vary"] == "Accept-Encoding", "nothing in between may give one the other's"
    assert gzip.decompress(small.body) == whole.body


def test_every_page_is_smaller_packed_and_what_is_no_text_is_left_alone(browser: Browser, crowded: Site) -> None:
    style = browser.get("/pin").text.partition('rel="stylesheet" href="')[2].partition('"')[0]
    for path in ("/", "/check", "/about", style):
        whole, small = browser.get(path), browser.get(path, accept_encoding="gzip")
        assert small.status == 200
        assert len(small.body) < 0.6 * len(whole.body), path
    sent = {**crowded.hidden("/records/roster/backup"), "passphrase": "muy secreta 1", "again": "muy secreta 1"}
    file = crowded.browser.post_bare("/records/roster/backup", sent, accept_encoding="gzip")
    assert (file.status, "content-encoding" in file.headers) == (200, False)
    assert "content-encoding" not in browser.get("/favicon.ico", accept_encoding="gzip").headers
