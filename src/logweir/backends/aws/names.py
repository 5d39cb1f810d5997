"""What things are called on AWS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from logweir.pipeline.broker import Lane
from logweir.settings import Settings

_LANES: Final = {Lane.LOG: "logs", Lane.CHUNK: "chunks"}


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one deployment. With one lane, chunks go where the logs go."""

    prefix: str
    lanes: int

    @classmethod
    def of(cls, settings: Settings) -> Names:
        """Those that the settings say."""
        return cls(settings.aws_prefix, settings.aws_lanes)

    def queue(self, lane: Lane) -> str:
        """Where envelopes of the lane go."""
        return f"{self.prefix}-{_LANES[lane if self.lanes == 2 else Lane.LOG]}"

    @property
    def queues(self) -> list[str]:
        """Those of the lanes, each once."""
        return list(dict.fromkeys(map(self.queue, Lane)))

    @property
    def dead(self) -> str:
        """Where SQS puts what it delivered too often."""
        return f"{self.prefix}-dead"

    @property
    def quarantine(self) -> str:
        """Where we put what cannot be read."""
        return f"{self.prefix}-quarantine"

    @property
    def table(self) -> str:
        """The one table."""
        return self.prefix
