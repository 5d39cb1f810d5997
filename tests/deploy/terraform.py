"""Terraform itself, as far as it goes without the provider's program: its format, and its values.

Variables and locals need no provider, so Terraform works them out for real; what a local takes from
a resource is put in as that resource's address.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.deploy.configuration import DEPLOYMENT
from tests.support.shared import missing

_locals = re.compile(r"^locals \{\n.*?^\}\n", re.MULTILINE | re.DOTALL)
_local_name = re.compile(r"^  (\w+)\s+=", re.MULTILINE)
_reference = re.compile(r"((?:data\.)?google_\w+\.\w+)(\[\*\])?(?:\[[^]]*\])?(\.\w+)")


def required() -> None:
    """Skip without Terraform; CI may not skip."""
    if shutil.which("terraform") is None:
        missing("terraform is not on the PATH")


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TF_")}
    return subprocess.run(
        ["terraform", *arguments],
        cwd=folder,
        env=environment | {"CHECKPOINT_DISABLE": "1"},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


class Refused(Exception):
    """Terraform did not take these variables; its words, unwrapped."""


def values(folder: Path, **variables: object) -> dict[str, Any]:
    """Every local of deploy/gcp under these variables."""
    blocks = [
        block
        for path in sorted(DEPLOYMENT.glob("*.tf"))
        for block in _locals.findall(path.read_text())
    ]
    names = {name for block in blocks for name in _local_name.findall(block)}
    outputs = [f'output "{name}" {{\n  value = local.{name}\n}}\n' for name in sorted(names)]
    shutil.copy(DEPLOYMENT / "variables.tf", folder)
    (folder / "values.tf").write_text("\n".join([*map(_without_resources, blocks), *outputs]))
    given = {"project": "a-project", "image": "an-image"} | variables
    (folder / "terraform.tfvars.json").write_text(json.dumps(given))
    applied = run("apply", "-auto-approve", "-input=false", "-no-color", folder=folder)
    if applied.returncode:
        raise Refused(" ".join(re.sub(r"[│╷╵]", " ", applied.stderr).split()))
    found = json.loads(run("output", "-json", folder=folder).stdout)
    return {name: output["value"] for name, output in found.items()}


def _without_resources(block: str) -> str:
    def stub(match: re.Match[str]) -> str:
        text = f'"{match[1]}{match[3]}"' if match[3] != ".email" else f'"{match[1]}@example.com"'
        return f"[{text}]" if match[2] else text

    return _reference.sub(stub, block)
