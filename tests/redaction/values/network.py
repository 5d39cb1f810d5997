"""Addresses on the network."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from random import Random

from tests.redaction.grammar import FREE, Maker


def ipv4(random: Random) -> str:
    """Private or public, none of them a wildcard."""
    parts = [random.randrange(256) for _ in range(4)]
    parts[0] = random.choice([10, 172, 192, random.randrange(1, 224)])
    return ".".join(map(str, parts))


def ipv6(random: Random) -> str:
    """Full or compressed, of the ranges that are in use."""
    head = random.choice([0x2001_0DB8, 0x2A01_04F8, 0x2600_1F18, 0xFD00_1234, 0x2A00_1450])
    tail = random.choice([random.getrandbits(16), random.getrandbits(32), random.getrandbits(96)])
    address = ipaddress.IPv6Address((head << 96) | tail)
    return random.choice(
        [address.compressed, address.compressed, address.exploded, str(address).upper()]
    )


def _link_local(random: Random) -> str:
    return str(ipaddress.IPv6Address((0xFE80 << 112) | random.getrandbits(64)))


NETWORK: Mapping[str, tuple[str, Maker]] = {
    "ipv4": ("ipv4", ipv4),
    "ipv6": ("ipv6", ipv6),
    "ipv6_mapped": ("ipv6", lambda r: f"::ffff:{ipv4(r)}"),
    "ipv6_local": ("ipv6", _link_local),
    # Apache writes [client ADDRESS:PORT] without brackets: where the address ends, it alone knows.
    "colon_port": (FREE, lambda r: f":{r.randrange(10000, 65536)}"),
    "tcpdump": (FREE, lambda r: f"{ipv4(r)}.{r.randrange(1024, 65536)}"),
    "netmask": (FREE, lambda r: r.choice(["/255.255.255.0", " netmask 255.255.0.0"])),
    "sip_host": (FREE, lambda r: r.choice(["@sip.example.com", "@pbx.acme.io"])),
    "zone": (FREE, lambda r: "%" + r.choice(["eth0", "en0", "2", "wlan0", "br-lan"])),
}
