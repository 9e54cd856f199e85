"""A handler that is loaded when its first command comes: most boxes are never asked for most kinds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from aldea.agents.operating.handler import Handler, Outcome, Tell
    from aldea.model.messages import Command


@dataclass(slots=True)
class Later:
    """Stands for the handler that `make` returns, of which it must know `kind`, `quick` and `resumes`."""

    kind: str
    make: Callable[[], Handler]
    quick: bool
    resumes: bool
    _made: Handler | None = field(default=None, init=False)

    @property
    def handler(self) -> Handler:
        """The handler itself, made at the first use."""
        if self._made is None:
            self._made = self.make()
        return self._made

    async def carry_out(self, command: Command, tell: Tell) -> Outcome:
        """Have it carried out."""
        return await self.handler.carry_out(command, tell)
