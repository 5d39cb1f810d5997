r"""The file of redaction: TOML -> Policies. docs/redaction.md has a complete one.

    marker = "rule"                     for everyone
    off = ["ipv4"]
    allow = ["127.0.0.1", "10.*"]
    [[rule]]
    …
    [tenants.acme]                      for acme, on top of that: marker replaces, off, allow and
    on = ["ipv4"]                       rule add, and on takes something off the list of off again

Read once, at start: what is wrong in it ends the start, in words that say where and what to do.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from logweir.errors import InvalidId, Misconfigured
from logweir.ids import TenantId
from logweir.limits import POLICY_LIMITS as LIMITS
from logweir.redact.markers import NAME_GRAMMAR
from logweir.redact.own_rule import own_rule
from logweir.redact.policies import Policies
from logweir.redact.policy import Policy
from logweir.redact.policy_table import Table
from logweir.redact.redactor import Redactor
from logweir.redact.rule import Rule
from logweir.redact.rules import RULES
from logweir.redact.subset import PATTERN_CHARACTERS_MAX

_MARKERS: Final = ("plain", "rule", "hash")
_NAMES: Final = tuple(dict.fromkeys(rule.name for rule in RULES))  # of the table
_EVERYONES: Final = ("marker", "off", "allow", "rule", "tenants")
_A_TENANTS: Final = ("marker", "off", "on", "allow", "rule")
_A_RULES: Final = ("name", "finds", "pattern", "takes", "leaves")
_NAME_CHARACTERS_MAX: Final = 100  # longer ones are nobody's


def read_policies(path: Path, key: bytes = b"") -> Policies:
    """The policies of a file. ``key``: of hashes; b"" is none. Raises Misconfigured."""
    try:
        with path.open("rb") as file:
            data = file.read(LIMITS.file_bytes_max + 1)
    except OSError as error:
        raise Misconfigured(f"{path}: cannot be read: {error.strerror}") from error
    if len(data) > LIMITS.file_bytes_max:
        raise _too_large(str(path))
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise Misconfigured(f"{path}: is not UTF-8, at byte {error.start + 1:,}") from None
    return parse_policies(text, str(path), key)


def parse_policies(text: str, source: str, key: bytes = b"") -> Policies:
    """The same of a text; ``source`` is what errors call it. Raises Misconfigured."""
    import tomllib  # who has no file need not wait for it

    if len(text) > LIMITS.file_bytes_max:
        raise _too_large(source)
    try:
        values = tomllib.loads(text)
    except ValueError as error:  # of TOML's grammar, or of a number that is too long for Python
        raise Misconfigured(f"{source}: is no TOML: {error}") from None
    except RecursionError:
        raise Misconfigured(f"{source}: lists or tables lie in each other, too deep") from None
    top = Table(source, "", values, _EVERYONES)
    default = _everyones(top)
    tables = top.named_tables("tenants", LIMITS.tenants_max, _A_TENANTS)
    tenants = {_tenant(name, table): _tenants(table, default) for name, table in tables.items()}
    _check_together(top, default, tenants)
    if any(policy.marker == "hash" for policy in (default, *tenants.values())):
        _check_key(source, key)
    return Policies(
        _with_key(default, key), {name: _with_key(each, key) for name, each in tenants.items()}
    )


def _too_large(source: str) -> Misconfigured:
    return Misconfigured(f"{source}: is larger than {LIMITS.file_bytes_max:,} bytes")


def _everyones(table: Table) -> Policy:
    return Policy(
        off=frozenset(_names(table, "off", _NAMES)),
        allowed=_allowed(table),
        rules=_rules(table, LIMITS.rules_max, ()),
        marker=_marker(table, "plain"),
    )


def _tenants(table: Table, default: Policy) -> Policy:
    known = (*_NAMES, *(rule.name for rule in default.rules))
    off, on = _names(table, "off", known), _names(table, "on", known)
    for name in on:
        if name not in default.off:
            table.refuse("on", f"{name} is not off for everyone: there is nothing to switch on")
    return Policy(
        off=(default.off - frozenset(on)) | frozenset(off),
        allowed=(*default.allowed, *_allowed(table)),
        rules=(*default.rules, *_rules(table, LIMITS.tenant_rules_max, default.rules)),
        marker=_marker(table, default.marker),
    )


def _tenant(name: str, table: Table) -> TenantId:
    try:
        return TenantId(name)
    except InvalidId as error:
        table.refuse("", f"the tenant's id {error}")


def _names(table: Table, key: str, known: tuple[str, ...]) -> tuple[str, ...]:
    names = table.texts(key, len(known), _NAME_CHARACTERS_MAX)
    for name in names:
        if name not in known:
            table.refuse(key, f"there is no rule {name!r}. There are: {', '.join(known)}")
    return names


def _marker(table: Table, otherwise: str) -> str:
    if "marker" not in table:
        return otherwise
    marker = table.text("marker", _NAME_CHARACTERS_MAX)
    if marker not in _MARKERS:
        table.refuse("marker", f"must be one of {', '.join(_MARKERS)}, and is {marker!r}")
    return marker


def _allowed(table: Table) -> tuple[str, ...]:
    values = table.texts("allow", LIMITS.allowed_max, LIMITS.allowed_characters_max)
    for value in values:
        if "*" in value.removeprefix("*") and "*" in value.removesuffix("*"):
            table.refuse("allow", f"{value!r}: there may be one *, at its beginning or its end")
        if value == "*":
            table.refuse("allow", "'*' is every value: nothing would be redacted")
    return values


def _rules(table: Table, most: int, others: tuple[Rule, ...]) -> tuple[Rule, ...]:
    rules: list[Rule] = []
    for each in table.tables("rule", most, _A_RULES):
        rule = _rule(each)
        if any(rule.name == other.name for other in (*others, *rules)):
            each.refuse("name", f"there are two rules {rule.name}: choose another name")
        rules.append(rule)
    return tuple(rules)


def _rule(table: Table) -> Rule:
    name = table.text("name", _NAME_CHARACTERS_MAX)
    if not re.fullmatch(NAME_GRAMMAR, name):
        table.refuse("name", f"must match {NAME_GRAMMAR}, and is {name!r}")
    if name in _NAMES:
        table.refuse("name", f"{name} is a rule of the table's own: choose another name")
    finds = table.text("finds", LIMITS.finds_characters_max)
    if not finds.isprintable():  # --explain shows it, on one line of a terminal
        table.refuse("finds", f"must be printable, on one line, and is {finds!r}")
    pattern = table.text("pattern", PATTERN_CHARACTERS_MAX)
    takes, leaves = (
        table.texts(key, LIMITS.examples_max, LIMITS.example_characters_max)
        for key in ("takes", "leaves")
    )
    if not takes:
        table.refuse("takes", 'is missing: give an example, such as ["by «EMP-123456»"]')
    try:
        rule = own_rule(name, finds, pattern, takes, leaves)
    except ValueError as error:
        table.refuse("pattern", f"{pattern!r}: {error}")
    _check_examples(table, rule)
    return rule


def _check_examples(table: Table, rule: Rule) -> None:
    """By the rule alone, for what others take of an example is not what it is about."""
    redactor = Redactor(Policy(off=frozenset(_NAMES), rules=(rule,)))

    def marked(text: str) -> str:
        for start, end, *_ in reversed(redactor.find(text)):
            text = f"{text[:start]}«{text[start:end]}»{text[end:]}"
        return text

    for number, example in enumerate(rule.takes):
        if "«" not in example:
            table.refuse(f"takes[{number}]", f"{example!r}: mark what goes: «…»")
        if (found := marked(example.replace("«", "").replace("»", ""))) != example:
            table.refuse(f"takes[{number}]", f"should be {example!r}, and the rule takes {found!r}")
    for number, example in enumerate(rule.leaves):
        if (found := marked(example)) != example:
            table.refuse(f"leaves[{number}]", f"the rule takes {found!r}")


def _check_together(top: Table, default: Policy, tenants: dict[TenantId, Policy]) -> None:
    shared = len(default.rules)
    count = shared + sum(len(policy.rules) - shared for policy in tenants.values())
    if count > LIMITS.all_rules_max:
        top.refuse("", f"has {count:,} rules in all, and may have {LIMITS.all_rules_max:,}")


def _check_key(source: str, key: bytes) -> None:
    if not key:
        raise Misconfigured(
            f'{source}: marker = "hash" needs a key: set LOGWEIR_REDACTION_KEY, best to 32 random'
            " bytes in hexadecimal digits (openssl rand -hex 32)"
        )


def _with_key(policy: Policy, key: bytes) -> Policy:
    return policy._replace(key=key) if policy.marker == "hash" else policy
