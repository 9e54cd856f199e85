"""What every endpoint's documentation says of its errors."""

from __future__ import annotations

from typing import Any, Final

from aldea.dashboard_api.problems import MEDIA_TYPE

PROBLEM: Final[dict[str, Any]] = {
    "description": "What went wrong and how to mend it (RFC 9457)",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
}

RESPONSES: Final[dict[int | str, dict[str, Any]]] = {400: PROBLEM, "default": PROBLEM}
SITE_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {400: PROBLEM, 404: PROBLEM, "default": PROBLEM}
