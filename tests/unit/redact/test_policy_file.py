"""The file of redaction: what it may say, and that all that is wrong in it ends the start."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from logweir.errors import Misconfigured
from logweir.limits import POLICY_LIMITS as LIMITS
from logweir.redact import Policy, Redactor, prefilter
from logweir.redact.policies import Policies, Redactors
from logweir.redact.policy_file import parse_policies, read_policies
from logweir.redact.rule import Forms

KEY = b"sixteen bytes ok"
RULE = """
[[rule]]
name = "employee-id"
finds = "an employee's id"
pattern = 'EMP-[0-9]{6}'
takes = ["by «EMP-123456»"]
leaves = ["EMP-12"]
"""
COMPLETE = f"""
marker = "rule"
off = ["ipv4"]
allow = ["127.0.0.1", "10.*", "*@example.com"]
{RULE}
[tenants.acme]
off = ["phone", "employee-id"]
on = ["ipv4"]
allow = ["8.8.8.8"]
[tenants."be.ta"]
marker = "hash"
[[tenants."be.ta".rule]]
name = "session"
finds = "a session's id"
pattern = 'sid=(?P<value>[0-9a-f]+)'
takes = ["sid=«00ff»;"]
"""
TEXT = "EMP-123456 from 9.9.9.9, 8.8.8.8 and 10.0.0.1; 555-867-5309 sid=00ff joe@example.com"


def policies(text: str, key: bytes = KEY) -> Policies:
    return parse_policies(text, "the file", key)


def redacted(tenant: str, text: str = COMPLETE) -> str:
    return Redactors(policies(text)).of(tenant).redact(TEXT).text


def test_an_empty_file_is_the_default() -> None:
    assert policies("") == Policies()
    assert policies("").of("acme") == Policy()


def test_what_is_said_for_everyone_holds_for_who_is_not_named() -> None:
    assert redacted("gamma") == (
        "[REDACTED:employee-id] from 9.9.9.9, 8.8.8.8 and 10.0.0.1; [REDACTED:phone] sid=00ff"
        " joe@example.com"
    )


def test_off_and_allow_add_to_everyones_and_on_takes_away() -> None:
    assert redacted("acme") == (
        "EMP-123456 from [REDACTED:ipv4], 8.8.8.8 and 10.0.0.1; 555-867-5309 sid=00ff"
        " joe@example.com"
    )


def test_a_tenants_marker_replaces_and_its_rules_add_to_everyones() -> None:
    tenant = policies(COMPLETE).of("be.ta")
    assert tenant.marker == "hash"
    assert [rule.name for rule in tenant.rules] == ["employee-id", "session"]
    text = redacted("be.ta")
    assert text.startswith("[REDACTED:employee-id:")
    assert " sid=[REDACTED:session:" in text


def test_tenants_differ_by_case() -> None:
    assert redacted("Acme") == redacted("gamma") != redacted("acme")


def test_a_rule_finds_nothing_that_lies_in_two_lines() -> None:
    own = RULE.replace("EMP-[0-9]{6}", "EMP-[^x]{6}")
    redact = Redactors(policies(own)).of("acme").redact
    assert redact("EMP-12\n3456 EMP-123456\n").text == "EMP-12\n3456 [REDACTED]\n"


def test_a_rule_takes_nothing_of_what_the_table_took_nor_of_its_marker() -> None:
    own = RULE.replace("EMP-[0-9]{6}", "by [^x]{1,20}").replace("«EMP-123456»", "")
    own = own.replace('"by "', '"«by me»"').replace("EMP-12", "to me")
    redact = Redactors(policies('marker = "rule"' + own)).of("acme").redact
    once = redact("by joe@example.com, by me").text
    assert once == "by [REDACTED:email], [REDACTED:employee-id]"
    assert redact(once).text == once


WRONG = {
    "is no TOML: ": ["off = [", "off", "= 1", f"off = {'9' * 5000}"],
    "lists or tables lie in each other, too deep": [
        "off = " + "[" * 50_000,
        "off = " + "{a=" * 50_000,
    ],
    "is larger than 262,144 bytes": ["#" * 262_145],
    "colour: there is no such key here. There are: marker, off": ["colour = 1"],
    "tenants.acme: b: there is no such key here": ["[tenants.acme.b]"],
    "rule 1: flags: there is no such key here. There are: name, finds": [RULE + "flags = 1"],
    "marker: must be one of plain, rule, hash, and is 'blank'": ['marker = "blank"'],
    "marker: must be a text, and is a number": ["marker = 1"],
    "marker: must be a text, and is empty": ['marker = ""'],
    "off: there is no rule 'ip'. There are: private-key, ": ['off = ["ip"]'],
    "off: must be a list, and is a text": ['off = "ipv4"'],
    r"off\[1\]: must be a text, and is a truth value": ['off = ["ipv4", true]'],
    "off: has a value twice": ['off = ["ipv4", "ipv4"]'],
    "off: there is no rule 'employee-id'": ['off = ["employee-id"]' + RULE],
    "tenants.acme: on: ipv4 is not off for everyone": ['[tenants.acme]\non = ["ipv4"]'],
    "allow: '\\*' is every value": ['allow = ["*"]'],
    "allow: '.*': there may be one \\*": ['allow = ["a*b"]', 'allow = ["*a*"]', 'allow = ["a**"]'],
    r"allow\[0\]: has 201 characters, and may have 200": [f'allow = ["{"a" * 201}"]'],
    "allow: has 1,001, and may have 1,000": [f"allow = {[str(n) for n in range(1001)]}"],
    "tenants: must be tables": ["tenants = 1"],
    "tenants.acme: must be a table, and is a number": ["[tenants]\nacme = 1"],
    r"tenants\.a/b: the tenant's id must be 1 to 128 characters": ['[tenants."a/b"]'],
    "tenants: has 501, and may have 500": ["".join(f"[tenants.t{n}]\n" for n in range(501))],
    "rule: must be a list": ["[rule]"],
    "rule 1: must be a table": ["rule = [1]"],
    "rule 1: name: is missing": ["[[rule]]"],
    r"rule 1: name: must match .* and is 'Employee'": [RULE.replace("employee-id", "Employee")],
    "rule 1: name: ipv4 is a rule of the table's own": [RULE.replace("employee-id", "ipv4")],
    "rule 2: name: there are two rules employee-id": [RULE + RULE],
    "tenants.acme: rule 1: name: there are two rules": [
        RULE + RULE.replace("[[rule]]", "[[tenants.acme.rule]]")
    ],
    "rule 1: finds: is missing": [RULE.replace("finds", "#")],
    "rule 1: finds: must be printable, on one line": [
        RULE.replace("an employee's", each) for each in (r"an\n", r"\u001b[2J")
    ],
    "rule 1: pattern: is missing": [RULE.replace("pattern", "#")],
    "rule 1: takes: is missing: give an example": [
        RULE.replace("takes", "#"),
        RULE.replace('"by «EMP-123456»"', ""),
    ],
    r"rule 1: pattern: 'EMP-\(\?=6\)': at character 5: .* no look-around": [
        RULE.replace("[0-9]{6}", "(?=6)")
    ],
    "rule 1: pattern: .*: it may take more than 2,000 steps": [
        RULE.replace("[0-9]{6}", "[0-9]{0,90}[0-9]{0,90}x")
    ],
    "rule 1: pattern: .*: it matches the empty text": [RULE.replace("EMP-[0-9]{6}", "[0-9]*")],
    "rule 1: pattern: .*: there may be one group of a name, value": [
        RULE.replace("[0-9]{6}", "(?P<id>[0-9]{6})")
    ],
    "rule 1: pattern: .*: the group value must be in every match": [
        RULE.replace("[0-9]{6}", "(?P<value>[0-9]{6})?"),
        RULE.replace("[0-9]{6}", "(?:(?P<value>[0-9]{6})|x)"),
    ],
    "rule 1: pattern: .*: behind the group value each repeat must have an end": [
        RULE.replace("[0-9]{6}", "(?P<value>[0-9]{6})[a-z]*")
    ],
    "rule 1: pattern: has 1,001 characters": [RULE.replace("[0-9]{6}", "a" * 997)],
    r"rule 1: takes\[0\]: should be 'by «EMP-12»', and the rule takes 'by EMP-12'": [
        RULE.replace("«EMP-123456»", "«EMP-12»")
    ],
    r"rule 1: takes\[0\]: .*and the rule takes 'by «EMP-123456»7'": [
        RULE.replace("«EMP-123456»", "«EMP-1234567»")
    ],
    r"rule 1: takes\[0\]: 'by EMP-123456': mark what goes": [
        RULE.replace("«EMP-123456»", "EMP-123456")
    ],
    r"rule 1: leaves\[0\]: the rule takes '«EMP-123456»78'": [
        RULE.replace('"EMP-12"', '"EMP-12345678"')
    ],
    "rule: has 21, and may have 20": [
        "".join(RULE.replace("employee-id", f"id-{n}") for n in range(21))
    ],
    "hash.* needs a key: set LOGWEIR_REDACTION_KEY": [],
}  # fmt: skip


@pytest.mark.parametrize(
    ("why", "text"), [(why, each) for why, texts in WRONG.items() for each in texts]
)
def test_what_is_wrong_is_said_with_its_place(why: str, text: str) -> None:
    with pytest.raises(Misconfigured, match=f"^the file: {why}"):
        policies(text)


@pytest.mark.parametrize("text", ['marker = "hash"', '[tenants.acme]\nmarker = "hash"'])
def test_hashes_need_a_key(text: str) -> None:
    with pytest.raises(Misconfigured, match=r"the file: .* needs a key: set LOGWEIR_REDACTION_KEY"):
        policies(text, b"")
    assert policies(text).of("acme").marker == "hash"


def test_all_rules_together_are_bounded() -> None:
    def rules(tenant: str, count: int) -> str:
        own = RULE.replace("[[rule]]", f"[[tenants.{tenant}.rule]]")
        return "".join(own.replace("employee-id", f"{tenant}-{n}") for n in range(count))

    enough = "".join(rules(f"t{n}", 10) for n in range(10))
    assert len(policies(enough).tenants) == 10
    with pytest.raises(Misconfigured, match="the file: has 101 rules in all, and may have 100"):
        policies(enough + rules("t10", 1))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"none\.toml: cannot be read: No such file"):
        read_policies(tmp_path / "none.toml")
    with pytest.raises(Misconfigured, match="cannot be read: Is a directory"):
        read_policies(tmp_path)
    file = tmp_path / "some.toml"
    file.write_bytes(b"#" * (LIMITS.file_bytes_max + 1))
    with pytest.raises(Misconfigured, match=r"some\.toml: is larger than 262,144 bytes"):
        read_policies(file)
    file.write_bytes(b'marker = "\xff"')
    with pytest.raises(Misconfigured, match=r"some\.toml: is not UTF-8, at byte 11"):
        read_policies(file)
    file.write_text(COMPLETE)
    assert read_policies(file, KEY) == policies(COMPLETE)


def test_each_tenant_hashes_with_a_key_of_its_own() -> None:
    """With one for all, a tenant could send in what it guesses and look for it in another's."""
    redactors = Redactors(policies('marker = "hash"'))
    text = "at 9.9.9.9, 9.9.9.9"
    acme, beta = (redactors.of(tenant).redact(text).text for tenant in ("acme", "beta"))
    first, second = acme.removeprefix("at ").split(", ")
    assert first == second
    assert first not in beta


def test_a_redactor_that_is_being_made_while_the_engine_changes_is_made_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def prefilter_of(_rules: tuple[Forms, ...]) -> SimpleNamespace:
        return SimpleNamespace(possible=lambda _: 0, ranges=lambda _: {})

    monkeypatch.setattr(prefilter, "prefilter_of", prefilter_of)
    redactors = Redactors(policies('[tenants.acme]\nallow = ["8.8.8.8"]'))

    def made_in_between(policy: Policy, engine: str) -> Redactor:
        monkeypatch.setattr("logweir.redact.policies.Redactor", Redactor)
        redactors.quicken()
        return Redactor(policy, engine)

    monkeypatch.setattr("logweir.redact.policies.Redactor", made_in_between)
    assert redactors.of("acme").engine == "re"
    assert redactors.of("acme").engine == redactors.of("beta").engine == "hyperscan"


def test_no_tables_but_everyones_are_compiled_for_hyperscan(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Or a first log of a tenant with rules of its own would hold up all that are in work."""
    compiled: set[tuple[Forms, ...]] = set()

    def prefilter_of(rules: tuple[Forms, ...]) -> SimpleNamespace:
        compiled.add(rules)
        return SimpleNamespace(possible=lambda _: 0, ranges=lambda _: {})

    monkeypatch.setattr(prefilter, "prefilter_of", prefilter_of)
    redactors = Redactors(policies(COMPLETE + '[tenants.rule]\nmarker = "plain"'), "auto")
    engines = {name: redactors.of(name).engine for name in ("gamma", "rule", "acme", "be.ta")}
    assert engines == {"gamma": "hyperscan", "rule": "hyperscan", "acme": "re", "be.ta": "re"}
    assert len(compiled) == 1


def test_tenants_of_one_policy_share_a_redactor() -> None:
    redactors = Redactors(policies('marker = "rule"\n[tenants.acme]\noff = ["ipv4"]'))
    assert redactors.of("beta") is redactors.of("gamma")
    assert redactors.of("beta") is not redactors.of("acme")


VERSIONS = {
    "the default": "",
    "a marker": 'marker = "rule"',
    "a rule off": 'off = ["ipv4"]',
    "a value allowed": 'allow = ["10.*"]',
    "a rule more": RULE,
    "another pattern": RULE.replace("{6}", "{6,7}"),
    "a hash": 'marker = "hash"',
}


def test_every_policy_has_a_version_of_its_own() -> None:
    digests = {name: policies(text).of("acme").digest for name, text in VERSIONS.items()}
    digests["a hash under another key"] = policies('marker = "hash"', KEY + b"!").of("acme").digest
    assert digests["the default"] == ""
    assert len(set(digests.values())) == len(digests)
    assert all(len(digest) in {0, 8} for digest in digests.values())


def test_a_version_says_what_is_redacted_and_not_how_that_is_written() -> None:
    one = 'off = ["ipv4", "ipv6"]\nallow = ["a", "b"]' + RULE
    other = "off = ['ipv6', 'ipv4']\nallow = ['b', 'a']" + RULE.replace("an emp", "one emp")
    assert policies(one).default != policies(other).default
    assert policies(one).default.digest == policies(other).default.digest


def test_a_key_that_is_not_used_changes_no_version() -> None:
    assert policies(COMPLETE, KEY).default == policies(COMPLETE, KEY * 2).default


def test_a_document_says_by_which_version_it_was_redacted() -> None:
    redactors = Redactors(policies("[tenants.acme]\noff = ['ipv4']"))
    acme, others = (redactors.of(tenant).version for tenant in ("acme", "beta"))
    assert acme == f"{others}+{Policy(off=frozenset({'ipv4'})).digest}"


def test_a_policy_never_shows_its_key() -> None:
    assert "sixteen" not in repr(policies('marker = "hash"'))
    assert "key" not in repr(policies('marker = "hash"').of("acme"))


def test_the_example_of_the_guide_is_right() -> None:
    guide = Path(__file__).parents[3] / "docs" / "redaction.md"
    (example,) = re.findall(r"```toml\n(.*?)```", guide.read_text(), re.DOTALL)
    read = policies(example)
    assert set(read.tenants) == {"acme", "be.ta"}
    assert [rule.name for rule in read.default.rules] == ["employee-id", "session"]
