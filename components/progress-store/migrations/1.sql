-- Statements, what they add up to, and the journal that carries them to other nodes.

-- A statement, once stored, never changes. `sequence` is the order of storing; nothing is ever deleted,
-- so a sequence is never used twice.
CREATE TABLE statement (
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  fingerprint TEXT NOT NULL,
  -- JSON without `stored`.
  body TEXT NOT NULL,
  -- Microseconds since 1970; strictly monotonic in `sequence`.
  stored_us INTEGER NOT NULL UNIQUE,
  timestamp_ms INTEGER NOT NULL,
  agent TEXT,
  verb TEXT NOT NULL,
  activity TEXT,
  registration TEXT,
  completed INTEGER NOT NULL,
  passed INTEGER NOT NULL,
  score REAL,
  progress INTEGER,
  duration_ms INTEGER
) STRICT;

CREATE INDEX statement_by_agent ON statement (agent, sequence) WHERE agent IS NOT NULL;

CREATE INDEX statement_by_verb ON statement (verb, sequence);

CREATE INDEX statement_by_activity ON statement (activity, sequence) WHERE activity IS NOT NULL;

CREATE INDEX statement_by_registration ON statement (registration, sequence) WHERE registration IS NOT NULL;

-- What an agent has reached in an activity: a join-semilattice, so the order of statements is no matter.
CREATE TABLE completion (
  agent TEXT NOT NULL,
  activity TEXT NOT NULL,
  completed INTEGER NOT NULL,
  passed INTEGER NOT NULL,
  score REAL,
  progress INTEGER,
  statements INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  PRIMARY KEY (agent, activity)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER statement_completes AFTER INSERT ON statement
WHEN NEW.agent IS NOT NULL AND NEW.activity IS NOT NULL BEGIN
  INSERT INTO completion (agent, activity, completed, passed, score, progress, statements, updated_ms)
  VALUES (NEW.agent, NEW.activity, NEW.completed, NEW.passed, NEW.score, NEW.progress, 1, NEW.timestamp_ms)
  ON CONFLICT (agent, activity) DO UPDATE SET
    completed = max(completed, excluded.completed),
    passed = max(passed, excluded.passed),
    score = max(coalesce(score, excluded.score), coalesce(excluded.score, score)),
    progress = max(coalesce(progress, excluded.progress), coalesce(excluded.progress, progress)),
    statements = statements + 1,
    updated_ms = max(updated_ms, excluded.updated_ms);
END;

-- What changed, in the order of commits. `reference` is the changed row's key in the table of its kind.
CREATE TABLE journal (
  sequence INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  reference INTEGER NOT NULL
) STRICT;

CREATE TRIGGER statement_is_journaled AFTER INSERT ON statement BEGIN
  INSERT INTO journal (kind, reference) VALUES ('statement', NEW.sequence);
END;

-- How far peers' journals are applied here, and how far upstreams have applied ours.
CREATE TABLE applied (
  peer TEXT NOT NULL,
  epoch TEXT NOT NULL,
  through INTEGER NOT NULL,
  PRIMARY KEY (peer, epoch)
) STRICT, WITHOUT ROWID;

CREATE TABLE acknowledged (
  upstream TEXT PRIMARY KEY,
  through INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Statements that came from a peer under an id that another statement has here: kept for people to see.
CREATE TABLE conflict (
  id TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  body TEXT NOT NULL,
  peer TEXT NOT NULL,
  PRIMARY KEY (id, fingerprint)
) STRICT, WITHOUT ROWID;

CREATE TABLE meta (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO meta (name, value) VALUES ('epoch', lower(hex(randomblob(16))));

-- A procedure: inserting here stores a batch in one statement, hence one atomic and durable step.
-- `statements` is a JSON array of arrays, in the column order of the SELECT below. `peer` is null for what
-- clients send; then a taken id refuses the batch. What a peer sends is stored as far as it is new.
CREATE VIEW store_batch AS
  SELECT NULL AS statements, NULL AS now_us, NULL AS peer, NULL AS epoch, NULL AS after, NULL AS through;

CREATE TRIGGER store_batch_runs INSTEAD OF INSERT ON store_batch BEGIN
  SELECT raise(ABORT, 'hedgeschool: gap') WHERE NEW.after > coalesce(
    (SELECT through FROM applied WHERE peer = NEW.peer AND epoch = NEW.epoch), 0);
  SELECT raise(ABORT, 'hedgeschool: conflict') WHERE NEW.peer IS NULL AND EXISTS (
    SELECT 1 FROM json_each(NEW.statements) sent JOIN statement ON statement.id = sent.value ->> 0
    WHERE fingerprint <> sent.value ->> 1);
  INSERT INTO conflict (id, fingerprint, body, peer)
    SELECT sent.value ->> 0, sent.value ->> 1, sent.value ->> 2, NEW.peer
    FROM json_each(NEW.statements) sent JOIN statement ON statement.id = sent.value ->> 0
    WHERE fingerprint <> sent.value ->> 1
    ON CONFLICT DO NOTHING;
  INSERT INTO statement (id, fingerprint, body, timestamp_ms, agent, verb, activity, registration,
      completed, passed, score, progress, duration_ms, stored_us)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
      value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12,
      key + max(NEW.now_us, coalesce(
        (SELECT stored_us + 1 FROM statement ORDER BY sequence DESC LIMIT 1), 0))
    FROM json_each(NEW.statements) WHERE true
    ON CONFLICT (id) DO NOTHING;
  INSERT INTO applied (peer, epoch, through)
    SELECT NEW.peer, NEW.epoch, NEW.through WHERE NEW.peer IS NOT NULL
    ON CONFLICT (peer, epoch) DO UPDATE SET through = max(through, excluded.through);
END;
