"""How well a redaction finds what a labelled log holds.

    recall      labels that are covered wholly, of all labels of that entity
    precision   spans that cut out a label, of any entity, and nothing beside it but quotes and
                spaces, of all spans of the rules for that entity
    touched     lines without any label that lose a character all the same

A span counts for the entity that its rule is for, so a rule that takes the right text under another
name is right, and one that takes a word beside it is wrong, however much of the label it has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.redaction.grammar import Labelled, Line

from logweir.redact import Span

_ENTITY_OF_RULE: Final[Mapping[str, str]] = {
    "password": "secret",
    "token": "secret",
    "api-key": "secret",
    "bearer": "authorization",
    "basic": "authorization",
    "aws-key": "aws",
    "google-key": "google",
    "github-token": "github",
    "gitlab-token": "gitlab",
    "slack-token": "slack",
    "stripe-key": "stripe",
    "npm-token": "npm",
    "ai-key": "ai, sendgrid",
}
_HARMLESS: Final = frozenset("\"'`\\ \t")  # outside of a label, nobody misses them


@dataclass(frozen=True, slots=True)
class Mistake:
    """A label that was missed, or a span that should not have been."""

    entity: str
    missed: bool
    line: Line
    spans: Sequence[Span]
    place: tuple[int, int]


@dataclass(slots=True)
class Tally:
    """Of one entity."""

    labelled: int = 0
    covered: int = 0
    taken: int = 0
    right: int = 0

    @property
    def recall(self) -> float:
        """Of the labels, 1.0 where there is none."""
        return self.covered / self.labelled if self.labelled else 1.0

    @property
    def precision(self) -> float:
        """Of the spans, 1.0 where there is none."""
        return self.right / self.taken if self.taken else 1.0


@dataclass(slots=True)
class Quality:
    """Of all entities, and what went wrong."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    clean: int = 0
    touched: int = 0
    mistakes: list[Mistake] = field(default_factory=list, repr=False)

    def of(self, entity: str) -> Tally:
        """The entity's tally."""
        return self.tallies.setdefault(entity, Tally())

    def total(self) -> Tally:
        """All entities together."""
        every = self.tallies.values()
        return Tally(
            sum(tally.labelled for tally in every),
            sum(tally.covered for tally in every),
            sum(tally.taken for tally in every),
            sum(tally.right for tally in every),
        )


def measure(lines: Iterable[Line], find: Callable[[str], Sequence[Span]]) -> Quality:
    """What ``find`` makes of the lines, beside what their labels say."""
    quality = Quality()
    for line in lines:
        spans = find(line.text)
        if not line.spans and not line.free:
            quality.clean += 1
            quality.touched += bool(spans)
        _count_labels(line, spans, quality)
        _count_spans(line, spans, quality)
    return quality


def _count_labels(line: Line, spans: Sequence[Span], quality: Quality) -> None:
    for start, end, entity in line.spans:
        tally = quality.of(entity)
        tally.labelled += 1
        if _outside(start, end, spans):
            quality.mistakes.append(Mistake(entity, True, line, spans, (start, end)))
        else:
            tally.covered += 1


def _count_spans(line: Line, spans: Sequence[Span], quality: Quality) -> None:
    for span in spans:
        start, end = span.start, span.end
        if not _outside(start, end, line.free):
            continue
        entity = _ENTITY_OF_RULE.get(span.rule, span.rule)
        tally = quality.of(entity)
        tally.taken += 1
        hits = any(label.start < end and start < label.end for label in line.spans)
        beside = _outside(start, end, [*line.spans, *line.free])
        if hits and all(line.text[place] in _HARMLESS for place in beside):
            tally.right += 1
        else:
            quality.mistakes.append(Mistake(entity, False, line, spans, (start, end)))


def _outside(start: int, end: int, cover: Sequence[Span | Labelled]) -> list[int]:
    """The places from start to end that none of the cover has."""
    near = [(piece.start, piece.end) for piece in cover if piece.start < end and start < piece.end]
    return [place for place in range(start, end) if not any(a <= place < b for a, b in near)]
