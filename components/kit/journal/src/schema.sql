-- What every store keeps for replication. Its own migrations add triggers that write to `journal`, and the view
-- `entry`, from which the journal is read:
--   sequence, kind
--   size      about how many bytes the entry has
--   peer      the node it came from; null: made here
--   upward    whether it is for nodes above
--   common    whether it is for all nodes below
--   home      the node it belongs to, if it belongs to one: it is for that one and those above it
--   subject   whom it is about: it is for the nodes that follow the subject
--   payload   JSON object
--   content   bytes that join the payload as its last member, in base64; null: none

-- What changed, in the order of commits. `reference` is the changed row's key in the table of its kind.
CREATE TABLE journal (
  sequence INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  reference INTEGER NOT NULL
) STRICT;

-- The nodes below that get what is about a subject.
CREATE TABLE follower (
  node TEXT NOT NULL,
  subject TEXT NOT NULL,
  PRIMARY KEY (node, subject)
) STRICT, WITHOUT ROWID;

CREATE INDEX follower_by_subject ON follower (subject);

-- What replication remembers. `epoch` names this copy of the store.
CREATE TABLE note (
  name TEXT PRIMARY KEY,
  text TEXT NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO note (name, text) VALUES ('epoch', lower(hex(randomblob(16))));

-- A procedure: moves a note, if it says what is expected. An empty text removes it.
CREATE VIEW moving AS SELECT NULL AS name, NULL AS expected, NULL AS text;

CREATE TRIGGER moving_runs INSTEAD OF INSERT ON moving BEGIN
  SELECT raise(ABORT, 'hedgeschool: moved')
    WHERE (SELECT text FROM note WHERE name = NEW.name) IS NOT NEW.expected;
  INSERT INTO note (name, text) VALUES (NEW.name, NEW.text)
    ON CONFLICT (name) DO UPDATE SET text = excluded.text;
  DELETE FROM note WHERE name = NEW.name AND text = '';
END;

-- Versions that lost: neither they nor those that stand were made with knowledge of the other. `reference`
-- is the key of what they are about; `version` tells the losers apart.
CREATE TABLE conflict (
  key INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  reference INTEGER NOT NULL,
  version TEXT NOT NULL,
  subject TEXT NOT NULL,
  lost TEXT NOT NULL,
  noticed_ms INTEGER NOT NULL,
  settled INTEGER NOT NULL DEFAULT 0,
  UNIQUE (kind, reference, version)
) STRICT;

CREATE INDEX conflict_unsettled ON conflict (key) WHERE NOT settled;
