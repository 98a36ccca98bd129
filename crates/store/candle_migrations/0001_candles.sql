-- Candles that a venue or the trades themselves gave, kept over a restart. Losing the last second of them costs nothing:
-- this file is written without waiting for the disk.
CREATE TABLE candles (
    instrument  TEXT NOT NULL,
    interval    TEXT NOT NULL,
    open_ms     INTEGER NOT NULL,
    open        TEXT NOT NULL,
    high        TEXT NOT NULL,
    low         TEXT NOT NULL,
    close       TEXT NOT NULL,
    volume      TEXT NOT NULL,
    buy_volume  TEXT,
    PRIMARY KEY (instrument, interval, open_ms)
) STRICT, WITHOUT ROWID;
