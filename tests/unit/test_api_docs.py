"""docs/api.md and docs/openapi.yaml say what the code does: what is new there fails here."""

from __future__ import annotations

import dataclasses
import re
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from logweir.entrypoints import http, ingest, server
from logweir.ids import ID_GRAMMAR
from logweir.limits import DEFAULT_LIMITS, KIB, MIB
from logweir.pipeline.inflate import Coding
from logweir.reasons import Reason
from logweir.settings import Settings

DOCS: Final = Path(__file__).parents[2] / "docs"
PAGE: Final = (DOCS / "api.md").read_text()
# Limits of what comes after the 202: no client meets them.
BEHIND_THE_GATEWAY: Final = {
    "attempts_max",
    "deliveries_max",
    "in_flight_bytes_max",
    "lease_seconds",
    "heartbeat_seconds",
    "drain_seconds",
}


def table(title: str) -> list[list[str]]:
    """The rows of the table under a heading, without its head; cells without their back quotes."""
    section = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.*) \|$", section, re.MULTILINE)
    return [[cell.strip().strip("`") for cell in row.split(" | ")] for row in rows[1:]]


def amount(text: str) -> float:
    """A number with a unit, as people write it."""
    number, _, unit = text.replace(",", "").partition(" ")
    return float(number) * {"": 1, "s": 1, "KiB": KIB, "MiB": MIB}[unit]


@pytest.fixture(scope="module")
def interface() -> Any:
    return yaml.safe_load((DOCS / "openapi.yaml").read_text())


def test_the_page_has_every_refusal_and_no_other() -> None:
    rows = [(code, int(status), title) for code, status, title, _ in table("Every refusal")]
    assert rows == [(reason.code, reason.status, reason.title) for reason in Reason]


def test_the_page_says_what_to_do_about_every_refusal() -> None:
    assert [code for code, _, _, to_do in table("Every refusal") if not to_do.endswith(".")] == []


def test_the_page_has_every_limit_with_its_value() -> None:
    limits = {
        name: value
        for name, value in dataclasses.asdict(DEFAULT_LIMITS).items()
        if name not in BEHIND_THE_GATEWAY
    }
    limits["pieces_free"] = http.PIECES_FREE
    limits["large_max"] = ingest._LARGE_MAX
    limits["header_seconds_max"] = server._HEADER_SECONDS_MAX
    limits["buffer_bytes_max"] = server._BUFFER_BYTES_MAX
    limits["connections_max"] = server._CONNECTIONS_MAX
    limits["unread_seconds_max"] = server._UNREAD_SECONDS_MAX
    assert {name: amount(value) for name, value, *_ in table("Limits")} == limits


def test_what_the_page_says_in_words_holds() -> None:
    assert f"`{ID_GRAMMAR}`" in PAGE
    assert f"must have {http.PIECE_BYTES_MIN} bytes on average" in PAGE
    assert Settings().limits.body_bytes_max == 4 * Settings().limits.text_bytes_max
    settings = {f"LOGWEIR_{field.name.upper()}" for field in dataclasses.fields(Settings)}
    assert set(re.findall(r"LOGWEIR_[A-Z_]+", PAGE)) <= settings
    for coding in Coding:
        assert f"`{coding.value}`" in PAGE


def test_every_reason_that_the_limits_name_exists() -> None:
    named = {word for *_, beyond in table("Limits") for word in re.findall(r"\w+_\w+", beyond)}
    assert named <= {reason.code for reason in Reason}


def test_the_interface_has_one_route_with_every_status(interface: Any) -> None:
    assert list(interface["paths"]) == ["/ingest"]
    assert list(interface["paths"]["/ingest"]) == ["post"]
    statuses = list(interface["paths"]["/ingest"]["post"]["responses"])
    assert statuses == ["202", *sorted({str(reason.status) for reason in Reason})]


def test_the_interface_has_the_closed_list_of_reasons(interface: Any) -> None:
    problem = interface["components"]["schemas"]["Problem"]
    assert problem["properties"]["reason"]["enum"] == [reason.code for reason in Reason]


@pytest.mark.parametrize(
    ("status", "codes"),
    [
        (status, [reason.code for reason in reasons])
        for status, reasons in groupby(Reason, key=lambda reason: reason.status)
    ],
)
def test_each_status_has_its_reasons(interface: Any, status: int, codes: list[str]) -> None:
    response = resolve(interface, interface["paths"]["/ingest"]["post"]["responses"][str(status)])
    (media_type,) = response["content"]
    assert media_type == "application/problem+json"
    schema = response["content"][media_type]["schema"]
    assert schema["$ref"] == "#/components/schemas/Problem"
    assert schema["properties"]["reason"]["enum"] == codes
    assert schema["properties"]["status"]["const"] == status
    assert ("Retry-After" in response.get("headers", {})) == (status in (429, 503))
    assert ("Allow" in response.get("headers", {})) == (status == 405)


def test_the_interface_takes_what_the_code_takes(interface: Any) -> None:
    post = interface["paths"]["/ingest"]["post"]
    assert set(post["requestBody"]["content"]) == {"application/json", "text/plain"}
    schemas = interface["components"]["schemas"]
    assert schemas["Id"]["pattern"] == f"^{ID_GRAMMAR}$"
    assert set(schemas["Log"]["properties"]) == {"tenant_id", "log_id", "text"}
    assert f"{DEFAULT_LIMITS.text_bytes_max} bytes" in schemas["Text"]["description"]
    (codings,) = (
        p["schema"]["enum"] for p in post["parameters"] if p["name"] == "Content-Encoding"
    )
    assert set(codings) == {coding.value for coding in Coding}


def test_every_reference_in_the_interface_leads_somewhere(interface: Any) -> None:
    references = [value for key, value in walk(interface) if key == "$ref"]
    assert references
    for reference in references:
        assert resolve(interface, {"$ref": reference})


def resolve(interface: Any, node: Any) -> Any:
    """What a node refers to."""
    found = interface
    for name in node["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return found


def walk(node: Any) -> Any:
    """Every key and value at any depth."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield key, value
            yield from walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from walk(value)
