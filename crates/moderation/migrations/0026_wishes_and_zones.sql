-- Kinds of content that a person does not want to be given. Theirs alone: nobody else is shown it.
CREATE TABLE routing_wish (
    user_id TEXT NOT NULL,
    policy TEXT NOT NULL,
    PRIMARY KEY (user_id, policy)
);

-- The policies that a case may be about, as far as something says so: words with a space around each.
ALTER TABLE cases_case ADD COLUMN policies TEXT NOT NULL DEFAULT '';

-- The time zone that a shift's days and hours are meant in: it lies where people live, when clocks are put forward, too.
ALTER TABLE routing_shift ADD COLUMN zone TEXT NOT NULL DEFAULT 'UTC';
