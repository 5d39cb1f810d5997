"""A first redaction does not wait for `typing`, and its named tuples are what those of that are."""

from __future__ import annotations

import subprocess
import sys

import pytest

from logweir.redact.light import NamedTuple
from logweir.redact.policy import Policy

SLOW_TO_IMPORT = ("typing", "string", "dataclasses", "ipaddress", "hashlib", "tomllib")


class Point(NamedTuple):
    """A place."""

    x: int
    y: int = 2

    @property
    def sum(self) -> int:
        """Of both."""
        return self.x + self.y


def test_a_named_tuple_has_fields_defaults_and_methods() -> None:
    point = Point(1)
    assert point == (1, 2) == Point(x=1, y=2)
    assert point.sum == 3
    assert point._replace(y=5).sum == 6
    assert (Point.__doc__, Point._fields) == ("A place.", ("x", "y"))
    assert repr(point) == "Point(x=1, y=2)"
    with pytest.raises(TypeError):
        Point()  # type: ignore[call-arg]


def test_a_policys_own_repr_is_kept() -> None:
    assert "secret" not in repr(Policy(key=b"secret"))


def test_a_first_redaction_imports_nothing_slow() -> None:
    code = (
        "import sys; from logweir.redact import redact; redact('password=hunter2 10.0.0.1');"
        f"print([name for name in {SLOW_TO_IMPORT} if name in sys.modules])"
    )
    # Without site: what the environment loads by itself is not ours.
    path = f"import sys; sys.path[:] = {sys.path!r};"
    run = [sys.executable, "-S", "-c", path + code]
    assert subprocess.check_output(run, text=True).strip() == "[]"
