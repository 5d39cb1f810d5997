#!/usr/bin/env python3
"""Writes tests/deploy/google_provider.json: what Google's Terraform provider takes.

    scripts/provider_schema.py           downloads 67 MB to a folder that goes; installs nothing
    scripts/provider_schema.py WHEEL     reads this file instead

`terraform validate` would need the provider's program. Its schema comes as Python too, in
cdktn-provider-google (MPL-2.0): a class for each resource and each block. Only facts are read out
of these classes, without running them: names, types, what is required. Run it when deploy/gcp uses
a type that it did not use before, or when the provider's version below is raised.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = ROOT / "tests" / "deploy" / "google_provider.json"
PACKAGE = "cdktn-provider-google"
VERSION = "21.1.0"  # carries provider 8.7.0; deploy/gcp/versions.tf asks for that one or newer
META = {"connection", "count", "depends_on", "for_each", "lifecycle", "provider", "provisioners"}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        wheel = Path(sys.argv[1]) if sys.argv[1:] else downloaded(Path(folder))
        with zipfile.ZipFile(wheel) as archive:
            schema = read(archive)
    SCHEMA.write_text(json.dumps(schema, indent=1, sort_keys=True) + "\n")
    print(f"provider_schema: {len(schema['types'])} types into {SCHEMA.relative_to(ROOT)}")


def downloaded(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", f"--dest={folder}"]
    subprocess.run([*command, f"{PACKAGE}=={VERSION}"], check=True)
    return next(folder.glob("*.whl"))


def read(archive: zipfile.ZipFile) -> dict[str, Any]:
    types = {"google": Module(archive, "provider").type()}
    for kind, name in sorted(used()):
        folder = name.removeprefix("google_")
        module = Module(archive, f"data_google_{folder}" if kind == "data" else folder)
        types[f"data.{name}" if kind == "data" else name] = module.type()
    metadata = archive.read(next(n for n in archive.namelist() if n.endswith("/METADATA"))).decode()
    provider = re.search(r"hashicorp/google provider version ([\d.]+)", metadata)
    assert provider is not None
    return {
        "provider": f"hashicorp/google {provider[1]}",
        "read from": f"{PACKAGE} {VERSION} (MPL-2.0), by scripts/provider_schema.py",
        "types": types,
    }


def used() -> set[tuple[str, str]]:
    """The kind (resource, data) and type of everything in deploy/gcp."""
    texts = (path.read_text() for path in (ROOT / "deploy" / "gcp").glob("*.tf"))
    pattern = re.compile(r'^(resource|data) "(google_\w+)"', re.MULTILINE)
    return {(kind, name) for text in texts for kind, name in pattern.findall(text)}


class Module:
    """The module of one type: its class, the class of its arguments, and one for each block."""

    def __init__(self, archive: zipfile.ZipFile, folder: str) -> None:
        source = archive.read(f"{PACKAGE.replace('-', '_')}/{folder}/__init__.py")
        tree = ast.parse(source)
        self.classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
        self.main = next(iter(name for name in self.classes if not name.startswith("_")))

    def type(self) -> dict[str, Any]:
        block = self.block(f"{self.main}Config")
        given = {*block["arguments"], *block.get("blocks", {})}
        block["computed"] = sorted(self.readable() - given)
        return block

    def block(self, class_name: str) -> dict[str, Any]:
        """Arguments as `string`, `number required`…; blocks with `many` and `required`."""
        constructor = self.method(self.classes[class_name], "__init__")
        spelled = spelling(ast.get_docstring(constructor) or "")
        arguments: dict[str, str] = {}
        blocks: dict[str, Any] = {}
        defaults = constructor.args.kw_defaults
        for parameter, default in zip(constructor.args.kwonlyargs, defaults, strict=True):
            if parameter.arg in META:
                continue
            assert parameter.annotation is not None
            annotation = ast.unparse(parameter.annotation)
            name = spelled.get(parameter.arg, parameter.arg)
            if name.endswith("_custom_endpoint"):  # 180 of them, in the provider's own block
                continue
            nested = re.search(r"'(?!_)(\w+)'", annotation)
            if nested:
                many = "typing.Sequence" in annotation
                kind = {"many": many, "required": default is None}
                blocks[name] = {**self.block(nested[1]), **kind}
            else:
                arguments[name] = simple(annotation) + (" required" if default is None else "")
        return {"arguments": arguments} | ({"blocks": blocks} if blocks else {})

    def readable(self) -> set[str]:
        """What an expression may read of it beside its arguments: `uri`, `email`."""
        internal = {"cdktf_type", "fqn", "friendly_unique_id", "tf_resource_type"}
        methods = (m for m in self.classes[self.main].body if isinstance(m, ast.FunctionDef))
        properties = {
            m.name for m in methods if "builtins.property" in map(ast.unparse, m.decorator_list)
        }
        noise = ("_input", "_custom_endpoint")
        return {name for name in properties - internal if not name.endswith(noise)}

    @staticmethod
    def method(of: ast.ClassDef, name: str) -> ast.FunctionDef:
        return next(m for m in of.body if isinstance(m, ast.FunctionDef) and m.name == name)


def spelling(docstring: str) -> dict[str, str]:
    """Python's names of the parameters to Terraform's, which differ for Python's own words."""
    link = re.compile(r"^\s*:param (\w+):.*?\{@link \S+#(\w+) \w+#\w+\}", re.MULTILINE)
    return dict(link.findall(docstring))


def simple(annotation: str) -> str:
    if "typing.Mapping" in annotation:
        return "map"
    if "typing.Sequence" in annotation:
        return "list"
    if "builtins.bool" in annotation:
        return "bool"
    if "jsii.Number" in annotation:
        return "number"
    if "builtins.str" in annotation:
        return "string"
    return "any"


if __name__ == "__main__":
    main()
