-- Quality: decisions of which a second person is asked blindly, what they said and who settled it; past cases whose right answer is known.

-- Figures look at what was opened and closed of late, and at what people decided of late.
CREATE INDEX cases_case_opened ON cases_case (opened_at);
CREATE INDEX cases_case_closed ON cases_case (closed_at);
CREATE INDEX decisions_decision_person ON decisions_decision (decided_at) WHERE author_kind = 'person';

-- Up to which decision it was drawn who is asked twice.
CREATE TABLE quality_drawn (
    id BIGINT PRIMARY KEY,
    up_to TEXT NOT NULL
);

-- How many of a million decisions of a kind are asked of a second person, where that is not what is shipped.
CREATE TABLE quality_share (
    stratum TEXT PRIMARY KEY,
    ppm BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);

-- A question that a person answers without seeing what was decided. `ppm` is the chance with which its decision was drawn, in millionths.
CREATE TABLE quality_review (
    id TEXT PRIMARY KEY,
    decision_id TEXT UNIQUE,
    golden_id TEXT,
    item_id TEXT NOT NULL,
    revision BIGINT NOT NULL,
    queue TEXT NOT NULL,
    language TEXT NOT NULL,
    stratum TEXT NOT NULL,
    ppm BIGINT NOT NULL,
    first_outcome TEXT NOT NULL,
    first_policy TEXT,
    first_author_kind TEXT NOT NULL,
    first_author TEXT NOT NULL,
    first_at BIGINT NOT NULL,
    drawn_at BIGINT NOT NULL,
    state TEXT NOT NULL,
    held_by TEXT,
    held_until BIGINT,
    second_by TEXT,
    second_outcome TEXT,
    second_policy TEXT,
    second_reason TEXT,
    second_at BIGINT,
    settled_by TEXT,
    settled_outcome TEXT,
    settled_policy TEXT,
    settled_reason TEXT,
    settled_at BIGINT
);

CREATE INDEX quality_review_state ON quality_review (state, id);
CREATE INDEX quality_review_second ON quality_review (second_by, second_at);
CREATE INDEX quality_review_golden ON quality_review (golden_id);

-- A past case with its right answer. A new version replaces the answer; an old answer of a person counts by the version that it was given to.
CREATE TABLE quality_golden (
    id TEXT PRIMARY KEY,
    version BIGINT NOT NULL,
    item_id TEXT NOT NULL UNIQUE,
    revision BIGINT NOT NULL,
    queue TEXT NOT NULL,
    language TEXT NOT NULL,
    outcome TEXT NOT NULL,
    policy TEXT,
    reason TEXT NOT NULL,
    owner TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    retired_at BIGINT
);
