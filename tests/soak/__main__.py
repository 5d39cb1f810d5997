"""``make soak MINUTES=60``: every proof that goes on from where the last run ended, in turns.

Each gets its share of the time, and notes by itself what it has reached; ``make proof`` adds it
all up. Exit code 0 only where nothing was found. Ctrl-C ends the turn; what ended is kept.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from typing import Final

# Shares of the time. Where a turn finds something, the others have theirs all the same.
TURNS: Final = (
    ("tests.simulation", 0.35),
    ("tests.power", 0.3),
    ("tests.crash", 0.35),
)
_TURN_MINUTES_MIN: Final = 0.5


def main() -> int:
    """How many turns found something."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="in all (60)")
    minutes = parser.parse_args().minutes
    failed = []
    for module, share in TURNS:
        turn = max(_TURN_MINUTES_MIN, minutes * share)
        print(f"soak: {module} for {turn:.1f} minutes", flush=True)
        command = [sys.executable, "-m", module, "--minutes", f"{turn:.2f}"]
        if subprocess.run(command, check=False).returncode != 0:
            failed.append(module)
    print(f"soak: findings in {', '.join(failed)}" if failed else "soak: nothing was found")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
