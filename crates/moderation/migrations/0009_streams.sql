-- Live streams, and what was told of them while they went on.

INSERT INTO store_counter (name, value) VALUES ('streams_verdict', 0);

CREATE TABLE streams_stream (
    id TEXT PRIMARY KEY,
    item_id TEXT NOT NULL,
    account TEXT,
    channel TEXT,
    audience TEXT,
    url TEXT,
    state TEXT NOT NULL,
    reason TEXT,
    opened_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    closed_at BIGINT,
    at_ms BIGINT NOT NULL,
    n_bytes BIGINT NOT NULL
);

CREATE UNIQUE INDEX streams_stream_open ON streams_stream (item_id) WHERE state = 'open';
CREATE INDEX streams_stream_state ON streams_stream (state, id);

CREATE TABLE streams_verdict (
    seq BIGINT PRIMARY KEY,
    stream_id TEXT NOT NULL,
    item_id TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    tier TEXT NOT NULL,
    outcome TEXT NOT NULL,
    decision_id TEXT NOT NULL,
    case_id TEXT,
    told_at BIGINT NOT NULL
);

CREATE INDEX streams_verdict_stream ON streams_verdict (stream_id, seq);
