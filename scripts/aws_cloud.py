"""Which account of AWS, or which emulator, by botocore's own chain; and what its errors mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

from logweir.errors import Misconfigured
from logweir.settings import load

Say = Callable[[str], None]
_POLL_SECONDS: Final = 2.0
_EMULATORS_POLL_SECONDS: Final = 0.2
_EMULATORS_REGION: Final = "us-east-1"
# By a part of a code: services spell theirs differently.
_ADVICE: Final = {
    "Expired": "Log in again.",
    "InvalidClientTokenId": "Are these the credentials of an account?",
    "UnrecognizedClient": "Are these the credentials of an account?",
    "AccessDenied": 'What the credentials must allow: docs/deploy-aws.md, "Before".',
}


class DeployError(Exception):
    """What went wrong, and what to do about it."""


@cache
def _session() -> botocore.session.Session:
    """One for all clients: it reads what describes a service once."""
    return botocore.session.Session()


@dataclass(frozen=True)
class Cloud:
    """An account in a region; or an emulator, at its endpoint."""

    region: str
    endpoint: str | None
    emulated: bool

    @classmethod
    def of(cls, environment: Mapping[str, str], region: str | None = None) -> Cloud:
        """As the environment says, and as botocore's own chain goes on. Raises DeployError."""
        endpoint = environment.get("AWS_ENDPOINT_URL") or None
        try:
            settings = load({"LOGWEIR_BACKEND": "aws", "AWS_ENDPOINT_URL": endpoint or ""})
        except Misconfigured as error:
            raise DeployError(str(error)) from None
        emulated = settings.on_emulators
        region = region or environment.get("AWS_REGION")
        region = region or botocore.session.Session().get_config_variable("region")
        if not region and emulated:
            region = _EMULATORS_REGION
        if not region:
            raise DeployError("no region is set: make deploy-aws REGION=eu-central-1")
        return cls(region, endpoint, emulated)

    def client(self, service: str) -> Any:
        """botocore's own client. Raises DeployError."""
        session = _session()
        own: dict[str, Any] = {}
        if self.emulated:
            # Nobody's real credentials, since whoever listens there could use their signature.
            own = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        elif session.get_credentials() is None:
            raise DeployError(
                "no credentials were found: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or"
                ' AWS_PROFILE; docs/deploy-aws.md, "Before"'
            )
        return session.create_client(
            service, region_name=self.region, endpoint_url=self.endpoint, **own
        )

    @property
    def account(self) -> str:
        """Its number."""
        return str(self.client("sts").get_caller_identity()["Account"])

    @property
    def poll_seconds(self) -> float:
        """How often it is looked what has become of a change."""
        return _EMULATORS_POLL_SECONDS if self.emulated else _POLL_SECONDS


def in_words(error: BotoCoreError | ClientError) -> str:
    """What AWS or its client says, with what helps where that is known."""
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    for part, advice in _ADVICE.items():
        if part in code:
            return f"{error} {advice}"
    return str(error)
