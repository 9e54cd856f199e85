"""Files for a mosquitto that the system runs (a package's, under systemd): configuration, certificate, access."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from aldea.deploy.broker.base import MAX_PACKET_BYTES, BrokerError
from aldea.deploy.broker.files import write_whole
from aldea.deploy.broker.mosquitto import Field, access_lines, field_lines
from aldea.deploy.broker.secured import certificates_for, endpoint_of, prepare_access, public_name
from aldea.deploy.words import said
from aldea.storage.register.endpoint import set_broker_endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aldea.deploy.broker.access import AccessFiles
    from aldea.deploy.broker.secured import FieldWish
    from aldea.model.clock import Clock
    from aldea.storage.register import Register

# persistence: for devices that are not agents; the collector's session for them outlives a restart. Aldea's own
# agents rely on nothing that a broker keeps.
_CONFIG = """\
# Written by `aldea broker config`; run it again instead of changing this.
# Put it into mosquitto's conf.d, or start `mosquitto -c` with it.
{access}
# The server's own parts, on this machine alone.
listener {local_port} 127.0.0.1

# The agents.
{field}
max_inflight_messages 2000
max_queued_messages 100000
max_queued_bytes 67108864
max_packet_size {max_packet_bytes}
set_tcp_nodelay true
connection_messages false
autosave_interval 60
"""


def write_packaged(
    register: Register, files: AccessFiles, wish: FieldWish, local_port: int, clock: Clock
) -> Iterator[str]:
    """Write everything into `files.folder`; yield what was done and what is left to do. Raises BrokerError."""
    folder = files.folder
    certificates = certificates_for(folder, wish, clock)
    passwords = prepare_access(register, files, folder, clock)
    field = Field(wish.host, wish.port, files, certificates)
    text = _CONFIG.format(
        access=access_lines(files), field=field_lines(field), local_port=local_port, max_packet_bytes=MAX_PACKET_BYTES
    )
    try:
        write_whole(folder / "mosquitto.conf", text.encode(), 0o644)
        if files.group is not None:
            folder.chmod(0o750)
            os.chown(folder, -1, files.group)
            os.chown(certificates.key, -1, files.group)
            certificates.key.chmod(0o640)
    except OSError as error:
        raise BrokerError(
            said("the broker's files in %(folder)s cannot be written: %(why)s", folder=folder, why=error)
        ) from error
    with register.transaction() as unit:
        set_broker_endpoint(unit, endpoint_of(wish, certificates))
    yield said(
        "%(file)s: include it in mosquitto's configuration and start mosquitto again.", file=folder / "mosquitto.conf"
    )
    yield said(
        "Agents reach it at %(place)s, encrypted; devices that enrol are told so.",
        place=f"{public_name(wish)}:{wish.port}",
    )
    variables = f"ALDEA_MQTT_USERNAME=aldea-collector ALDEA_MQTT_PASSWORD_FILE={passwords.collector}"
    yield said("The collector: %(variables)s", variables=variables)
    yield said(
        "Keep `%(command)s` running, and reload mosquitto when %(folder)s changes.",
        command=f"aldea broker sync --out {folder} --watch",
        folder=folder,
    )
