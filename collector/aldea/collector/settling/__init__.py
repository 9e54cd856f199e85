"""The settler: follows the register's feed and turns what was delivered into settled truth."""

from aldea.collector.settling.settler import Settler

__all__ = ["Settler"]
