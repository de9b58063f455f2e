-- What harmless videos show: a sample, as the time lines that entries have too.

CREATE TABLE matching_benign_video (
    id TEXT PRIMARY KEY,
    item_id TEXT NOT NULL,
    lot BIGINT NOT NULL,
    shown {{BLOB}} NOT NULL,
    taken_at BIGINT NOT NULL
);

CREATE INDEX matching_benign_video_lot ON matching_benign_video (lot);
CREATE INDEX matching_benign_video_item ON matching_benign_video (item_id);
CREATE INDEX matching_benign_video_taken ON matching_benign_video (taken_at);
