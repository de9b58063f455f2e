-- Small pictures of an entry that is a video, in the order of time, as JPEG: to be held against those of what was posted. They go with the entry.
CREATE TABLE banks_strip (
    entry_id TEXT NOT NULL,
    idx BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    small {{BLOB}} NOT NULL,
    blurred {{BLOB}} NOT NULL,
    PRIMARY KEY (entry_id, idx)
);

-- What is said in a video or a sound, as the platform wrote it down: its lines as JSON, in the order of time.
CREATE TABLE items_transcript (
    media_id TEXT PRIMARY KEY,
    lines TEXT NOT NULL
);
