"""paho's client without two modules that it loads for what no agent does: 4 MB.

A name resolver for SRV records, and what fetches web pages, which it asks for proxies of websockets.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import cast

_modules = cast("dict[str, object]", sys.modules)
_instead: dict[str, object] = {
    "dns.resolver": None,  # what Python takes for a module that cannot be imported; paho then does without
    "urllib.request": ModuleType("urllib.request"),
}
_ours = {name: module for name, module in _instead.items() if name not in _modules}
_modules.update(_ours)
try:
    from paho.mqtt.client import Client, MQTTMessage, MQTTMessageInfo
finally:
    for _name in _ours:
        del _modules[_name]

__all__ = ["Client", "MQTTMessage", "MQTTMessageInfo"]
