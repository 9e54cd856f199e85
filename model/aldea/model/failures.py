"""The closed vocabulary of failures: a failed measurement is data, and this is the word it carries."""

from __future__ import annotations

import errno
from enum import StrEnum


class Failure(StrEnum):
    """Why a measurement failed. New words are appended; a word once published keeps its meaning."""

    NO_REPLY = "no_reply"
    CONNECT_TIMEOUT = "connect_timeout"
    CONNECTION_REFUSED = "connection_refused"
    CONNECTION_RESET = "connection_reset"
    HOST_UNREACHABLE = "host_unreachable"
    NETWORK_UNREACHABLE = "network_unreachable"
    NO_ROUTE = "no_route"
    READ_TIMEOUT = "read_timeout"
    DNS_TIMEOUT = "dns_timeout"
    DNS_NXDOMAIN = "dns_nxdomain"
    DNS_SERVFAIL = "dns_servfail"
    DNS_REFUSED = "dns_refused"
    DNS_NO_ANSWER = "dns_no_answer"
    DNS_FAILED = "dns_failed"
    TLS_CERTIFICATE_INVALID = "tls_certificate_invalid"
    TLS_FAILED = "tls_failed"
    HTTP_STATUS = "http_status"
    HTTP_INVALID = "http_invalid"
    CAPTIVE_PORTAL = "captive_portal"
    SNMP_TIMEOUT = "snmp_timeout"
    SNMP_AUTHENTICATION = "snmp_authentication"
    SNMP_NO_SUCH_OBJECT = "snmp_no_such_object"
    SNMP_ERROR = "snmp_error"
    PERMISSION_DENIED = "permission_denied"
    NOT_AVAILABLE = "not_available"
    PROBE_TIMEOUT = "probe_timeout"
    PROBE_CRASHED = "probe_crashed"
    UNKNOWN = "unknown_failure"
    SERVER_BUSY = "server_busy"
    BUDGET_SPENT = "budget_spent"
    INTERRUPTED = "interrupted"


_BY_ERRNO = {
    errno.ECONNREFUSED: Failure.CONNECTION_REFUSED,
    errno.ECONNRESET: Failure.CONNECTION_RESET,
    errno.EPIPE: Failure.CONNECTION_RESET,
    errno.EHOSTUNREACH: Failure.HOST_UNREACHABLE,
    errno.ENETUNREACH: Failure.NETWORK_UNREACHABLE,
    errno.ENETDOWN: Failure.NETWORK_UNREACHABLE,
    errno.ETIMEDOUT: Failure.CONNECT_TIMEOUT,
    errno.EACCES: Failure.PERMISSION_DENIED,
    errno.EPERM: Failure.PERMISSION_DENIED,
}

# By name, so that the model needs neither ssl (memory on a Raspberry Pi) nor socket (no I/O here).
_BY_TYPE_NAME = {
    "SSLCertVerificationError": Failure.TLS_CERTIFICATE_INVALID,
    "SSLError": Failure.TLS_FAILED,
    "gaierror": Failure.DNS_FAILED,
}


def failure_of(error: BaseException) -> Failure:
    """Return the failure word for an exception of the standard library's network calls.

    Anything not recognised is `Failure.UNKNOWN`: never guess a cause.
    """
    by_name = _BY_TYPE_NAME.get(type(error).__name__)
    if by_name is not None:
        return by_name
    if isinstance(error, TimeoutError):
        return Failure.CONNECT_TIMEOUT
    if isinstance(error, OSError) and error.errno is not None:
        return _BY_ERRNO.get(error.errno, Failure.UNKNOWN)
    return Failure.UNKNOWN
