"""``redact``: the redaction alone, as a filter."""

from __future__ import annotations

import bisect
import sys
from pathlib import Path
from typing import Annotated

import typer

from logweir.entrypoints.cli.exits import Usage
from logweir.entrypoints.cli.output import Columns, Json, one_line, print_json

File = Annotated[
    str | None, typer.Argument(metavar="[FILE|-]", help="Read this file; - or none: stdin.")
]


def redact(
    file: File = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Print each match and its reason instead.")
    ] = False,
    json: Json = False,
) -> None:
    """Print a text with what is secret or personal taken out, as `modified_data` holds it.

    Bytes that are no UTF-8 pass through. With --json: the text and the counts by rule, or with
    --explain one match a line; offsets and columns are code points.
    """
    text = read_input(file).decode(errors="surrogateescape")
    if explain:
        _explain(text, json)
        return
    from logweir.redact import RULES_VERSION
    from logweir.redact import redact as redact_text

    redacted = redact_text(text)
    if json:
        print_json(
            {
                "text": _readable(redacted.text),
                "redactions": redacted.counts,
                "rules_version": RULES_VERSION,
            }
        )
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(redacted.text.encode(errors="surrogateescape"))
    sys.stdout.buffer.flush()


def read_input(file: str | None) -> bytes:
    """A file, or standard input. Raises Usage where it cannot be read, or is a terminal unasked."""
    if file is not None and file != "-":
        try:
            return Path(file).read_bytes()
        except OSError as error:
            raise Usage(f"{file}: {error.strerror}") from None
    if file is None and sys.stdin.isatty():
        raise Usage("name a FILE, pipe something in, or say - to type it here")
    return sys.stdin.buffer.read()


def _explain(text: str, json: bool) -> None:
    from logweir.redact import find

    starts = [0, *(index + 1 for index, character in enumerate(text) if character == "\n")]
    columns = Columns("PLACE", "RULE", "REASON", "MATCH")
    for span in find(text):
        line = bisect.bisect_right(starts, span.start)
        column = span.start - starts[line - 1] + 1
        match = text[span.start : span.end]
        if json:
            place = {"line": line, "column": column, "start": span.start, "end": span.end}
            print_json(
                {"rule": span.rule, "reason": span.reason, **place, "match": _readable(match)}
            )
        else:
            columns.add(f"{line}:{column}", span.rule, span.reason, one_line(match, 60))
    if not json:
        columns.end(if_empty="Nothing to redact.")


def _readable(text: str) -> str:
    """The text with U+FFFD for each byte that was no UTF-8: JSON cannot carry these."""
    return text.encode(errors="surrogateescape").decode(errors="replace")
