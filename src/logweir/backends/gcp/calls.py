"""Calls of Google's, by the table of its errors."""

from __future__ import annotations

import functools
from typing import Final

from logweir.pipeline import patience
from logweir.pipeline.patience import Exists as Exists
from logweir.pipeline.patience import Meaning
from logweir.pipeline.patience import Missing as Missing


def _table(error: Exception) -> tuple[Meaning, str] | None:
    # Imported once something was raised: it costs a cold start 50 ms.
    from logweir.backends.gcp.errors import ERRORS, meaning_of, words_of

    return (meaning_of(error), words_of(error)) if isinstance(error, ERRORS) else None


patiently: Final = functools.partial(patience.patiently, table=_table)
confirmed: Final = functools.partial(patience.confirmed, table=_table)
