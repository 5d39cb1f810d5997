-- All that is kept about one tenant; no other tenant's data can lie in this file.
-- Text may hold NUL, where SQLite's length() stops: take characters instead.

CREATE TABLE owner (tenant_id TEXT NOT NULL) STRICT;

CREATE TABLE processed_logs (
    log_id        TEXT    NOT NULL PRIMARY KEY,
    tenant_id     TEXT    NOT NULL,
    source        TEXT    NOT NULL,
    original_text TEXT    NOT NULL,
    modified_data TEXT    NOT NULL,
    processed_at  TEXT    NOT NULL,
    received_at   TEXT    NOT NULL,
    sha256        TEXT    NOT NULL,             -- of original_text as UTF-8
    characters    INTEGER NOT NULL,             -- of original_text
    redactions    TEXT    NOT NULL,             -- JSON: how many, by rule
    rules_version TEXT    NOT NULL,
    attempts      INTEGER NOT NULL
) STRICT;

CREATE TABLE plans (
    log_id           TEXT    NOT NULL,
    sha256           TEXT    NOT NULL,
    source           TEXT    NOT NULL,
    received_at      TEXT    NOT NULL,
    chunk_characters INTEGER NOT NULL,
    chunks           INTEGER NOT NULL,
    sent             INTEGER NOT NULL,          -- are the chunks in the broker, or done?
    traceparent      TEXT,
    text             TEXT    NOT NULL,
    PRIMARY KEY (log_id, sha256)
) STRICT;

CREATE TABLE recorded_chunks (
    log_id TEXT    NOT NULL,
    sha256 TEXT    NOT NULL,
    chunk  INTEGER NOT NULL,
    PRIMARY KEY (log_id, sha256, chunk)
) STRICT, WITHOUT ROWID;

CREATE TABLE dead_letters (
    log_id      TEXT    NOT NULL,
    sha256      TEXT    NOT NULL,
    source      TEXT    NOT NULL,
    reason      TEXT    NOT NULL,
    error       TEXT,
    attempts    INTEGER NOT NULL,
    received_at TEXT    NOT NULL,
    buried_at   TEXT    NOT NULL,
    characters  INTEGER NOT NULL,
    text        TEXT    NOT NULL,
    PRIMARY KEY (log_id, sha256)
) STRICT;
