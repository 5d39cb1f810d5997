"""Puts Logweir on AWS, or takes it away; docs/deploy-aws.md has it all.

By botocore alone: no AWS CLI, no SAM CLI, no Docker. AWS_ENDPOINT_URL leads it to an emulator.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError
from scripts.aws_bucket import empty_and_delete, upload
from scripts.aws_cloud import Cloud, DeployError, Say, in_words
from scripts.aws_emulator import as_emulated
from scripts.aws_stack import Stack
from scripts.bundle_aws import HOST, HOST_PYTHON, ROOT, bundle

TEMPLATE: Final = ROOT / "deploy" / "aws" / "template.yaml"
RUNTIMES: Final = ("3.11", "3.12", "3.13", "3.14")  # of Lambda
_TABLE_NAME: Final = "TableName: !Ref Prefix"
_PROCESSORS: Final = {"aarch64": "arm64", "arm64": "arm64", "x86_64": "x86_64", "AMD64": "x86_64"}
_GATEWAYS_MAX: Final = 20  # reserved where the account has enough: what the public can cost
_UNRESERVED_MIN: Final = 100  # what Lambda insists that an account keeps free
_TRIES: Final = 12
_TRY_SECONDS: Final = 5


def deploy(
    cloud: Cloud,
    prefix: str = "logweir",
    parameters: Mapping[str, str] | None = None,
    *,
    code: Path | None = None,
    agreed: Callable[[], bool] = lambda: True,
    say: Say = print,
) -> dict[str, str]:
    """Build the functions, and make or change the stack of that name: its outputs.

    ``parameters``: the template's, where they are to differ from what is there, or from their
    defaults. ``code``: a bundle that is there already. Raises DeployError, and botocore's errors.
    """
    stack = Stack(cloud, prefix, say)
    chosen = _chosen(cloud, stack, parameters or {})
    with tempfile.TemporaryDirectory() as scratch:
        if code is None:
            say(f"building the functions for {chosen['Architecture']}, {chosen['Runtime']}")
            architecture = HOST if cloud.emulated else chosen["Architecture"]
            python = chosen["Runtime"].removeprefix("python")
            code = bundle(Path(scratch) / "bundle.zip", architecture, python)
        bucket, key = upload(cloud, prefix, code, say)
    say("asking CloudFormation what changes")
    own = {"Prefix": prefix, "CodeBucket": bucket, "CodeKey": key}
    stack.change(
        _template(prefix), chosen | own, agreed, takes_over=lambda: _has_table(cloud, prefix)
    )
    outputs = stack.outputs()
    return as_emulated(cloud, outputs) if cloud.emulated else outputs


def delete(cloud: Cloud, prefix: str = "logweir", *, data: bool = False, say: Say = print) -> None:
    """Take the stack and the bundles away; with ``data`` the table too. Raises DeployError."""
    Stack(cloud, prefix, say).delete()
    empty_and_delete(cloud, prefix)
    if data:
        dynamodb = cloud.client("dynamodb")
        dynamodb.update_table(TableName=prefix, DeletionProtectionEnabled=False)
        dynamodb.get_waiter("table_exists").wait(TableName=prefix)
        dynamodb.delete_table(TableName=prefix)


def _template(prefix: str) -> str:
    """CloudFormation takes a table over only by a name that stands there as it is."""
    before, by_parameter, after = TEMPLATE.read_text().partition(_TABLE_NAME)
    assert by_parameter, f"{TEMPLATE} has no {_TABLE_NAME}"
    return f"{before}TableName: {prefix}{after}"


def _has_table(cloud: Cloud, name: str) -> bool:
    """Has one outlived its stack?"""
    try:
        cloud.client("dynamodb").describe_table(TableName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return False
        raise
    return True


def _chosen(cloud: Cloud, stack: Stack, given: Mapping[str, str]) -> dict[str, str]:
    """The parameters that are ours to choose, under those that were given."""
    there = stack.parameters()
    chosen = {
        "Architecture": there.get("Architecture", "arm64"),
        # Bytecode is for one version, and only that Python makes it.
        "Runtime": f"python{HOST_PYTHON if HOST_PYTHON in RUNTIMES else RUNTIMES[-1]}",
    }
    if not there:
        chosen["GatewayConcurrency"] = str(_gateway_concurrency(cloud))
    if cloud.emulated:
        chosen["Architecture"] = _PROCESSORS[platform.machine()]
    return {**chosen, **given}


def _gateway_concurrency(cloud: Cloud) -> int:
    limits = cloud.client("lambda").get_account_settings()["AccountLimit"]
    enough = limits["UnreservedConcurrentExecutions"] >= _UNRESERVED_MIN + _GATEWAYS_MAX
    return _GATEWAYS_MAX if enough else 0


# ---- the proof ---------------------------------------------------------------------------------


def prove(url: str, say: Say = print) -> None:
    """Two logs and a short flood. Raises DeployError."""
    # The same logs each time, under the same ids: a repeat changes nothing.
    json_log = {
        "tenant_id": "acme",
        "log_id": "login-1",
        "text": "User 555-0199 logged in from 10.0.0.1",
    }
    post(say, url, {"Content-Type": "application/json"}, json.dumps(json_log))
    headers = {"Content-Type": "text/plain", "X-Tenant-ID": "beta", "X-Log-ID": "mail-1"}
    post(say, url, headers, "Mail to jane@example.com bounced")
    say("\nA short flood: 100 logs in ten seconds")
    flood = [sys.executable, "-m", "logweir", "flood", url, "--rpm", "600", "--seconds", "10"]
    if subprocess.run(flood, check=False).returncode:
        raise DeployError("not all were answered 202: the logs of the gateway's function say why")


def post(say: Say, url: str, headers: Mapping[str, str], body: str) -> None:
    """Send one log by curl, as a user would, for up to a minute. Raises DeployError."""
    words = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
    command = ["curl", "-i", url, *words, "--data-binary", body]
    say("\n> " + shlex.join(command))
    answer = ""
    for tried in range(_TRIES):
        time.sleep(_TRY_SECONDS if tried else 0)  # a new right takes a moment to count
        done = subprocess.run(
            [*command, "--silent", "--show-error", "--fail-with-body", "--max-time", "30"],
            check=False,
            capture_output=True,
            text=True,
        )
        if not done.returncode:
            say(done.stdout.strip())
            return
        answer = f"{done.stdout}\n{done.stderr}".strip()
    raise DeployError(f"{answer}\nThe stack is up; the logs of the gateway's function say more")


# ---- the command -------------------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> int:
    """The exit code."""
    given = _parsed(arguments)
    try:
        cloud = Cloud.of(os.environ, given.region)
        if given.delete:
            _take_away(cloud, given)
        else:
            _bring_up(cloud, given)
    except (BotoCoreError, ClientError) as error:
        print(f"deploy-aws: {in_words(error)}", file=sys.stderr)
    except (DeployError, OSError, RuntimeError, ValueError) as error:
        print(f"deploy-aws: {error}", file=sys.stderr)
    else:
        return 0
    return 1


def _parsed(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "scripts/deploy-aws", description="Puts Logweir on AWS: deploy/aws/template.yaml."
    )
    parser.add_argument("--region", help="default: AWS_REGION, or that of the profile")
    parser.add_argument("--prefix", default="logweir", help="name of the stack and its table")
    parser.add_argument("--yes", action="store_true", help="ask nothing")
    parser.add_argument("--delete", action="store_true", help="take everything away but the table")
    parser.add_argument(
        "--delete-data", action="store_true", help="with --delete: the table too, with all it holds"
    )
    parser.add_argument("parameters", nargs="*", metavar="NAME=VALUE", help="see the template")
    given = parser.parse_args(arguments)
    pairs = [each.partition("=") for each in given.parameters]
    if not all(name and equals for name, equals, _ in pairs):
        parser.error("parameters are NAME=VALUE")
    if given.delete_data and not given.delete:
        parser.error("--delete-data goes with --delete")
    given.parameters = {name: value for name, _, value in pairs}
    return given


def _bring_up(cloud: Cloud, given: argparse.Namespace) -> None:
    print(f"account {cloud.account}, region {cloud.region}, stack {given.prefix}")
    agreed = (lambda: True) if given.yes else (lambda: _asked("Make these changes?"))
    outputs = deploy(cloud, given.prefix, given.parameters, agreed=agreed)
    print("\n" + "\n".join(f"{name}: {value}" for name, value in sorted(outputs.items())))
    prove(outputs["IngestUrl"])
    print(
        f"\nLogweir takes logs in at {outputs['IngestUrl']}\n\nLook at what it stored:\n"
        f"  export LOGWEIR_BACKEND=aws LOGWEIR_AWS_REGION={cloud.region}"
        f" LOGWEIR_AWS_PREFIX={given.prefix}\n"
        "  .venv/bin/logweir get acme login-1 --wait 30"
    )


def _take_away(cloud: Cloud, given: argparse.Namespace) -> None:
    print(f"This takes the functions and queues of {given.prefix} away, with all that waits there.")
    if given.delete_data:
        print("And the table, with everything that was ever stored.")
    if not given.yes and not _asked("Go on?"):
        raise DeployError("Nothing was done.")
    delete(cloud, given.prefix, data=given.delete_data)
    if not given.delete_data:
        print(f"The table {given.prefix} is still there, and its data.")


def _asked(question: str) -> bool:
    try:
        return input(f"{question} [y/N] ").lower().startswith("y")
    except EOFError:
        return False


if __name__ == "__main__":
    sys.exit(main())
