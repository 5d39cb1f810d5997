"""Firestore's client on a channel of ours. Importing this loads the library: half a second."""

from __future__ import annotations

from typing import Final

import google.auth
import grpc.aio
from google.auth.credentials import AnonymousCredentials, Credentials
from google.cloud.firestore import AsyncClient
from google.cloud.firestore_v1.services.firestore import FirestoreAsyncClient
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcAsyncIOTransport

from logweir.backends.gcp.channel import KEEPALIVE, OPTIONS

_SCOPES: Final = ["https://www.googleapis.com/auth/datastore"]
_IMPERSONATING: Final = ["https://www.googleapis.com/auth/cloud-platform"]


class Client(AsyncClient):
    """The library's client, but for its channel: that one sleeps two minutes after an outage."""

    def __init__(
        self, project: str, database: str, *, account: str | None, emulator: str | None
    ) -> None:
        credentials = AnonymousCredentials() if emulator else _credentials(account)  # type: ignore[no-untyped-call]
        super().__init__(project=project, database=database, credentials=credentials)
        self._emulator_host = emulator  # the settings say so, not the environment
        transport = FirestoreGrpcAsyncIOTransport
        self.channel: grpc.aio.Channel = (
            grpc.aio.insecure_channel(emulator, options=OPTIONS)
            if emulator
            else transport.create_channel(credentials=credentials, options=[*OPTIONS, *KEEPALIVE])
        )
        self._api = FirestoreAsyncClient(transport=transport(channel=self.channel))

    @property
    def _firestore_api(self) -> FirestoreAsyncClient:
        return self._api


def _credentials(account: str | None) -> Credentials:
    """Our own, or by them those of a tenant's service account."""
    ours, _ = google.auth.default(scopes=_IMPERSONATING if account else _SCOPES)
    if account is None:
        return ours
    from google.auth import impersonated_credentials

    return impersonated_credentials.Credentials(  # type: ignore[no-untyped-call]
        source_credentials=ours, target_principal=account, target_scopes=_SCOPES
    )
