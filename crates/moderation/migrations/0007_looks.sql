-- What an entry that came with its picture is recognised by beyond its hashes: keypoints and a small grey picture, and the hashes of its crops.

ALTER TABLE banks_bank ADD COLUMN crops TEXT NOT NULL DEFAULT 'few';

CREATE TABLE banks_look (
    entry_id TEXT PRIMARY KEY,
    look {{BLOB}} NOT NULL,
    crops {{BLOB}} NOT NULL,
    dense_until BIGINT
);

CREATE INDEX banks_look_dense ON banks_look (dense_until) WHERE dense_until IS NOT NULL;

-- How near counts for an entry, by what the platform's own harmless pictures are near to it.
CREATE TABLE banks_reach (
    entry_id TEXT PRIMARY KEY,
    match_bits BIGINT NOT NULL,
    lead_bits BIGINT NOT NULL,
    match_places BIGINT NOT NULL,
    lead_places BIGINT NOT NULL,
    nearest_benign_bits BIGINT,
    nearest_benign_places BIGINT NOT NULL,
    template_risk BIGINT NOT NULL,
    judged_at BIGINT NOT NULL
);

-- Where in the file and where in the entry they are alike: left, top, width and height in ten-thousandths. A sighting is JSON.
ALTER TABLE matching_match ADD COLUMN part TEXT;
ALTER TABLE matching_match ADD COLUMN entry_part TEXT;
ALTER TABLE matching_match ADD COLUMN sighting TEXT;
ALTER TABLE matching_match ADD COLUMN nearest_benign_bits BIGINT;

-- A sample of what the platform's users post and nobody objected to, as bare codes. Those with the least lots stay.
CREATE TABLE matching_benign (
    id TEXT PRIMARY KEY,
    item_id TEXT,
    lot BIGINT NOT NULL,
    codes {{BLOB}} NOT NULL,
    keypoints {{BLOB}} NOT NULL,
    taken_at BIGINT NOT NULL
);

CREATE INDEX matching_benign_lot ON matching_benign (lot);
CREATE INDEX matching_benign_item ON matching_benign (item_id);
CREATE INDEX matching_benign_taken ON matching_benign (taken_at);
