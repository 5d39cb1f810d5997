"""Our own look at addresses says what the standard library's says."""

from __future__ import annotations

import ipaddress

from hypothesis import example, given, settings
from hypothesis import strategies as st

from logweir.redact.addresses import is_ipv6

groups = st.lists(
    st.sampled_from(["", "0", "1", "ab", "ffff", "12345", "::", "1.2.3.4"]), max_size=9
)


@settings(max_examples=600, deadline=None)
@given(st.one_of(groups.map(":".join), st.text("0a1:.", min_size=1, max_size=20)))
@example("::")
@example("1::")
@example("1:2:3:4:5:6:7::")
@example("::ffff:1.2.3.04")
@example("1.2.3.4::")
def test_an_ipv6_address_is_what_the_standard_library_takes(address: str) -> None:
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        assert not is_ipv6(address)
    else:
        assert is_ipv6(address)
