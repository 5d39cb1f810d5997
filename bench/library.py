"""Publishing straight with Google's client library: python -m bench.library TOPIC SECONDS AT_ONCE.

Its default batching; as many messages unconfirmed as are allowed; one line of JSON at the end.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from concurrent.futures import Future

from google.cloud.pubsub_v1 import PublisherClient  # type: ignore[import-untyped]

from bench.logs import envelopes
from logweir.envelope import encode
from logweir.pipeline.broker import lane_of

_CHARACTERS = 108  # as those of post.lua
_TENANTS = 4
_DIFFERENT = 1_000


def main(topic: str, seconds: float, at_once: int) -> None:
    """Publish messages like the gateway's, for so long."""
    messages = [
        (
            encode(e),
            {"tenant": e.tenant, "log": e.log, "source": e.source.value, "kind": lane_of(e).value},
        )
        for e in envelopes(_DIFFERENT, tenants=_TENANTS, characters=_CHARACTERS)
    ]
    client = PublisherClient()
    places = threading.Semaphore(at_once)
    took: list[float] = []
    errors: list[BaseException] = []

    def publish(number: int) -> None:
        data, attributes = messages[number % _DIFFERENT]
        began = time.perf_counter()

        def confirmed(future: Future[str]) -> None:
            took.append(time.perf_counter() - began)
            if error := future.exception():
                errors.append(error)
            places.release()

        client.publish(topic, data, **attributes).add_done_callback(confirmed)

    before, started, number = time.process_time(), time.perf_counter(), 0
    while time.perf_counter() < started + seconds:
        places.acquire()
        publish(number)
        number += 1
    for _ in range(at_once):
        places.acquire()
    lasted, cpu = time.perf_counter() - started, time.process_time() - before
    took.sort()
    figures = {
        "requests": number,
        "seconds": lasted,
        "p50_ms": took[number // 2] * 1e3,
        "p99_ms": took[number * 99 // 100] * 1e3,
        "cpu_us_per_request": cpu / number * 1e6,
        "errors": len(errors),
    }
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))
