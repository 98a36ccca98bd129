-- Alerts: what is looked for, what was found, and what is on its way to whom. An alert and its deliveries are one
-- transaction, so a crash between them cannot lose a message.

-- Rules, their states, rules of signals and settings: JSON by kind and identity.
CREATE TABLE alert_documents (
    kind TEXT NOT NULL,
    id   TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

-- Where alerts go. Secrets are kept apart from what pages see.
CREATE TABLE alert_channels (
    channel_id TEXT PRIMARY KEY,
    body       TEXT NOT NULL,
    secrets    TEXT NOT NULL,
    state      TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The newest alerts.
CREATE TABLE notices (
    notice_id       INTEGER PRIMARY KEY,
    rule_id         TEXT NOT NULL,
    fired_ns        INTEGER NOT NULL,
    acknowledged_ns INTEGER,
    n_folded        INTEGER NOT NULL,
    body            TEXT NOT NULL
) STRICT;

-- One alert on its way to one channel.
CREATE TABLE deliveries (
    notice_id   INTEGER NOT NULL REFERENCES notices (notice_id) ON DELETE CASCADE,
    channel_id  TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('pending', 'failed', 'sent', 'folded', 'dead')),
    n_attempts  INTEGER NOT NULL DEFAULT 0,
    created_ns  INTEGER NOT NULL,
    next_ns     INTEGER NOT NULL,
    last_ns     INTEGER,
    last_status INTEGER,
    last_error  TEXT,
    n_folded    INTEGER NOT NULL DEFAULT 0,
    folded_into INTEGER,
    reached     TEXT NOT NULL DEFAULT '[]',
    PRIMARY KEY (notice_id, channel_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_waiting ON deliveries (channel_id, notice_id) WHERE state IN ('pending', 'failed');
CREATE INDEX deliveries_dead ON deliveries (notice_id) WHERE state = 'dead';

-- The newest signals of each rule.
CREATE TABLE signals (
    rule_id    TEXT NOT NULL,
    signal_key TEXT NOT NULL,
    time_ns    INTEGER NOT NULL,
    body       TEXT NOT NULL,
    PRIMARY KEY (rule_id, signal_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX signals_by_time ON signals (rule_id, time_ns);
