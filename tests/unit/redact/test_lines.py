"""Lines as real programs write them: clean ones, and dirty ones with «…» around what goes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from logweir.redact import MARKER, redact


def lines_of(name: str) -> list[str]:
    return Path(__file__).with_name(name).read_text("utf-8").rstrip("\n").split("\n")


CLEAN = lines_of("clean_lines.txt")
DIRTY = lines_of("dirty_lines.txt")


@pytest.mark.parametrize("line", CLEAN, ids=lambda line: line[:50])
def test_a_clean_line_stays_as_it_is(line: str) -> None:
    assert redact(line).text == line


@pytest.mark.parametrize("line", DIRTY, ids=lambda line: line[:50])
def test_a_dirty_line_loses_what_is_marked_and_nothing_else(line: str) -> None:
    assert redact(re.sub("[«»]", "", line)).text == re.sub("«.*?»", MARKER, line)


def test_lines_are_judged_in_a_large_text_as_alone() -> None:
    text = "\n".join(CLEAN + DIRTY)
    assert redact(re.sub("[«»]", "", text)).text == re.sub("«.*?»", MARKER, text)
