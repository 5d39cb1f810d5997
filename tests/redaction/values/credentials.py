"""Keys, tokens and passwords, each in the form that its maker gives it. None was ever in use."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from random import Random

from tests.redaction.grammar import FREE, Maker
from tests.redaction.values.drawing import ALNUM, BASE32, URLSAFE, digits, drawn, hexadecimal, words
from tests.redaction.values.plain import NAMES, SURNAMES, epoch

_MARKS = "!@#%^*_-+=.~?"  # that end a value in no format that is written without quotes
_QUOTED_MARKS = "!#$%&()*+,-./:;<=>?@[]^_{|}~"  # all but quotes and the backslash
_STANDARD = ALNUM + "/+"
_COMMON = words("s3cr3t P@ssw0rd changeme Tr0ub4dor qwerty hunter")
_KEYS = ("RSA ", "", "EC ", "OPENSSH ", "ENCRYPTED ", "DSA ")
_AI = "ai, sendgrid"  # one row of the table takes both
_GITLAB = words("glpat gldt glrt glptt")
_STRIPE = words("sk_live sk_test rk_live rk_test")


def password(random: Random) -> str:
    """What people type, without what would end it where it stands unquoted."""
    return random.choice(
        [
            random.choice(NAMES).title() + digits(random, 4) + random.choice(["", "!"]),
            drawn(random, ALNUM, random.choice([8, 12, 16, 24])),
            _framed(random, ALNUM + _MARKS, 10),
            "-".join([random.choice(SURNAMES), random.choice(SURNAMES), random.choice(NAMES)]),
            random.choice(_COMMON) + digits(random, 2),
            digits(random, random.choice([6, 8])),
            drawn(random, "abcdefghijklmnopqrstuvwxyz", random.choice([6, 9])),
        ]
    )


def quoted_password(random: Random) -> str:
    """What only quotes hold together: spaces and marks, no quote and no backslash."""
    return random.choice(
        [
            " ".join([random.choice(NAMES), random.choice(SURNAMES), random.choice(NAMES)]),
            _framed(random, ALNUM + _QUOTED_MARKS, 14),
            drawn(random, ALNUM, 4) + "&" + drawn(random, ALNUM, 4) + ";" + drawn(random, ALNUM, 3),
            drawn(random, ALNUM, 5) + ", " + drawn(random, ALNUM, 5),
        ]
    )


def _escaped_password(random: Random) -> str:
    """With what has to be escaped in most formats: a quote and a backslash."""
    return f'{drawn(random, ALNUM, 4)}"{drawn(random, ALNUM, 3)}\\{drawn(random, ALNUM, 4)}'


def _framed(random: Random, alphabet: str, count: int) -> str:
    """So many of an alphabet, between letters or digits."""
    return drawn(random, ALNUM, 1) + drawn(random, alphabet, count - 2) + drawn(random, ALNUM, 1)


def secret(random: Random) -> str:
    """What a program makes: hexadecimal, base64, a UUID, or letters and digits."""
    raw = random.randbytes(32)
    return random.choice(
        [
            hexadecimal(random, random.choice([32, 40, 64])),
            base64.b64encode(raw).decode(),
            base64.urlsafe_b64encode(raw).decode().rstrip("="),
            _framed(random, URLSAFE, random.choice([20, 32, 43, 86])),
            drawn(random, ALNUM, random.choice([16, 24, 40])),
            "-".join(hexadecimal(random, size) for size in (8, 4, 4, 4, 12)),
        ]
    )


def _segment(value: object) -> str:
    text = json.dumps(value, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def jwt(random: Random) -> str:
    """Header, claims and signature."""
    head = {"alg": random.choice(words("HS256 RS256 ES256")), "typ": "JWT"}
    if random.random() < 0.4:
        head["kid"] = hexadecimal(random, 8)
    claims = {"sub": random.choice(NAMES), "iat": int(epoch(random, 0)), "scope": "openid"}
    signature = drawn(random, URLSAFE, random.choice([43, 86, 342]))
    return f"{_segment(head)}.{_segment(claims)}.{signature}"


def pem(random: Random) -> str:
    """A private key over lines, as OpenSSL writes it."""
    kind = f"{random.choice(_KEYS)}PRIVATE KEY"
    body = base64.b64encode(random.randbytes(random.randrange(120, 1200))).decode()
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    if kind.startswith("RSA") and random.random() < 0.3:
        salt = hexadecimal(random, 32).upper()
        lines = ["Proc-Type: 4,ENCRYPTED", f"DEK-Info: AES-128-CBC,{salt}", "", *lines]
    return "\n".join([f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----"])


def basic(random: Random) -> str:
    """A user and a password as RFC 7617 encodes them."""
    return base64.b64encode(f"{random.choice(NAMES)}:{password(random)}".encode()).decode()


def opaque(random: Random) -> str:
    """A bearer token that is no JWT."""
    return random.choice(
        [
            _framed(random, URLSAFE, 40),
            hexadecimal(random, 32),
            drawn(random, ALNUM, 24),
            drawn(random, ALNUM, 30) + "==",
        ]
    )


def slack(random: Random) -> str:
    """Of a bot, a user, an app, or one that is exchanged again and again."""
    team, bot = digits(random, 12), digits(random, 12)
    return random.choice(
        [
            f"xoxb-{team}-{bot}-{drawn(random, ALNUM, 24)}",
            f"xoxp-{team}-{bot}-{digits(random, 12)}-{hexadecimal(random, 32)}",
            f"xapp-1-A{drawn(random, BASE32, 10)}-{digits(random, 13)}-{hexadecimal(random, 64)}",
            f"xoxe.xoxp-1-{drawn(random, ALNUM, 160)}",
        ]
    )


def openai(random: Random) -> str:
    """Of a user (the old form), of a project, of a service account."""
    infix = "T3BlbkFJ"  # "OpenAI" in base64
    return random.choice(
        [
            f"sk-{drawn(random, ALNUM, 20)}{infix}{drawn(random, ALNUM, 20)}",
            f"sk-proj-{drawn(random, URLSAFE, 74)}{infix}{_framed(random, URLSAFE, 74)}",
            f"sk-svcacct-{drawn(random, URLSAFE, 58)}{infix}{_framed(random, URLSAFE, 58)}",
        ]
    )


def _hook(random: Random) -> str:
    team, channel = drawn(random, BASE32, 10), drawn(random, BASE32, 10)
    return f"hooks.slack.com/services/T{team}/B{channel}/"


CREDENTIALS: Mapping[str, tuple[str, Maker]] = {
    "password": ("secret", password),
    "password_quoted": ("secret", quoted_password),
    "password_escaped": ("secret", _escaped_password),
    "password_digits": ("secret", lambda r: digits(r, r.choice([4, 6, 8]))),
    "secret": ("secret", secret),
    "url_password": ("url-password", password),
    "url_secret": ("url-password", lambda r: drawn(r, ALNUM, 20)),
    "jwt": ("jwt", jwt),
    "pem": ("private-key", pem),
    "bearer": ("authorization", opaque),
    "basic": ("authorization", basic),
    "aws_id": ("aws", lambda r: r.choice(words("AKIA ASIA")) + drawn(r, BASE32, 16)),
    "aws_secret": ("aws", lambda r: _framed(r, _STANDARD, 40)),
    "aws_session": ("aws", lambda r: f"IQoJb3JpZ2luX2Vj{_framed(r, _STANDARD, 200)}=="),
    "google_key": ("google", lambda r: f"AIza{_framed(r, URLSAFE, 35)}"),
    "google_token": ("google", lambda r: f"ya29.{_framed(r, URLSAFE, r.choice([60, 140, 200]))}"),
    "github": ("github", lambda r: f"gh{r.choice('pousr')}_{drawn(r, ALNUM, 36)}"),
    "github_pat": ("github", lambda r: f"github_pat_{drawn(r, ALNUM, 22)}_{drawn(r, ALNUM, 59)}"),
    "gitlab": ("gitlab", lambda r: f"{r.choice(_GITLAB)}-{_framed(r, URLSAFE, 20)}"),
    "slack": ("slack", slack),
    "slack_hook_path": (FREE, _hook),
    "slack_hook_secret": ("slack", lambda r: drawn(r, ALNUM, 24)),
    "stripe": ("stripe", lambda r: f"{r.choice(_STRIPE)}_{drawn(r, ALNUM, r.choice([24, 99]))}"),
    "stripe_hook": ("stripe", lambda r: f"whsec_{drawn(r, ALNUM, 32)}"),
    "npm": ("npm", lambda r: f"npm_{drawn(r, ALNUM, 36)}"),
    "openai": (_AI, openai),
    "sendgrid": (_AI, lambda r: f"SG.{_framed(r, URLSAFE, 22)}.{_framed(r, URLSAFE, 43)}"),
    # What some would take and others not: neither is counted.
    "maybe": (FREE, secret),
    "vault_hash": (FREE, lambda r: f"hmac-sha256:{hexadecimal(r, 64)}"),
    "line_end": (FREE, lambda r: "\\n"),  # escaped, within the string that a key is
    "maybe_hex": (FREE, lambda r: hexadecimal(r, 64)),
}
