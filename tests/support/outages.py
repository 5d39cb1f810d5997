"""A cloud that does not answer for a while: what clients are told, and what they are told later."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

from scripts.emulators import Emulator
from tests.support.cloud import AnyCloud, send_text
from tests.support.outsider import Key
from tests.support.processes import until
from tests.support.wire import Answer

from logweir.envelope import sha256_of
from logweir.limits import DEFAULT_LIMITS

TEXT: Final = "User 555-0199 logged in"
ANSWER_SECONDS_MAX: Final = DEFAULT_LIMITS.publish_seconds_max + 2
BACK_SECONDS_MAX: Final = 5.0  # from the end of an outage to the first 202


@contextmanager
def frozen(emulator: Emulator) -> Iterator[None]:
    """SIGSTOP meanwhile: a cloud that does not answer."""
    emulator.send(signal.SIGSTOP)
    try:
        yield
    finally:
        emulator.send(signal.SIGCONT)


Timed = tuple[Answer, float]


def send_at_once(port: int, count: int) -> list[Timed]:
    """The answers, each with how long it took."""

    def send(number: int) -> Timed:
        began = time.monotonic()
        answer = send_text(port, "acme", f"log-{number}", TEXT, 3 * ANSWER_SECONDS_MAX)
        return answer, time.monotonic() - began

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(send, range(count)))


def assert_unavailable(answers: list[Timed]) -> None:
    """In time, and each with the id under which it may have been taken in."""
    assert {answer.status for answer, _ in answers} == {503}
    assert {answer.reason for answer, _ in answers} == {"broker_unavailable"}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer, _ in answers)
    told = [answer.json["log_id"] for answer, _ in answers]
    assert told == [f"log-{number}" for number in range(len(answers))]
    assert slowest(answers) < ANSWER_SECONDS_MAX


def slowest(answers: list[Timed]) -> float:
    """In seconds."""
    return max(seconds for _, seconds in answers)


def back_after(port: int) -> float:
    """Seconds until the log ``back`` is accepted: no one helps the gateway."""
    began = time.monotonic()
    until(
        lambda: send_text(port, "acme", "back", TEXT).status == 202,
        seconds=BACK_SECONDS_MAX,
        saying="the gateway did not recover",
    )
    return time.monotonic() - began


def stored(cloud: AnyCloud, *logs: str, seconds: float = 20.0) -> None:
    """Wait until these logs of acme with the usual text are kept."""
    wait_for(cloud, {("acme", log, sha256_of(TEXT)) for log in logs}, seconds)


def wait_for(cloud: AnyCloud, wanted: set[Key], seconds: float) -> None:
    """Wait until these texts are kept."""
    until(
        lambda: wanted <= cloud.store.kept(),
        seconds=seconds,
        saying=f"{sorted(log for _, log, _ in wanted)} are not all kept",
    )
