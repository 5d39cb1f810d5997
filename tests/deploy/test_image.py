"""The Dockerfile, as far as it goes without Docker: what it says, and its steps one by one."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.deploy.configuration import ROOT

from logweir.settings import load

RUN_SECONDS = 300


@dataclass(frozen=True)
class Step:
    stage: int
    instruction: str
    text: str


def steps() -> list[Step]:
    text = (ROOT / "Dockerfile").read_text()
    lines = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    found: list[Step] = []
    stage = -1
    for instruction, _, rest in (line.partition(" ") for line in lines if line):
        stage += instruction == "FROM"
        found.append(Step(stage, instruction, rest.strip()))
    return found


def last(instruction: str) -> str:
    (*_, step) = [step for step in steps() if step.instruction == instruction]
    return step.text


def environment(stage: int) -> dict[str, str]:
    given = " ".join(s.text for s in steps() if (s.stage, s.instruction) == (stage, "ENV"))
    return dict(pair.split("=", 1) for pair in shlex.split(given))


def test_it_runs_as_nobody_without_a_shell() -> None:
    user, _, group = last("USER").partition(":")

    assert int(user) > 0
    assert int(group) > 0
    assert json.loads(last("ENTRYPOINT")) == ["logweir"]
    assert json.loads(last("CMD")) == ["gateway"]


def test_its_settings_are_some_that_logweir_takes() -> None:
    given = {k: v for k, v in environment(1).items() if k.startswith("LOGWEIR_")}
    settings = load(given | {"LOGWEIR_GCP_PROJECT": "a-project"})

    assert (settings.backend, settings.host) == ("gcp", "0.0.0.0")


def test_everything_installed_is_checked_by_hash_or_our_own() -> None:
    installs = [s.text for s in steps() if s.instruction == "RUN" and " install " in s.text]

    assert len(installs) == 3
    assert all("--require-hashes" in text or "--no-index" in text for text in installs)


def test_both_stages_are_of_one_image_pinned_by_tag() -> None:
    images = {s.text.split()[0] for s in steps() if s.instruction == "FROM"}

    assert len(images) == 1
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", images.pop())


@pytest.mark.parametrize("ignoring", [".dockerignore", ".gcloudignore"])
def test_what_it_copies_is_sent_and_nothing_else(ignoring: str) -> None:
    copied = {
        name.rstrip("/")
        for step in steps()
        if step.instruction == "COPY" and not step.text.startswith("--from")
        for name in step.text.split()[:-1]
    }
    first, *patterns = (
        line for line in (ROOT / ignoring).read_text().splitlines() if line and line[0] != "#"
    )
    sent = {p[1:].removesuffix("**").rstrip("/") for p in patterns if p[0] == "!"}

    assert first == "*"
    assert sent - {"Dockerfile", ".dockerignore", "requirements"} == copied
    assert all((ROOT / name).exists() for name in copied)


@pytest.mark.slow
@pytest.mark.timeout(2 * RUN_SECONDS)
def test_its_steps_make_a_gateway_that_starts(tmp_path: Path) -> None:
    """Each COPY and RUN in turn; `/opt`, `/build` and the base image's Python are folders here."""
    image = Image(tmp_path)
    for step in steps():
        image.take(step)

    helped = image.run(
        [f"{image.installed}/bin/logweir", "gateway", "--help"], image.environment(environment(1))
    )
    assert "POST /ingest" in helped
    assert not (image.installed / "bin" / "pip").exists()
    assert not list(image.installed.glob("lib/*/site-packages/setuptools"))
    assert list(image.installed.glob("lib/*/site-packages/logweir/__pycache__/*.pyc"))
    assert list(image.library.glob("__pycache__/*.pyc"))


class Image:
    """The folders that stand for the image's, and how its instructions work on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.build = folder / "build"
        self.installed = folder / "opt" / "logweir"
        self.library = folder / "library"  # two modules stand for all of Python's
        self.python = folder / "python"
        self.build.mkdir()
        self.library.mkdir()
        (self.library / "one.py").write_text("x = 1\n")
        venv.create(self.python, with_pip=True, symlinks=True)

    def take(self, step: Step) -> None:
        if step.instruction == "COPY" and not step.text.startswith("--from"):
            *names, into = step.text.split()
            self.copy(names, self.build / into)
        elif step.instruction == "RUN":
            text = step.text.replace("$STANDARD_LIBRARY", str(self.library))
            words = [
                word.replace("/opt/logweir", str(self.installed)) for word in shlex.split(text)
            ]
            self.run(words, self.environment(environment(step.stage)))
        else:
            assert step.instruction in {
                *("FROM", "WORKDIR", "ENV", "ARG", "COPY", "USER"),
                *("EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"),
            }

    def copy(self, names: list[str], into: Path) -> None:
        for name in names:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(
                    source, into, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
                )
            else:
                into.mkdir(exist_ok=True)
                shutil.copy(source, into)

    def environment(self, given: dict[str, str]) -> dict[str, str]:
        """Ours only as far as pip needs it to find packages; PATH as in the image."""
        ours = {k: v for k, v in os.environ.items() if k.startswith(("PIP_", "SSL_", "HTTP"))}
        given = given | {"HOME": os.environ.get("HOME", str(self.folder))}
        return ours | given | {"PATH": f"{self.python / 'bin'}:{os.defpath}"}

    def run(self, words: list[str], environment: dict[str, str]) -> str:
        program = shutil.which(words[0], path=environment["PATH"])
        assert program is not None
        done = subprocess.run(
            [program, *words[1:]],
            cwd=self.build,
            env=environment,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=RUN_SECONDS,
        )
        assert done.returncode == 0, f"{words}:\n{done.stdout[-4000:]}"
        return done.stdout


def test_the_tests_run_on_the_image_s_python() -> None:
    """Whoever raises one raises the other: CI's Python is the one that is known to work."""
    if sys.version_info[:2] != (3, 11):
        pytest.skip("not CI's Python")
    assert "python:3.11-" in last("FROM")
