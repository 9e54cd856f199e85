"""paho's client without the name resolver that it would load for SRV records, which no agent asks: 3 MB."""

from __future__ import annotations

import sys
from typing import cast

_RESOLVER = "dns.resolver"
_modules = cast("dict[str, object]", sys.modules)
_is_ours = _RESOLVER not in _modules
if _is_ours:
    _modules[_RESOLVER] = None  # what Python takes for a module that cannot be imported; paho then does without
try:
    from paho.mqtt.client import Client, MQTTMessage, MQTTMessageInfo
finally:
    if _is_ours:
        del _modules[_RESOLVER]

__all__ = ["Client", "MQTTMessage", "MQTTMessageInfo"]
