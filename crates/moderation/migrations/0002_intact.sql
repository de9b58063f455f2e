-- Whether a scanned file could be decoded to its end. Files of before were taken for whole.

ALTER TABLE items_media ADD COLUMN is_intact BIGINT;

UPDATE items_media SET is_intact = 1 WHERE status = 'scanned';
