-- The tables of the spine. Instants are milliseconds since 1970 in UTC; flags are 0 or 1; JSON is text.
-- {{BLOB}} is the engine's word for bytes.

CREATE TABLE store_counter (
    name TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);

INSERT INTO store_counter (name, value) VALUES ('banks_change', 0), ('banks_handle', 0);

CREATE TABLE store_chain (
    id BIGINT PRIMARY KEY,
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL
);

INSERT INTO store_chain (id, seq, hash)
VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');

CREATE TABLE store_event (
    seq BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    prev_hash TEXT NOT NULL,
    hash TEXT NOT NULL
);

CREATE INDEX store_event_subject ON store_event (subject, seq);

CREATE TABLE store_job (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    run_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    leased_by TEXT,
    leased_until BIGINT,
    created_at BIGINT NOT NULL
);

CREATE INDEX store_job_due ON store_job (run_at);
CREATE UNIQUE INDEX store_job_subject ON store_job (kind, subject);

CREATE TABLE store_request (
    caller TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    subject TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (caller, key)
);

CREATE TABLE items_item (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    account TEXT,
    channel TEXT,
    audience TEXT,
    url TEXT,
    text TEXT,
    report TEXT,
    digest TEXT NOT NULL,
    revision BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE INDEX items_item_updated ON items_item (updated_at, id);

CREATE TABLE items_media (
    id TEXT PRIMARY KEY,
    item_id TEXT NOT NULL,
    revision BIGINT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    detail TEXT,
    media_type TEXT,
    size_bytes BIGINT,
    width BIGINT,
    height BIGINT,
    matches_capped BIGINT NOT NULL
);

CREATE INDEX items_media_item ON items_media (item_id, revision, id);

CREATE TABLE items_signal (
    media_id TEXT NOT NULL,
    idx BIGINT NOT NULL,
    type TEXT NOT NULL,
    value TEXT NOT NULL,
    quality BIGINT,
    view TEXT NOT NULL,
    frame_index BIGINT,
    frame_at_ms BIGINT,
    PRIMARY KEY (media_id, idx)
);

CREATE INDEX items_signal_value ON items_signal (type, value);

CREATE TABLE items_preview (
    media_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    bytes {{BLOB}} NOT NULL,
    PRIMARY KEY (media_id, kind)
);

CREATE TABLE banks_bank (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    confirmed BIGINT NOT NULL,
    enabled BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    change_seq BIGINT NOT NULL
);

CREATE INDEX banks_bank_change ON banks_bank (change_seq);

CREATE TABLE banks_entry (
    id TEXT PRIMARY KEY,
    handle BIGINT NOT NULL UNIQUE,
    bank_id TEXT NOT NULL,
    name TEXT NOT NULL,
    labels TEXT NOT NULL,
    source TEXT NOT NULL,
    state TEXT NOT NULL,
    expires_at BIGINT,
    created_at BIGINT NOT NULL,
    change_seq BIGINT NOT NULL
);

CREATE INDEX banks_entry_bank ON banks_entry (bank_id, id);
CREATE INDEX banks_entry_change ON banks_entry (change_seq);

CREATE TABLE banks_signal (
    entry_id TEXT NOT NULL,
    idx BIGINT NOT NULL,
    bank_id TEXT NOT NULL,
    type TEXT NOT NULL,
    value TEXT NOT NULL,
    quality BIGINT,
    PRIMARY KEY (entry_id, idx)
);

CREATE INDEX banks_signal_value ON banks_signal (bank_id, type, value);

CREATE TABLE banks_preview (
    entry_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    bytes {{BLOB}} NOT NULL,
    PRIMARY KEY (entry_id, kind)
);

CREATE TABLE matching_match (
    media_id TEXT NOT NULL,
    idx BIGINT NOT NULL,
    item_id TEXT NOT NULL,
    revision BIGINT NOT NULL,
    entry_id TEXT NOT NULL,
    bank_id TEXT NOT NULL,
    bank_name TEXT NOT NULL,
    bank_confirmed BIGINT NOT NULL,
    type TEXT NOT NULL,
    value TEXT NOT NULL,
    distance BIGINT NOT NULL,
    threshold BIGINT NOT NULL,
    tier TEXT NOT NULL,
    view TEXT NOT NULL,
    frame_index BIGINT,
    frame_at_ms BIGINT,
    PRIMARY KEY (media_id, idx)
);

CREATE INDEX matching_match_item ON matching_match (item_id, revision);
CREATE INDEX matching_match_entry ON matching_match (entry_id);

CREATE TABLE decisions_decision (
    id TEXT PRIMARY KEY,
    item_id TEXT NOT NULL,
    ordinal BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    author_kind TEXT NOT NULL,
    author TEXT NOT NULL,
    policy TEXT,
    reason TEXT NOT NULL,
    facts TEXT NOT NULL,
    seawall_version TEXT NOT NULL,
    rules_version TEXT NOT NULL,
    supersedes TEXT,
    case_id TEXT,
    decided_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX decisions_decision_item ON decisions_decision (item_id, ordinal);

CREATE TABLE cases_case (
    id TEXT PRIMARY KEY,
    item_id TEXT NOT NULL,
    queue TEXT NOT NULL,
    reason TEXT NOT NULL,
    state TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    opened_by TEXT NOT NULL,
    leased_by TEXT,
    leased_until BIGINT,
    closed_at BIGINT,
    closed_by TEXT,
    closing_decision TEXT
);

CREATE UNIQUE INDEX cases_case_open ON cases_case (item_id) WHERE state = 'open';
CREATE INDEX cases_case_queue ON cases_case (state, queue, id);
CREATE INDEX cases_case_item ON cases_case (item_id, id);

CREATE TABLE actions_action (
    id TEXT PRIMARY KEY,
    item_id TEXT NOT NULL,
    ordinal BIGINT NOT NULL,
    kind TEXT NOT NULL,
    decision_id TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    trying_since BIGINT NOT NULL,
    next_at BIGINT,
    answer TEXT,
    detail TEXT,
    ordered_at BIGINT NOT NULL,
    settled_at BIGINT
);

CREATE UNIQUE INDEX actions_action_item ON actions_action (item_id, ordinal);
CREATE INDEX actions_action_state ON actions_action (state, id);

CREATE TABLE access_user (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    state TEXT NOT NULL,
    password_hash TEXT,
    totp_secret TEXT,
    totp_step_used BIGINT NOT NULL,
    n_failures BIGINT NOT NULL,
    locked_until BIGINT,
    created_at BIGINT NOT NULL,
    signed_in_at BIGINT
);

CREATE TABLE access_invite (
    token_hash TEXT PRIMARY KEY,
    user_id TEXT NOT NULL UNIQUE,
    totp_secret TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE TABLE access_session (
    token_hash TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    csrf_token TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX access_session_user ON access_session (user_id);

CREATE TABLE access_key (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    secret_hash TEXT NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT,
    revoked_at BIGINT
);
