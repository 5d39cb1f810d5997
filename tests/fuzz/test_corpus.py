"""Every seed of the fuzzer, and whatever it ever found, without the fuzzer."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.fuzz import seeds, targets

from logweir.envelope import decode
from logweir.ids import TenantId
from logweir.limits import MIB
from logweir.pipeline.accept import accept
from logweir.pipeline.inflate import inflate


@pytest.mark.parametrize("target", targets.TARGETS)
def test_every_input_keeps_the_promises(target: str) -> None:
    for raw in seeds.inputs(target):
        targets.run(target, raw)


@pytest.mark.parametrize("target", targets.TARGETS)
def test_no_input_takes_more_memory_than_its_limits_let_it(target: str) -> None:
    for raw in seeds.inputs(target):
        tracemalloc.start()
        try:
            targets.run(target, raw)
            assert tracemalloc.get_traced_memory()[1] < MIB
        finally:
            tracemalloc.stop()


def _of_another_tenant(*words: Any) -> Any:
    return replace(accept(*words), tenant=TenantId("other"))


def _tried_once_more(raw: bytes) -> Any:
    return decode(raw).next_attempt()


def _without_its_end(*words: Any) -> bytes:
    return inflate(*words)[:-1]


@pytest.mark.parametrize(
    ("target", "name", "broken"),
    [
        ("accept", "accept", _of_another_tenant),
        ("decode", "decode", _tried_once_more),
        ("inflate", "inflate", _without_its_end),
    ],
)
def test_the_seeds_find_a_planted_bug(
    target: str, name: str, broken: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, name, broken)
    with pytest.raises(AssertionError):
        test_every_input_keeps_the_promises(target)
