-- What clients of HMA say of banks and entries beyond what banks know of themselves, and the exchanges that they configure.
-- A ratio is a number as text: both engines keep it to the last digit.

CREATE TABLE hma_bank (
    bank_id TEXT PRIMARY KEY,
    enabled_ratio TEXT NOT NULL,
    removed_at BIGINT
);

CREATE TABLE hma_content (
    entry_id TEXT PRIMARY KEY,
    metadata TEXT,
    note TEXT,
    disable_until_s BIGINT,
    wake_at BIGINT
);

CREATE INDEX hma_content_wake ON hma_content (wake_at) WHERE wake_at IS NOT NULL;

CREATE TABLE hma_exchange (
    name TEXT PRIMARY KEY,
    bank_id TEXT NOT NULL UNIQUE,
    api TEXT NOT NULL,
    config TEXT NOT NULL,
    enabled BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    fetched_at BIGINT,
    fetch_succeeded BIGINT,
    n_fetched BIGINT NOT NULL
);

CREATE TABLE hma_credential (
    api TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- Disabled entries are few, and are asked for by the whole.
CREATE INDEX banks_entry_disabled ON banks_entry (id) WHERE state = 'disabled';
