"""`[[collector.foreign]]`: a topic whose messages are not our agents', and how they are read."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from aldea.collector.foreign.decoders import DECODERS, OPTIONS
from aldea.collector.foreign.decoders.single import KINDS
from aldea.collector.foreign.filters import TopicFilter, filter_problem, overlap
from aldea.collector.foreign.flat import name_of, name_problem
from aldea.collector.foreign.readings import DecoderOptions
from aldea.collector.foreign.times import FORMATS
from aldea.model.checks import a_zone, an_id
from aldea.model.said import Said, joined
from aldea.model.settings import about

OWN_MEASUREMENTS = ("agent", "boot", "not_recorded", "tombstone")
"""What only agents say: settled truth and completeness are read from these."""


def _a_name(text: str) -> str | None:
    if text in OWN_MEASUREMENTS:
        return Said(
            "another name: this one is for what agents say of themselves",
            "otro nombre: este es para lo que los agentes dicen de sí mismos",
        )
    if text == name_of(text) and name_problem(text) is None:
        return None
    return Said("a name like wifi_signal: a-z, 0-9 and _", "un nombre como wifi_signal: a-z, 0-9 y _")


def _keys(names: tuple[str | None, ...]) -> str | None:
    return None if all(name_of(name) for name in names if name) else Said("a list of keys", "una lista de claves")


def _a_key(name: str) -> str | None:
    return None if name_of(name) else Said("a key of the message", "una clave del mensaje")


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignSource:
    """One source. Site and device come each from one place: a level of the topic, a setting, or the message."""

    topic: str = dataclasses.field(
        metadata=about("an MQTT filter; levels {site} and {device} name whose reading it is", check=filter_problem)
    )
    decoder: str = dataclasses.field(metadata=about("how messages are read", choices=tuple(DECODERS)))
    measurement: str | None = dataclasses.field(default=None, metadata=about("what is measured", check=_a_name))
    site: str | None = dataclasses.field(default=None, metadata=about("the site, if always the same", check=an_id))
    device: str | None = dataclasses.field(default=None, metadata=about("the device, if always the same", check=an_id))
    site_key: str | None = dataclasses.field(default=None, metadata=about("key (or tag) of the site", check=_a_key))
    device_key: str | None = dataclasses.field(default=None, metadata=about("key (or tag) of the device", check=_a_key))
    fields: tuple[str, ...] = dataclasses.field(default=(), metadata=about("keys that are fields", check=_keys))
    tags: tuple[str, ...] = dataclasses.field(default=(), metadata=about("keys that are tags", check=_keys))
    time_key: str | None = dataclasses.field(default=None, metadata=about("key of the time", check=_a_key))
    time_format: str | None = dataclasses.field(default=None, metadata=about("how it is written", choices=FORMATS))
    time_zone: str | None = dataclasses.field(default=None, metadata=about("for times without one", check=a_zone))
    field: str | None = dataclasses.field(default=None, metadata=about("name of the single value", check=_a_name))
    kind: str | None = dataclasses.field(default=None, metadata=about("what a single value is", choices=KINDS))

    def __post_init__(self) -> None:
        problems = [sentence for name in ("site", "device") if (sentence := self._owner_problem(name)) is not None]
        every = {name for names in OPTIONS.values() for name in names}
        given = [name for name in sorted(every - OPTIONS[self.decoder]) if getattr(self, name)]
        problems += [_no_option(name, self.decoder) for name in given]
        if self.measurement is None and self.decoder != "telegraf":
            problems.append(
                Said(
                    f"measurement is missing; the decoder {self.decoder} needs it",
                    f"falta measurement; el decodificador {self.decoder} lo necesita",
                )
            )
        if self.time_key is None and self.decoder == "json" and (self.time_format or self.time_zone):
            problems.append(
                Said("time_format and time_zone need a time_key", "time_format y time_zone necesitan un time_key")
            )
        if problems:
            found = joined(problems)
            raise ValueError(Said(f"cannot be used: {found}", f"no se puede usar: {found.es}"))

    def _owner_problem(self, name: str) -> str | None:
        ways = [name in self.filter.names, getattr(self, name) is not None, getattr(self, f"{name}_key") is not None]
        if sum(ways) == 1:
            return None
        return Said(
            f"give the {name} in one way: the level {{{name}}} in topic, {name}, or {name}_key",
            f"decir {name} de una sola manera: el nivel {{{name}}} en topic, {name}, o {name}_key",
        )

    @property
    def filter(self) -> TopicFilter:
        """The topic, to be subscribed to and matched."""
        return TopicFilter(self.topic)

    @property
    def options(self) -> DecoderOptions:
        """What the decoder is told."""
        return DecoderOptions(
            self.measurement,
            tuple(name_of(name) for name in self.fields),
            tuple(name_of(name) for name in self.tags),
            self.field or "value",
            self.kind or "number",
            None if self.time_key is None else name_of(self.time_key),
            self.time_format or "unix_s",
            self.time_zone or "UTC",
            None if self.site_key is None else name_of(self.site_key),
            None if self.device_key is None else name_of(self.device_key),
        )


def overlap_problem(sources: Sequence[ForeignSource]) -> str | None:
    """Return a sentence about sources whose topics overlap: a message would come twice, and be read by one of them."""
    pairs = [
        Said(f"{one.topic!r} and {other.topic!r}", f"{one.topic!r} y {other.topic!r}")
        for index, one in enumerate(sources)
        for other in sources[index + 1 :]
        if overlap(one.filter.mqtt, other.filter.mqtt)
    ]
    if not pairs:
        return None
    found = joined(pairs)
    return Said(
        f"has foreign topics that overlap, let each message match one: {found}",
        f"tiene temas ajenos que se traslapan, cada mensaje debe caber en uno solo: {found.es}",
    )


def _no_option(name: str, decoder: str) -> Said:
    return Said(
        f"{name} is not an option of the decoder {decoder}", f"{name} no es una opción del decodificador {decoder}"
    )
