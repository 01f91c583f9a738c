-- People, launches, and the node's own secrets.

CREATE TABLE person (
  name TEXT PRIMARY KEY,
  display_name TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('learner', 'administrator')),
  -- Argon2id in PHC string format.
  password_hash TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A launch is opened under the hash of its one-time fetch token; redeemed, it has the hash of a bearer.
CREATE TABLE launch (
  fetch_hash TEXT PRIMARY KEY,
  bearer_hash TEXT UNIQUE,
  registration TEXT NOT NULL,
  session TEXT NOT NULL,
  learner TEXT NOT NULL,
  activity TEXT NOT NULL,
  expires_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX launch_by_expiry ON launch (expires_ms);

-- Ended launches go as new ones come, a few at a time.
CREATE TRIGGER launch_makes_room AFTER INSERT ON launch BEGIN
  DELETE FROM launch WHERE fetch_hash IN (
    SELECT fetch_hash FROM launch
    WHERE expires_ms < (unixepoch() - 86400) * 1000 ORDER BY expires_ms LIMIT 10);
END;

CREATE TABLE secret (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
