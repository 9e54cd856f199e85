"""Tokens: they do what was chosen, and never more than their owner may."""

from __future__ import annotations

import re

from httpx import Client
from hypothesis import given
from hypothesis import strategies as st

from aldea.dashboard_api.access.identify import narrowed
from aldea.dashboard_api.access.permissions import ROLES, Permission
from aldea.dashboard_api.access.visitor import Held, SiteScope
from aldea.dashboard_api.server import HttpServer
from aldea.storage.register.tokens import Token
from dashboard_api.accounts import send


def test_a_token_does_what_was_chosen_until_it_is_revoked(admin: Client, server: HttpServer) -> None:
    page = send(admin, "/account/tokens", on="/account", name="prometheus", permission=["view", "administer"])
    secret = re.search(r">(aldea_[\w-]+)</textarea>", page.text)
    assert secret is not None
    assert secret[1] not in admin.get("/account").text
    with Client(base_url=server.url, headers={"Authorization": f"Bearer {secret[1]}"}) as program:
        assert program.get("/api/v1/sites").status_code == 200
        assert program.get("/admin/people").status_code == 403
        send(admin, "/account/tokens/1/revoke", on="/account")
        refused = program.get("/api/v1/sites")
        assert refused.status_code == 401
        assert "revoked" in refused.json()["detail"]


TEXTS = st.sampled_from(["", "aldeas", "taller"])


@given(st.sampled_from(sorted(ROLES)), TEXTS, TEXTS, TEXTS, TEXTS, st.sets(st.sampled_from(list(Permission))))
def test_a_token_never_allows_more_than_its_owner_may(
    role: str, programme: str, region: str, narrow: str, place: str, wanted: set[Permission]
) -> None:
    owner = Held(ROLES[role], programme, region)
    token = Token(1, "x", "t", tuple(wanted), narrow, place, 0, None, None, None)
    for left in narrowed([owner], token):
        for scope in (SiteScope(frozenset({"aldeas"}), "taller"), SiteScope(frozenset({"taller"}), "aldeas")):
            if left.covers(scope):
                assert owner.covers(scope)
                assert left.permissions <= owner.permissions & wanted
