"""scripts/deploy_aws.py against the emulator: what it makes, keeps, takes over and takes away."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import uuid
import zipfile
from collections.abc import Iterator
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.support.ministack import need_extra

need_extra()

from scripts import deploy_aws  # noqa: E402  # they need the extra
from scripts.aws_cloud import Cloud, DeployError  # noqa: E402  # they need the extra
from scripts.aws_stack import Stack  # noqa: E402
from scripts.bundle_aws import ROOT  # noqa: E402
from scripts.deploy_aws import RUNTIMES, delete, deploy  # noqa: E402
from tests.deploy.aws.template import PATH, raw  # noqa: E402


@pytest.fixture(scope="module")
def cloud(ministack: dict[str, str]) -> Cloud:
    return Cloud.of(ministack)


@pytest.fixture
def prefix(cloud: Cloud) -> Iterator[str]:
    name = f"t{uuid.uuid4().hex[:8]}"
    yield name
    delete(cloud, name, say=lambda _: None)


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Anything that a function can be made of: none of these is called."""
    path = tmp_path_factory.mktemp("code") / "code.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("empty.py", "")
    return path


class Told(list[str]):
    """What was said, a line each."""

    def __call__(self, line: str) -> None:
        self.append(line)

    def has(self, words: str) -> bool:
        return any(words in line for line in self)


def command(
    *arguments: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The script, as a user runs it."""
    ours = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    nowhere = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull}
    return subprocess.run(
        [sys.executable, "-m", "scripts.deploy_aws", *arguments],
        cwd=ROOT,
        env={**ours, **nowhere, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, **(environment or {})},
        stdin=subprocess.DEVNULL,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def parameter(cloud: Cloud, prefix: str, name: str) -> str:
    return Stack(cloud, prefix).parameters()[name]


def test_it_makes_everything_and_says_where_it_is(cloud: Cloud, prefix: str, code: Path) -> None:
    told = Told()
    outputs = deploy(cloud, prefix, code=code, say=told)

    assert outputs["TableName"] == prefix
    assert outputs["IngestUrl"].endswith("/ingest")
    assert outputs["LogsQueueUrl"].endswith(f"/{prefix}-logs")
    assert told.has("Add     AWS::DynamoDB::Table")
    assert told.has("CREATE_COMPLETE      Gateway")


def test_a_second_time_changes_nothing(cloud: Cloud, prefix: str, code: Path) -> None:
    first = deploy(cloud, prefix, code=code, say=Told())
    told = Told()
    second = deploy(cloud, prefix, code=code, say=told)

    assert second == first
    assert told[-1] == "nothing to change"
    assert told.has("the bundle is there already")


def test_what_is_not_given_again_stays_as_it_is(cloud: Cloud, prefix: str, code: Path) -> None:
    deploy(cloud, prefix, {"ChunkSeconds": "5", "LogsConcurrency": "2"}, code=code, say=Told())
    deploy(cloud, prefix, {"LogsConcurrency": "3"}, code=code, say=Told())

    assert parameter(cloud, prefix, "ChunkSeconds") == "5"
    assert parameter(cloud, prefix, "LogsConcurrency") == "3"


def test_in_an_account_it_is_arm64_and_the_gateway_has_a_bound(
    ministack: dict[str, str], prefix: str, code: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The emulator, taken for the cloud itself.
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    account = Cloud("us-east-1", ministack["AWS_ENDPOINT_URL"], emulated=False)
    outputs = deploy(account, prefix, code=code, say=Told())
    parameters = Stack(account, prefix).parameters()

    assert parameters["Architecture"] == "arm64"
    assert parameters["GatewayConcurrency"] == "20"
    assert parameters["Runtime"] in {f"python{each}" for each in RUNTIMES}
    assert outputs["IngestUrl"].startswith("https://")
    assert outputs["IngestUrl"].endswith(".lambda-url.us-east-1.on.aws/ingest")


def test_new_code_is_brought_out(cloud: Cloud, prefix: str, code: Path, tmp_path: Path) -> None:
    deploy(cloud, prefix, code=code, say=Told())
    before = parameter(cloud, prefix, "CodeKey")
    changed = tmp_path / "changed.zip"
    with zipfile.ZipFile(changed, "w") as archive:
        archive.writestr("other.py", "")
    deploy(cloud, prefix, code=changed, say=Told())

    assert parameter(cloud, prefix, "CodeKey") != before


def test_one_lane_has_no_queue_and_no_function_of_its_own(
    cloud: Cloud, prefix: str, code: Path
) -> None:
    outputs = deploy(cloud, prefix, {"Lanes": "1"}, code=code, say=Told())

    assert "ChunksQueueUrl" not in outputs
    queues = cloud.client("sqs").list_queues(QueueNamePrefix=prefix)["QueueUrls"]
    assert {url.rpartition("-")[2] for url in queues} == {"logs", "dead", "quarantine"}


def test_a_table_outlives_its_stack_and_the_next_takes_it_over(
    cloud: Cloud, prefix: str, code: Path
) -> None:
    deploy(cloud, prefix, code=code, say=Told())
    item: dict[str, Any] = {"pk": {"S": "TENANT#acme"}, "sk": {"S": "LOG#1"}}
    cloud.client("dynamodb").put_item(TableName=prefix, Item=item)
    delete(cloud, prefix, say=Told())
    told = Told()
    deploy(cloud, prefix, code=code, say=told)

    assert told.has("Import  AWS::DynamoDB::Table")
    assert cloud.client("dynamodb").get_item(TableName=prefix, Key=item)["Item"] == item


def test_the_data_goes_only_when_told_so(cloud: Cloud, prefix: str, code: Path) -> None:
    deploy(cloud, prefix, code=code, say=Told())
    delete(cloud, prefix, say=Told())
    assert prefix in cloud.client("dynamodb").list_tables()["TableNames"]

    delete(cloud, prefix, data=True, say=Told())
    assert prefix not in cloud.client("dynamodb").list_tables()["TableNames"]
    names = [bucket["Name"] for bucket in cloud.client("s3").list_buckets()["Buckets"]]
    assert not [name for name in names if name.startswith(prefix)]


def test_the_bucket_is_private_and_encrypted(cloud: Cloud, prefix: str, code: Path) -> None:
    deploy(cloud, prefix, code=code, say=Told())
    s3, bucket = cloud.client("s3"), f"{prefix}-{cloud.account}-{cloud.region}"
    walls = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]

    assert set(walls.values()) == {True}
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"


def test_without_a_yes_nothing_is_made(cloud: Cloud, prefix: str, code: Path) -> None:
    with pytest.raises(DeployError, match="Nothing was done"):
        deploy(cloud, prefix, code=code, agreed=lambda: False, say=Told())

    assert prefix not in cloud.client("dynamodb").list_tables()["TableNames"]


def test_what_fails_is_said_and_the_next_time_begins_anew(
    cloud: Cloud, prefix: str, code: Path
) -> None:
    broken = PATH.read_text().replace(
        "MessageRetentionPeriod: 1209600", "MessageRetentionPeriod: 1"
    )
    told = Told()
    own = {"Prefix": prefix, "CodeBucket": "b", "CodeKey": "k"}
    with pytest.raises(DeployError, match="ROLLBACK"):
        Stack(cloud, prefix, told).change(broken, own)
    assert told.has("CREATE_FAILED")
    deploy(cloud, prefix, code=code, say=Told())

    assert Stack(cloud, prefix).outputs()["TableName"] == prefix


def test_a_parameter_that_there_is_not_is_named(cloud: Cloud, prefix: str, code: Path) -> None:
    with pytest.raises(DeployError, match="Lane, Region"):
        deploy(cloud, prefix, {"Lane": "1", "Region": "x"}, code=code, say=Told())


class Gateway(BaseHTTPRequestHandler):
    """Answers 403 once, as while a right does not count yet; then 202. Keeps what came."""

    came: ClassVar[list[tuple[str, Message, bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.came.append((self.path, self.headers, body))
        self.send_response(202 if len(self.came) > 1 else 403)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_a_log_is_sent_by_curl_until_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deploy_aws, "_TRY_SECONDS", 0)
    told = Told()
    with ThreadingHTTPServer(("127.0.0.1", 0), Gateway) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/ingest"
        headers = {"Content-Type": "text/plain", "X-Tenant-ID": "beta"}
        deploy_aws.post(told, url, headers, "it's\n@no-file")
        server.shutdown()

    assert len(Gateway.came) == 2
    path, sent, body = Gateway.came[-1]
    assert (path, body) == ("/ingest", b"it's\n@no-file")
    assert (sent["Content-Type"], sent["X-Tenant-ID"]) == ("text/plain", "beta")
    assert told.has("> curl -i http://127.0.0.1:")
    assert "202" in told[-1]


def test_it_knows_the_runtimes_of_the_template() -> None:
    assert [f"python{each}" for each in RUNTIMES] == raw()["Parameters"]["Runtime"]["AllowedValues"]


def test_without_credentials_it_says_what_to_set() -> None:
    done = command("--region", "eu-central-1", "--yes")

    assert done.returncode == 1
    assert "AWS_ACCESS_KEY_ID" in done.stderr
    assert "docs/deploy-aws.md" in done.stderr


def test_without_a_region_it_says_how_to_name_one() -> None:
    done = command("--yes")

    assert done.returncode == 1
    assert "REGION=" in done.stderr


def test_where_nobody_answers_it_says_so_and_no_trace() -> None:
    done = command("--yes", environment={"AWS_ENDPOINT_URL": "http://127.0.0.1:9"})

    assert done.returncode == 1
    assert "127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_endpoint_that_is_none_is_named() -> None:
    done = command("--yes", environment={"AWS_ENDPOINT_URL": "localhost"})

    assert done.returncode == 1
    assert "AWS_ENDPOINT_URL" in done.stderr


@pytest.mark.parametrize("arguments", [["Lanes"], ["=1"], ["--delete-data"], ["--nonsense"]])
def test_wrong_use_is_told(arguments: list[str]) -> None:
    done = command(*arguments)

    assert done.returncode == 2
    assert done.stderr.startswith("usage: scripts/deploy-aws")


def test_taking_away_asks_first(ministack: dict[str, str]) -> None:
    done = command("--delete", "--prefix", "not-there", environment=ministack)

    assert done.returncode == 1
    assert "Nothing was done" in done.stderr
