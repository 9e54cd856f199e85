"""Putting a backup in: people who differ are shown both ways, and whoever chooses decides."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from agentkit.facilitator import Site
from aldea.agents.records import Person
from aldea.agents.records.sealing import seal

WORDS = "cinco gallos cantan"
HERE = Person("K-1", "Rosa Canul", "F", "25-44")
THERE = Person("K-1", "Rosa Canul Ek", "F", "45-64", gone=True)
NEW = Person("K-2", "Juan Poot", "M", "65+")


def upload(site: Site, file: bytes, words: str = WORDS) -> tuple[int, str]:
    """Send a file by the page's form; return the status and the page."""
    parts = {"csrf": site.hidden("/records/roster/restore")["csrf"], "passphrase": words}
    body = b"".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in parts.items()
    )
    body += b'--x\r\nContent-Disposition: form-data; name="file"; filename="r"\r\n\r\n' + file + b"\r\n--x--\r\n"
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/records/roster/restore",
        "REMOTE_ADDR": site.browser.peer,
        "HTTP_HOST": site.browser.host,
        "HTTP_COOKIE": "; ".join(f"{name}={value}" for name, value in site.browser.cookies.items()),
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": "multipart/form-data; boundary=x",
        "wsgi.input": BytesIO(body),
    }
    setup_testing_defaults(environ)
    told: list[str] = []
    page = b"".join(site.browser.site(environ, lambda status, _heads, _exc=None: told.append(status)))
    return int(told[-1][:3]), page.decode()


@pytest.mark.parametrize(("choice", "kept"), [("here", HERE), ("backup", THERE)])
def test_people_who_differ_stay_or_are_replaced_as_chosen(site: Site, choice: str, kept: Person) -> None:
    site.desk.roster.put((HERE,))
    status, page = upload(site, seal((THERE, NEW), WORDS))
    assert status == 200
    assert "Rosa Canul (Mujer, 25-44)" in page
    assert "Rosa Canul Ek (Mujer, 45-64, se fue)" in page
    word = re.search(r'name="word" value="([^"]+)"', page)
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)
    assert word is not None
    assert csrf is not None
    assert site.desk.roster.people(gone=True) == (HERE,), "looking at it changes nothing"
    form = {"csrf": csrf[1], "word": word[1], "differ": choice}
    assert site.browser.post_bare("/records/roster/merge", form).status == 303
    assert {person.code: person for person in site.desk.roster.people(gone=True)} == {"K-1": kept, "K-2": NEW}
    again = site.browser.post_bare("/records/roster/merge", form)
    assert again.headers["location"].endswith("said=restored"), "a second click says the same"
    assert len(site.desk.roster.people(gone=True)) == 2
    assert site.browser.post_bare("/records/roster/merge", {**form, "word": "x"}).status == 400


def test_a_whole_roster_fits_into_its_backup_and_back(site: Site) -> None:
    many = tuple(
        Person(f"LARGA-CLAVE-{number:07}", f"Nombre {number:07} " + "ñandú " * 10, "O", "25-44")
        for number in range(2_000)
    )
    many = tuple(Person(one.code, one.name.strip(), one.sex, one.age_band) for one in many)
    site.desk.roster.put(many)
    file = seal(site.desk.roster.people(gone=True), WORDS)
    status, page = upload(site, file)
    assert (status, "Ya iguales: 2000." in page) == (200, True)


def test_a_cut_file_and_a_wrong_passphrase_are_told(site: Site) -> None:
    file = seal((NEW,), WORDS)
    for given, words in ((file[:-7], WORDS), (file, "otra frase cualquiera")):
        status, page = upload(site, given, words)
        assert (status, "La frase secreta no abre" in page) == (400, True)
    status, page = upload(site, b"PK" + file)
    assert (status, "no es un respaldo" in page) == (400, True)
