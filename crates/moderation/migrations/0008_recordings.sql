-- Videos and sounds. What an entry is recognised by, and its exchange form: the vPDQ hash as its JSON. The digest is of the exchange form.

CREATE TABLE banks_timeline (
    entry_id TEXT PRIMARY KEY,
    duration_ms BIGINT NOT NULL,
    n_frames BIGINT NOT NULL,
    timeline {{BLOB}} NOT NULL,
    vpdq TEXT NOT NULL,
    digest TEXT NOT NULL
);

CREATE INDEX banks_timeline_digest ON banks_timeline (digest);

-- The raw items of Chromaprint, each a number of four bytes, little-endian.
CREATE TABLE banks_sound (
    entry_id TEXT PRIMARY KEY,
    duration_ms BIGINT NOT NULL,
    print {{BLOB}} NOT NULL,
    digest TEXT NOT NULL
);

CREATE INDEX banks_sound_digest ON banks_sound (digest);

-- How a file plays. None: it is a picture, or was not scanned.
ALTER TABLE items_media ADD COLUMN duration_ms BIGINT;
ALTER TABLE items_media ADD COLUMN video_codec TEXT;
ALTER TABLE items_media ADD COLUMN audio_codec TEXT;

-- Small pictures of a video in the order of time, as JPEG, where a person will look at it.
CREATE TABLE items_strip (
    media_id TEXT NOT NULL,
    idx BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    small {{BLOB}} NOT NULL,
    blurred {{BLOB}} NOT NULL,
    PRIMARY KEY (media_id, idx)
);

-- How loud a file is: a byte for each tenth of a second.
CREATE TABLE items_waveform (
    media_id TEXT PRIMARY KEY,
    peaks {{BLOB}} NOT NULL
);

-- What a video or sound was recognised by, for as long as it may be looked for again.
CREATE TABLE items_trace (
    media_id TEXT PRIMARY KEY,
    item_id TEXT NOT NULL,
    revision BIGINT NOT NULL,
    frames {{BLOB}},
    print {{BLOB}},
    taken_at BIGINT NOT NULL
);

CREATE INDEX items_trace_taken ON items_trace (taken_at);

-- A line for each run of a file that shows a run of the entry.
ALTER TABLE matching_match ADD COLUMN segments TEXT;
