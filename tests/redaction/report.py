"""The figures as a table, and the mistakes as examples with the places marked."""

from __future__ import annotations

from collections import defaultdict

from rich.table import Table
from tests.redaction.measure import Mistake, Quality

_CONTEXT = 70  # characters shown on either side


def table_of(quality: Quality, title: str) -> Table:
    """A row for each entity, and all of them together."""
    table = Table(title=title, title_justify="left")
    table.add_column("entity")
    for heading in ("labelled", "recall", "redacted", "precision"):
        table.add_column(heading, justify="right")
    rows = sorted(quality.tallies.items(), key=lambda row: -row[1].labelled)
    for entity, tally in [*rows, ("all", quality.total())]:
        table.add_row(
            entity,
            f"{tally.labelled:,}",
            f"{tally.recall:.2%}" if tally.labelled else "-",
            f"{tally.taken:,}",
            f"{tally.precision:.2%}" if tally.taken else "-",
            end_section=rows[-1][0] == entity,
        )
    share = quality.touched / quality.clean if quality.clean else 0.0
    table.caption = f"clean lines touched: {quality.touched:,} of {quality.clean:,} ({share:.3%})"
    table.caption_justify = "left"
    return table


def examples_of(quality: Quality, limit: int, each: int = 2) -> str:
    """The commonest mistakes, at most ``limit``, those of one template together.

    ⟦…⟧ is the label that was missed or the span that is wrong; what was redacted stands in {…}.
    """
    groups: dict[tuple[bool, str, str], list[Mistake]] = defaultdict(list)
    for mistake in quality.mistakes:
        groups[mistake.missed, mistake.entity, mistake.line.template].append(mistake)
    told: list[str] = []
    for (missed, entity, template), some in sorted(groups.items(), key=_rank)[:limit]:
        what = "MISSED" if missed else "WRONG "
        told.append(f"{what} {entity} x{len(some)}   {template[:160]!r}")
        told += [f"        {_marked(mistake)}" for mistake in some[:each]]
    return "\n".join(told)


def _rank(group: tuple[tuple[bool, str, str], list[Mistake]]) -> tuple[int, bool, str]:
    """The commonest first; among equals what was missed, then by entity."""
    (missed, entity, _), mistakes = group
    return -len(mistakes), not missed, entity


def _marked(mistake: Mistake) -> str:
    start, end = mistake.place
    text = mistake.line.text
    marks: list[tuple[int, str]] = [(start, "⟦"), (end, "⟧")]
    rules = []
    for span in mistake.spans:
        if (span.start < end and start < span.end) or not mistake.missed:
            marks += [(span.start, "{"), (span.end, "}")]
            rules.append(span.rule)
    shown = text
    for place, mark in sorted(marks, reverse=True):
        shown = shown[:place] + mark + shown[place:]
    first, last = shown.index("⟦"), shown.index("⟧")
    if last - first > 200:
        shown, last = f"{shown[: first + 60]} … {shown[last - 60 :]}", first + 123
    return repr(shown[max(0, first - _CONTEXT) : last + _CONTEXT])[1:-1] + f"   {','.join(rules)}"
