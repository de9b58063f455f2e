-- Who made a key, if a person did: what the key proposes they do not approve. Not known of keys of before.
ALTER TABLE access_key ADD COLUMN made_by TEXT;
