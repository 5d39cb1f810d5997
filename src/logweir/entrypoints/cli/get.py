"""``get``: one log's document, or where it is."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from logweir.clock import timestamp
from logweir.entrypoints.cli.access import Log, Tenant, log_id, tenant_id, with_ports
from logweir.entrypoints.cli.flags import LOOK, REDACTION, takes_settings
from logweir.entrypoints.cli.output import (
    Json,
    count,
    print_fields,
    print_json,
    print_line,
    printable,
    style,
)
from logweir.entrypoints.cli.whereabouts import Place, State, look
from logweir.entrypoints.exits import Code
from logweir.ids import LogId, TenantId
from logweir.pipeline.broker import Whereabouts
from logweir.pipeline.records import Document
from logweir.settings import Settings

if TYPE_CHECKING:
    from logweir.bootstrap import Ports

_POLL_SECONDS = 0.1
Wait = Annotated[
    float, typer.Option(metavar="SECONDS", min=0, help="Wait so long until it is done.")
]


@takes_settings(*LOOK, *REDACTION)
def get(settings: Settings, tenant: Tenant, log: Log, json: Json = False, wait: Wait = 0.0) -> None:
    """Print a log's document; or, until it is done, where it is.

    Exit code 0: here is the document; 1: it waits, is in work, or is dead; 3: nobody knows it.
    """
    ids = tenant_id(tenant), log_id(log)
    with _progress(json or not wait) as show:
        found = with_ports(settings, lambda ports: _look_until_done(ports, ids, wait, show))
    if isinstance(found, Document):
        print_json(found) if json else print_document(found)
        return
    print_json(_place_json(found)) if json else print_line(describe(found))
    raise typer.Exit(Code.NOT_FOUND if found.state is State.UNKNOWN else Code.NEGATIVE)


def print_document(document: Document) -> None:
    """Its fields, then both texts."""
    redactions = (f"{rule} {number:,}" for rule, number in document.redactions.items())
    print_fields(
        {
            "tenant_id": document.tenant_id,
            "log_id": document.log_id,
            "source": document.source.value,
            "received_at": timestamp(document.received_at),
            "processed_at": timestamp(document.processed_at),
            "characters": f"{document.characters:,}",
            "sha256": document.sha256,
            "redactions": ", ".join(redactions) or "none",
            "rules_version": document.rules_version,
            "attempts": str(document.attempts),
        }
    )
    print_text("original_text", document.original_text)
    print_text("modified_data", document.modified_data, with_markers_shown)


def print_text(name: str, text: str, mark: Callable[[str], str] = str) -> None:
    """A text under its name; it cannot drive the terminal."""
    print_line()
    print_line(style(name, dim=True))
    print_line(mark(printable(text)))


def with_markers_shown(text: str) -> str:
    """Every kind of marker stands out, on a terminal."""
    from logweir.redact.markers import MARKERS  # whoever waits for no document needs no rules

    return re.sub(MARKERS, lambda marker: style(marker[0], fg="green", bold=True), text)


def describe(place: Place) -> str:
    """Where a log is, in a sentence."""
    name = f"{place.tenant_id}/{place.log_id}"
    there = place.messages or Whereabouts(waiting=0, in_flight=0)
    waiting = count(there.waiting, "message")
    messages = f"; {waiting} waiting, {there.in_flight:,} in flight" if place.messages else ""
    done, chunks = place.chunks
    chunks_done = f"{done:,} of {count(chunks, 'chunk')} done"
    match place.state:
        case State.WAITING:
            return f"{name} is waiting: {waiting} in the queue"
        case State.IN_WORK if chunks:
            return f"{name} is in work: {chunks_done}{messages}"
        case State.IN_WORK:
            return f"{name} is in work{messages}"
        case State.INTERRUPTED:
            return (
                f"{name} was not accepted: {chunks_done}, and no message of it is under way."
                " Send it again under this id."
            )
        case State.DEAD:
            reasons = ", ".join(sorted({letter.reason.value for letter in place.letters}))
            return f"{name} is dead: {reasons}. `logweir dead show` shows it."
        case State.UNKNOWN if place.messages is None:
            return (
                f"{name} is not here: there is no document or dead letter of it."
                " It may wait: this broker cannot be asked about single messages."
            )
        case State.UNKNOWN:
            return f"{name} is unknown: there is no document, message or dead letter of it"


def _place_json(place: Place) -> dict[str, object]:
    done, chunks = place.chunks
    return {
        "tenant_id": place.tenant_id,
        "log_id": place.log_id,
        "state": place.state.value,
        "messages_waiting": place.messages and place.messages.waiting,
        "messages_in_flight": place.messages and place.messages.in_flight,
        "chunks_done": done,
        "chunks": chunks,
        "reasons": sorted({letter.reason.value for letter in place.letters}),
    }


async def _look_until_done(
    ports: Ports, ids: tuple[TenantId, LogId], wait: float, show: Callable[[Place], None]
) -> Document | Place:
    clock = ports.clock
    deadline = clock.monotonic() + wait
    while True:
        began = clock.monotonic()
        found = await look(ports, *ids)
        now = clock.monotonic()
        if isinstance(found, Document) or not found.may_come:
            return found
        if now >= deadline:
            return found
        show(found)
        # A look at a long queue takes long: it must not take half of the broker's time.
        await clock.sleep(min(max(_POLL_SECONDS, 2 * (now - began)), deadline - now))


@contextlib.contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[Place], None]]:
    """What shows on a terminal where a log is, while somebody waits for it."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True, highlight=False, markup=False).status("") as status:
        yield lambda place: status.update(describe(place))
