-- Launches, for whoever judges what is said in them (cmi5). They stay at this node.
CREATE TABLE session (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  registration TEXT NOT NULL,
  agent TEXT NOT NULL,
  activity TEXT NOT NULL,
  about TEXT NOT NULL,
  begun_ms INTEGER NOT NULL,
  latest_ms INTEGER NOT NULL,
  -- Bits: what has happened.
  marks INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX session_by_registration ON session (registration, activity);

CREATE TRIGGER sessions_are_bounded AFTER INSERT ON session BEGIN
  DELETE FROM session WHERE key <= NEW.key - 500000;
END;
