-- Codes for a login without the device of the one-time codes, as SHA-256; each is used once.
CREATE TABLE recovery_codes (
    user   TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    digest BLOB NOT NULL,
    PRIMARY KEY (user, digest)
) STRICT, WITHOUT ROWID;
