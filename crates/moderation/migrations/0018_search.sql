-- Items of an account or a channel are found without reading all.
CREATE INDEX items_item_account ON items_item (account, updated_at);
CREATE INDEX items_item_channel ON items_item (channel, updated_at);

-- Searches that a person kept: the name that they gave it, and the query of the address.
CREATE TABLE access_search (
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    query TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, name)
);
