"""What was sent is what is stored, code point for code point, and under its own tenant alone."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from tests.support.kept import bytes_of, query, queued, tenant_files
from tests.support.processes import running, until
from tests.support.wire import ask, request

from logweir.redact import redact

SURROGATES: Final = range(0xD800, 0xE000)


@cache
def planes() -> list[str]:
    """Every code point."""
    return [
        "".join(chr(point) for point in range(first, first + 0x10000) if point not in SURROGATES)
        for first in range(0, 0x110000, 0x10000)
    ]


TEXT: Final = "Content-Type: text/plain"
JSON: Final = "Content-Type: application/json; charset=utf-8"


def as_text(tenant: str, log: str, text: str) -> bytes:
    return request(TEXT, f"X-Tenant-ID: {tenant}", f"X-Log-ID: {log}", body=text.encode())


def as_text_packed(tenant: str, log: str, text: str) -> bytes:
    headers = (TEXT, f"X-Tenant-ID: {tenant}", f"X-Log-ID: {log}", "Content-Encoding: gzip")
    return request(*headers, body=gzip.compress(text.encode(), 1))


def _json(tenant: str, log: str, text: str, *, escapes: bool) -> bytes:
    members = {"tenant_id": tenant, "log_id": log, "text": text}
    return json.dumps(members, ensure_ascii=escapes).encode()


def as_json(tenant: str, log: str, text: str) -> bytes:
    return request(JSON, body=_json(tenant, log, text, escapes=False))


def as_json_escaped(tenant: str, log: str, text: str) -> bytes:
    return request(JSON, body=_json(tenant, log, text, escapes=True))


def as_json_packed(tenant: str, log: str, text: str) -> bytes:
    body = gzip.compress(_json(tenant, log, text, escapes=True), 1)
    return request(JSON, "Content-Encoding: gzip", body=body)


Way = Callable[[str, str, str], bytes]
WAYS: Final[list[Way]] = [as_text, as_text_packed, as_json, as_json_escaped, as_json_packed]
each_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)


@dataclass(slots=True)
class Site:
    """A gateway and a worker whose work takes no time, and what was sent to them."""

    port: int
    data_dir: Path
    sent: dict[tuple[str, str], str] = field(default_factory=dict)

    def send(self, way: Way, tenant: str, log: str, text: str) -> None:
        answer = ask(self.port, way(tenant, log, text), timeout=30)
        assert answer is not None
        assert answer.status == 202, answer.body
        self.sent[tenant, log] = text

    def check(self, tenant: str, file: str, *logs: str) -> None:
        """Once they are done, the tenant's file holds these logs as they were sent."""
        until(lambda: not queued(self.data_dir), seconds=60, saying="the queue did not drain")
        for log in logs:
            sent = self.sent[tenant, log]
            ((owner, original, modified, sha256, characters, source),) = query(
                self.data_dir / "tenants" / file,
                "SELECT tenant_id, original_text, modified_data, sha256, characters, source"
                " FROM processed_logs WHERE log_id = ?",
                [log],
            )
            assert owner == tenant
            assert original == sent, f"{log}: the first difference is {_difference(original, sent)}"
            assert sha256 == hashlib.sha256(sent.encode()).hexdigest()
            assert characters == len(sent)
            assert modified == redact(sent).text
            assert source == ("json_upload" if "json" in log else "text_upload")


def _difference(left: str, right: str) -> str:
    pairs = zip(left, right, strict=False)
    at = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(left), len(right)))
    return f"at {at}: {left[at : at + 5]!r} and not {right[at : at + 5]!r}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    data_dir = tmp_path_factory.mktemp("fidelity") / "data"
    with (
        running("gateway", data_dir, seconds_per_character=0) as gateway,
        running("worker", data_dir, seconds_per_character=0),
    ):
        yield Site(gateway.port, data_dir)


@each_way
def test_every_code_point_comes_back(site: Site, way: Way) -> None:
    logs = [f"{way.__name__}-{plane}" for plane in range(len(planes()))]
    for log, text in zip(logs, planes(), strict=True):
        site.send(way, "planes", log, text)
    site.check("planes", "planes.sqlite3", *logs)
    assert len({c for log in logs for c in site.sent["planes", log]}) == 0x110000 - len(SURROGATES)


@pytest.mark.parametrize("way", [as_text_packed, as_json_packed], ids=lambda way: way.__name__)
def test_every_code_point_comes_back_by_way_of_a_plan(site: Site, way: Way) -> None:
    text = "".join(planes()[:15])  # as many as text_bytes_max takes, in more than a message holds
    site.send(way, "planes", f"{way.__name__}-long", text)
    site.check("planes", "planes.sqlite3", f"{way.__name__}-long")


@each_way
@pytest.mark.parametrize(
    "text",
    [
        "\0",
        "a\0b\0",
        "\x1b[31mred\x1b[0m",
        "\r\n\r",
        "\ufeff",
        "\ufffe\uffff",
        "e\u0301\u202e",
        " ",
    ],
    ids=ascii,
)
def test_a_text_with_what_is_often_lost_comes_back(site: Site, way: Way, text: str) -> None:
    log = f"{way.__name__}-{text.encode().hex()}"
    site.send(way, "nasty", log, text)
    site.check("nasty", "nasty.sqlite3", log)


@each_way
def test_random_texts_come_back(site: Site, way: Way) -> None:
    seed = time.time_ns()
    print(f"seed {seed}")
    random_ = random.Random(seed)
    logs = [f"{way.__name__}-{number}" for number in range(60)]
    first, second = planes()[:2]
    for log in logs:
        alphabet = random_.choice(
            [first[:128], first[:0x800], first, second, "\0\n:\\\"'\r\t\x1b a"]
        )
        site.send(
            way, "random", log, "".join(random_.choices(alphabet, k=random_.randint(1, 3000)))
        )
    site.check("random", "random.sqlite3", *logs)


def test_a_text_that_looks_like_an_envelope_stays_a_text(site: Site) -> None:
    site.send(as_text, "forger", "plain", "x")
    text = "logweir/1\nkind: log\ntenant: victim\nlog: forged\n\nnot yours"
    for log, way in (("text-forged", as_text), ("json-forged", as_json)):
        site.send(way, "forger", log, text)
    site.check("forger", "forger.sqlite3", "text-forged", "json-forged")
    assert "victim.sqlite3" not in tenant_files(site.data_dir)


def test_no_byte_of_one_tenant_lies_in_the_file_of_another(site: Site) -> None:
    canaries = {
        "acme": "canary-lower-\0-5f1c-" + "\0" * 50,
        "ACME": "canary-upper-\0-9b7e-" + "\0" * 50,
        "Acme": "canary-title-\0-3d2a-" + "\0" * 50,
        "acme.": "canary-point-\0-8c4b-" + "\0" * 50,
    }
    files = {
        "acme": "acme.sqlite3",
        "ACME": "acme@f.sqlite3",
        "Acme": "acme@8.sqlite3",
        "acme.": "acme..sqlite3",
    }
    # The same ids for all, so that only the tenant tells them apart.
    for tenant, canary in canaries.items():
        for number in range(20):
            site.send(as_text, tenant, f"text-{number}", f"{canary}{number}")
            site.send(as_json_escaped, tenant, f"json-{number}", f"{canary}{number}")
    ids = [f"{kind}-{number}" for kind in ("text", "json") for number in range(20)]
    for tenant, file in files.items():
        site.check(tenant, file, *ids)
    assert set(files.values()) <= set(tenant_files(site.data_dir))
    for tenant, file in files.items():
        held = bytes_of(site.data_dir / "tenants", f"{file}*")  # with its journal
        for owner, canary in canaries.items():
            assert (canary.partition("\0")[0].encode() in held) == (owner == tenant)
