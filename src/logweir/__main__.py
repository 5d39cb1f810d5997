"""``python -m logweir``: the command line; or one process of a supervisor, past it."""

from __future__ import annotations

import sys


def main() -> None:
    """Run what is asked for, and import no more than that."""
    if sys.argv[2:] == ["--supervised"]:
        from logweir.entrypoints import child

        sys.exit(child.main())
    from logweir.entrypoints import cli

    cli.main()


if __name__ == "__main__":
    main()
