"""A table of a TOML file, read strictly: each error names the file, the place and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NoReturn

from logweir.errors import Misconfigured

_TYPES: Final = {str: "a text", bool: "a truth value", int: "a number", float: "a number"}
_TYPES.update({list: "a list", dict: "a table"})


class Table:
    """Typed access to what a table holds. ``source``: the file; ``place``: where in it."""

    def __init__(self, source: str, place: str, values: object, known: tuple[str, ...]) -> None:
        """Raises Misconfigured where it is no table, or has a key that is not ``known``."""
        self._source = source
        self._place = place
        if not isinstance(values, dict):
            self.refuse("", f"must be a table, and is {_type_of(values)}")
        self._values: Mapping[str, Any] = values
        for key in values:
            if key not in known:
                self.refuse(key, f"there is no such key here. There are: {', '.join(known)}")

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def text(self, key: str, characters_max: int) -> str:
        """A text that is there, and is not empty."""
        if key not in self._values:
            self.refuse(key, "is missing")
        return self._text(key, self._values[key], characters_max)

    def texts(self, key: str, most: int, characters_max: int) -> tuple[str, ...]:
        """A list of texts, each once; () where there is none."""
        found = self._list(key, most)
        texts = [self._text(f"{key}[{n}]", each, characters_max) for n, each in enumerate(found)]
        if len(set(texts)) < len(texts):
            self.refuse(key, "has a value twice")
        return tuple(texts)

    def tables(self, key: str, most: int, known: tuple[str, ...]) -> list[Table]:
        """A list of tables; [] where there is none. Their places count from 1."""
        inner = f"{self._place}: {key}" if self._place else key
        return [
            Table(self._source, f"{inner} {number}", each, known)
            for number, each in enumerate(self._list(key, most), 1)
        ]

    def named_tables(self, key: str, most: int, known: tuple[str, ...]) -> dict[str, Table]:
        """A table of tables; {} where there is none."""
        found = self._values.get(key, {})
        if not isinstance(found, dict):
            self.refuse(key, f"must be tables, [{key}.…], and is {_type_of(found)}")
        self._bound(key, len(found), most)
        return {
            name: Table(self._source, f"{key}.{name}", each, known) for name, each in found.items()
        }

    def refuse(self, key: str, why: str) -> NoReturn:
        """Raises Misconfigured."""
        where = ": ".join(filter(None, (self._source, self._place, key)))
        raise Misconfigured(f"{where}: {why}")

    def _list(self, key: str, most: int) -> list[Any]:
        found = self._values.get(key, [])
        if not isinstance(found, list):
            self.refuse(key, f"must be a list, and is {_type_of(found)}")
        self._bound(key, len(found), most)
        return found

    def _bound(self, key: str, count: int, most: int) -> None:
        if count > most:
            self.refuse(key, f"has {count:,}, and may have {most:,}")

    def _text(self, key: str, value: object, characters_max: int) -> str:
        if not isinstance(value, str):
            self.refuse(key, f"must be a text, and is {_type_of(value)}")
        if not value:
            self.refuse(key, "must be a text, and is empty")
        if len(value) > characters_max:
            self.refuse(key, f"has {len(value):,} characters, and may have {characters_max:,}")
        return value


def _type_of(value: object) -> str:
    return _TYPES.get(type(value), "a date or time")
