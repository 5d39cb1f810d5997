"""Calls of AWS's, by the table of its errors."""

from __future__ import annotations

import functools
from typing import Final

from logweir.backends.aws.errors import ERRORS, meaning_of, words_of
from logweir.pipeline import patience
from logweir.pipeline.patience import Exists as Exists
from logweir.pipeline.patience import Meaning
from logweir.pipeline.patience import Missing as Missing
from logweir.pipeline.patience import Unmet as Unmet


def table(error: Exception) -> tuple[Meaning, str] | None:
    """What an error of botocore's means, and in words."""
    return (meaning_of(error), words_of(error)) if isinstance(error, ERRORS) else None


patiently: Final = functools.partial(patience.patiently, table=table)
confirmed: Final = functools.partial(patience.confirmed, table=table)
