"""Who may do what: no more than each part needs, and a reader that sees one tenant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.deploy.aws.policy import Context, allows
from tests.deploy.aws.template import Template, listed, strings

import logweir

ROLE = "AWS::IAM::Role"
MANAGED = "AWS::IAM::ManagedPolicy"
TABLE = "${Table.Arn}"
BACKEND = Path(logweir.__file__).parent / "backends" / "aws"
CHOICES = [
    Template(),
    Template(Lanes="1"),
    Template(ReaderPrincipal="arn:aws:iam::123456789012:role/support"),
]
# Why something is open to everybody.
WILDCARDS = {
    "AnyoneCallsUrl": "the endpoint is public, and without authentication: the task says so",
    "AnyoneInvokesByUrl": "the same, and by the URL alone",
}


@pytest.fixture(params=CHOICES, ids=["default", "one lane", "a reader that is named"])
def template(request: pytest.FixtureRequest) -> Template:
    chosen: Template = request.param
    return chosen


def statements_of(template: Template, role: str) -> list[dict[str, Any]]:
    """All that a role may do."""
    properties = template[role]
    managed = [template[name[2:-1]] for name in properties.get("ManagedPolicyArns", [])]
    documents = [each["PolicyDocument"] for each in (*properties["Policies"], *managed)]
    return [statement for document in documents for statement in document["Statement"]]


def allowed(template: Template, role: str) -> dict[str, set[str]]:
    """Its actions by resource."""
    found: dict[str, set[str]] = {}
    for statement in statements_of(template, role):
        for resource in listed(statement["Resource"]):
            found.setdefault(resource, set()).update(listed(statement["Action"]))
    return found


def everything(template: Template) -> Iterator[dict[str, Any]]:
    for role in template.of(ROLE):
        yield from statements_of(template, role)


# ---- no more than is needed --------------------------------------------------------------------


def test_no_action_and_no_resource_is_a_wildcard(template: Template) -> None:
    for statement in everything(template):
        assert not [each for each in listed(statement["Action"]) if "*" in each]
        assert not [each for each in listed(statement["Resource"]) if "*" in each]
        assert "NotAction" not in statement
        assert "NotResource" not in statement


def test_everybody_is_nobody_but_where_it_says_why(template: Template) -> None:
    open_to_all = {name for name, each in template.resources.items() if "*" in strings(each)}

    assert open_to_all == set(WILDCARDS)


def test_nobody_scans_nor_reads_by_an_index_or_by_partiql(template: Template) -> None:
    actions = {action for each in everything(template) for action in listed(each["Action"])}

    assert actions
    assert not [each for each in actions if re.search("Scan|PartiQL|ExecuteStatement", each)]
    assert not [text for text in strings(template.resources) if "/index/" in text]


def test_no_policy_of_amazons_own_is_used(template: Template) -> None:
    arns = [arn for role in template.of(ROLE).values() for arn in role.get("ManagedPolicyArns", [])]

    assert set(arns) == {"${WorkerPolicy}"}


def test_only_lambda_may_become_a_function(template: Template) -> None:
    for role in ("GatewayRole", "LogsRole", "ChunksRole"):
        if role in template.resources:
            (trust,) = template[role]["AssumeRolePolicyDocument"]["Statement"]
            assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}
            assert trust["Action"] == "sts:AssumeRole"


def test_each_function_has_a_role_of_its_own(template: Template) -> None:
    roles = [each["Role"] for each in template.of("AWS::Serverless::Function").values()]

    assert len(set(roles)) == len(roles)


def test_the_gateway_may_publish_plan_and_count_and_never_reads_a_queue(template: Template) -> None:
    counts = {"${ChunksQueue.Arn}": {"sqs:GetQueueAttributes"}}
    assert allowed(template, "GatewayRole") == {
        **(counts if "ChunksQueue" in template.resources else {}),
        "${GatewayLogs.Arn}": {"logs:CreateLogStream", "logs:PutLogEvents"},
        "${LogsQueue.Arn}": {"sqs:SendMessage"},
        TABLE: {
            "dynamodb:GetItem",
            "dynamodb:BatchGetItem",
            "dynamodb:PutItem",
            "dynamodb:DeleteItem",
            "dynamodb:BatchWriteItem",
            "dynamodb:Query",
        },
    }


@pytest.mark.parametrize(
    ("keys", "may"),
    [
        (["WORK#acme"], True),
        (["TENANT#acme"], False),
        (["TENANTS"], False),
        (["WORK#acme", "TENANT#acme"], False),
        ([], False),
        (None, False),
    ],
)
def test_the_gateway_queries_numbers_alone(
    template: Template, keys: list[str] | None, may: bool
) -> None:
    context: Context = {} if keys is None else {"dynamodb:LeadingKeys": keys}
    statements = statements_of(template, "GatewayRole")
    assert allows(statements, "dynamodb:Query", TABLE, context) is may


def test_a_worker_takes_from_its_own_queue_alone() -> None:
    template = Template()
    taken = {
        role: {
            r for r, actions in allowed(template, role).items() if "sqs:ReceiveMessage" in actions
        }
        for role in ("LogsRole", "ChunksRole")
    }

    assert taken == {
        "LogsRole": {"${LogsQueue.Arn}", "${DeadQueue.Arn}"},
        "ChunksRole": {"${ChunksQueue.Arn}"},
    }


def test_a_worker_may_publish_to_every_lane_and_put_aside(template: Template) -> None:
    lanes = {
        f"${{{name}.Arn}}" for name in ("LogsQueue", "ChunksQueue") if name in template.resources
    }
    sent = {
        resource
        for resource, actions in allowed(template, "LogsRole").items()
        if "sqs:SendMessage" in actions
    }

    assert sent == lanes | {"${QuarantineQueue.Arn}"}


def test_a_worker_may_do_what_the_back_end_does_and_no_more() -> None:
    called = {
        name
        for path in BACKEND.glob("*.py")
        for name in re.findall(r'_call(?:_batch)?\(\s*"(\w+)"', path.read_text())
    }
    of_dynamodb = {"".join(word.title() for word in each.split("_")) for each in called}
    worker = {each.removeprefix("dynamodb:") for each in allowed(Template(), "LogsRole")[TABLE]}

    assert {"GetItem", "PutItem", "Query"} <= of_dynamodb
    assert worker == of_dynamodb


# ---- the reader --------------------------------------------------------------------------------


def may_read(action: str, keys: Sequence[str] | None, *, tenant: str | None = "acme") -> bool:
    """May the reader, tagged with the tenant, make a call that names these partition keys?"""
    context: dict[str, Sequence[str]] = {} if keys is None else {"dynamodb:LeadingKeys": keys}
    if tenant is not None:
        context["aws:PrincipalTag/tenant"] = [tenant]
    return allows(statements_of(Template(), "ReaderRole"), f"dynamodb:{action}", TABLE, context)


@pytest.mark.parametrize("action", ["GetItem", "BatchGetItem", "Query"])
def test_a_reader_reads_its_own_tenant(action: str) -> None:
    assert may_read(action, ["TENANT#acme"])


@pytest.mark.parametrize(
    "key",
    [
        "TENANT#acme2",
        "TENANT#acm",
        "TENANT#acme#x",
        "TENANT#ACME",
        "TENANT#beta",
        "TENANT#",
        "TENANT#*",
        "TENANT#acme*",
        "TENANTS",
        "acme",
        "",
    ],
)
@pytest.mark.parametrize("action", ["GetItem", "BatchGetItem", "Query"])
def test_a_reader_reads_no_other(action: str, key: str) -> None:
    assert not may_read(action, [key])


def test_one_foreign_key_in_a_batch_refuses_it_all() -> None:
    assert may_read("BatchGetItem", ["TENANT#acme", "TENANT#acme"])
    assert not may_read("BatchGetItem", ["TENANT#acme", "TENANT#beta"])


@pytest.mark.parametrize("keys", [None, []])
@pytest.mark.parametrize("action", ["GetItem", "BatchGetItem", "Query"])
def test_a_call_that_names_no_key_is_refused(action: str, keys: list[str] | None) -> None:
    assert not may_read(action, keys)


@pytest.mark.parametrize("key", ["TENANT#", "TENANT#${aws:PrincipalTag/tenant}", "TENANT#acme"])
def test_without_a_tag_nothing_is_read(key: str) -> None:
    assert not may_read("GetItem", [key], tenant=None)


@pytest.mark.parametrize("tenant", ["*", "acm?", "acme*", "?"])
def test_a_tag_is_no_pattern(tenant: str) -> None:
    assert not may_read("GetItem", ["TENANT#acme"], tenant=tenant)


@pytest.mark.parametrize(
    "action",
    [
        "Scan", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "PartiQLSelect",
        "TransactGetItems", "TransactWriteItems", "DescribeTable", "ExportTableToPointInTime",
    ],
)  # fmt: skip
def test_a_reader_does_nothing_else(action: str) -> None:
    assert not may_read(action, ["TENANT#acme"])
    assert not may_read(action, None)


def test_a_reader_sees_no_other_table_and_no_index() -> None:
    context: Context = {
        "dynamodb:LeadingKeys": ["TENANT#acme"],
        "aws:PrincipalTag/tenant": ["acme"],
    }
    statements = statements_of(Template(), "ReaderRole")

    assert allows(statements, "dynamodb:Query", TABLE, context)
    for resource in (f"{TABLE}/index/any", "${Table.Arn}2", "arn:aws:dynamodb:::table/other"):
        assert not allows(statements, "dynamodb:Query", resource, context)


@pytest.mark.parametrize(
    ("tags", "may"),
    [
        ({"tenant": "acme"}, True),
        ({}, False),
        ({"tenant": ""}, False),
        ({"tenant": "acme", "other": "x"}, False),
        ({"other": "x"}, False),
    ],
)
def test_who_becomes_the_reader_names_one_tenant_and_nothing_else(
    tags: dict[str, str], may: bool
) -> None:
    (trust,) = Template()["ReaderRole"]["AssumeRolePolicyDocument"]["Statement"]
    context = {f"aws:RequestTag/{name}": [value] for name, value in tags.items()}
    context["aws:TagKeys"] = list(tags)

    for action in ("sts:AssumeRole", "sts:TagSession"):
        assert allows([trust], action, "", context) is may


def test_the_reader_is_for_whom_it_is_given_to() -> None:
    def principal(template: Template) -> str:
        (trust,) = template["ReaderRole"]["AssumeRolePolicyDocument"]["Statement"]
        named: str = trust["Principal"]["AWS"]
        return named

    support = "arn:aws:iam::123456789012:role/support"
    assert principal(Template(ReaderPrincipal=support)) == support
    assert principal(Template()) == "arn:aws:iam::123456789012:root"  # whom IAM there lets
