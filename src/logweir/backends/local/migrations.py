"""From an older schema of a file to the next one, in a transaction of the opener's."""

from __future__ import annotations

from typing import Final

import apsw

from logweir.pipeline.broker import work_of

_HEADERS: Final = "substr(envelope, 1, 1024)"  # the work stands there


def _work_of(*values: apsw.SQLiteValue) -> apsw.SQLiteValue:
    (headers,) = values
    return work_of(headers) if isinstance(headers, bytes) else 0


def count_work(db: apsw.Connection) -> None:
    """The broker's file, 1 to 2: the sums of the work that its messages are.

    Reads every message once, and writes to none, so that a full disk does not prevent it.
    """
    db.execute("""
        ALTER TABLE tenants ADD COLUMN characters INTEGER NOT NULL DEFAULT 0;
        CREATE TABLE backlog (characters INTEGER NOT NULL) STRICT;
    """)
    db.create_scalar_function("work_of", _work_of, 1, deterministic=True)
    db.execute(f"""
        UPDATE tenants SET characters = work.characters FROM (
            SELECT tenant, sum(work_of({_HEADERS})) AS characters FROM messages GROUP BY tenant
        ) AS work WHERE work.tenant = tenants.tenant;
        INSERT INTO backlog (characters) SELECT coalesce(sum(characters), 0) FROM tenants;
    """)
    db.create_scalar_function("work_of", None, 1)
