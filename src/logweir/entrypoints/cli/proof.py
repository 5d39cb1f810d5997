"""How a history is proven: by which rules, with how much patience, and what is said of it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from logweir.bootstrap.redaction import redactors
from logweir.entrypoints.cli.access import with_ports
from logweir.entrypoints.cli.output import count, print_line, printable, style
from logweir.entrypoints.cli.stock import Stock
from logweir.entrypoints.exits import Code
from logweir.pipeline.plan import chunk_characters
from logweir.settings import Backend, Settings
from logweir.verify.checker import conclude
from logweir.verify.evidence import Answer
from logweir.verify.findings import Report, Verdict
from logweir.verify.read_history import History
from logweir.verify.rules import ONE_MACHINE_SKEW_SECONDS, Redaction, Rules

if TYPE_CHECKING:
    from logweir.bootstrap import Ports

_SHOWN_MAX: Final = 20
_MARGIN_SECONDS: Final = {Backend.LOCAL: 30.0}  # for starts, commits and retries
_CLOUD_MARGIN_SECONDS: Final = 180.0  # and for a redelivery
_LOGS_PER_SECOND: Final = 50.0  # besides the work itself: reading, redacting, storing
_SKEW_SECONDS: Final = {Backend.LOCAL: ONE_MACHINE_SKEW_SECONDS}
_CLOUD_SKEW_SECONDS: Final = 1.0  # between this machine's clock and the cloud's


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait for the backlog, how long a log may take, and where to look.

    None: what the settings make of it.
    """

    wait_seconds: float | None = None
    finish_seconds: float | None = None
    others: bool = True


def proven(settings: Settings, history: History, patience: Patience, *, quiet: bool) -> Report:
    """Wait, read the store, and check. Raises Misconfigured where there is none, Unavailable."""

    async def read(ports: Ports) -> Report:
        rules = rules_of(settings, ports.publisher.message_bytes_max)
        bound = patience.finish_seconds
        if bound is None:
            bound = finish_seconds(settings, history, rules)
        if patience.finish_seconds is not None or settings.work is None:
            rules = replace(rules, finish_seconds=bound)
        wait = patience.wait_seconds
        if wait is None:
            wait = _seconds_left(history, bound, ports.clock.now())
        stock = Stock(ports=ports, history=history, rules=rules, others=patience.others)
        seen, left = await stock.drained(wait, show)
        return conclude(seen, left=left, faults=history.faults)

    with _progress(quiet) as show:
        return with_ports(settings, read)


def rules_of(settings: Settings, message_bytes_max: int) -> Rules:
    """What a service with these settings, and a broker of such messages, must hold to.

    Raises Misconfigured.
    """
    by_tenant = redactors(settings)

    def redaction(tenant: str) -> Redaction:
        redactor = by_tenant.of(tenant)
        return Redaction(lambda text: redactor.redact(text).text, redactor.version)

    return Rules(
        redaction=redaction,
        # How long a function of the user's own takes is unknown.
        seconds_per_character=0.0 if settings.work else settings.seconds_per_character,
        chunk_characters=chunk_characters(
            settings.chunk_seconds, settings.seconds_per_character, message_bytes_max
        ),
        skew_seconds=_SKEW_SECONDS.get(settings.backend, _CLOUD_SKEW_SECONDS),
        shared=True,
    )


def finish_seconds(settings: Settings, history: History, rules: Rules) -> float:
    """How long any of these logs may take, if all of them wait for it and nobody else does."""
    slots = settings.workers * settings.concurrency
    characters = [sent.characters for sent in history.sent]
    queued = sum(characters) * settings.seconds_per_character / slots
    longest = max(map(rules.least_seconds, characters), default=0.0)
    margin = _MARGIN_SECONDS.get(settings.backend, _CLOUD_MARGIN_SECONDS)
    return margin + queued + longest + len(characters) / _LOGS_PER_SECOND


def code_of(report: Report) -> Code:
    """The exit code of a verdict."""
    return {
        Verdict.KEPT: Code.OK,
        Verdict.BROKEN: Code.NEGATIVE,
        Verdict.NONE: Code.NO_VERDICT,
    }[report.verdict]


def report_json(report: Report) -> dict[str, object]:
    """All of it, for programs."""
    return {
        "verdict": report.verdict.value,
        "refusals": list(report.refusals),
        "requests": report.requests,
        "accepted": report.accepted,
        "unknown": report.unknown,
        "documents": report.documents,
        "dead_letters": dict(report.letters),
        "others": report.others,
        "counts": {kind.value: number for kind, number in report.counts.items()},
        "findings": [
            {
                "kind": finding.kind.value,
                "tenant_id": finding.tenant or None,
                "log_id": finding.log,
                "detail": finding.detail,
                "part": finding.part and finding.part.value,
                "during": list(finding.during),
            }
            for finding in report.findings
        ],
    }


def print_report(report: Report) -> None:
    """Figures, what is wrong, and the verdict."""
    letters = ", ".join(f"{number:,} {reason}" for reason, number in report.letters.items())
    refused = report.requests - report.accepted - report.unknown
    print_line(
        f"{count(report.requests, 'request')}: {report.accepted:,} accepted,"
        f" {report.unknown:,} unknown, {refused:,} refused."
    )
    print_line(
        f"{count(report.documents, 'document')}, dead letters: {letters or 'none'};"
        f" {report.others:,} of others left alone."
    )
    for finding in report.findings[:_SHOWN_MAX]:
        print_line(printable(str(finding)))
    if len(report.findings) > _SHOWN_MAX:
        print_line(f"and {len(report.findings) - _SHOWN_MAX:,} more; --json has all.")
    for reason in report.refusals:
        print_line(f"{Verdict.NONE.value}: {reason}")
    found = ", ".join(f"{number:,} {kind.value}" for kind, number in report.counts.items())
    verdict = {
        Verdict.KEPT: "Every promise was kept.",
        Verdict.BROKEN: f"Promises were broken: {found}.",
        Verdict.NONE: "No verdict: the run proves nothing.",
    }[report.verdict]
    print_line(style(verdict, bold=True))


def _seconds_left(history: History, bound: float, now: datetime) -> float:
    """Until all that was accepted should be finished, and a little longer."""
    ends = [sent.answered_at for sent in history.sent if sent.answer is Answer.OK]
    if not ends:
        return 0.0
    return max(0.0, bound - (now - max(ends)).total_seconds()) + 1.0


@contextlib.contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[str], None]]:
    """What is waited for, on a terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True, highlight=False, markup=False).status("") as status:
        yield status.update
