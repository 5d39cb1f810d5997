"""Values that are nobody's secret: what every log line is full of."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from random import Random

from tests.redaction.grammar import Maker
from tests.redaction.values.drawing import ALNUM, digits, drawn, hexadecimal, rows, words

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # as in a ULID
NAMES = words(
    "alice bob carol dave erin frank grace heidi ivan judy mallory niaj olivia peggy rupert sybil "
    "trent victor walter yusuf zoe anna maria juan jose wei li ahmed fatima olga pavel ingrid lars"
)
SURNAMES = words(
    "smith jones garcia miller davis martinez lopez wilson anderson thomas moore lee thompson "
    "white harris clark lewis young king wright hill scott green adams baker nelson carter rossi"
)
_SERVICES = words(
    "checkout payments auth-api inventory search ingest notifier billing gateway worker scheduler "
    "profile-svc cart recommender mailer ledger frontend image-resizer token-service secrets-sync"
)
_PATHS = words(
    "/api/v1/orders /api/v2/users/42 /healthz /static/app.3f2a91.js /login /password/reset /cart "
    "/metrics /favicon.ico /wp-login.php /api/tokens /oauth2/token /images/logo@2x.png /robots.txt "
    "/v1/secrets/list /graphql /users/7/phones /reports/2024-11 /admin /.env /search"
)
_AGENTS = rows("""
Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/VERSION
Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) Version/17.4 Mobile/15E148 Safari/604.1
Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0
Mozilla/5.0 (Windows NT 10.0; WOW64) Edg/VERSION Safari/537.36
Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/605
kube-probe/1.29
curl/8.5.0
Go-http-client/1.1
okhttp/4.12.0
python-requests/2.31.0
ELB-HealthChecker/2.0
Prometheus/2.51.2
Apache-HttpClient/4.5.14 (Java/17.0.10)
aws-sdk-go/1.44.122 (go1.20.3; linux; amd64)
Googlebot/2.1 (+http://www.google.com/bot.html)
""")
_STATUSES = words("200 200 200 201 204 301 302 304 400 401 403 404 500 502")
_METHODS = words("GET GET GET POST PUT DELETE PATCH HEAD OPTIONS")
_LEVELS = words("DEBUG INFO INFO INFO WARN WARNING ERROR")
_HOSTS = words("web db ip-10-0-3 node app")
_DOMAINS = words("example.com acme.io internal")
_WORDS = words(
    "cache miss retry queue batch flush commit rollback snapshot replica shard leader follower "
    "upload download invoice shipment order user session request response timeout index segment"
)


def _moment(random: Random) -> datetime:
    return datetime(2023, 1, 1, tzinfo=UTC) + timedelta(seconds=random.randrange(90_000_000))


def _iso(random: Random) -> str:
    moment = _moment(random)
    zone = random.choice(["Z", "+00:00", "+0530", "-08:00", "+0200", ""])
    fraction = random.choice(
        ["", f".{random.randrange(1000):03}", f".{random.randrange(10**6):06}"]
    )
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}{zone}"


def _clock(random: Random) -> str:
    return (
        f"{_moment(random):%Y-%m-%d %H:%M:%S}{random.choice(['.', ','])}{random.randrange(1000):03}"
    )


def _clf(random: Random) -> str:
    offset = timezone(timedelta(hours=random.choice([-8, -5, 0, 1, 2, 9])))
    return f"{_moment(random).astimezone(offset):%d/%b/%Y:%H:%M:%S %z}"


def _nanoseconds(random: Random) -> str:
    return f"{_moment(random):%Y-%m-%dT%H:%M:%S}.{random.randrange(10**9):09}Z"


def _rfc3164(random: Random) -> str:
    moment = _moment(random)
    return f"{moment:%b} {moment.day:>2} {moment:%H:%M:%S}"


def _klog(random: Random) -> str:
    return f"{_moment(random):%m%d %H:%M:%S}.{random.randrange(10**6):06}"


def _number(random: Random) -> str:
    return digits(random, random.choice([1, 2, 2, 3, 3, 4, 5, 6]))


def _duration(random: Random) -> str:
    form = random.choice(["{}ms", "{} ms", "{}.{:03}s", "1h{}m3s", "{}µs", "{}.{:06}ms", "{}ns"])
    return form.format(random.randrange(1, 999), random.randrange(1000))


def _version4(random: Random) -> str:
    return ".".join(str(random.randrange(limit)) for limit in (130, 10, 250, 200))


def _agent(random: Random) -> str:
    return random.choice(_AGENTS).replace("VERSION", _version4(random))


def _path(random: Random) -> str:
    path = random.choice(_PATHS)
    return path + random.choice(
        ["", "", "", f"?page={random.randrange(99)}", f"?_={epoch(random, 3)}"]
    )


def epoch(random: Random, places: int) -> str:
    """A moment since 1970: 0 places are seconds, 3 ms, 6 µs and 9 ns."""
    return f"{int(_moment(random).timestamp()) * 10**places + random.randrange(10**places)}"


def _uuid(random: Random) -> str:
    return str(uuid.UUID(int=random.getrandbits(128), version=4))


def _user(random: Random) -> str:
    return random.choice(
        [random.choice(NAMES), f"{random.choice(NAMES)[0]}{random.choice(SURNAMES)}"]
    )


PLAIN: Mapping[str, Maker] = {
    "iso": _iso,
    "iso_ns": _nanoseconds,
    "clock": _clock,
    "clf": _clf,
    "rfc3164": _rfc3164,
    "klog": _klog,
    "date": lambda r: f"{_moment(r):%Y-%m-%d}",
    "errorlog": lambda r: f"{_moment(r):%Y/%m/%d %H:%M:%S}",
    "apachelog": lambda r: (
        f"{_moment(r):%a %b %d %H:%M:%S}.{r.randrange(10**6):06} {_moment(r):%Y}"
    ),
    "time": lambda r: f"{_moment(r):%H:%M:%S}",
    "rfc2822": lambda r: (
        f"{_moment(r):%a, %d %b %Y %H:%M:%S} {r.choice(['+0000', 'GMT', '-0700'])}"
    ),
    "n": _number,
    "small": lambda r: str(r.randrange(1, 100)),
    "port": lambda r: str(r.randrange(1024, 65536)),
    "pid": lambda r: str(r.randrange(2, 99999)),
    "bytes": lambda r: digits(r, r.choice([2, 3, 4, 5, 6, 7, 8, 9, 10])),
    "status": lambda r: r.choice(_STATUSES),
    "method": lambda r: r.choice(_METHODS),
    "ms": _duration,
    "float": lambda r: f"{r.uniform(0, 99):.{r.choice([1, 2, 3, 6])}f}",
    "level": lambda r: r.choice(_LEVELS),
    "levellow": lambda r: r.choice(_LEVELS).lower(),
    "uuid": _uuid,
    "trace": lambda r: hexadecimal(r, 32),
    "spanid": lambda r: hexadecimal(r, 16),
    "md5": lambda r: hexadecimal(r, 32),
    "sha1": lambda r: hexadecimal(r, 40),
    "sha256": lambda r: hexadecimal(r, 64),
    "git": lambda r: hexadecimal(r, r.choice([7, 8, 12])),
    "ulid": lambda r: "01H" + drawn(r, _CROCKFORD, 23),
    "hex4": lambda r: hexadecimal(r, 4),
    "hex8": lambda r: hexadecimal(r, 8),
    "hex12": lambda r: hexadecimal(r, 12),
    "b64": lambda r: drawn(r, ALNUM, 22) + "==",
    "b64id": lambda r: drawn(r, ALNUM, r.choice([11, 16, 22])),
    "addr": lambda r: "0x" + hexadecimal(r, r.choice([8, 12])),
    "user": _user,
    "name": lambda r: r.choice(NAMES),
    "fullname": lambda r: f"{r.choice(NAMES).title()} {r.choice(SURNAMES).title()}",
    "word": lambda r: r.choice(_WORDS),
    "svc": lambda r: r.choice(_SERVICES),
    "host": lambda r: f"{r.choice(_HOSTS)}-{r.randrange(1, 99)}",
    "domain": lambda r: f"{r.choice(_SERVICES)}.{r.choice(_DOMAINS)}",
    "pod": lambda r: (
        f"{r.choice(_SERVICES)}-{hexadecimal(r, 9)}-{drawn(r, 'bcdfghjklmnpqrstvwxz2456789', 5)}"
    ),
    "path": _path,
    "agent": _agent,
    "version4": _version4,
    "version": lambda r: f"{r.randrange(20)}.{r.randrange(40)}.{r.randrange(99)}",
    "thread": lambda r: r.choice(
        [
            f"http-nio-8080-exec-{r.randrange(99)}",
            f"pool-{r.randrange(9)}-thread-{r.randrange(99)}",
            "main",
        ]
    ),
    "epoch_s": lambda r: epoch(r, 0),
    "epoch_ms": lambda r: epoch(r, 3),
    "epoch_us": lambda r: epoch(r, 6),
    "epoch_ns": lambda r: epoch(r, 9),
}
