-- What people tell each other about a case. The text goes when its author takes it back; that there was a comment stays.
CREATE TABLE cases_comment (
    id TEXT PRIMARY KEY,
    case_id TEXT NOT NULL,
    author TEXT NOT NULL,
    at BIGINT NOT NULL,
    text TEXT
);

CREATE INDEX cases_comment_case ON cases_comment (case_id, at, id);

-- The text of an item's revision in other languages, for eyes alone.
CREATE TABLE items_translation (
    item_id TEXT NOT NULL,
    revision BIGINT NOT NULL,
    language TEXT NOT NULL,
    text TEXT NOT NULL,
    translator TEXT,
    at BIGINT NOT NULL,
    PRIMARY KEY (item_id, revision, language)
);
