"""The kinds of rules there are. A new one is a module here and a line in KINDS."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from aldea.alert_rules.kinds.site_silent import SiteSilent
from aldea.alert_rules.kinds.sustained_loss import SustainedLoss
from aldea.alert_rules.rule import Kind

KINDS: Mapping[str, type[Kind]] = MappingProxyType(
    {
        "site_silent": SiteSilent,
        "sustained_loss": SustainedLoss,
    }
)
