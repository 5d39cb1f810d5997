"""Commands run as a shell runs them, on records put into a data directory."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from typer.testing import CliRunner, Result

from logweir.bootstrap import Ports, open_ports
from logweir.entrypoints.cli import app
from logweir.envelope import Envelope, Source, sha256_of
from logweir.ids import LogId, TenantId
from logweir.pipeline.records import DeadLetter, Document, Plan
from logweir.reasons import Burial
from logweir.redact import RULES_VERSION, redact
from logweir.settings import Settings

NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
TEXT: Final = "User 555-0199 logged in"

Record = Document | DeadLetter | Plan | Envelope


def logweir(*arguments: object, stdin: str | bytes | None = None, **variables: str) -> Result:
    """Run a command; only these variables of ours are set."""
    return CliRunner(env=variables).invoke(app, [str(argument) for argument in arguments], stdin)


def lines_of(result: Result) -> list[Any]:
    """What a command printed with --json."""
    assert result.exit_code in (0, 1), result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def put(data_dir: Path, *records: Record) -> None:
    """Keep records where the commands look; an envelope goes to the broker."""

    async def keep(ports: Ports) -> None:
        for record in records:
            match record:
                case Document():
                    await ports.store.create(record)
                case DeadLetter():
                    await ports.store.bury(record)
                case Plan():
                    await ports.store.plan(record)
                case Envelope():
                    await ports.publisher.publish([record])

    async def main() -> None:
        async with open_ports(Settings(data_dir=data_dir)) as ports:
            await keep(ports)

    asyncio.run(main())


def document(log: str = "a1", text: str = TEXT, tenant: str = "acme") -> Document:
    """A document as a worker makes it."""
    redacted = redact(text)
    return Document(
        tenant_id=TenantId(tenant),
        log_id=LogId(log),
        source=Source.TEXT,
        original_text=text,
        modified_data=redacted.text,
        received_at=NOON,
        processed_at=NOON,
        sha256=sha256_of(text),
        characters=len(text),
        redactions=redacted.counts,
        rules_version=RULES_VERSION,
        attempts=1,
    )


def letter(
    log: str = "a1",
    text: str = TEXT,
    tenant: str = "acme",
    reason: Burial = Burial.CONFLICT,
    error: str | None = None,
) -> DeadLetter:
    """A dead letter as a worker buries it."""
    return DeadLetter(
        tenant_id=TenantId(tenant),
        log_id=LogId(log),
        source=Source.JSON,
        text=text,
        received_at=NOON,
        buried_at=NOON,
        sha256=sha256_of(text),
        characters=len(text),
        reason=reason,
        error=error,
        attempts=10,
    )


def envelope(log: str = "a1", text: str = TEXT, tenant: str = "acme") -> Envelope:
    """A log that waits."""
    return Envelope(
        tenant=TenantId(tenant),
        log=LogId(log),
        source=Source.TEXT,
        received_at=NOON,
        sha256=sha256_of(text),
        characters=len(text),
        text=text,
    )


def plan(log: str = "a1", text: str = TEXT, tenant: str = "acme") -> Plan:
    """A log that is worked on in chunks of ten characters."""
    return Plan(
        tenant=TenantId(tenant),
        log=LogId(log),
        sha256=sha256_of(text),
        source=Source.TEXT,
        received_at=NOON,
        text=text,
        chunk_characters=10,
    )
