"""The register: sites, devices, people, records, incidents, indicator values, and what the collector reports.

Open it with `open_register`, work in `register.transaction()` or `register.reading()`, and hand the unit to
the functions of the module that has the subject: `sites`, `facts`, `devices`, `listing`, `feed`, `status`,
`streams`, `boots`, `settings`. They take and return plain frozen values; nothing of the database library
comes out.
"""

from __future__ import annotations

from aldea.storage.register.errors import (
    RegisterConflictError,
    RegisterError,
    RegisterUnavailableError,
    UnknownEntryError,
)
from aldea.storage.register.register import Register, Unit, open_register

__all__ = [
    "Register",
    "RegisterConflictError",
    "RegisterError",
    "RegisterUnavailableError",
    "Unit",
    "UnknownEntryError",
    "open_register",
]
