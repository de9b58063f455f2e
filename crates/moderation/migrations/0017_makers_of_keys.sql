-- Keys of before it was kept who made them: the log knows.
UPDATE access_key
SET made_by = (SELECT MIN(e.actor) FROM store_event e
               WHERE e.subject = access_key.id AND e.kind = 'key.created' AND e.actor LIKE 'user_%')
WHERE made_by IS NULL;
