"""Reads deploy/aws/template.yaml as CloudFormation does, for one choice of parameters.

A reference to a resource becomes ``${Name}``, an attribute of one ``${Name.Attribute}``; what else
there is, parameters, conditions and mappings, is worked out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

PATH: Final = Path(__file__).parents[3] / "deploy" / "aws" / "template.yaml"
PSEUDO: Final = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-central-1",
    "AWS::URLSuffix": "amazonaws.com",
}
# What scripts/deploy-aws always gives.
GIVEN: Final = {"CodeBucket": "code", "CodeKey": "bundle.zip"}
_NOTHING: Final = object()  # AWS::NoValue


@dataclass(frozen=True)
class Call:
    """A function of CloudFormation, not worked out yet."""

    name: str
    argument: Any


class _Loader(yaml.SafeLoader):
    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise AssertionError("CloudFormation takes no YAML aliases")
        return super().compose_node(parent, index)


def _call(loader: _Loader, suffix: str, node: yaml.Node) -> Call:
    if isinstance(node, yaml.ScalarNode):
        argument: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        argument = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        argument = loader.construct_mapping(node, deep=True)
    return Call(suffix, argument)


_Loader.add_multi_constructor("!", _call)


@cache
def raw() -> dict[str, Any]:
    """The file, with its functions as Calls."""
    loaded: dict[str, Any] = yaml.load(PATH.read_text(), _Loader)  # a safe loader
    return loaded


class Template:
    """The stack that a choice of parameters makes."""

    def __init__(self, **parameters: str | int) -> None:
        """What is not given has its default."""
        defaults = {k: v["Default"] for k, v in raw()["Parameters"].items() if "Default" in v}
        unknown = set(parameters) - set(raw()["Parameters"])
        assert not unknown, unknown
        self.parameters: dict[str, Any] = {**defaults, **GIVEN, **parameters}
        self.conditions = {k: self._worked_out(v) for k, v in raw()["Conditions"].items()}
        self.resources = self._present("Resources")
        self.outputs = {k: v["Value"] for k, v in self._present("Outputs").items()}
        self._globals = self._worked_out(raw()["Globals"]["Function"])

    def __getitem__(self, name: str) -> dict[str, Any]:
        """A resource's properties; of a function, those for all of them too."""
        properties: dict[str, Any] = self.resources[name].get("Properties", {})
        if self.resources[name]["Type"] != "AWS::Serverless::Function":
            return properties
        return _merged(self._globals, properties)

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """The properties of all resources of a type, by name."""
        return {name: self[name] for name, r in self.resources.items() if r["Type"] == kind}

    def _present(self, section: str) -> dict[str, dict[str, Any]]:
        return {
            name: self._worked_out(each)
            for name, each in raw()[section].items()
            if self.conditions.get(each.get("Condition"), True)
        }

    def _worked_out(self, value: Any) -> Any:
        match value:
            case Call(name, argument):
                return self._call(name, argument)
            case dict():
                found = {k: self._worked_out(v) for k, v in value.items()}
                return {k: v for k, v in found.items() if v is not _NOTHING}
            case list():
                return [v for v in map(self._worked_out, value) if v is not _NOTHING]
            case _:
                return value

    def _call(self, name: str, argument: Any) -> Any:
        match name:
            case "Ref":
                return self._ref(argument)
            case "GetAtt":
                return f"${{{argument}}}"
            case "Sub":
                return re.sub(r"\$\{([\w:.]+)\}", lambda m: str(self._ref(m[1])), argument)
            case "If":
                condition, then, otherwise = argument
                return self._worked_out(then if self.conditions[condition] else otherwise)
            case "Equals":
                one, other = map(self._worked_out, argument)
                return str(one) == str(other)
            case "Not":
                return not self._worked_out(argument[0])
            case "FindInMap":
                mapping, first, second = map(self._worked_out, argument)
                return raw()["Mappings"][mapping][first][second]
            case _:
                raise AssertionError(f"what is !{name}?")

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _NOTHING
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.parameters:
            return self.parameters[name]
        return f"${{{name}}}"


def _merged(everyones: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """As SAM does it: maps grow together, anything else is replaced."""
    both = {**everyones, **own}
    for name in everyones.keys() & own.keys():
        if isinstance(everyones[name], dict) and isinstance(own[name], dict):
            both[name] = _merged(everyones[name], own[name])
    return both


def strings(value: Any) -> Iterator[str]:
    """Every string in it, keys too."""
    match value:
        case str():
            yield value
        case dict():
            for key, inner in value.items():
                yield str(key)
                yield from strings(inner)
        case list():
            for inner in value:
                yield from strings(inner)
        case _:
            pass  # a number holds none


def listed(value: Any) -> list[Any]:
    """One or many, as IAM takes both."""
    return value if isinstance(value, list) else [value]
