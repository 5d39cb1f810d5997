"""(i) What a million logs of 100 characters cost on AWS, by how many come in one batch.

    python -m bench.aws_cost

Prices are those of us-east-1 in US dollars, put together in November 2026 from
https://aws.amazon.com/{lambda,sqs,dynamodb,cloudwatch}/pricing/; of fair queues, and that their
surcharge is for each request, from https://cloudburn.io/blog/amazon-sqs-pricing (March 2026).
How long a function takes is measured here, with its work, on an emulator, and stretched to the
share of a processor that Lambda gives to its memory.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from bench import emulated
from bench.lambda_gateway import EVENT, OURS, run
from bench.logs import envelopes
from logweir.envelope import Envelope, encode

GB_SECOND = 0.0000133334  # arm64
INVOCATION = 0.20e-6
SQS_REQUEST = 0.40e-6
FAIR_REQUEST = 0.10e-6
DYNAMO_WRITE, DYNAMO_READ = 0.625e-6, 0.125e-6  # on demand; the provisioned 25 and 25 are free
LOG_GB = 0.50

FREE_GB_SECONDS = 400_000
FREE_INVOCATIONS = 1_000_000
FREE_SQS_REQUESTS = 1_000_000
FREE_LOG_GB = 5

LOGS = 1_000_000
CHARACTERS = 100
MEMORY_GB = 0.5
PROCESSOR_SHARE = 512 / 1769  # 1,769 MB are one processor
SQS_BATCH = 10  # messages in one request of Lambda's pollers
# What a function prints, and what Lambda adds to each invocation.
LOG_BYTES, INVOCATION_LOG_BYTES = 250, 350

_WORKER = "logweir.entrypoints.lambdas.worker"
_TENANTS = 4


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a million logs, in batches of ``batch``: dollars by what they are paid for."""

    batch: int
    worker_seconds: float  # a batch
    gateway_seconds: float  # a request
    dollars: Mapping[str, float]
    after_free: Mapping[str, float]

    @property
    def total(self) -> float:
        """By list prices."""
        return sum(self.dollars.values())

    @property
    def total_after_free(self) -> float:
        """Where nothing else uses what is free in a month, and the table is the provisioned one."""
        return sum(self.after_free.values())


def measure(*, batches: tuple[int, ...] = (1, 10, 50), calls: int = 2) -> list[Cost]:
    """One sandbox for each size of batch; its first call does not count."""
    with emulated.running_aws() as variables:
        gateway = _seconds(OURS, [EVENT] * 200, variables)
        return [
            cost(batch, gateway, _seconds(_WORKER, _events(batch, calls + 1), variables))
            for batch in batches
        ]


def cost(batch: int, gateway_seconds: float, worker_seconds: float) -> Cost:
    """Plain arithmetic."""
    invocations = LOGS + LOGS / batch
    gb_seconds = MEMORY_GB * (LOGS * gateway_seconds + LOGS / batch * worker_seconds)
    # A send for each; a receive and a delete for every ten of a batch.
    sqs = LOGS * (1 + 2 * math.ceil(batch / SQS_BATCH) / batch)
    log_gb = (LOGS * LOG_BYTES + invocations * INVOCATION_LOG_BYTES) / 1e9
    dollars = {
        "gateway": MEMORY_GB * LOGS * gateway_seconds * GB_SECOND,
        "workers": MEMORY_GB * LOGS / batch * worker_seconds * GB_SECOND,
        "invocations": invocations * INVOCATION,
        "SQS": sqs * (SQS_REQUEST + FAIR_REQUEST),
        "DynamoDB on demand": LOGS * (DYNAMO_WRITE + DYNAMO_READ),
        "logs": log_gb * LOG_GB,
    }
    after_free = {
        "functions": max(0.0, gb_seconds - FREE_GB_SECONDS) * GB_SECOND,
        "invocations": (invocations - FREE_INVOCATIONS) * INVOCATION,
        "SQS": (sqs - FREE_SQS_REQUESTS) * SQS_REQUEST + sqs * FAIR_REQUEST,
        "logs": max(0.0, log_gb - FREE_LOG_GB) * LOG_GB,
    }
    return Cost(batch, worker_seconds, gateway_seconds, dollars, after_free)


def _seconds(module: str, events: list[object], variables: Mapping[str, str]) -> float:
    times = run(module, events, variables).times
    calls = zip(times["calls_ms"][1:], times["calls_cpu_ms"][1:], strict=True)
    # What is waited for takes as long on a share of a processor; what is computed takes longer.
    stretched: list[float] = [all_ + cpu * (1 / PROCESSOR_SHARE - 1) for all_, cpu in calls]
    return statistics.median(stretched) / 1e3


def _events(batch: int, count: int) -> list[object]:
    logs = envelopes(batch * count, tenants=_TENANTS, characters=CHARACTERS)
    return [
        {"Records": [_record(log) for log in logs[first : first + batch]]}
        for first in range(0, len(logs), batch)
    ]


def _record(log: Envelope) -> dict[str, object]:
    return {
        "messageId": log.log,
        "receiptHandle": log.log,
        "body": encode(log).decode(),
        "attributes": {"ApproximateReceiveCount": "1"},
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:logweir-logs",
    }


if __name__ == "__main__":
    for one in measure():
        print(
            f"batches of {one.batch}: {one.total:.2f} dollars, {one.total_after_free:.2f} after"
            f" what is free; gateway {one.gateway_seconds * 1e3:.1f} ms a request, worker"
            f" {one.worker_seconds:.2f} s a batch"
        )
        for name, dollars in one.dollars.items():
            print(f"  {name:20} {dollars:8.2f}")
