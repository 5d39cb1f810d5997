"""Logs as services write them, every secret's place known; the same seed makes the same log.

    values/       what goes into a slot: plain, look-alikes that stay, and what has to go
    templates/    the formats, and what is said in them, one a line
    forms.py      names and secrets as languages put them together
    grammar.py    a template becomes a line with labels

Six lines of ten hold nothing secret, half of them something that looks like it.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from random import Random
from typing import Final

from tests.redaction.catalogue import CARRIERS, FORMATS, NOTES, SECRETS
from tests.redaction.forms import FORMS
from tests.redaction.grammar import Grammar, Line, line_of
from tests.redaction.values import credentials, decoys, names, network, people, plain

CLEAN_SHARE: Final = 0.6
_CARRIED_SHARE: Final = 0.5  # of the lines, those that are a message in a format for any message
_GRAMMAR = Grammar(
    plain={**plain.PLAIN, **decoys.DECOYS, **names.NAMES_OF_SECRETS},
    labelled={**people.PEOPLE, **network.NETWORK, **credentials.CREDENTIALS},
)


def generate(seed: int, lines: int) -> list[Line]:
    """So many items, each a line or several that belong together."""
    random = Random(seed)
    return [_line(random) for _ in range(lines)]


def _line(random: Random) -> Line:
    clean = random.random() < CLEAN_SHARE
    if random.random() < _CARRIED_SHARE:
        message = random.choice(random.choice(NOTES if clean else (*SECRETS, FORMS)))
        return line_of(_GRAMMAR.expand(random.choice(CARRIERS), random, message), message)
    template = random.choice(_whole_lines(clean))
    return line_of(_GRAMMAR.expand(template, random), template)


@functools.cache
def _whole_lines(clean: bool) -> Sequence[str]:
    """The formats' templates that are clean, or those that are not."""
    every = itertools.chain(*FORMATS)
    return [template for template in every if _GRAMMAR.has_labels(template) is not clean]
