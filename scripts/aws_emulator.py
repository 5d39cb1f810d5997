"""What ministack does otherwise than AWS, once a stack is there."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from scripts.aws_cloud import Cloud


def as_emulated(cloud: Cloud, outputs: Mapping[str, str]) -> dict[str, str]:
    """A stack's outputs with the URL at which its gateway answers; and its mappings work."""
    _count_in_numbers(cloud, outputs)
    return {**outputs, "IngestUrl": _at_the_emulator(cloud, outputs["IngestUrl"])}


def _count_in_numbers(cloud: Cloud, outputs: Mapping[str, str]) -> None:
    """ministack keeps a concurrency that was a parameter as text, and fails to compare it."""
    functions = cloud.client("lambda")
    for name in ("LogsFunctionName", "ChunksFunctionName"):
        if name in outputs:
            found = functions.list_event_source_mappings(FunctionName=outputs[name])
            for each in found["EventSourceMappings"]:
                functions.update_event_source_mapping(
                    UUID=each["UUID"], ScalingConfig=each["ScalingConfig"]
                )


def _at_the_emulator(cloud: Cloud, url: str) -> str:
    """A function's URL there, where no name server knows it."""
    parts = urlsplit(url)
    function = (parts.hostname or "").partition(".")[0]
    return f"{cloud.endpoint}/_aws/lambda-url/{function}{parts.path}"
