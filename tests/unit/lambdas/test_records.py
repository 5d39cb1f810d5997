"""A batch of SQS's is its messages, or no batch at all."""

from __future__ import annotations

from typing import Any, Final

import pytest
from tests.support.lambdas import LOGS_ARN, sqs_event, sqs_record

from logweir.entrypoints.lambdas.records import NotSqs, Record, read_records
from logweir.pipeline.broker import Delivery


def test_a_batch_is_its_messages() -> None:
    assert read_records(sqs_event(b"one", "zwölf", deliveries=7)) == [
        Record("0", LOGS_ARN, "r0", Delivery(b"one", 7, unanswered=None)),
        Record("1", LOGS_ARN, "r1", Delivery("zwölf".encode(), 7, unanswered=None)),
    ]
    assert read_records({"Records": []}) == []


def test_half_of_a_surrogate_pair_is_bad_utf8() -> None:
    (record,) = read_records(sqs_event("x\ud800"))
    assert record.delivery == Delivery(b"x\xed\xa0\x80", 1, unanswered=None)


@pytest.mark.parametrize("body", [..., None, 5, {"text": "x"}])
def test_a_message_without_a_body_is_read_all_the_same(body: object) -> None:
    record = {**sqs_record("0", "x"), "body": body}
    event = {"Records": [{k: v for k, v in record.items() if v is not ...}]}
    assert read_records(event) == [Record("0", LOGS_ARN, "r0", None)]


@pytest.mark.parametrize(
    "attributes", [None, {}, [], "x", *({"ApproximateReceiveCount": c} for c in ("", "x", None, 0))]
)
def test_a_count_that_is_none_is_one(attributes: object) -> None:
    (record,) = read_records({"Records": [{**sqs_record("0", "x"), "attributes": attributes}]})
    assert record.delivery == Delivery(b"x", 1, unanswered=None)


NOT_SQS: Final[dict[str, Any]] = {
    "null": None,
    "a list": [],
    "nothing": {},
    "no list": {"Records": {"0": sqs_record("0", "secret")}},
    "a record that is a string": {"Records": ["secret"]},
    "a record without an id": {"Records": [{**sqs_record("0", "secret"), "messageId": ""}]},
    "S3's": {"Records": [{"eventSource": "aws:s3", "s3": {"object": {"key": "secret"}}}]},
}


@pytest.mark.parametrize("event", NOT_SQS.values(), ids=NOT_SQS.keys())
def test_what_is_no_batch_is_told_in_words_that_hold_nothing_of_it(event: object) -> None:
    with pytest.raises(NotSqs) as raised:
        read_records(event)
    assert "secret" not in str(raised.value)
