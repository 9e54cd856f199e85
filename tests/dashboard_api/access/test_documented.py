"""The page about accounts says what the code does."""

from __future__ import annotations

import re

from aldea.dashboard_api.access.permissions import ROLES
from test_docs import ROOT


def test_the_roles_of_the_page_are_those_of_the_code() -> None:
    page = (ROOT / "docs/accounts.md").read_text(encoding="utf-8")
    written = dict(re.findall(r"^\| `(\w+)` \| ([\w, ]+) \|$", page, re.MULTILINE))
    assert written == {role: ", ".join(sorted(rights)) for role, rights in ROLES.items()}
