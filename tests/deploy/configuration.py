"""A Terraform configuration, read without Terraform, and what is wrong with it.

    *.tf --hcl2--> Configuration --faults(schema)--> ["queues.tf: google_pubsub_topic.dead: …", …]

`terraform validate` would say the same and more, but needs the provider's program. What it says of
expressions' types is not seen here.
"""

from __future__ import annotations

import graphlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hcl2
from hcl2.utils import SerializationOptions

ROOT = Path(__file__).resolve().parent.parent.parent
DEPLOYMENT = ROOT / "deploy" / "gcp"
SCHEMA = Path(__file__).with_name("google_provider.json")

_META = {"count", "for_each", "provider", "depends_on"}
_META_BLOCKS = {"lifecycle", "provisioner", "connection"}
_OPTIONS = SerializationOptions(with_comments=False, strip_string_quotes=True)
_reference = re.compile(r"\b(data\.)?(google_\w+)\.(\w+)((?:\[[^]]*\])?)(?:\.(\w+))?")
_named = re.compile(r"\b(var|local)\.(\w+)")


def schema() -> dict[str, Any]:
    types: dict[str, Any] = json.loads(SCHEMA.read_text())["types"]
    return types


@dataclass(frozen=True)
class Resource:
    """One resource or data source; ``address`` as Terraform writes it."""

    kind: str
    name: str
    body: Mapping[str, Any]

    @property
    def address(self) -> str:
        return f"{self.kind}.{self.name}"

    def block(self, *path: str) -> Mapping[str, Any]:
        """The one block at the path: ``block("template", "scaling")``."""
        found: Any = self.body
        for step in path:
            (found,) = found[step]
        assert isinstance(found, Mapping)
        return found


@dataclass
class Configuration:
    """All that the files of one folder declare."""

    resources: list[Resource] = field(default_factory=list)
    variables: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    locals: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    providers: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def add(self, text: str) -> None:
        parsed: dict[str, list[Any]] = hcl2.loads(text, serialization_options=_OPTIONS)
        for group in ("resource", "data"):
            for kind, name, body in _labelled_twice(parsed.get(group, [])):
                prefix = "data." if group == "data" else ""
                self.resources.append(Resource(prefix + kind, name, body))
        for group, into in (
            ("variable", self.variables),
            ("output", self.outputs),
            ("provider", self.providers),
        ):
            for entry in parsed.get(group, []):
                into.update(_plain(entry))
        for entry in parsed.get("locals", []):
            self.locals.update(_plain(entry))

    def of(self, kind: str) -> list[Resource]:
        return [each for each in self.resources if each.kind == kind]

    def __getitem__(self, address: str) -> Resource:
        (found,) = (each for each in self.resources if each.address == address)
        return found


def read(folder: Path = DEPLOYMENT) -> Configuration:
    configuration = Configuration()
    for path in sorted(folder.glob("*.tf")):
        configuration.add(path.read_text())
    return configuration


def parse(text: str) -> Configuration:
    configuration = Configuration()
    configuration.add(text)
    return configuration


def faults(configuration: Configuration, types: Mapping[str, Any]) -> list[str]:
    """What Terraform would refuse: spelled wrong, missing, twice, or going round in a circle."""
    found = list(_references(configuration, types))
    for resource in configuration.resources:
        if resource.kind in types:
            found += _in_block(resource.address, resource.body, types[resource.kind], top=True)
        else:
            found.append(
                f"{resource.address}: no such type in the schema; scripts/provider_schema.py"
            )
    for name, body in configuration.providers.items():
        found += _in_block(f"provider {name}", body, types[name])
    addresses = [resource.address for resource in configuration.resources]
    found += [f"{each}: declared twice" for each in set(addresses) if addresses.count(each) > 1]
    return found + list(_circles(configuration))


def _in_block(
    where: str, body: Mapping[str, Any], known: Mapping[str, Any], *, top: bool = False
) -> Iterator[str]:
    arguments, blocks = known["arguments"], known.get("blocks", {})
    body = _plain(body)
    dynamic: dict[str, list[Any]] = {}
    for entry in body.get("dynamic", []):
        for name, inner in entry.items():
            dynamic.setdefault(name, []).extend(inner["content"])
    given = {name for name in body if name != "dynamic"} | set(dynamic)
    for name in sorted(given):
        if top and name in _META | _META_BLOCKS:
            continue
        value: Any = body.get(name)
        if name in arguments:
            yield from _argument(f"{where}: {name}", value, arguments[name])
        elif name not in blocks:
            yield f"{where}: {name}: no such argument or block"
        elif name in dynamic:
            for content in dynamic[name]:
                yield from _in_block(f"{where}: {name}", content, blocks[name])
        elif not _is_blocks(value):
            yield f"{where}: {name}: is a block, and is given as an argument"
        else:
            if len(value) > 1 and not blocks[name]["many"]:
                yield f"{where}: {name}: given {len(value)} times, and may be given once"
            for each in value:
                yield from _in_block(f"{where}: {name}", each, blocks[name])
    required = {name for name, kind in arguments.items() if kind.endswith(" required")}
    required |= {name for name, inner in blocks.items() if inner["required"]}
    yield from (f"{where}: {name}: is required, and missing" for name in sorted(required - given))


def _argument(where: str, value: Any, kind: str) -> Iterator[str]:
    """Literals alone: of an expression the type is not known."""
    if _is_blocks(value):
        yield f"{where}: is an argument, and is given as a block"
        return
    if isinstance(value, str) and value.startswith("${"):
        return
    takes: dict[str, tuple[type, ...]] = {
        "string": (str, int, float, bool),  # Terraform turns these into texts
        "number": (int, float),
        "bool": (bool,),
        "list": (list,),
        "map": (dict,),
        "any": (object,),
    }
    if not isinstance(value, takes[kind.removesuffix(" required")]):
        yield f"{where}: is {value!r}, and must be a {kind.removesuffix(' required')}"


def _references(configuration: Configuration, types: Mapping[str, Any]) -> Iterator[str]:
    addresses = {resource.address for resource in configuration.resources}
    declared = {"var": configuration.variables, "local": configuration.locals}
    for where, expression in _expressions(configuration):
        for kind, name in _named.findall(expression):
            if name not in declared[kind]:
                yield f"{where}: {kind}.{name}: is not declared"
        for data, kind, name, _, attribute in _reference.findall(expression):
            if f"{data}{kind}.{name}" not in addresses:
                yield f"{where}: {data}{kind}.{name}: is not declared"
            elif attribute:
                known = types[data + kind]
                readable = {*known["arguments"], *known.get("blocks", ()), *known["computed"]}
                if attribute not in readable:
                    yield f"{where}: {data}{kind}.{name}.{attribute}: no such attribute"


def _circles(configuration: Configuration) -> Iterator[str]:
    graph: dict[str, set[str]] = {}
    for where, expression in _expressions(configuration):
        edges = graph.setdefault(where, set())
        edges |= {f"{data}{kind}.{name}" for data, kind, name, *_ in _reference.findall(expression)}
        edges |= {f"{kind}.{name}" for kind, name in _named.findall(expression)}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        yield f"goes round in a circle: {' -> '.join(error.args[1])}"


def _expressions(configuration: Configuration) -> Iterator[tuple[str, str]]:
    """Where, and each text in it that may hold references."""
    for resource in configuration.resources:
        yield from ((resource.address, text) for text in texts(resource.body))
    for name, value in configuration.locals.items():
        yield from ((f"local.{name}", text) for text in texts(value))
    for name, body in configuration.outputs.items():
        yield from ((f"output.{name}", text) for text in texts(body))
    for name, body in configuration.providers.items():
        yield from ((f"provider.{name}", text) for text in texts(body))
    for name, body in configuration.variables.items():
        # A validation may name the variable itself.
        yield from ((f"var.{name}", text.replace(f"var.{name}", "")) for text in texts(body))


def texts(value: Any) -> Iterator[str]:
    """Every text in it, however deep, the keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield key
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def _labelled_twice(entries: list[Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for entry in entries:
        for kind, named in entry.items():
            for name, body in named.items():
                yield kind, name, _plain(body)


def _plain(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if not name.startswith("__")}


def _is_blocks(value: Any) -> bool:
    return isinstance(value, list) and any(
        isinstance(each, Mapping) and "__is_block__" in each for each in value
    )
