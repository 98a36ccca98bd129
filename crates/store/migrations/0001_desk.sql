-- The desk's journal: everything that it must remember, in order. The other tables are made from it, in the same
-- transaction, so that lists can be filtered, sorted and paged. Money and whole values are in the JSON bodies; numbers
-- beside them serve filters and orders only.
CREATE TABLE journal (
    seq     INTEGER PRIMARY KEY,
    time_ns INTEGER NOT NULL,
    body    TEXT NOT NULL
) STRICT;

-- The newest state of the whole desk, so that a start need not read the journal from its beginning.
CREATE TABLE snapshot (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    seq  INTEGER NOT NULL,
    form INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;

CREATE TABLE orders (
    order_id        INTEGER PRIMARY KEY,
    account         TEXT NOT NULL,
    client_order_id TEXT NOT NULL,
    instrument      TEXT NOT NULL,
    is_open         INTEGER NOT NULL,
    created_ns      INTEGER NOT NULL,
    body            TEXT NOT NULL,
    UNIQUE (account, client_order_id)
) STRICT;
CREATE INDEX orders_open ON orders (order_id) WHERE is_open = 1;

CREATE TABLE fills (
    seq        INTEGER PRIMARY KEY,
    fill_id    TEXT NOT NULL UNIQUE,
    order_id   INTEGER NOT NULL,
    account    TEXT NOT NULL,
    instrument TEXT NOT NULL,
    side       TEXT NOT NULL,
    time_ns    INTEGER NOT NULL,
    body       TEXT NOT NULL
) STRICT;
CREATE INDEX fills_by_order ON fills (order_id);

CREATE TABLE round_trips (
    trip_id    INTEGER PRIMARY KEY,
    account    TEXT NOT NULL,
    instrument TEXT NOT NULL,
    side       TEXT NOT NULL,
    opened_ns  INTEGER NOT NULL,
    closed_ns  INTEGER NOT NULL,
    net_order  REAL NOT NULL,
    size_order REAL NOT NULL,
    body       TEXT NOT NULL
) STRICT;
CREATE INDEX round_trips_by_close ON round_trips (account, closed_ns);

CREATE TABLE equity (
    account TEXT NOT NULL,
    time_ns INTEGER NOT NULL,
    equity  TEXT NOT NULL,
    PRIMARY KEY (account, time_ns)
) STRICT, WITHOUT ROWID;
