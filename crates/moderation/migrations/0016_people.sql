-- The queues whose cases a person works on: `*` is all, else words with spaces around each. `role` holds one word or several.
ALTER TABLE access_user ADD COLUMN queues TEXT NOT NULL DEFAULT '*';

-- When a session was last used, to about a minute, and roughly with which browser.
ALTER TABLE access_session ADD COLUMN seen_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE access_session ADD COLUMN agent TEXT NOT NULL DEFAULT '';

-- Codes that take the place of the authenticator when it is lost, as hashes. A used one is gone.
CREATE TABLE access_recovery (
    user_id TEXT NOT NULL,
    code_hash TEXT NOT NULL,
    PRIMARY KEY (user_id, code_hash)
);

-- The person as whom a token acts; none for the keys of programs. When it ends.
ALTER TABLE access_key ADD COLUMN person_id TEXT;
ALTER TABLE access_key ADD COLUMN expires_at BIGINT;
CREATE INDEX access_key_person ON access_key (person_id);

-- How much people looked at and decided of late is counted without reading the whole log.
CREATE INDEX store_event_workload ON store_event (at)
WHERE kind IN ('media.revealed', 'entry.revealed', 'case.decided');
