-- What every store keeps for replication. Its own migrations add triggers that write to `journal`,
-- and the view `entry`, from which the journal is read:
--   sequence, kind
--   size      about how many bytes the entry has
--   peer      the node it came from; null: made here
--   upward    whether it is for nodes above
--   common    whether it is for all nodes below
--   home      the node it belongs to, if it belongs to one: it is for that one and those above it
--   subject   whom it is about: it is for the nodes that follow the subject
--   made_us   when it was made or came, in microseconds since 1970; null: nobody noted
--   payload   JSON object
--   content   bytes that join the payload as its last member, in base64; null: none

-- What changed, in the order of commits. `reference` is the changed row's key in the table of its
-- kind.
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

-- What nodes below were told of this journal, and what the one above, under no name, was sent of
-- it: the last receipts for each of its epochs, which they show. One without text stands for those
-- that are not kept.
CREATE TABLE told (
  node TEXT NOT NULL,
  epoch TEXT NOT NULL,
  through INTEGER NOT NULL,
  receipt TEXT NOT NULL,
  PRIMARY KEY (node, epoch, through, receipt)
) STRICT, WITHOUT ROWID;

-- The 17th from the end and all before it become the one without text.
CREATE TRIGGER told_is_bounded AFTER INSERT ON told BEGIN
  DELETE FROM told WHERE node = NEW.node AND epoch = NEW.epoch AND (through, receipt) < (
    SELECT through, receipt FROM told WHERE node = NEW.node AND epoch = NEW.epoch
    ORDER BY through DESC, receipt DESC LIMIT 1 OFFSET 16);
  UPDATE told SET receipt = '' WHERE receipt <> '' AND (node, epoch, through, receipt) = (
    SELECT node, epoch, through, receipt FROM told WHERE node = NEW.node AND epoch = NEW.epoch
    ORDER BY through DESC, receipt DESC LIMIT 1 OFFSET 16);
END;

-- What replication remembers. `epoch` names this copy of the store.
CREATE TABLE note (
  name TEXT PRIMARY KEY,
  text TEXT NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO note (name, text) VALUES ('epoch', lower(hex(randomblob(16))));

-- A procedure: begins another epoch, `fresh`. No other node has anything of this copy of the
-- journal past the sequence `after`. If this copy was restored, what was changed here since then
-- may have the number of a change that went with the disk: so the stores' own triggers make it a
-- change of the new epoch, which nobody takes for known.
CREATE VIEW renewing AS SELECT NULL AS epoch, NULL AS fresh, NULL AS after;

CREATE TRIGGER renewing_runs INSTEAD OF INSERT ON renewing BEGIN
  UPDATE note SET text = NEW.fresh WHERE name = 'epoch';
END;

-- A procedure: moves a note, if it says what is expected. An empty text removes it.
CREATE VIEW moving AS SELECT NULL AS name, NULL AS expected, NULL AS text;

CREATE TRIGGER moving_runs INSTEAD OF INSERT ON moving BEGIN
  SELECT raise(ABORT, 'hedgeschool: moved')
    WHERE (SELECT text FROM note WHERE name = NEW.name) IS NOT NEW.expected;
  INSERT INTO note (name, text) VALUES (NEW.name, NEW.text)
    ON CONFLICT (name) DO UPDATE SET text = excluded.text;
  DELETE FROM note WHERE name = NEW.name AND text = '';
END;

-- Versions that lost: neither they nor those that stand were made with knowledge of the other.
-- `reference` is the key of what they are about; `version` tells the losers apart. They travel as
-- what they are about does: the node that noticed one may be the next to lose its disk.
CREATE TABLE conflict (
  key INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  reference INTEGER NOT NULL,
  version TEXT NOT NULL,
  subject TEXT NOT NULL,
  lost TEXT NOT NULL,
  noticed_ms INTEGER NOT NULL,
  settled INTEGER NOT NULL DEFAULT 0,
  -- The node to which what stands belongs, where that is another one than what lost belongs to.
  against TEXT,
  -- The node it came from. Null: it was noticed, or settled, here.
  peer TEXT,
  -- Its place in the journal, in stores where it has one.
  journaled INTEGER,
  UNIQUE (kind, reference, version)
) STRICT;

CREATE INDEX conflict_unsettled ON conflict (key) WHERE NOT settled;
