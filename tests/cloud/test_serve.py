"""``logweir serve --backend gcp|aws`` as a developer runs it, and what only it can show."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from tests.support.cloud import ROOT, AnyCloud, send_json, send_text
from tests.support.outsider import kinds_in
from tests.support.processes import until

from logweir.envelope import sha256_of

TEXT: Final = "User 555-0199 logged in"


def test_the_service_says_where_it_is_and_how_to_look(
    new_cloud: Callable[[Path], AnyCloud], tmp_path: Path
) -> None:
    cloud = new_cloud(tmp_path)
    with cloud.running("serve") as service:
        until(lambda: "Ctrl-C" in service.stdout)
    said = service.stdout
    assert f"http://127.0.0.1:{service.port}" in said
    for name, value in cloud.variables.items():
        assert f"export {name}={value}" in said


def test_work_that_always_raises_ends_as_a_dead_letter(
    new_cloud: Callable[[Path], AnyCloud], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = new_cloud(tmp_path)
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    job = {"work": "tests.support.jobs:moody", "attempts_max": 2}
    with cloud.running("serve", **job) as service:
        send_json(service.port, "acme", "bad", "raise me")
        send_text(service.port, "acme", "good", TEXT)
        wanted = {("acme", "bad", sha256_of("raise me")), ("acme", "good", sha256_of(TEXT))}
        until(lambda: wanted <= cloud.store.kept(), seconds=30)
        [shown] = cloud.json("dead", "show", "acme", "bad")
    assert (shown["reason"], shown["attempts"]) == ("attempts_exhausted", 2)
    assert (shown["text"], shown["error"]) == ("raise me", "ValueError: cannot read raise me")
    assert kinds_in(cloud.store.everything()) == {"dead_letters": 1, "processed_logs": 1}
