-- Entries of active incidents, whatever they are: a picture has its crops beside this, a video and a bare hash have none.

CREATE TABLE banks_incident (
    entry_id TEXT PRIMARY KEY,
    until_at BIGINT NOT NULL,
    marked_at BIGINT NOT NULL
);

CREATE INDEX banks_incident_until ON banks_incident (until_at);

INSERT INTO banks_incident (entry_id, until_at, marked_at)
SELECT entry_id, dense_until, 0 FROM banks_look WHERE dense_until IS NOT NULL;
