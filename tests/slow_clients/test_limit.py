"""Where slow clients hold all connections that there may be, others are told so at once."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from pathlib import Path

from tests.crash.service import Service, free_port, running
from tests.slow_clients.few_descriptors import CONNECTIONS
from tests.slow_clients.measure import ENDS, SLACK_SECONDS
from tests.support.processes import until
from tests.support.wire import ask, request, upload

from logweir.settings import Settings

REFUSED_SECONDS_MAX = 1.5
REQUEST = request("Content-Type: text/plain", "X-Tenant-ID: acme", body=b"text")


async def test_where_all_connections_are_taken_the_next_is_refused_at_once(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", port=free_port())
    service = Service(settings, role="gateway", module="tests.slow_clients.few_descriptors")
    async with running(service):
        await service.listening()
        with ExitStack() as silent:
            for _ in range(CONNECTIONS):
                connection = socket.create_connection((settings.host, settings.port), 5)
                silent.enter_context(connection)
            for _ in range(20):
                began = time.monotonic()
                answer = ask(settings.port, REQUEST, timeout=5)
                assert answer is not None
                assert (answer.status, answer.headers["retry-after"]) == (429, "1")
                assert time.monotonic() - began < REFUSED_SECONDS_MAX
            until(
                lambda: upload(settings.port, "acme", "text").status == 202,
                seconds=ENDS.headers + SLACK_SECONDS,
                saying="nobody was cut off",
                every=0.5,
            )
        assert await service.stop() == 0
    assert "Traceback" not in service.log_path.read_text()
