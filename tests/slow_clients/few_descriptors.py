"""``logweir`` where few files may be open: the program of test_limit."""

from __future__ import annotations

import resource
from typing import Final

from logweir.entrypoints import cli, server

DESCRIPTORS: Final = 700
CONNECTIONS: Final = DESCRIPTORS - server._OTHER_DESCRIPTORS

if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
    cli.main()
