"""Tokens that pass and tokens that do not; certificates from a server of ours on loopback."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from aiohttp import web

from logweir.clock import ManualClock
from logweir.entrypoints.oidc import Certificates, TokenCheck, Untrusted
from logweir.errors import Unavailable

pytest.importorskip("google.auth", reason="comes with the extra gcp")

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

AUDIENCE: Final = "https://worker.example"
ACCOUNT: Final = "push@p.iam.gserviceaccount.com"


class Key:
    """A key of Google's, as it were."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(self._private.public_key())
            .serial_number(1)
            .not_valid_before(now)
            .not_valid_after(now + timedelta(days=1))
            .sign(self._private, hashes.SHA256())
        )
        self.certificate = certificate.public_bytes(serialization.Encoding.PEM)

    def sign(self, message: bytes) -> bytes:
        """As RS256 does."""
        return self._private.sign(message, padding.PKCS1v15(), hashes.SHA256())


ONE, TWO, STRANGE = Key("one"), Key("two"), Key("strange")


class Google:
    """A server with certificates; ``answer`` is what it says."""

    def __init__(self) -> None:
        self.keys = [ONE]
        self.status = 200
        self.headers = {"Cache-Control": "public, max-age=1000, must-revalidate"}
        self.text: str | None = None
        self.asked = 0
        self.url = ""

    async def answer(self, _request: web.Request) -> web.Response:
        """The certificates by the names of their keys."""
        self.asked += 1
        text = json.dumps({key.name: key.certificate.decode() for key in self.keys})
        return web.Response(
            status=self.status, headers=self.headers, text=text if self.text is None else self.text
        )


@pytest.fixture
async def google() -> AsyncIterator[Google]:
    """It runs."""
    google = Google()
    app = web.Application()
    app.router.add_get("/certs", google.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    google.url = f"http://{host}:{port}/certs"
    yield google
    await runner.cleanup()


@pytest.fixture
def clock() -> ManualClock:
    """Of the certificates; the tokens' own times are of the system's."""
    return ManualClock()


@pytest.fixture
def check(google: Google, clock: ManualClock) -> TokenCheck:
    """What is tested."""
    return TokenCheck(Certificates(clock, google.url), AUDIENCE, ACCOUNT)


def encoded(value: object) -> bytes:
    """A part of a token."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def token(
    sign: Callable[[bytes], bytes] = ONE.sign,
    header: dict[str, Any] | None = None,
    **claims: Any,
) -> bytes:
    """A token that passes, but for what is given; a claim that is ``...`` is left out."""
    now = int(time.time())
    whole = {
        "aud": AUDIENCE,
        "azp": "113774264463038321964",
        "email": ACCOUNT,
        "sub": "113774264463038321964",
        "email_verified": True,
        "exp": now + 3600,
        "iat": now,
        "iss": "https://accounts.google.com",
        **claims,
    }
    whole = {name: value for name, value in whole.items() if value is not ...}
    header = {"alg": "RS256", "kid": "one", "typ": "JWT", **(header or {})}
    message = encoded(header) + b"." + encoded(whole)
    return message + b"." + encoded(sign(message))


def bearing(given: bytes, scheme: bytes = b"Bearer") -> list[tuple[bytes, bytes]]:
    """The headers of a request."""
    return [(b"host", b"x"), (b"authorization", scheme + b" " + given)]


def hs256(message: bytes) -> bytes:
    """A signature that everyone can make: its secret is the public key."""
    return hmac.digest(ONE.certificate, message, hashlib.sha256)


# ---- tokens -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        lambda: bearing(token()),
        lambda: bearing(token(), b"bearer"),
        lambda: [(b"Authorization", b"Bearer " + token())],
        lambda: bearing(token(iss="accounts.google.com")),
        lambda: bearing(token(iat=int(time.time()) + 5)),
        lambda: bearing(token(exp=int(time.time()) - 5)),
    ],
    ids=["", "lower case", "upper case", "another issuer", "a little early", "a little late"],
)
async def test_a_token_of_our_account_for_our_audience_passes(
    check: TokenCheck, headers: Callable[[], list[tuple[bytes, bytes]]]
) -> None:
    await check(headers())


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"x-authorization", b"Bearer x")],
        [*bearing(token()), *bearing(token())],
        bearing(token(), b"Basic"),
        [(b"authorization", token())],
        [(b"authorization", b"")],
        bearing("é".encode()),
    ],
    ids=["none", "another header", "two", "another scheme", "no scheme", "empty", "not ASCII"],
)
async def test_without_a_bearer_token_it_is_401(
    check: TokenCheck, google: Google, headers: list[tuple[bytes, bytes]]
) -> None:
    with pytest.raises(Untrusted) as caught:
        await check(headers)
    assert caught.value.status == 401
    assert google.asked == 0


HOUR_AGO: Final = int(time.time()) - 3600
UNTRUSTED: Final = {
    "expired": token(iat=HOUR_AGO - 3600, exp=HOUR_AGO),
    "of the future": token(iat=int(time.time()) + 600, exp=int(time.time()) + 4200),
    "without an end": token(exp=...),
    "without a beginning": token(iat=...),
    "an end that is a word": token(exp="never"),
    "another audience": token(aud="https://worker.example/"),
    "a list of audiences": token(aud=[AUDIENCE]),
    "no audience": token(aud=...),
    "another account": token(email="push@q.iam.gserviceaccount.com"),
    "no account": token(email=...),
    "an account that is not verified": token(email_verified=False),
    "an account that is verified in words": token(email_verified="true"),
    "an account of which nothing is said": token(email_verified=...),
    "another issuer": token(iss="https://accounts.google.com.example"),
    "no issuer": token(iss=...),
    "an issuer that is a list": token(iss=["accounts.google.com"]),
    "no algorithm": token(lambda _: b"", {"alg": "none"}),
    "an algorithm with a shared secret": token(hs256, {"alg": "HS256"}),
    "an algorithm that is a list": token(header={"alg": ["RS256"]}),
    "another algorithm": token(header={"alg": "ES256"}),
    "another key's signature": token(STRANGE.sign),
    "a key that Google does not have": token(STRANGE.sign, {"kid": "strange"}),
    "no key": token(header={"kid": None}),
    "a key that is a list": token(header={"kid": ["one"]}),
    "no signature": token(lambda _: b""),
    "a signature that the platform removed": token().rpartition(b".")[0]
    + b".SIGNATURE_REMOVED_BY_GOOGLE",
    "other claims than were signed": b".".join(
        [token().split(b".")[0], encoded({"aud": AUDIENCE}), token().split(b".")[2]]
    ),
    "one part": b"x",
    "two parts": token().rpartition(b".")[0],
    "four parts": token() + b".x",
    "empty parts": b"..",
    "parts that are not base64": b"%.%.%",
    "parts that are not JSON": b".".join([encoded(b"x")] * 3),
    "parts that are no objects": b".".join([encoded([1])] * 3),
    "deeply nested": b".".join([encoded(b"[" * 20_000), encoded({}), b"x"]),
    "nothing": b"",
}


@pytest.mark.parametrize("given", UNTRUSTED.values(), ids=UNTRUSTED.keys())
async def test_any_other_token_is_403_and_the_reason_does_not_quote_it(
    check: TokenCheck, given: bytes
) -> None:
    with pytest.raises(Untrusted) as caught:
        await check(bearing(given))
    assert caught.value.status == 403
    words = str(caught.value)
    assert not [part for part in given.decode().split(".") if len(part) > 9 and part[:9] in words]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (token(aud="x", email="y"), "its token has another audience, email"),
        (UNTRUSTED["a signature that the platform removed"], "set LOGWEIR_GCP_PUSH_AUTH=platform"),
    ],
)
async def test_the_reason_says_what_to_look_at(check: TokenCheck, given: bytes, words: str) -> None:
    with pytest.raises(Untrusted, match=words):
        await check(bearing(given))


# ---- certificates -----------------------------------------------------------------------------


async def test_the_certificates_are_fetched_once_for_as_long_as_they_are_fresh(
    check: TokenCheck, google: Google, clock: ManualClock
) -> None:
    google.headers["Age"] = "100"
    for _ in range(5):
        await check(bearing(token()))
    await clock.advance(899)
    await check(bearing(token()))
    assert google.asked == 1
    await clock.advance(2)
    await check(bearing(token()))
    assert google.asked == 2


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("", 300), ("no-store", 300), ("max-age=0", 60), ("max-age=999999", 86400)],
)
async def test_what_is_not_told_or_odd_is_bounded(
    check: TokenCheck, google: Google, clock: ManualClock, told: str, seconds: float
) -> None:
    google.headers["Cache-Control"] = told
    await check(bearing(token()))
    await clock.advance(seconds - 1)
    await check(bearing(token()))
    assert google.asked == 1
    await clock.advance(2)
    await check(bearing(token()))
    assert google.asked == 2


async def test_a_key_that_is_not_known_is_looked_for_but_once_a_minute(
    check: TokenCheck, google: Google, clock: ManualClock
) -> None:
    by_two = bearing(token(TWO.sign, {"kid": "two"}))
    await check(bearing(token()))
    google.keys.append(TWO)
    for _ in range(5):
        with pytest.raises(Untrusted):
            await check(by_two)
    assert google.asked == 1
    await clock.advance(61)
    await check(by_two)
    await check(bearing(token()))
    assert google.asked == 2
    for number in range(50):
        with pytest.raises(Untrusted):
            await check(bearing(token(header={"kid": f"made up {number}"})))
    assert google.asked == 2


async def test_many_that_come_at_once_share_one_fetch(check: TokenCheck, google: Google) -> None:
    await asyncio.gather(*(check(bearing(token())) for _ in range(50)))
    assert google.asked == 1


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (500, None),
        (302, None),
        (404, "{}"),
        (200, "<html>"),
        (200, "[]"),
        (200, "{}"),
        (200, '{"error": {"code": 7}}'),
        (200, '{"error": "try later"}'),
    ],
)
async def test_certificates_that_cannot_be_had_are_an_outage_and_the_next_good_ones_end_it(
    check: TokenCheck, google: Google, clock: ManualClock, status: int, text: str | None
) -> None:
    google.status, google.text = status, text
    for _ in range(5):
        with pytest.raises(Unavailable):
            await check(bearing(token()))
    assert google.asked == 1
    google.status, google.text = 200, None
    await clock.advance(1.1)
    await check(bearing(token()))
    assert google.asked == 2


async def test_a_server_that_is_not_there_is_an_outage(clock: ManualClock) -> None:
    check = TokenCheck(Certificates(clock, "http://127.0.0.1:1/certs"), AUDIENCE, ACCOUNT)
    with pytest.raises(Unavailable):
        await check(bearing(token()))
