"""The ledger names each way in which a store can differ from what was answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.schema.ledger import Kept, differences
from tests.support.logs import RECEIVED

from logweir.envelope import Source, sha256_of
from logweir.redact import redact
from logweir.verify.evidence import Document, Dump, Letter

TEXT = "User 555-0199 logged in"
FIRST = Kept("acme", "log-1", Source.JSON.value, sha256_of(TEXT))
SECOND = FIRST._replace(sha256=sha256_of("other"))
DOCUMENT = Document(
    place="acme",
    tenant="acme",
    log="log-1",
    source=FIRST.source,
    text=TEXT,
    modified=redact(TEXT).text,
    sha256=FIRST.sha256,
    characters=len(TEXT),
    received_at=RECEIVED,
    processed_at=RECEIVED,
)
LETTER = Letter(
    place="acme",
    tenant="acme",
    log="log-1",
    source=SECOND.source,
    text="other",
    sha256=SECOND.sha256,
    characters=5,
    reason="conflict",
)
CLEAN = Dump(documents=[DOCUMENT], letters=[LETTER])


def test_a_store_with_what_was_answered_is_clean() -> None:
    assert differences([FIRST, FIRST, SECOND], CLEAN) == []


def _document(**changes: object) -> Callable[[Dump], Dump]:
    return lambda dump: replace(dump, documents=[replace(DOCUMENT, **changes)])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("corrupt", "saying"),
    [
        (lambda dump: replace(dump, documents=[]), "not stored"),
        (lambda dump: replace(dump, letters=[]), "not stored"),
        (lambda dump: replace(dump, documents=[DOCUMENT, DOCUMENT]), "stored 2 times"),
        (lambda dump: replace(dump, messages=1), "left: 1 messages"),
        (lambda dump: replace(dump, plans=1), "1 plans"),
        (lambda dump: replace(dump, quarantined=1), "1 in quarantine"),
        (lambda dump: replace(dump, letters=[replace(LETTER, log="log-2")]), "never answered 202"),
        (
            lambda dump: replace(dump, letters=[replace(LETTER, reason="crash_loop")]),
            "needless",
        ),
        (_document(place="beta", tenant="beta"), "never answered 202"),
        (_document(source=Source.TEXT.value), "never answered 202"),
        (_document(tenant="beta"), "at the place of another tenant"),
        (_document(text=TEXT + "\n"), "not the text that was sent"),
        (_document(modified=TEXT), "not redacted"),
    ],
)
def test_a_corrupted_store_is_named(corrupt: Callable[[Dump], Dump], saying: str) -> None:
    assert any(saying in finding for finding in differences([FIRST, SECOND], corrupt(CLEAN)))
