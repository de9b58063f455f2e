-- Guessing is slowed by name and address, for names that exist and names that do not alike. What `access_user` counted
-- (`n_failures`, `locked_until`) is read no more.

CREATE TABLE access_attempt (
    lane TEXT PRIMARY KEY,
    n_failures BIGINT NOT NULL,
    counted_at BIGINT NOT NULL,
    open_at BIGINT NOT NULL
);

CREATE INDEX access_attempt_age ON access_attempt (counted_at);

CREATE TABLE access_device (
    token_hash TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES access_user (id),
    expires_at BIGINT NOT NULL
);

CREATE INDEX access_device_user ON access_device (user_id);
