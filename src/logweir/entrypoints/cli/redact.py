"""``redact``: the redaction alone, as a filter of streams and a linter of files."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from logweir.entrypoints.cli.access import tenant_id
from logweir.entrypoints.cli.flags import REDACTION, takes_settings
from logweir.entrypoints.cli.inputs import Files, named, texts
from logweir.entrypoints.cli.output import Json, print_json
from logweir.entrypoints.cli.redact_tally import Tally
from logweir.entrypoints.exits import Code, Usage, complain
from logweir.settings import Settings

if TYPE_CHECKING:
    from logweir.redact import Policy, Redactor, Span
    from logweir.redact.stream import Piece


class Marker(StrEnum):
    """What stands where something was taken out."""

    PLAIN = "plain"
    RULE = "rule"
    HASH = "hash"


@takes_settings(*REDACTION)
def redact(
    settings: Settings,
    files: Files = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Print each match, its place and reason instead.")
    ] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Print only where, never what; exit code 1 if there is anything."
        ),
    ] = False,
    tenant: Annotated[
        str | None, typer.Option(metavar="TENANT", help="By this tenant's policy.")
    ] = None,
    marker: Annotated[
        Marker | None,
        typer.Option(help="Instead of the policy's; hash needs LOGWEIR_REDACTION_KEY."),
    ] = None,
    json: Json = False,
) -> None:
    """Print a text with what is secret or personal taken out, as `modified_data` holds it.

    A filter: each line goes out as soon as it has come (`tail -f app.log | logweir redact`), in
    bounded memory, and all but what is redacted byte for byte. Only the lines of a private key
    wait for its end. A line of more than 1 MiB is worked on in parts. Gigabytes are quicker with
    the extra `fast` and `--redaction-engine hyperscan`, which takes a second to start.

    With --json: of each line `file`, `line`, `text` and `redactions` (how many, by rule), in the
    end `lines`, `redactions` and `rules_version` of all; with --explain or --check a match a line.
    Columns and offsets are code points; lines and columns count from 1.
    """
    if explain and check:
        raise Usage("--explain shows what --check is not to show: give one of them")
    names = named(files)
    redactor = _redactor(settings, tenant, marker)
    with Tally(names, summary=check or explain) as tally:
        if check or explain:
            _report(names, redactor, tally, json=json, shown=explain)
        elif json:
            _print_lines(names, redactor, tally)
        else:
            _filter(names, redactor, tally)
    if check and tally.counts:
        raise typer.Exit(Code.NEGATIVE)


def _redactor(settings: Settings, tenant: str | None, marker: Marker | None) -> Redactor:
    """As a worker with these settings redacts. Raises Misconfigured, InvalidId."""
    from logweir.redact.policies import Policies, Redactors

    whose = "" if tenant is None else tenant_id(tenant)
    engine = settings.redaction_engine.at_once
    made = Redactors(Policies(_policy(settings, whose, marker)), engine.value)
    if made.unavailable:
        complain(f"{made.unavailable}. It goes on without, slower.")
    return made.of(whose)


def _policy(settings: Settings, whose: str, marker: Marker | None) -> Policy:
    """This tenant's, with the operator's key. Raises Misconfigured."""
    from logweir.redact import Policy

    policy = Policy()
    if settings.has_policies:
        from logweir.bootstrap.redaction import policies  # slow: who has no file need not wait

        found = policies(settings)
        policy = found.tenants.get(whose, found.default)
    if marker is None:
        return policy
    if marker is not Marker.HASH:
        return policy._replace(marker=marker.value, key=b"")
    if settings.redaction_key is None:
        raise Usage("--marker hash needs a key: set LOGWEIR_REDACTION_KEY")
    return policy._replace(marker=marker.value, key=settings.redaction_key.reveal_bytes())


def _filter(files: Sequence[str], redactor: Redactor, tally: Tally) -> None:
    from logweir.redact.stream import Stream

    stream = Stream(redactor)
    tally.counts = stream.counts
    sys.stdout.flush()
    out = sys.stdout.buffer
    for file in files:
        for text in stream.all(texts(file, tally.read)):
            out.write(text.encode(errors="surrogateescape"))
            out.flush()
            tally.lines = stream.lines


def _report(
    files: Sequence[str], redactor: Redactor, tally: Tally, *, json: bool, shown: bool
) -> None:
    from logweir.entrypoints.cli.redact_found import matches, print_matches

    for file, piece, spans in _found(files, redactor, tally):
        print_matches(matches(file, piece, spans), json=json, shown=shown)


def _print_lines(files: Sequence[str], redactor: Redactor, tally: Tally) -> None:
    from logweir.entrypoints.cli.redact_found import redacted_lines

    for file, piece, spans in _found(files, redactor, tally):
        redacted = redactor.redact(piece.text).text if spans else piece.text
        for line in redacted_lines(piece, spans, redacted):
            print_json({"file": file, **line})
    sums = {"lines": tally.lines, "redactions": tally.counts}
    print_json(sums | {"rules_version": redactor.version})


def _found(
    files: Sequence[str], redactor: Redactor, tally: Tally
) -> Iterator[tuple[str, Piece, list[Span]]]:
    """Each piece of each file, with its spans."""
    from logweir.redact.stream import Pieces

    pieces = Pieces(redactor.find)
    for file in files:
        for piece in pieces.all(texts(file, tally.read)):
            spans = redactor.find(piece.text)
            for span in spans:
                tally.add(span.rule)
            yield file, piece, spans
            tally.lines = pieces.lines
