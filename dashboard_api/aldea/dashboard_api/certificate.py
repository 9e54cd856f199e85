"""The certificate for HTTPS: a PEM file and its key, read again when somebody renews them."""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass, field
from pathlib import Path

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Certificate:
    """`file`: the chain, leaf first; `key`: its private key without a passphrase. Both PEM."""

    file: Path
    key: Path
    _read_at: tuple[int, int] | None = field(default=None, init=False)

    def check(self) -> None:
        """Load both as the server will. Raises OSError or ssl.SSLError."""
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.file, self.key)
        self._read_at = self._changed_at()

    def renew(self, context: ssl.SSLContext) -> None:
        """Load them into the running server's context if they changed: new connections get the new one.

        A pair that does not fit, as while only one of the two has been replaced, leaves the old one in use.
        """
        try:
            changed = self._changed_at()
            if changed == self._read_at:
                return
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.file, self.key)
            context.load_cert_chain(self.file, self.key)
        except (OSError, ssl.SSLError) as error:
            log.warning("the renewed certificate can't be used yet, the old one stays: %s", error)
            return
        self._read_at = changed
        log.info("the certificate was renewed")

    def _changed_at(self) -> tuple[int, int]:
        return self.file.stat().st_mtime_ns, self.key.stat().st_mtime_ns
