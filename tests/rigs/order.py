"""In which order the files of tests run, in which class, and how many at a time: all wait for a long one at the end."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

CLASSES = ("waiting", "alone")
"""What `make test` runs by itself; it finds the files of each by its mark, as it is written."""

LONGEST = (
    "proof/test_delivery.py",
    "story/test_monday.py",
    "upgrades/test_upgrade.py",
    "collector/settling/test_any_clock.py",
    "deploy/test_install_gone_wrong.py",
    "agents/overlay/test_over_the_wire.py",
    "deploy/test_install.py",
    "judgement/test_whole_chain.py",
    "agents/budget/test_simulated_months.py",
    "deploy/test_up.py",
    "collector/settling/test_two_boxes.py",
    "agents/page/test_technician.py",
    "deploy/test_install_booted.py",
    "story/test_parts.py",
    "agents/overlay/test_unlucky.py",
    "deploy/test_start_for_real.py",
    "alert_rules/test_stories_of_telling.py",
    "agents/records/test_killed.py",
    "agents/page/test_screens.py",
    "dashboard_api/test_pages_of_incidents.py",
    "dashboard_api/access/test_signing_in.py",
    "delivery/test_any_story.py",
    "delivery/test_caps.py",
    "alert_rules/test_stories_of_one_site.py",
    "agents/records/test_box_to_server.py",
    "alert_rules/test_stories_of_many_sites.py",
    "deploy/test_broker.py",
    "dashboard_api/test_pages.py",
    "dashboard_api/contacts/test_log_of_notifications.py",
    "records/test_pages.py",
    "lab/test_the_links_quality.py",
    "lab/test_faults_at_the_site.py",
    "lab/test_faults_beyond_the_router.py",
)
"""Those that take ten seconds or more, longest first; a name that is wrong or missing costs time and nothing else."""

_RANKS = {name: rank for rank, name in enumerate(LONGEST)}
_TESTS = Path(__file__).resolve().parent.parent


def rank(file: Path) -> int:
    """Return which place a file has among the longest; all others come after them, as they are."""
    try:
        return _RANKS.get(file.relative_to(_TESTS).as_posix(), len(_RANKS))
    except ValueError:
        return len(_RANKS)


def misplaced(items: Iterable[pytest.Item]) -> list[str]:
    """Return the tests that `make test` would run twice, or not at all."""
    return [item.nodeid for item in items if not _in_one_class(item)]


def _in_one_class(item: pytest.Item) -> bool:
    classes = [name for name in CLASSES if item.get_closest_marker(name) is not None]
    return not classes or (
        len(classes) == 1 and item.path.match("test_*.py") and f"mark.{classes[0]}" in _text(item.path)
    )


@cache
def _text(file: Path) -> str:
    return file.read_text("utf-8")


def workers() -> int:
    """Return how many tests are to run at a time: one more than there are processors, for a third of it is waiting."""
    return (os.cpu_count() or 1) + 1
