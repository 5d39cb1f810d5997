"""What things are called in Pub/Sub: for each topic a subscription of the same name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from logweir.pipeline.broker import Lane
from logweir.settings import Settings

_LANES: Final = {Lane.LOG: "logs", Lane.CHUNK: "chunks"}
_EMULATORS_PROJECT: Final = "logweir"


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one deployment."""

    project: str
    prefix: str

    @classmethod
    def of(cls, settings: Settings) -> Names:
        """Those that the settings say; the emulators need no project."""
        return cls(settings.gcp_project or _EMULATORS_PROJECT, settings.gcp_prefix)

    def lane(self, lane: Lane) -> str:
        """Where envelopes of the lane go."""
        return f"{self.prefix}-{_LANES[lane]}"

    @property
    def dead(self) -> str:
        """Where Pub/Sub puts what it delivered too often."""
        return f"{self.prefix}-dead"

    @property
    def quarantine(self) -> str:
        """Where we put what cannot be read."""
        return f"{self.prefix}-quarantine"

    def topic(self, name: str) -> str:
        """A topic's full name."""
        return f"projects/{self.project}/topics/{name}"

    def subscription(self, name: str) -> str:
        """A subscription's full name."""
        return f"projects/{self.project}/subscriptions/{name}"
