"""Does a request come from our own push subscription? Its OIDC token says so, signed by Google.

    Authorization: Bearer <header>.<claims>.<signature>

    header     alg RS256, kid: which of Google's certificates holds the key
    claims     iss    accounts.google.com, with or without https://
               aud    the audience that the subscription was given
               email  the service account that the subscription was given, email_verified
               iat, exp   an hour apart

https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import structlog

from logweir.clock import Clock
from logweir.errors import LogweirError, Unavailable

_log = structlog.get_logger()

GOOGLES_CERTIFICATES: Final = "https://www.googleapis.com/oauth2/v1/certs"
_ISSUERS: Final = ("accounts.google.com", "https://accounts.google.com")
_SKEW_SECONDS: Final = 10
_FETCH_SECONDS_MAX: Final = 5.0
_AFTER_FAILURE_SECONDS: Final = 1.0  # until the next try: many wait for it at once
_UNKNOWN_KEY_SECONDS: Final = 60.0  # between two looks for a key that is not there: anyone can ask
_FRESH_SECONDS: Final = 300.0  # where the answer does not say how long
_FRESH_SECONDS_MIN: Final = 60.0
_FRESH_SECONDS_MAX: Final = 86400.0
_PEM: Final = "-----BEGIN "
_max_age = re.compile(r"\bmax-age=([0-9]{1,9})\b").search
# What Cloud Run puts in the place of a signature that it has checked.
_REMOVED: Final = ".SIGNATURE_REMOVED_BY_GOOGLE"


class Untrusted(LogweirError):
    """A request that is refused; the reason is for our log alone, and holds nothing of a token."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Certificates:
    """Google's public certificates by the ids of their keys, kept for as long as they are fresh."""

    def __init__(self, clock: Clock, url: str = GOOGLES_CERTIFICATES) -> None:
        self._clock = clock
        self._url = url
        self._one_at_a_time = asyncio.Lock()
        self._known: Mapping[str, str] = {}
        self._fresh_until = self._next_look = self._next_try = clock.monotonic()

    async def of(self, key: str) -> str | None:
        """The certificate of a key; None where Google has none. Raises Unavailable."""
        if self._must_look_for(key):
            async with self._one_at_a_time:
                if self._must_look_for(key):
                    await self._refresh()
        return self._known.get(key)

    def _must_look_for(self, key: str) -> bool:
        now = self._clock.monotonic()
        return now >= self._fresh_until or (key not in self._known and now >= self._next_look)

    async def _refresh(self) -> None:
        if self._clock.monotonic() < self._next_try:
            raise Unavailable("Google's certificates could not be fetched a moment ago")
        try:
            self._known, fresh_seconds = await _fetch(self._url)
        except Unavailable:
            self._next_try = self._clock.monotonic() + _AFTER_FAILURE_SECONDS
            raise
        now = self._clock.monotonic()
        self._fresh_until = now + fresh_seconds
        self._next_look = now + _UNKNOWN_KEY_SECONDS


class TokenCheck:
    """Lets pass what carries a token of one service account for one audience."""

    def __init__(self, certificates: Certificates, audience: str, account: str) -> None:
        self._certificates = certificates
        self._audience = audience
        self._account = account

    async def __call__(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Raises Untrusted; Unavailable where that cannot be known."""
        claims = await self._verified(_bearer(headers))
        expected: tuple[tuple[str, bool], ...] = (
            ("audience", claims.get("aud") == self._audience),
            ("email", claims.get("email") == self._account),
            ("email_verified", claims.get("email_verified") is True),
            ("issuer", claims.get("iss") in _ISSUERS),
        )
        if wrong := [name for name, as_expected in expected if not as_expected]:
            raise Untrusted(403, f"its token has another {', '.join(wrong)}")

    async def _verified(self, token: str) -> Mapping[str, Any]:
        # google.auth costs a cold start 20 ms, and only this check needs it.
        from google.auth import jwt

        try:
            header = jwt.decode_header(token)  # type: ignore[no-untyped-call]
        except (ValueError, RecursionError):
            raise Untrusted(403, "its token cannot be read") from None
        key = header.get("kid")
        if header.get("alg") != "RS256" or not isinstance(key, str):
            raise Untrusted(403, "its token is not signed as Google signs")
        if token.endswith(_REMOVED):
            raise Untrusted(
                403, "the platform has checked its token: set LOGWEIR_GCP_PUSH_AUTH=platform"
            )
        certificate = await self._certificates.of(key)
        if certificate is None:
            raise Untrusted(403, "its token is signed with a key that is not Google's")
        try:
            claims: Mapping[str, Any] = jwt.decode(  # type: ignore[no-untyped-call]
                token, certs={key: certificate}, clock_skew_in_seconds=_SKEW_SECONDS
            )
        # Their words quote the token.
        except (ValueError, TypeError, RecursionError):
            raise Untrusted(
                403, "its token has another signature, or is not of this hour"
            ) from None
        return claims


def _bearer(headers: Iterable[tuple[bytes, bytes]]) -> str:
    values = [value for name, value in headers if name.lower() == b"authorization"]
    if len(values) != 1:
        raise Untrusted(401, "it has no token, or two")
    scheme, _, token = values[0].decode("latin-1").partition(" ")
    if scheme.lower() != "bearer" or not token.isascii():
        raise Untrusted(401, "it has no bearer token")
    return token.strip()


async def _fetch(url: str) -> tuple[Mapping[str, str], float]:
    """The certificates at a URL, and for how many seconds they are fresh."""
    import aiohttp

    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(_FETCH_SECONDS_MAX)) as session,
            session.get(url, allow_redirects=False) as response,
        ):
            if response.status != 200:
                raise Unavailable(f"Google's certificates: HTTP {response.status}")
            certificates = json.loads(await response.read())
            fresh_seconds = _fresh_seconds(response.headers)
    except (aiohttp.ClientError, TimeoutError, ValueError, RecursionError) as error:
        raise Unavailable(f"Google's certificates: {type(error).__name__}") from error
    if not (certificates and isinstance(certificates, dict)) or not all(
        isinstance(pem, str) and pem.startswith(_PEM) for pem in certificates.values()
    ):
        raise Unavailable("Google's certificates: another answer than expected")
    _log.debug("certificates_fetched", keys=len(certificates), fresh_seconds=fresh_seconds)
    return certificates, fresh_seconds


def _fresh_seconds(headers: Mapping[str, str]) -> float:
    told, age = _max_age(headers.get("Cache-Control", "")), headers.get("Age", "")
    if told is None:
        return _FRESH_SECONDS
    left = float(told[1]) - (float(age) if age.isdigit() else 0.0)
    return min(_FRESH_SECONDS_MAX, max(_FRESH_SECONDS_MIN, left))
