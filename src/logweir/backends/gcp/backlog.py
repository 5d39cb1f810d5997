"""What waits in Pub/Sub: as Cloud Monitoring tells it, by lane and a minute or two late."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from logweir.backends.gcp.channel import NO_CREDENTIALS
from logweir.backends.gcp.names import Names
from logweir.clock import Clock, timestamp
from logweir.errors import BrokerUnavailable, Misconfigured
from logweir.ids import LogId, TenantId
from logweir.pipeline.broker import Backlog, Lane, Whereabouts

# https://cloud.google.com/monitoring/api/metrics_gcp_p_z, those of a subscription.
_UNACKNOWLEDGED: Final = "num_undelivered_messages"
_BEING_PUSHED: Final = "num_outstanding_messages"
_OLDEST_SECONDS: Final = "oldest_unacked_message_age"
_SCOPES: Final = ["https://www.googleapis.com/auth/monitoring.read"]
_URL: Final = "https://monitoring.googleapis.com/v3/projects/{project}/timeSeries"
_WINDOW: Final = timedelta(minutes=10)  # sampled each minute, and shown up to three minutes later
_SECONDS: Final = 10.0

Get = Callable[[str, Mapping[str, str]], Any]


class UnknownBacklog:
    """The BacklogReader of the emulator, which tells nothing."""

    async def backlog(self) -> Sequence[Backlog]:
        """Each lane, without numbers."""
        return [
            Backlog(lane=lane, waiting=None, in_flight=None, oldest_seconds=None) for lane in Lane
        ]

    async def locate(self, tenant: TenantId, log: LogId) -> Whereabouts | None:  # noqa: ARG002
        """Pub/Sub cannot find single messages."""
        return None

    async def quarantined(self) -> int | None:
        """Unknown."""
        return None


class MonitoredBacklog(UnknownBacklog):
    """The BacklogReader of the cloud. A number that Monitoring has no sample of is unknown."""

    def __init__(self, names: Names, clock: Clock, get: Get | None = None) -> None:
        """``get``: (URL, parameters) -> the answer's JSON; by default with Google's credentials."""
        self._names = names
        self._clock = clock
        self._get = get or _with_credentials

    async def backlog(self) -> Sequence[Backlog]:
        """Each lane; what is being pushed counts as in flight, the rest of the unanswered waits."""
        numbers = {
            metric: await self._read(metric)
            for metric in (_UNACKNOWLEDGED, _BEING_PUSHED, _OLDEST_SECONDS)
        }
        return [self._lane(lane, self._names.lane(lane), numbers) for lane in Lane]

    async def quarantined(self) -> int | None:
        """How many messages the quarantine's subscription has."""
        return (await self._read(_UNACKNOWLEDGED)).get(self._names.quarantine)

    def _lane(self, lane: Lane, name: str, numbers: Mapping[str, Mapping[str, int]]) -> Backlog:
        unacknowledged = numbers[_UNACKNOWLEDGED].get(name)
        pushed = numbers[_BEING_PUSHED].get(name, 0)
        known = unacknowledged is not None
        waiting = max(0, unacknowledged - pushed) if unacknowledged is not None else None
        return Backlog(
            lane=lane,
            waiting=waiting,
            in_flight=pushed if known else None,
            oldest_seconds=numbers[_OLDEST_SECONDS].get(name) if waiting else None,
        )

    async def _read(self, metric: str) -> dict[str, int]:
        """The newest sample of each of our subscriptions, by its name."""
        now = self._clock.now()
        parameters = {
            "filter": f'metric.type = "pubsub.googleapis.com/subscription/{metric}"'
            f' AND resource.labels.subscription_id = starts_with("{self._names.prefix}-")',
            "interval.startTime": timestamp(now - _WINDOW),
            "interval.endTime": timestamp(now),
        }
        url = _URL.format(project=self._names.project)
        answer = await asyncio.to_thread(self._get, url, parameters)
        return {
            series["resource"]["labels"]["subscription_id"]: int(
                series["points"][0]["value"]["int64Value"]  # the newest comes first
            )
            for series in answer.get("timeSeries", [])
            if series.get("points")
        }


def _with_credentials(url: str, parameters: Mapping[str, str]) -> Any:
    import google.auth
    import requests
    from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError
    from google.auth.transport.requests import AuthorizedSession

    try:
        credentials, _ = google.auth.default(scopes=_SCOPES)
        with AuthorizedSession(credentials) as session:  # type: ignore[no-untyped-call]
            response = session.get(url, params=dict(parameters), timeout=_SECONDS)
            response.raise_for_status()
            return response.json()
    except DefaultCredentialsError as error:
        raise Misconfigured(NO_CREDENTIALS) from error
    except (GoogleAuthError, requests.RequestException) as error:
        raise BrokerUnavailable(f"Cloud Monitoring: {type(error).__name__}") from error
