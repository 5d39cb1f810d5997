"""The zip of the functions: the same bytes each time, whole, and for the right machine."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from scripts import bundle_aws
from scripts.bundle_aws import HOST, HOST_PYTHON, ROOT, bundle, packages, pins
from tests.deploy.aws.template import Template, raw

FUNCTION = "AWS::Serverless::Function"
UNZIPPED_BYTES_MAX = 250 * 2**20  # what Lambda takes
# Imports as Lambda does, and says what it loaded from where.
PROBE = """
import importlib, json, sys
for handler in json.loads(sys.argv[1]):
    module, _, name = handler.rpartition(".")
    assert callable(getattr(importlib.import_module(module), name))
import botocore.session
from backports import zstd
session = botocore.session.Session()
for service in ("sqs", "dynamodb"):
    assert session.create_client(service, region_name="eu-central-1")
files = [getattr(module, "__file__", None) for module in sys.modules.values()]
print(json.dumps([file for file in files if file]))
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle for this machine."""
    return bundle(tmp_path_factory.mktemp("bundle") / "host.zip", HOST)


@pytest.fixture(scope="module")
def unpacked(host: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(host) as archive:
        archive.extractall(folder)
    return folder


def environment() -> dict[str, str]:
    """What Lambda gives a function, as far as it counts."""
    variables = Template()["LogsFunction"]["Environment"]["Variables"]
    keys = {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}
    return {k: str(v) for k, v in variables.items()} | keys | {"AWS_REGION": "eu-central-1"}


@pytest.mark.slow
def test_two_builds_are_the_same_bytes(host: Path, tmp_path: Path) -> None:
    again = tmp_path / "elsewhere" / "again.zip"
    before = os.umask(0o077)  # another user's, another day's, another seed's
    try:
        subprocess.run(
            [sys.executable, "-m", "scripts.bundle_aws", "--architecture", HOST, str(again)],
            cwd=ROOT,
            env=os.environ | {"TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7", "TMPDIR": str(tmp_path)},
            check=True,
        )
    finally:
        os.umask(before)

    assert again.read_bytes() == host.read_bytes()


@pytest.mark.slow
def test_it_needs_nothing_but_python(unpacked: Path) -> None:
    handlers = sorted({each["Handler"] for each in Template().of(FUNCTION).values()})
    done = subprocess.run(
        [sys.executable, "-S", "-B", "-c", PROBE, json.dumps(handlers)],  # -S: no site-packages
        cwd=unpacked,
        env=environment() | {"PYTHONPATH": str(unpacked)},
        check=False,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    library = Path(os.__file__).parent
    loaded = [Path(file) for file in json.loads(done.stdout)]
    assert not [f for f in loaded if not (f.is_relative_to(unpacked) or f.is_relative_to(library))]
    assert not [f for f in loaded if "site-packages" in f.parts]


@pytest.mark.slow
def test_it_has_all_that_its_packages_require(unpacked: Path) -> None:
    found = list(distributions(path=[str(unpacked)]))
    required = [
        requirement
        for each in found
        for requirement in map(Requirement, each.requires or [])
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""})
    ]

    there = {canonicalize_name(each.name) for each in found}
    assert there == set(packages(HOST_PYTHON))
    assert {canonicalize_name(each.name) for each in required} <= there


@pytest.mark.slow
def test_it_has_logweir_whole_and_botocore_trimmed(host: Path) -> None:
    source = ROOT / "src"
    with zipfile.ZipFile(host) as archive:
        for path in (source / "logweir").rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert archive.read(path.relative_to(source).as_posix()) == path.read_bytes()
        names = archive.namelist()
        unzipped = sum(info.file_size for info in archive.infolist())
    services = {match[1] for name in names if (match := re.match(r"botocore/data/(\w+)/", name))}

    assert services == {"dynamodb", "sqs"}
    assert "botocore/data/endpoints.json" in names
    assert unzipped < 20 * 2**20 < UNZIPPED_BYTES_MAX
    assert not {"tests", "bin", "scripts", "granian", "apsw"} & {n.split("/")[0] for n in names}


@pytest.mark.slow
def test_it_has_bytecode_for_all_and_no_path_of_where_it_was_made(host: Path) -> None:
    with zipfile.ZipFile(host) as archive:
        names = set(archive.namelist())
        sources = {name for name in names if name.endswith(".py")}
        compiled = [name for name in names if name.endswith(".pyc")]
        for name in compiled:
            code = archive.read(name)
            assert int.from_bytes(code[4:8], "little") == 0b01, name  # by a hash, and not checked
            assert b"/var/task/" in code
            assert b"/tmp/" not in code.replace(b'"/tmp/', b"")
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {info.external_attr >> 16 for info in archive.infolist()} == {0o100644}

    assert len(compiled) == len(sources)


@pytest.mark.slow
@pytest.mark.parametrize(("architecture", "machine"), [("arm64", "aarch64"), ("x86_64", "x86_64")])
def test_a_bundle_is_for_its_processor(architecture: str, machine: str, tmp_path: Path) -> None:
    made = bundle(tmp_path / "bundle.zip", architecture, "3.13")
    with zipfile.ZipFile(made) as archive:
        names = archive.namelist()
        wheels = [archive.read(name).decode() for name in names if name.endswith("/WHEEL")]
    tags = [tag for wheel in wheels for tag in re.findall(r"^Tag: (\S+)", wheel, re.MULTILINE)]
    binary = [tag for tag in tags if not tag.endswith("-none-any")]
    libraries = [name for name in names if name.endswith(".so")]

    assert len(wheels) == len(packages("3.13"))
    assert binary
    assert libraries
    assert all(re.fullmatch(rf"cp313-cp313-manylinux\w+_{machine}", tag) for tag in binary)
    assert all(f"cpython-313-{machine}-linux" in name for name in libraries)
    if HOST_PYTHON != "3.13":  # another's bytecode would never be read
        assert not [name for name in names if name.endswith(".pyc")]


def test_every_package_has_a_version_and_hashes() -> None:
    for version in raw()["Parameters"]["Runtime"]["AllowedValues"]:
        python = version.removeprefix("python")
        pinned = dict(re.findall(r"^([\w-]+)==(\S+) \\$", pins(python), re.MULTILINE))

        assert set(pinned) == set(packages(python))
        assert pins(python).count("--hash=sha256:") > len(pinned)
        assert ";" not in pins(python)


def test_what_python_has_itself_is_left_out() -> None:
    assert "backports-zstd" in packages("3.13")
    assert "backports-zstd" not in packages("3.14")
    assert "typing-extensions" not in packages("3.13")
    assert "typing-extensions" in packages("3.12")


def test_another_python_than_this_has_no_bundle_for_this_machine(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"3\.99"):
        bundle(tmp_path / "bundle.zip", HOST, "3.99")


@pytest.mark.slow
def test_a_package_of_another_hash_is_refused_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forged = re.sub(r"sha256:\w+", f"sha256:{'0' * 64}", pins(HOST_PYTHON))
    monkeypatch.setattr(bundle_aws, "pins", lambda _python: forged)
    with pytest.raises(RuntimeError, match="DO NOT MATCH"):
        bundle(tmp_path / "bundle.zip", HOST)

    assert not list(tmp_path.iterdir())
