"""What the engine does by itself, and where its limits are. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from aldea.alert_rules.rule import Rule
from aldea.model.settings import about


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """The table `engine` of a rules file."""

    report_stale_seconds: int = field(
        default=15,
        metadata=about("a collector that has not reported for so long counts as gone, s", minimum=5, maximum=600),
    )
    platform_hold_seconds: int = field(
        default=60, metadata=about("how long the platform must be unwell before it is an incident, s", minimum=0)
    )
    platform_clear_hold_seconds: int = field(
        default=120, metadata=about("how long it must be well before that is resolved, s", minimum=0)
    )
    grace_seconds: int = field(
        default=600,
        metadata=about("after that, how long agents have to come back before a site is judged, s", minimum=0),
    )
    mass_sites: int = field(default=3, metadata=about("so many sites silent at once, at least", minimum=2))
    mass_ratio: float = field(
        default=0.2,
        metadata=about("and this share of the expected, 0 to 1: we doubt ourselves", minimum=0.01, maximum=1),
    )
    mass_slack_seconds: int = field(default=90, metadata=about("at once is within, s", minimum=1, maximum=3600))
    mass_limit_seconds: int = field(
        default=3600, metadata=about("how long such a doubt holds sites back, s", minimum=60, maximum=86_400)
    )
    group_sites: int = field(
        default=3, metadata=about("so many sites with something in common make one incident", minimum=2)
    )
    group_ratio: float = field(
        default=0.1,
        metadata=about("if they are this share of those who have it in common, 0 to 1", minimum=0, maximum=1),
    )
    group_slack_seconds: int = field(default=300, metadata=about("and fell silent within, s", minimum=1, maximum=3600))


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All that the rules files say."""

    rules: tuple[Rule, ...]
    engine: EngineSettings = EngineSettings()

    def named(self, name: str) -> Rule | None:
        """Return the rule of this name, or None."""
        return next((rule for rule in self.rules if rule.name == name), None)
