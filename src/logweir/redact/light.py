"""What `typing` gives, without it: its import takes a fifth of a process's first redaction.

Who reads the types sees its names. The modules that a redaction needs, and these alone, import them
from here; none is evaluated, but for NamedTuple.
"""

from __future__ import annotations

from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final, NamedTuple
else:
    Any = Final = object

    class _Meta(type):
        """Makes a named tuple of a class's annotations and defaults, as `typing` does."""

        def __new__(cls, name: str, bases: tuple[type, ...], members: dict[str, Any]) -> type:
            if not bases:
                return super().__new__(cls, name, bases, members)
            fields = members.pop("__annotations__")
            defaults = [members.pop(field) for field in fields if field in members]
            module = members.pop("__module__")
            made = namedtuple(name, fields, defaults=defaults, module=module)  # noqa: PYI024
            for member, value in members.items():
                setattr(made, member, value)
            return made

    class NamedTuple(metaclass=_Meta):
        """A base class like `typing.NamedTuple`."""


__all__ = ["TYPE_CHECKING", "Any", "Final", "NamedTuple"]
