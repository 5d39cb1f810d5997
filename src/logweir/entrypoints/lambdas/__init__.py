"""The functions on AWS Lambda.

    function URL ──▶ gateway ──events──▶ requests ──▶ Ingest ──────────▶ {statusCode, headers, body}
    SQS ───────────▶ worker ──records──▶ batches ───▶ Consumer, each ──▶ {batchItemFailures}
    once an hour ──▶ worker ──────────▶ dead ───────▶ Consumer, each ──▶ what was published anew

``gateway`` and ``worker`` are what Lambda imports: they open their sandbox when they are imported,
since that is what a function has its full processor for. The others can be imported by anyone.
"""

import logweir.entrypoints.logs  # noqa: F401  # before all that loads structlog: see there
