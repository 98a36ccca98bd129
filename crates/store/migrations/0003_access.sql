-- Users, their sessions and tokens, and the audit log. Sessions and tokens are kept as SHA-256 of their secret: this file
-- alone opens nothing.

CREATE TABLE users (
    name        TEXT PRIMARY KEY,
    role        TEXT NOT NULL CHECK (role IN ('viewer', 'trader', 'admin')),
    -- Argon2id in its PHC form.
    password    TEXT NOT NULL,
    -- The secret of one-time codes, in base 32, and the last step that was used.
    totp_secret TEXT,
    totp_step   INTEGER NOT NULL DEFAULT 0,
    created_ns  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    digest     BLOB PRIMARY KEY,
    session_id TEXT NOT NULL UNIQUE,
    user       TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    created_ns INTEGER NOT NULL,
    seen_ns    INTEGER NOT NULL,
    address    TEXT NOT NULL,
    agent      TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    digest     BLOB PRIMARY KEY,
    token_id   TEXT NOT NULL UNIQUE,
    user       TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    label      TEXT NOT NULL,
    scope      TEXT NOT NULL CHECK (scope IN ('viewer', 'trader', 'admin')),
    created_ns INTEGER NOT NULL,
    expires_ns INTEGER,
    seen_ns    INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    time_ns INTEGER NOT NULL,
    user    TEXT,
    address TEXT,
    action  TEXT NOT NULL,
    detail  TEXT NOT NULL
) STRICT;

-- Counts changes of who may do what, so that a server sees those of the command line.
CREATE TABLE access_changes (n INTEGER NOT NULL) STRICT;
INSERT INTO access_changes VALUES (0);

CREATE TRIGGER users_added AFTER INSERT ON users BEGIN UPDATE access_changes SET n = n + 1; END;
CREATE TRIGGER users_changed AFTER UPDATE OF role, password, totp_secret ON users
    BEGIN UPDATE access_changes SET n = n + 1; END;
CREATE TRIGGER users_removed AFTER DELETE ON users BEGIN UPDATE access_changes SET n = n + 1; END;
CREATE TRIGGER sessions_added AFTER INSERT ON sessions BEGIN UPDATE access_changes SET n = n + 1; END;
CREATE TRIGGER sessions_removed AFTER DELETE ON sessions BEGIN UPDATE access_changes SET n = n + 1; END;
CREATE TRIGGER tokens_added AFTER INSERT ON tokens BEGIN UPDATE access_changes SET n = n + 1; END;
CREATE TRIGGER tokens_removed AFTER DELETE ON tokens BEGIN UPDATE access_changes SET n = n + 1; END;
