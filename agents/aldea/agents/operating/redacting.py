"""Takes out of a text what must not leave the site: hardware addresses, mail addresses, secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

GONE = "(removed)"

_MAC = re.compile(r"(?i)(?<![0-9a-f])(?:[0-9a-f]{2}([:.-]))(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}(?![0-9a-f])")
_MAC_CISCO = re.compile(r"(?i)(?<![0-9a-f])[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}(?![0-9a-f])")
_MAC_BARE = re.compile(r"(?i)(?<![0-9a-z])(?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{12}(?![0-9a-z])")
# Names of plugged-in cards, and IPv6 addresses that are made from a hardware address.
_MAC_NAME = re.compile(r"(?i)\b(en|wl|ww)x[0-9a-f]{12}\b")
_MAC_IPV6 = re.compile(r"(?i)(?<![0-9a-f])[0-9a-f]{1,4}:[0-9a-f]{0,2}ff:fe[0-9a-f]{2}:[0-9a-f]{1,4}(?![0-9a-f])")
_MAIL = re.compile(r"[^\s@<>\"'(),;:]+@[^\s@<>\"'(),;:]+\.[^\s@<>\"'(),;:]+")
_WORDS = (
    r"(?:pass(?:word|wd|phrase)?|secret|token|community|api[_-]?key|auth[_-]?key|priv[_-]?key|pin(?:_hash)?|psk|code)"
)
_VALUE = r"(\"[^\"]*\"|'[^']*'|[^\s,;}\])]+)"
_SECRET = re.compile(rf"(?i)\b([\w.-]*{_WORDS}[\w-]*)(['\"]?\s*(?:[=:]|\bis\b)\s*){_VALUE}")
_LOG_IN = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^/\s@]+@")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{8,}")


def redacted(text: str) -> str:
    """Return `text` without MACs, mail addresses, log-ins within addresses, and values of what is named a secret."""
    text = _LOG_IN.sub(rf"\1{GONE}@", text)
    text = _BEARER.sub(rf"\1 {GONE}", text)
    text = _SECRET.sub(rf"\1\2{GONE}", text)
    text = _MAC_NAME.sub(rf"\1x{GONE}", text)
    for pattern in (_MAIL, _MAC, _MAC_CISCO, _MAC_IPV6, _MAC_BARE):
        text = pattern.sub(GONE, text)
    return text


def redacted_value(value: Any) -> Any:
    """Return a JSON value with every text in it redacted."""
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, Mapping):
        return {str(key): redacted_value(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [redacted_value(part) for part in value]
    return value
