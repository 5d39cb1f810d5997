"""A place that takes logs in, and what a test has sent to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support.cloud import AnyCloud, send_json, send_text
from tests.support.outsider import Found, text_in
from tests.support.processes import until

from logweir.envelope import Source, sha256_of
from logweir.redact import redact


@dataclass
class Site:
    """A service, or functions, that tests share."""

    cloud: AnyCloud
    url: str
    chunk_characters: int
    events: Callable[[str], list[dict[str, Any]]]  # those of a name that were logged there
    sent: dict[tuple[str, str], tuple[Source, str]] = field(default_factory=dict)

    def send(self, tenant: str, log: str, text: str, source: Source = Source.TEXT) -> None:
        """Send a log, and see it accepted."""
        send = send_json if source is Source.JSON else send_text
        answer = send(self.url, tenant, log, text)
        assert (answer.status, answer.json) == (
            202,
            {"status": "accepted", "tenant_id": tenant, "log_id": log},
        )
        self.sent.setdefault((tenant, log), (source, text))

    def wait(self, *logs: tuple[str, str], seconds: float = 30.0) -> None:
        """Until these are stored."""
        wanted = {(*log, sha256_of(self.sent[log][1])) for log in logs}
        until(
            lambda: wanted <= self.cloud.store.kept(),
            seconds=seconds,
            saying=f"{[log for _, log in logs]} are not stored",
            every=0.1,  # the emulators have other things to do
        )

    def check(self, found: Found, tenant: str, log: str) -> None:
        """The document is what was sent, by every field that tells of it."""
        path, (source, text) = f"tenants/{tenant}/processed_logs/{log}", self.sent[tenant, log]
        fields = found[path]
        assert text_in(found, path, "original_text") == text
        assert text_in(found, path, "modified_data") == redact(text).text
        assert (fields["tenant_id"], fields["log_id"]) == (tenant, log)
        assert (fields["source"], fields["characters"]) == (source.value, len(text))
        assert fields["sha256"] == sha256_of(text)
        assert fields["processed_at"] >= fields["received_at"]
