"""The little of SNMP that the probe needs, over pysnmp: get, and walk a column. Loaded only when used."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pysnmp.error import PySnmpError
from pysnmp.hlapi.v3arch import asyncio as hlapi
from pysnmp.proto import errind, rfc1902, rfc1905

from aldea.model.failures import Failure, failure_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from aldea.agents.device_settings import SnmpDevice

Value = int | str | None

_ROWS_A_QUESTION = 20
_SHORTEST_PASSWORD = 8  # RFC 3414, 11.2
_TOO_BIG = 1
_NOT_ALLOWED = 16  # authorizationError (RFC 3416): the user may not, at this level
_SYS_UPTIME = "1.3.6.1.2.1.1.3.0"
_AUTHENTICATION = (
    errind.AuthenticationError,
    errind.AuthenticationFailure,
    errind.WrongDigest,
    errind.UnknownUserName,
    errind.UnknownSecurityName,
    errind.UnsupportedSecurityLevel,
    errind.DecryptionError,
    errind.NoAuthentication,
    errind.NoEncryption,
)
_NOTHING = (rfc1905.NoSuchObject, rfc1905.NoSuchInstance, rfc1905.EndOfMibView)
_AUTH_PROTOCOLS = {
    "none": hlapi.USM_AUTH_NONE,
    "md5": hlapi.USM_AUTH_HMAC96_MD5,
    "sha": hlapi.USM_AUTH_HMAC96_SHA,
    "sha256": hlapi.USM_AUTH_HMAC192_SHA256,
    "sha512": hlapi.USM_AUTH_HMAC384_SHA512,
}
_PRIVACY_PROTOCOLS = {"none": hlapi.USM_PRIV_NONE, "aes": hlapi.USM_PRIV_CFB128_AES}


class SnmpError(Exception):
    """The router did not give what was asked; `failure` is the word for it."""

    def __init__(self, failure: Failure, message: str) -> None:
        super().__init__(message)
        self.failure = failure


class SnmpClient:
    """One router. Its engine lives on between questions: making one takes a tenth of a second."""

    def __init__(self, target: SnmpDevice, timeout_seconds: float, retries: int) -> None:
        self._target = target
        self._timeout_seconds = timeout_seconds
        self._retries = retries
        self._engine = hlapi.SnmpEngine()
        self._transport: Any = None

    async def get(self, oids: Sequence[str]) -> dict[str, Value]:
        """Return the values of `oids`; those the router does not have are absent. Raises SnmpError, OSError."""
        answer = await self._asked(hlapi.get_cmd, *map(_variable, oids))
        if not answer[0] and int(answer[1]) == _TOO_BIG and len(oids) > 1:
            # Small devices fit only a few objects into an answer.
            half = len(oids) // 2
            return {**await self.get(oids[:half]), **await self.get(oids[half:])}
        if isinstance(answer[0], errind.RequestTimedOut) and self._has_privacy:
            await self._ask_openly()
        return _values(answer)

    async def walk(self, column: str, most_rows: int) -> dict[str, Value]:
        """Return the objects below `column`, `most_rows` at most. Raises SnmpError, OSError."""
        found: dict[str, Value] = {}
        last = column
        while len(found) < most_rows:
            answer = await self._asked(hlapi.bulk_cmd, 0, _ROWS_A_QUESTION, _variable(last))
            rows = _values(answer)
            below = {oid: value for oid, value in rows.items() if oid.startswith(f"{column}.")}
            new = {oid: value for oid, value in below.items() if oid not in found}
            found |= new
            if column in rows and not found:
                raise SnmpError(Failure.SNMP_ERROR, f"the router answers with {column} when asked for what follows it")
            if not new or len(below) < len(rows):  # the column's end, or a router that goes in circles
                break
            last = next(reversed(new))
        return found

    @property
    def _has_privacy(self) -> bool:
        return self._target.version == "3" and self._target.privacy_protocol != "none"

    async def _ask_openly(self) -> None:
        """Tell a wrong privacy password from a device that is off: what can't be deciphered is dropped in silence.

        Asks for the uptime without encryption. Raises SnmpError when the device has something to say to that.
        """
        openly = SnmpClient(
            replace(self._target, privacy_protocol="none", privacy_password_file=None), self._timeout_seconds, 0
        )
        try:
            await openly.get([_SYS_UPTIME])
        except SnmpError as error:
            if error.failure == Failure.SNMP_TIMEOUT:
                return
        finally:
            openly.close()
        raise SnmpError(Failure.SNMP_AUTHENTICATION, "it is there, but does not answer what is encrypted")

    def close(self) -> None:
        """Close the socket."""
        self._engine.close_dispatcher()

    async def _asked(self, ask: Callable[..., Any], *words: Any) -> Any:
        question = await self._question()
        try:
            answer = await ask(*question, *words, lookupMib=False)
        except PySnmpError as error:
            # Its own words may hold what was asked with or answered.
            raise SnmpError(Failure.SNMP_ERROR, f"the question cannot be asked: {type(error).__name__}") from error
        if isinstance(answer[0], errind.RequestTimedOut):
            self._transport = None  # its name may have another address by now
        return answer

    async def _question(self) -> tuple[Any, Any, Any, Any]:
        """Return what every question begins with. Raises SnmpError without an address, or without a usable password."""
        if self._transport is None:
            kind = hlapi.Udp6TransportTarget if ":" in self._target.host else hlapi.UdpTransportTarget
            try:
                self._transport = await kind.create(
                    (self._target.host, self._target.port), self._timeout_seconds, self._retries
                )
            except PySnmpError as error:
                raise SnmpError(Failure.DNS_FAILED, str(error)) from error
        return self._engine, self._credentials(), self._transport, hlapi.ContextData()

    def _credentials(self) -> Any:
        target = self._target
        if target.version == "2c":
            # Most village routers speak nothing newer; the question stays inside the site.
            return hlapi.CommunityData(target.community, mpModel=1)  # noqa: S508 - the person chose 2c
        return hlapi.UsmUserData(
            target.user,
            authKey=_secret(target.auth_password_file),
            privKey=_secret(target.privacy_password_file),
            authProtocol=_AUTH_PROTOCOLS[target.auth_protocol],
            privProtocol=_PRIVACY_PROTOCOLS[target.privacy_protocol],
        )


def _variable(oid: str) -> Any:
    return hlapi.ObjectType(hlapi.ObjectIdentity(oid))


def _secret(path: Path | None) -> str | None:
    """Return the password of a file. Raises SnmpError when it holds none, with a sentence that does not tell it."""
    if path is None:
        return None
    try:
        text = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        denied = failure_of(error) is Failure.PERMISSION_DENIED
        raise SnmpError(Failure.PERMISSION_DENIED if denied else Failure.NOT_AVAILABLE, str(error)) from error
    except UnicodeDecodeError as error:
        raise SnmpError(Failure.SNMP_AUTHENTICATION, f"{path} is not text: write the password alone into it") from error
    if len(text) < _SHORTEST_PASSWORD:
        raise SnmpError(Failure.SNMP_AUTHENTICATION, f"{path}: version 3 has no passwords of less than 8 characters")
    return text


def _values(answer: tuple[Any, Any, Any, Sequence[Any]]) -> dict[str, Value]:
    """Return what an answer holds, by object. Raises SnmpError when it holds an error."""
    indication, status, _, variables = answer
    if indication is not None and indication:
        raise SnmpError(_failure_of(indication), str(indication))
    if status:
        if int(status) == _NOT_ALLOWED:
            raise SnmpError(Failure.SNMP_AUTHENTICATION, "the user may not ask this, or not at this level")
        raise SnmpError(Failure.SNMP_ERROR, f"the router answers {status.prettyPrint()}")
    return {str(variable[0]): _plain(variable[1]) for variable in variables if not isinstance(variable[1], _NOTHING)}


def _failure_of(indication: Any) -> Failure:
    if isinstance(indication, errind.RequestTimedOut):
        return Failure.SNMP_TIMEOUT
    if isinstance(indication, _AUTHENTICATION):
        return Failure.SNMP_AUTHENTICATION
    return Failure.SNMP_ERROR


def whole(value: Value, what: str) -> int:
    """Return `value` when it is a number. Raises SnmpError, which names `what` and never what was answered."""
    if isinstance(value, int):
        return value
    kind = Failure.SNMP_NO_SUCH_OBJECT if value is None else Failure.SNMP_ERROR
    raise SnmpError(kind, f"{what} is not there" if value is None else f"{what} is not a number")


def _plain(value: Any) -> Value:
    """Return a number as an int and everything else as text."""
    try:
        return int(value)
    except (TypeError, ValueError):
        is_text = isinstance(value, rfc1902.OctetString) and not isinstance(value, rfc1902.IpAddress)
        return _text(bytes(value)) if is_text else str(value.prettyPrint())


def _text(raw: bytes) -> str:
    """Return what a device has written: UTF-8, or what older ones have; some end with a zero or blanks."""
    try:
        return raw.decode("utf-8").strip("\0 ")
    except UnicodeDecodeError:
        return raw.decode("latin-1").strip("\0 ")
