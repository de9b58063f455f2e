-- A digest is looked up in all banks at once.

CREATE INDEX banks_signal_known ON banks_signal (type, value);
