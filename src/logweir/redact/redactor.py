"""Redaction under one policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

from logweir.redact.gates import possible_of
from logweir.redact.light import NamedTuple
from logweir.redact.markers import marker_of, without_markers
from logweir.redact.policy import Policy, allowance
from logweir.redact.rule import Range, Rule
from logweir.redact.rules import RULES
from logweir.redact.scan import Hit, Table, cut_out, merged

RULES_VERSION = "3"  # goes into every document: change it whenever a rule takes more or less

_TABLES_KEPT = 64  # policies that differ in markers or in what they allow share a table

# Characters of a text that are looked at together, and then to the end of the line. Few rules are
# possible in so few lines, and what each of them costs is shared by these.
_PIECE = 256
_LONG = 4096  # characters of a line, from which on it matters where in it a rule can match


class Span(NamedTuple):
    """One thing found: ``text[start:end]``, the rule's name, and what that rule finds, in words."""

    start: int
    end: int
    rule: str
    reason: str


class Redacted(NamedTuple):
    """A text without its secrets, and how many each rule took, of the rules that took any."""

    text: str
    counts: dict[str, int]


_new = tuple.__new__  # Redacted(...) by itself takes a good part of what a clean line does


class Ready(NamedTuple):
    """A table of rules, ready to be run: its gates, its rows, a mask of those that span lines."""

    possible: Callable[[str], int]
    table: Table
    spanning: int


@lru_cache(_TABLES_KEPT)
def ready(rules: tuple[Rule, ...]) -> Ready:
    """Made once in a process for all who share the table: it takes milliseconds."""
    spanning = sum(1 << number for number, rule in enumerate(rules) if rule.spans_lines)
    return Ready(possible_of(rules), Table(rules), spanning)


class Redactor:
    """Finds and takes out what a policy says. Holds no state of a text; threads may share one.

    ``engine`` is what tells the rules that a line can match: "re", by literals, "hyperscan", by the
    extra ``fast``, or "auto", by that where it is installed. What is found is the same. Where
    hyperscan cannot be had, `engine` is "re" and `unavailable` says why.
    """

    def __init__(self, policy: Policy = Policy(), engine: str = "re") -> None:  # noqa: B008
        rules = [rule for rule in (*RULES, *policy.rules) if rule.name not in policy.off]
        rules.sort(key=lambda rule: not rule.spans_lines)  # stable: what spans lines comes first
        self._possible, self._table, self._spanning = ready(tuple(rules))
        self._ranges: Callable[[str], dict[int, list[Range]]] | None = None
        self._marker = marker_of(policy)
        self._is_allowed = allowance(policy)
        self.policy = policy
        self.version = "+".join(filter(None, (RULES_VERSION, policy.digest)))
        self.engine = "re"
        self.unavailable = "" if engine == "re" else self._prefilter(rules)

    def _prefilter(self, rules: list[Rule]) -> str:
        """Have hyperscan look at each line first; why that cannot be, or ""."""
        from logweir.redact.prefilter import Unavailable, prefilter_of

        try:
            prefilter = prefilter_of(tuple(rule.forms for rule in rules))
        except Unavailable as error:
            return str(error)
        self._possible, self._ranges = prefilter.possible, prefilter.ranges
        self.engine = "hyperscan"
        return ""

    def find(self, text: str) -> list[Span]:
        """What would be redacted, in order, without overlaps."""
        return [Span(start, end, rule.name, rule.finds) for start, end, rule in self._hits(text)]

    def redact(self, text: str) -> Redacted:
        """The text with each span replaced by its marker."""
        hits = self._hits(text)
        if not hits:
            return _new(Redacted, (text, {}))
        marker = self._marker
        if len(hits) == 1:  # as in most lines that have any, and it takes less
            ((start, end, rule),) = hits
            whole = f"{text[:start]}{marker(rule.name, text[start:end])}{text[end:]}"
            return _new(Redacted, (whole, {rule.name: 1}))
        counts: dict[str, int] = {}
        pieces: list[str] = []
        done = 0
        for start, end, rule in hits:
            name = rule.name
            pieces += text[done:start], marker(name, text[start:end])
            counts[name] = counts.get(name, 0) + 1
            done = end
        pieces.append(text[done:])
        return _new(Redacted, ("".join(pieces), counts))

    def _hits(self, text: str) -> list[Hit]:
        bare = without_markers(text) if "[REDACTED" in text else text
        if len(bare) > _PIECE:
            hits = self._of_pieces(bare)
        elif mask := self._possible(bare):
            hits = self._table.of(mask).hits_in(bare)
        else:
            return []  # most
        if hits and self._is_allowed:
            hits = [hit for hit in hits if not self._is_allowed(text[hit[0] : hit[1]])]
        return hits

    def _of_pieces(self, text: str) -> list[Hit]:
        """What may lie over lines is looked for in all of the text; then each piece by itself."""
        hits = self._table.of(self._spanning).hits_in(text)
        if hits:
            text = cut_out(text, [hit[:2] for hit in hits])
        start = 0
        for piece in _pieces(text):
            for first, end, rule in self._of_piece(piece):
                hits.append((start + first, start + end, rule))
            start += len(piece) + 1
        return merged(hits)

    def _of_piece(self, text: str) -> list[Hit]:
        if self._ranges and len(text) > _LONG:
            ranges = self._ranges(text)
            mask = sum(1 << number for number in ranges)
        else:
            ranges, mask = None, self._possible(text)
        mask &= ~self._spanning
        return self._table.of(mask).hits_in(text, ranges) if mask else []


def _pieces(text: str) -> Iterator[str]:
    """The text cut at line breaks, in pieces of a number of characters at least."""
    start = 0
    while (end := text.find("\n", start + _PIECE)) >= 0:
        yield text[start:end]
        start = end + 1
    yield text[start:]
