-- Rules: their versions, the way of a change from proposal to live, what was judged by them and how it went.

INSERT INTO store_counter (name, value) VALUES ('rules_version', 0), ('rules_event', 0), ('rules_list', 0);

CREATE TABLE rules_edition (
    number BIGINT PRIMARY KEY,
    digest TEXT NOT NULL,
    note TEXT NOT NULL,
    author TEXT NOT NULL,
    source TEXT NOT NULL,
    n_rules BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE INDEX rules_edition_digest ON rules_edition (digest);

CREATE TABLE rules_file (
    version BIGINT NOT NULL,
    idx BIGINT NOT NULL,
    name TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (version, idx)
);

-- One row: which version counts, which is only watched, and since which event.
CREATE TABLE rules_standing (
    id BIGINT PRIMARY KEY,
    seed TEXT NOT NULL,
    live BIGINT NOT NULL,
    live_since BIGINT NOT NULL,
    live_from_seq BIGINT NOT NULL,
    shadow BIGINT,
    shadow_since BIGINT,
    shadow_from_seq BIGINT,
    shadow_change TEXT
);

-- Each version that was live, in order: what a rollback goes back to.
CREATE TABLE rules_reign (
    ordinal BIGINT PRIMARY KEY,
    version BIGINT NOT NULL,
    since BIGINT NOT NULL,
    from_seq BIGINT NOT NULL,
    actor TEXT NOT NULL,
    why TEXT NOT NULL
);

CREATE TABLE rules_change (
    id TEXT PRIMARY KEY,
    version BIGINT NOT NULL,
    base BIGINT NOT NULL,
    state TEXT NOT NULL,
    note TEXT NOT NULL,
    proposed_by TEXT NOT NULL,
    proposed_at BIGINT NOT NULL,
    backtest TEXT,
    shadow_since BIGINT,
    decided_by TEXT,
    decided_at BIGINT,
    decided_note TEXT
);

CREATE INDEX rules_change_state ON rules_change (state, id);

-- What the version in shadow said beside the live one: how often which pair, in which language.
CREATE TABLE rules_difference (
    change_id TEXT NOT NULL,
    was TEXT NOT NULL,
    would_be TEXT NOT NULL,
    language TEXT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (change_id, was, would_be, language)
);

CREATE TABLE rules_example (
    change_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    item_id TEXT NOT NULL,
    decision_id TEXT NOT NULL,
    was TEXT NOT NULL,
    would_be TEXT NOT NULL,
    rules TEXT NOT NULL,
    PRIMARY KEY (change_id, seq)
);

-- What was judged, in the order in which it was: the facts that rules may read, and what windows remember of them.
CREATE TABLE rules_event (
    seq BIGINT PRIMARY KEY,
    decision_id TEXT NOT NULL,
    item_id TEXT NOT NULL,
    judged_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    shadow BIGINT,
    outcome TEXT NOT NULL,
    facts TEXT NOT NULL,
    bumps {{BLOB}} NOT NULL
);

CREATE INDEX rules_event_item ON rules_event (item_id, seq);
CREATE INDEX rules_event_judged ON rules_event (judged_at);

-- The windows of a version after an event, in pieces.
CREATE TABLE rules_snapshot (
    version BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    idx BIGINT NOT NULL,
    bytes {{BLOB}} NOT NULL,
    PRIMARY KEY (version, seq, idx)
);

CREATE TABLE rules_firing (
    rule TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    day BIGINT NOT NULL,
    fired BIGINT NOT NULL,
    counted BIGINT NOT NULL,
    undecided BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    confirmed BIGINT NOT NULL,
    reversed BIGINT NOT NULL,
    PRIMARY KEY (rule, fingerprint, day)
);

CREATE INDEX rules_firing_day ON rules_firing (day);

CREATE TABLE rules_day (
    day BIGINT PRIMARY KEY,
    n_events BIGINT NOT NULL
);

CREATE TABLE rules_alarm (
    id TEXT PRIMARY KEY,
    rule TEXT NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL,
    suspended BIGINT NOT NULL,
    version BIGINT NOT NULL,
    raised_at BIGINT NOT NULL,
    seen_by TEXT,
    seen_at BIGINT
);

CREATE INDEX rules_alarm_rule ON rules_alarm (rule, raised_at);

CREATE TABLE rules_list (
    name TEXT PRIMARY KEY,
    epoch BIGINT NOT NULL,
    note TEXT NOT NULL,
    owner TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);

CREATE TABLE rules_list_entry (
    list TEXT NOT NULL,
    key TEXT NOT NULL,
    until_at BIGINT,
    removed BIGINT NOT NULL,
    added_by TEXT NOT NULL,
    added_at BIGINT NOT NULL,
    change_seq BIGINT NOT NULL,
    PRIMARY KEY (list, key)
);

CREATE INDEX rules_list_entry_change ON rules_list_entry (change_seq);

CREATE TABLE rules_label (
    subject_kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    label TEXT NOT NULL,
    until_at BIGINT,
    set_by TEXT NOT NULL,
    reason TEXT NOT NULL,
    set_at BIGINT NOT NULL,
    PRIMARY KEY (subject_kind, subject, label)
);

-- A restriction that a rule gave an end.
CREATE TABLE rules_restriction (
    decision_id TEXT NOT NULL,
    what TEXT NOT NULL,
    item_id TEXT NOT NULL,
    ends_at BIGINT NOT NULL,
    PRIMARY KEY (decision_id, what)
);

CREATE INDEX rules_restriction_ends ON rules_restriction (ends_at);

-- What of an item is restricted, and how long: the whole of it unless it says otherwise.
ALTER TABLE actions_action ADD COLUMN what TEXT NOT NULL DEFAULT 'item';
ALTER TABLE actions_action ADD COLUMN until_at BIGINT;

-- The higher, the sooner within its queue.
ALTER TABLE cases_case ADD COLUMN priority BIGINT NOT NULL DEFAULT 0;
CREATE INDEX cases_case_priority ON cases_case (state, queue, priority DESC, id);

-- What the platform said of an item beside its content, for the rules: JSON.
ALTER TABLE items_item ADD COLUMN facts TEXT;
