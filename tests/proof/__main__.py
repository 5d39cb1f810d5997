"""``make proof``: keep this machine's runs in docs/proof.jsonl, write docs/proof.md from all."""

from __future__ import annotations

import sys

from tests.proof.page import page
from tests.proof.results import KEPT, ROOT, fresh, line_of, read
from tests.proof.totals import folded


def main() -> int:
    """0: written."""
    new = read(fresh())
    kept = folded(read(KEPT) + new)
    text = page(kept)
    KEPT.write_text("".join(map(line_of, kept)))
    fresh().unlink(missing_ok=True)
    (ROOT / "docs" / "proof.md").write_text(text)
    print(f"docs/proof.md: {len(new)} new runs, {len(kept)} lines kept in {KEPT.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
