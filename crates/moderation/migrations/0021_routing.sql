-- Where a case stands: its lane, its turn within the lane, by when it is due, who can do it, and what that was computed from. A case of before stands
-- by its age until its place is computed.
ALTER TABLE cases_case ADD COLUMN lane BIGINT NOT NULL DEFAULT 5;
ALTER TABLE cases_case ADD COLUMN turn BIGINT NOT NULL DEFAULT 0;
ALTER TABLE cases_case ADD COLUMN due_at BIGINT;
ALTER TABLE cases_case ADD COLUMN language TEXT NOT NULL DEFAULT '';
ALTER TABLE cases_case ADD COLUMN work TEXT NOT NULL DEFAULT '';
ALTER TABLE cases_case ADD COLUMN skill TEXT NOT NULL DEFAULT '';
ALTER TABLE cases_case ADD COLUMN place TEXT NOT NULL DEFAULT '{}';
ALTER TABLE cases_case ADD COLUMN placed_at BIGINT NOT NULL DEFAULT 0;
-- Since when its holder works on it, and from whom it was taken over.
ALTER TABLE cases_case ADD COLUMN taken_at BIGINT;
ALTER TABLE cases_case ADD COLUMN taken_over_from TEXT;
ALTER TABLE cases_case ADD COLUMN taken_over_note TEXT NOT NULL DEFAULT '';
UPDATE cases_case SET turn = opened_at, lane = CASE WHEN queue = 'escalated' THEN 4 ELSE 5 END;
CREATE INDEX cases_case_turn ON cases_case (lane, turn, id) WHERE state = 'open';
CREATE INDEX cases_case_placed ON cases_case (placed_at, id) WHERE state = 'open';
CREATE INDEX cases_case_due ON cases_case (due_at) WHERE state = 'open';
CREATE INDEX cases_case_work ON cases_case (work, closed_at) WHERE state = 'closed';

-- How often people confirmed what a source of cases brought, day by day.
CREATE TABLE routing_outcome (
    source TEXT NOT NULL,
    day BIGINT NOT NULL,
    n_confirmed BIGINT NOT NULL,
    n_reversed BIGINT NOT NULL,
    PRIMARY KEY (source, day)
);

-- How long cases of each kind take.
CREATE TABLE routing_pace (
    work TEXT PRIMARY KEY,
    median_ms BIGINT NOT NULL,
    n_cases BIGINT NOT NULL,
    computed_at BIGINT NOT NULL
);

-- What people can do: `*` is all, else words with a space around each.
CREATE TABLE routing_person (
    user_id TEXT PRIMARY KEY,
    languages TEXT NOT NULL,
    work TEXT NOT NULL,
    skills TEXT NOT NULL
);

-- Who is on shift when, in UTC; 0 is Monday.
CREATE TABLE routing_shift (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    days TEXT NOT NULL,
    from_minute BIGINT NOT NULL,
    n_minutes BIGINT NOT NULL
);

-- What somebody was told already.
CREATE TABLE routing_told (
    what TEXT PRIMARY KEY,
    told_at BIGINT NOT NULL
);
