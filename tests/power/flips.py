"""Bits that flip in the files at rest: found, or without effect; never another text.

A data directory with documents, a dead letter, a plan and messages is copied, one bit of one file
is flipped, and everything is read the way that the commands and the worker read it.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tests.crash.texts import POISON, make_text

from logweir.bootstrap import Ports, open_ports
from logweir.envelope import Envelope, Source, decode, sha256_of
from logweir.errors import LogweirError, Unreadable
from logweir.ids import LogId, TenantId
from logweir.limits import MIB
from logweir.pipeline.records import DeadLetter, Document, Plan, TextKey
from logweir.reasons import Burial
from logweir.redact import RULES_VERSION, redact
from logweir.settings import Settings

TENANT: Final = TenantId("acme")
FILES: Final = ("broker.sqlite3", "tenants/acme.sqlite3")
ANOTHER: Final = "another text"
FOUND: Final = "an error that names the file"
MISSING: Final = "it is not there"
UNCHANGED: Final = "unchanged"
_NOW: Final = datetime(2026, 1, 31, tzinfo=UTC)

Texts = Mapping[str, str]  # by kind and log


async def fill(data_dir: Path, seed: int) -> Texts:
    """Some of everything; all texts by what they are the text of."""
    rng = random.Random(seed)
    texts: dict[str, str] = {}

    def new(what: str) -> Envelope:
        texts[what] = make_text(rng, rng.choice((80, 500, 3000)), POISON).text
        return Envelope(
            tenant=TENANT,
            log=LogId(what.partition(" ")[2]),
            source=Source.TEXT,
            received_at=_NOW,
            sha256=sha256_of(texts[what]),
            characters=len(texts[what]),
            text=texts[what],
        )

    async with open_ports(Settings(data_dir=data_dir)) as ports:
        for number in range(6):
            await ports.store.create(_document(new(f"document d{number}")))
            await ports.publisher.publish([new(f"message m{number}")])
        await ports.store.bury(_letter(new("letter l0")))
        await ports.store.plan(_plan(new("plan p0")))
    for what in list(texts):
        if what.startswith("document"):
            texts[f"modified {what}"] = redact(texts[what]).text
    return texts


async def flip(
    data_dir: Path, texts: Texts, directory: Path, seed: int
) -> tuple[str, Counter[str]]:
    """Flip one bit in a copy and read everything: where it was, and how often what came of it."""
    rng = random.Random(seed)
    copy = directory / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(data_dir, copy)
    path = copy / rng.choice(FILES)
    content = bytearray(path.read_bytes())
    bit = rng.randrange(len(content) * 8)
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)
    read: Counter[str] = Counter()
    try:
        async with open_ports(Settings(data_dir=copy)) as ports:
            for what, text in texts.items():
                read[await _outcome(ports, what, text)] += 1
            read += await _messages(ports, texts)
    except LogweirError:
        read[FOUND] += 1
    return f"{path.name} bit {bit}", read


async def _outcome(ports: Ports, what: str, text: str) -> str:
    if what.startswith("message"):
        return UNCHANGED  # counted by ``_messages``
    try:
        found = await _text_of(ports, what, sha256_of(text))
    except LogweirError:
        return FOUND
    if found is None:
        return MISSING
    return UNCHANGED if found == text else ANOTHER


async def _text_of(ports: Ports, what: str, sha256: str) -> str | None:
    kind, _, name = what.rpartition(" ")
    log = LogId(name)
    found: Any
    match kind:
        case "document" | "modified document":
            found = await ports.reader.document(TENANT, log)
            if found is not None and kind == "document":
                return str(found.original_text)
            return None if found is None else str(found.modified_data)
        case "letter":
            found = await ports.reader.letter(TextKey(TENANT, log, sha256))
        case _:
            found = await ports.store.load(TextKey(TENANT, log, sha256))
    return None if found is None else str(found.text)


async def _messages(ports: Ports, texts: Texts) -> Counter[str]:
    """As a worker gets them."""
    read: Counter[str] = Counter()
    session = await ports.session()
    for claim in await session.claim(100, MIB, 0):
        try:
            envelope = decode(claim.delivery.raw)
        except Unreadable:  # the worker puts it into quarantine
            read["an envelope's checksum"] += 1
            continue
        is_right = texts.get(f"message {envelope.log}") == envelope.text
        read[UNCHANGED if is_right else ANOTHER] += 1
    await session.end()
    return read


def _document(e: Envelope) -> Document:
    redacted = redact(e.text or "")
    return Document(
        tenant_id=e.tenant,
        log_id=e.log,
        source=e.source,
        original_text=e.text or "",
        modified_data=redacted.text,
        received_at=e.received_at,
        processed_at=_NOW,
        sha256=e.sha256,
        characters=e.characters,
        redactions=redacted.counts,
        rules_version=RULES_VERSION,
        attempts=1,
    )


def _letter(e: Envelope) -> DeadLetter:
    return DeadLetter(
        tenant_id=e.tenant,
        log_id=e.log,
        source=e.source,
        text=e.text or "",
        received_at=e.received_at,
        buried_at=_NOW,
        sha256=e.sha256,
        characters=e.characters,
        reason=Burial.CONFLICT,
        error=None,
        attempts=1,
    )


def _plan(e: Envelope) -> Plan:
    return Plan(
        tenant=e.tenant,
        log=e.log,
        sha256=e.sha256,
        source=e.source,
        received_at=e.received_at,
        text=e.text or "",
        chunk_characters=100,
    )
