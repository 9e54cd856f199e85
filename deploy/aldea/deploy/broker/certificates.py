"""The broker's own certificate authority, and the certificate that agents check its name against."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from aldea.deploy.broker.base import BrokerError
from aldea.deploy.broker.files import write_whole
from aldea.deploy.words import said, sentence_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aldea.model.clock import Clock

AUTHORITY_DAYS = 3650
SERVER_DAYS = 825
RENEW_DAYS = 90
# Agents without a clock of their own start somewhere in the past; the chain and the name are what counts.
BACKDATED = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """Where the broker's certificate lies. `ca` is what agents are given; None: the system's authorities know it."""

    ca: Path | None
    certificate: Path
    key: Path


def own_certificates(folder: Path, names: Sequence[str], clock: Clock) -> CertificateFiles:
    """Return the files of a certificate for `names` (host names and addresses), signed by an authority of our own.

    What is in `folder` is kept; the certificate is made again when a name is missing or it ends within 90 days,
    the authority never: agents trust that one. Raises BrokerError when the files can't be read or written.
    """
    now = datetime.fromtimestamp(clock.wall_ms() / 1000, UTC)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        authority, authority_key = _authority(folder, now)
        files = CertificateFiles(folder / "ca.crt", folder / "server.crt", folder / "server.key")
        if not _serves(files.certificate, names, authority, now):
            _make_server(files, names, authority, authority_key, now)
    except (OSError, ValueError) as error:
        raise BrokerError(
            said(
                "the broker's certificates in %(folder)s cannot be used: %(why)s", folder=folder, why=sentence_of(error)
            )
        ) from error
    return files


def _authority(folder: Path, now: datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    certificate_file, key_file = folder / "ca.crt", folder / "ca.key"
    if certificate_file.exists() and key_file.exists():
        certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
        key = serialization.load_pem_private_key(key_file.read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError(said("%(file)s is not a key that Aldea made", file=key_file))
        return certificate, key
    if certificate_file.exists():
        raise ValueError(
            said(
                "%(file)s is there without its ca.key: put the key back, or name another folder", file=certificate_file
            )
        )
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Aldea broker authority {os.urandom(4).hex()}")])
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        _builder(name, name, key, now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    write_whole(key_file, _key_bytes(key), 0o600)
    write_whole(certificate_file, certificate.public_bytes(serialization.Encoding.PEM), 0o644)
    return certificate, key


def _make_server(
    files: CertificateFiles,
    names: Sequence[str],
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    now: datetime,
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    certificate = (
        _builder(subject, authority.subject, key, now, SERVER_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    write_whole(files.key, _key_bytes(key), 0o600)
    write_whole(files.certificate, certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + timedelta(days=days))
    )


def _serves(file: Path, names: Sequence[str], authority: x509.Certificate, now: datetime) -> bool:
    """Whether the certificate there is of this authority, has all names, and lasts a while."""
    if not file.exists() or not file.with_suffix(".key").exists():
        return False
    certificate = x509.load_pem_x509_certificate(file.read_bytes())
    has = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    wanted = [_general_name(name) for name in names]
    lasts = certificate.not_valid_after_utc - now > timedelta(days=RENEW_DAYS)
    return lasts and certificate.issuer == authority.subject and all(name in list(has) for name in wanted)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
