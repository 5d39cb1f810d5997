"""scripts/deploy-gcp with tools that only write down what they are told."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.deploy.configuration import ROOT

PROJECT = "a-project"
URL = "https://logweir-gateway-abc.a.run.app"
DIGEST = "sha256:" + "1" * 64

# Each writes its name and arguments, NUL between and a line feed after; then answers as told.
FAKE = """#!/bin/sh
name=${0##*/}
{ printf '%s' "$name"; printf '\\0%s' "$@"; printf '\\n'; } >>"$RECORD"
all="$name $*"
case $all in $FAIL_ON) echo "$name says no" >&2; exit 7 ;; esac
case $all in
    *print-access-token*) echo a-token ;;
    *'projects describe'*) echo 123456 ;;
    *'buckets describe'*) [ -n "$BUCKET" ] ;;
    *'databases describe'*) [ -n "$DATABASE" ] && printf '%s\\n' "$DATABASE" ;;
    *'images describe'*) echo "$DIGEST" ;;
    *'state list'*) [ -n "$STATE" ] && echo "$STATE" ;;
    *'output -raw gateway_url'*) echo "$URL" ;;
    terraform*apply*|terraform*destroy*) echo "token ${GOOGLE_OAUTH_ACCESS_TOKEN-none}" ;;
    curl*) echo '{"status":"accepted"}' ;;
esac
"""


@dataclass
class Cloud:
    """What the fakes are to answer, and what they were told."""

    folder: Path
    bucket: str = ""
    database: str = ""
    state: str = ""
    fail_on: str = "nothing"

    def __post_init__(self) -> None:
        for name in ("gcloud", "terraform", "curl", "logweir"):
            self.fake(name)

    def fake(self, name: str) -> None:
        path = self.folder / name
        path.write_text(FAKE)
        path.chmod(0o755)

    @property
    def record(self) -> Path:
        return self.folder / "record"

    def run(
        self, *arguments: str, answer: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [ROOT / "scripts" / "deploy-gcp", *arguments],
            env={
                "PATH": f"{self.folder}:{os.defpath}",
                "LOGWEIR": str(self.folder / "logweir"),
                "RECORD": str(self.record),
                "BUCKET": self.bucket,
                "DATABASE": self.database,
                "STATE": self.state,
                "FAIL_ON": self.fail_on,
                "DIGEST": DIGEST,
                "URL": URL,
                **environment,
            },
            input=answer,
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )

    @property
    def calls(self) -> list[list[str]]:
        if not self.record.exists():
            return []
        return [line.split("\0") for line in self.record.read_text().splitlines()]

    def told(self, *words: str) -> list[list[str]]:
        """The calls that have all the words."""
        return [call for call in self.calls if set(words) <= set(call)]

    @property
    def story(self) -> list[str]:
        """Each call in a word or two, in order."""
        chapters = {
            "enable": "enable", "identity": "identity", "create": "bucket", "init": "init",
            "import": "import", "submit": "build", "destroy": "destroy", "curl": "curl",
            "flood": "flood",
        }  # fmt: skip
        found = []
        for call in self.calls:
            if "apply" in call:
                found.append("apply some" if "-target" in " ".join(call) else "apply all")
            else:
                found += [chapters[word] for word in call if word in chapters][:1]
        return found


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    if shutil.which("bash", path=os.defpath) is None:
        pytest.skip("no bash")
    return Cloud(tmp_path)


def test_the_steps_come_in_order_and_end_in_two_logs_and_a_flood(cloud: Cloud) -> None:
    done = cloud.run(PROJECT, "--yes")

    assert done.returncode == 0, done.stderr
    assert cloud.story == [
        *("enable", "identity", "bucket", "init", "apply some", "build", "apply all"),
        *("curl", "curl", "flood"),
    ]
    assert f"{URL}/ingest" in done.stdout


def test_the_image_is_deployed_by_its_digest(cloud: Cloud) -> None:
    cloud.run(PROJECT, "europe-west1", "--yes")

    (build,) = cloud.told("submit")
    (substitution,) = [word for word in build if word.startswith("--substitutions=_IMAGE=")]
    image, _, tag = substitution.removeprefix("--substitutions=_IMAGE=").rpartition(":")
    assert image == f"europe-west1-docker.pkg.dev/{PROJECT}/logweir/logweir"
    assert tag
    apply = cloud.told("apply")[-1]
    assert f"-var=image={image}@{DIGEST}" in apply
    assert "-var=region=europe-west1" in apply
    assert not any(word.startswith("-target") for word in apply)


def test_both_curls_send_what_the_api_takes(cloud: Cloud) -> None:
    cloud.run(PROJECT, "--yes")
    json_call, text_call = cloud.told("curl")

    assert f"{URL}/ingest" in json_call
    assert "Content-Type: application/json" in json_call
    assert json.loads(json_call[-1]) == {
        "tenant_id": "acme",
        "log_id": "login-1",
        "text": "User 555-0199 logged in from 10.0.0.1",
    }
    assert {"Content-Type: text/plain", "X-Tenant-ID: beta", "X-Log-ID: mail-1"} <= set(text_call)
    assert ["logweir", "flood", URL, "--rpm", "600", "--seconds", "10"] in cloud.calls


def test_everything_is_done_in_the_project_that_was_named(cloud: Cloud) -> None:
    cloud.run(PROJECT, "--yes")

    for call in cloud.calls:
        if call[0] == "gcloud" and "print-access-token" not in call:
            assert PROJECT in " ".join(call)
        if call[0] == "terraform":
            assert call[1] == "-chdir=deploy/gcp"


def test_terraform_goes_by_the_login_of_gcloud(cloud: Cloud) -> None:
    assert "token a-token" in cloud.run(PROJECT, "--yes").stdout


def test_what_is_there_already_is_not_made_again(cloud: Cloud) -> None:
    cloud.bucket = "there"
    cloud.database = "FIRESTORE_NATIVE\tnam5"
    cloud.state = "google_firestore_database.main"
    done = cloud.run(PROJECT, "--yes")

    assert done.returncode == 0, done.stderr
    assert "bucket" not in cloud.story
    assert "import" not in cloud.story
    assert "-var=database_location=nam5" in cloud.told("apply")[-1]


def test_a_database_that_terraform_does_not_know_is_taken_over(cloud: Cloud) -> None:
    cloud.database = "FIRESTORE_NATIVE\teur3"
    cloud.run(PROJECT, "--yes")

    (imported,) = cloud.told("import")
    assert imported[-2:] == [
        "google_firestore_database.main",
        f"projects/{PROJECT}/databases/(default)",
    ]
    assert "-var=database_location=eur3" in imported


def test_a_database_in_datastore_mode_is_refused(cloud: Cloud) -> None:
    cloud.database = "DATASTORE_MODE\tus-central1"
    done = cloud.run(PROJECT, "--yes")

    assert done.returncode == 1
    assert "LOGWEIR_GCP_DATABASE" in done.stderr
    assert "apply some" not in cloud.story


@pytest.mark.parametrize(
    ("fail_on", "last", "advice"),
    [
        ("*print-access-token*", None, "gcloud auth login"),
        ("*projects?describe*", None, "gcloud projects list"),
        ("*services?enable*", "enable", "billing"),
        ("*buckets?create*", "bucket", "LOGWEIR_GCP_PREFIX"),
        ("terraform*init*", "init", "network"),
        ("*builds?submit*", "build", "builds list"),
        ("terraform*apply*image=*@*", "apply all", "Run it again"),
        ("curl*", "curl", "logweir-gateway"),
        ("*flood*", "flood", "Not all were answered 202"),
    ],
)
def test_it_stops_at_the_first_failure_and_says_what_to_do(
    cloud: Cloud, fail_on: str, last: str | None, advice: str
) -> None:
    cloud.fail_on = fail_on
    done = cloud.run(PROJECT, "--yes")

    assert done.returncode == 7
    assert "says no" in done.stderr
    assert advice in done.stderr.splitlines()[-1]
    assert cloud.story[-1:] == ([last] if last else [])


def test_a_missing_tool_is_named_before_anything_is_done(cloud: Cloud, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("bash", "dirname", "cat", "env"):
        found = shutil.which(name, path=os.defpath)
        assert found is not None
        (tools / name).symlink_to(found)
    (cloud.folder / "terraform").unlink()
    done = cloud.run(PROJECT, "--yes", PATH=f"{cloud.folder}:{tools}")

    assert done.returncode == 1
    assert "terraform is missing" in done.stderr
    assert cloud.calls == []


def test_without_a_yes_nothing_is_done(cloud: Cloud) -> None:
    done = cloud.run(PROJECT, answer="n\n")

    assert done.returncode == 1
    assert "Nothing was done" in done.stdout
    assert cloud.story == []


def test_with_a_yes_terraform_shows_its_plan_and_asks(cloud: Cloud) -> None:
    cloud.run(PROJECT, answer="y\n")
    apply = cloud.told("apply")[-1]

    # -input=false would make Terraform take no for the answer.
    assert not {"-auto-approve", "-input=false"} & set(apply)


def test_destroy_leaves_the_data(cloud: Cloud) -> None:
    done = cloud.run(PROJECT, "--yes", "--destroy")

    assert done.returncode == 0, done.stderr
    assert cloud.story == ["init", "destroy"]
    assert "-var=delete_protection=false" not in cloud.told("destroy")[0]
    assert "still there" in done.stdout


def test_destroy_takes_the_data_only_when_told_so(cloud: Cloud) -> None:
    done = cloud.run(PROJECT, "--yes", "--destroy", "--delete-data")

    assert done.returncode == 0, done.stderr
    assert cloud.story == ["init", "apply some", "destroy"]
    assert "-var=delete_protection=false" in cloud.told("destroy")[0]


def test_destroy_asks_first(cloud: Cloud) -> None:
    cloud.run(PROJECT, "--destroy", answer="\n")

    assert cloud.story == []


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--yes"],
        [PROJECT, "r", "too-many"],
        [PROJECT, "--nonsense"],
        [PROJECT, "--delete-data"],
    ],
)
def test_wrong_use_is_told_and_nothing_is_done(cloud: Cloud, arguments: list[str]) -> None:
    done = cloud.run(*arguments)

    assert done.returncode == 2
    assert done.stderr.startswith("usage:")
    assert cloud.calls == []


def test_help(cloud: Cloud) -> None:
    done = cloud.run("--help")

    assert done.returncode == 0
    assert done.stdout.startswith("usage:")


def test_words_with_spaces_stay_one_word(cloud: Cloud) -> None:
    cloud.run("a project", "--yes", LOGWEIR_GCP_PREFIX="my $(prefix)")

    assert all("-var=project=a project" in call for call in cloud.told("apply"))
    assert all("-var=prefix=my $(prefix)" in call for call in cloud.told("apply"))
