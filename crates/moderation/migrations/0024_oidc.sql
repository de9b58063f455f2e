-- Who a person is at an identity provider: by the provider's own word for them, never by an address of theirs.
CREATE TABLE access_identity (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL,
    linked_at BIGINT NOT NULL,
    -- Since when the provider's groups give them nothing here; none while they do.
    refused_at BIGINT,
    PRIMARY KEY (issuer, subject)
);

CREATE UNIQUE INDEX access_identity_user ON access_identity (user_id, issuer);

-- A browser on its way: to the provider and back, or back and still owing a code. Good once.
CREATE TABLE access_errand (
    state_hash TEXT PRIMARY KEY,
    browser_hash TEXT NOT NULL,
    kind TEXT NOT NULL,
    user_id TEXT,
    session_id TEXT,
    next TEXT NOT NULL,
    carried TEXT,
    started_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX access_errand_expires ON access_errand (expires_at);

-- Sessions that began at a provider, so that it can end them.
ALTER TABLE access_session ADD COLUMN issuer TEXT;
ALTER TABLE access_session ADD COLUMN subject TEXT;
ALTER TABLE access_session ADD COLUMN provider_session TEXT;
ALTER TABLE access_session ADD COLUMN id_token TEXT;
-- When its person last proved themselves at the provider anew.
ALTER TABLE access_session ADD COLUMN proved_at BIGINT;

CREATE INDEX access_session_subject ON access_session (subject);

-- Words of a provider that somebody signed out there, each taken once.
CREATE TABLE access_logout (
    token_hash TEXT PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
