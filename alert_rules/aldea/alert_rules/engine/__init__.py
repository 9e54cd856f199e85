"""The engine that drives the rules over the register's feed."""

from __future__ import annotations

from aldea.alert_rules.engine.engine import Engine

__all__ = ["Engine"]
