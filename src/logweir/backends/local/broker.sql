-- The broker of one machine. Times are seconds: enqueued_at and served_at on the wall clock (for
-- people and for order), visible_at and expires_at on the monotonic clock, which nobody can set.

-- waiting ──claim──▶ leased ──ACK──▶ (deleted)
--    ▲                 │
--    ├── visible_at ── delayed ◀──RETRY──┤
--    │                                   │
--    └──── its worker died ──────────────┴──▶ suspect, from the third death on
CREATE TABLE messages (
    id           INTEGER PRIMARY KEY,
    tenant       TEXT    NOT NULL,
    log          TEXT    NOT NULL,
    kind         TEXT    NOT NULL,  -- log, chunk: the two lanes
    state        TEXT    NOT NULL DEFAULT 'waiting',
    lease        INTEGER,  -- sessions.id, while leased
    visible_at   REAL,  -- while delayed
    deliveries   INTEGER NOT NULL DEFAULT 0,
    deaths       INTEGER NOT NULL DEFAULT 0,  -- deliveries that ended without an answer
    enqueued_at  REAL    NOT NULL,
    weight_bytes INTEGER NOT NULL,  -- in memory while in work: a plan's text counts
    envelope     BLOB    NOT NULL
) STRICT;

-- No index on (tenant, log): ids are random, and it would slow down each publish.
CREATE INDEX messages_waiting ON messages (tenant, kind, id) WHERE state = 'waiting';
CREATE INDEX messages_suspect ON messages (deaths, id) WHERE state = 'suspect';
CREATE INDEX messages_delayed ON messages (visible_at) WHERE state = 'delayed';
CREATE INDEX messages_leased ON messages (lease) WHERE state = 'leased';

-- How many of a tenant's messages are waiting and leased, so that the next claim finds the tenant
-- with the fewest in flight without looking at a million rows.
CREATE TABLE tenants (
    tenant     TEXT    NOT NULL PRIMARY KEY,
    waiting    INTEGER NOT NULL DEFAULT 0,
    in_flight  INTEGER NOT NULL DEFAULT 0,
    served_at  REAL    NOT NULL,                 -- when it was last served, or came
    characters INTEGER NOT NULL DEFAULT 0        -- the work of all its messages
) STRICT, WITHOUT ROWID;

CREATE INDEX tenants_fewest_in_flight ON tenants (in_flight, served_at) WHERE waiting > 0;

-- The work of all messages: one row, since a public endpoint may have a million tenants.
CREATE TABLE backlog (characters INTEGER NOT NULL) STRICT;
INSERT INTO backlog (characters) VALUES (0);

-- A session is one run of one worker. Its lease covers all that it holds. AUTOINCREMENT: an id is
-- a fencing token and must never come again.
CREATE TABLE sessions (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    pid        INTEGER NOT NULL,
    expires_at REAL    NOT NULL
) STRICT;

CREATE TABLE quarantine (
    id             INTEGER PRIMARY KEY,
    raw            BLOB NOT NULL,
    reason         TEXT NOT NULL,
    quarantined_at REAL NOT NULL
) STRICT;
