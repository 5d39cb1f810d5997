"""gRPC channels to Pub/Sub, or to its emulator."""

from __future__ import annotations

import os
from typing import Final

# We start processes, but never go on in a fork; its handlers would only complain.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")

import grpc
import grpc.aio

from logweir.errors import Misconfigured
from logweir.settings import Settings

NO_CREDENTIALS: Final = (
    "there are no Google credentials: run `gcloud auth application-default login`,"
    " or run where a service account is attached"
)
_HOST: Final = "pubsub.googleapis.com:443"
_SCOPES: Final = ["https://www.googleapis.com/auth/pubsub"]
OPTIONS: Final = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # By default gRPC waits up to two minutes before it looks again whether an outage is over.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
]
# Not on the emulator: it hangs up on whoever pings this often.
KEEPALIVE: Final = [("grpc.keepalive_time_ms", 30_000), ("grpc.keepalive_timeout_ms", 5_000)]


def open_channel(settings: Settings) -> grpc.aio.Channel:
    """A channel; it connects when it is used. Raises Misconfigured without credentials."""
    if settings.pubsub_emulator:
        return grpc.aio.insecure_channel(settings.pubsub_emulator, options=OPTIONS)
    import google.auth
    import google.auth.transport.requests
    from google.auth.exceptions import DefaultCredentialsError
    from google.auth.transport.grpc import AuthMetadataPlugin

    try:
        credentials, _ = google.auth.default(scopes=_SCOPES)
    except DefaultCredentialsError as error:
        raise Misconfigured(NO_CREDENTIALS) from error
    request = google.auth.transport.requests.Request()
    plugin = grpc.metadata_call_credentials(AuthMetadataPlugin(credentials, request))  # type: ignore[no-untyped-call]
    secure = grpc.composite_channel_credentials(grpc.ssl_channel_credentials(), plugin)
    return grpc.aio.secure_channel(_HOST, secure, options=[*OPTIONS, *KEEPALIVE])
