-- What replication remembers beside a journal, in tables of its own. Until now, all of it was text
-- under names in `note`.

-- This copy of the store, by a name that a restored or cloned one changes.
CREATE TABLE journal_copy (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  epoch TEXT NOT NULL
) STRICT;

-- How many bytes the store may use. No row: as many as there are.
CREATE TABLE size_limit (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  high INTEGER NOT NULL,
  full INTEGER NOT NULL
) STRICT;

-- How far the journals of nodes below are applied, by their epochs: through a checkpoint, and
-- through a fresh span beyond it.
CREATE TABLE peer_position (
  node TEXT NOT NULL,
  epoch TEXT NOT NULL,
  through INTEGER NOT NULL,
  token TEXT NOT NULL,
  fresh_after INTEGER,
  fresh_through INTEGER,
  fresh_token TEXT,
  PRIMARY KEY (node, epoch)
) STRICT, WITHOUT ROWID;

-- What nodes below have told of that was lost here, and was the reason for a new epoch: the last
-- sequence of each.
CREATE TABLE peer_missed (
  node TEXT NOT NULL,
  epoch TEXT NOT NULL,
  through INTEGER NOT NULL,
  PRIMARY KEY (node, epoch)
) STRICT, WITHOUT ROWID;

-- Kinds of entries that nodes below do not know, and were not sent.
CREATE TABLE peer_withheld (
  node TEXT NOT NULL,
  kind TEXT NOT NULL,
  PRIMARY KEY (node, kind)
) STRICT, WITHOUT ROWID;

-- How far the journals of nodes above are read, by their addresses, in each epoch of the one here.
-- `above` is the epoch of the journal that is read.
CREATE TABLE upstream_cursor (
  upstream TEXT NOT NULL,
  epoch TEXT NOT NULL,
  above TEXT NOT NULL,
  through INTEGER NOT NULL,
  token TEXT NOT NULL,
  PRIMARY KEY (upstream, epoch)
) STRICT, WITHOUT ROWID;

-- What else was heard of them.
CREATE TABLE received_token (
  upstream TEXT NOT NULL,
  token TEXT NOT NULL,
  above TEXT NOT NULL,
  through INTEGER NOT NULL,
  PRIMARY KEY (upstream, token)
) STRICT, WITHOUT ROWID;

-- Subjects whose records are still to come from the node above, and after which sequence.
CREATE TABLE wanted_record (
  subject TEXT PRIMARY KEY,
  after INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A stretch of the journal in which nothing is for the node above.
CREATE TABLE scan_watermark (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  epoch TEXT NOT NULL,
  audience TEXT NOT NULL,
  after INTEGER NOT NULL,
  through INTEGER NOT NULL
) STRICT;

-- Notes that no table took: what they say cannot be read, and somebody has to know.
CREATE TABLE unread_note (
  name TEXT PRIMARY KEY,
  text TEXT NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO journal_copy (only, epoch) SELECT 1, text FROM note WHERE name = 'epoch';

DELETE FROM note WHERE name = 'epoch';

INSERT INTO size_limit (only, high, full)
  SELECT 1, CAST(substr(text, 1, instr(text, ' ') - 1) AS INTEGER), CAST(substr(text, instr(text, ' ') + 1) AS INTEGER)
  FROM note WHERE name = 'limits' AND text GLOB '[0-9]* [0-9]*' AND text NOT GLOB '*[^0-9 ]*';

DELETE FROM note WHERE name = 'limits' AND EXISTS (SELECT 1 FROM size_limit);

-- A node's name may have colons; an epoch has none.
INSERT INTO peer_position (node, epoch, through, token, fresh_after, fresh_through, fresh_token)
  SELECT substr(key, 1, length(head) - 1), substr(key, length(head) + 1),
    text ->> '$.through.sequence', text ->> '$.through.receipt',
    text ->> '$.fresh.after', text ->> '$.fresh.through.sequence', text ->> '$.fresh.through.receipt'
  FROM (
    SELECT substr(name, 9) AS key, rtrim(substr(name, 9), replace(substr(name, 9), ':', '')) AS head, text
    FROM note WHERE name GLOB 'applied:*:*')
  WHERE iif(json_valid(text), typeof(text ->> '$.through.sequence') = 'integer'
    AND typeof(text ->> '$.through.receipt') = 'text'
    AND typeof(text ->> '$.fresh.after') IN ('integer', 'null')
    AND typeof(text ->> '$.fresh.through.sequence') = typeof(text ->> '$.fresh.after')
    AND (typeof(text ->> '$.fresh.through.receipt') = 'text') = (typeof(text ->> '$.fresh.after') = 'integer'), 0);

DELETE FROM note WHERE name IN (SELECT 'applied:' || node || ':' || epoch FROM peer_position);

INSERT INTO peer_missed (node, epoch, through)
  SELECT substr(key, 1, length(head) - 1), substr(key, length(head) + 1), CAST(text AS INTEGER)
  FROM (
    SELECT substr(name, 6) AS key, rtrim(substr(name, 6), replace(substr(name, 6), ':', '')) AS head, text
    FROM note WHERE name GLOB 'lost:*:*' AND text GLOB '[0-9]*' AND text NOT GLOB '*[^0-9]*');

DELETE FROM note WHERE name IN (SELECT 'lost:' || node || ':' || epoch FROM peer_missed);

INSERT OR IGNORE INTO peer_withheld (node, kind)
  SELECT substr(name, 10), value FROM note, json_each(iif(json_valid(text), text, '[]'))
  WHERE name GLOB 'withheld:*' AND type = 'text';

DELETE FROM note WHERE name IN (SELECT 'withheld:' || node FROM peer_withheld);

INSERT INTO upstream_cursor (upstream, epoch, above, through, token)
  SELECT substr(key, 1, instr(key, ' feed:') - 1), substr(key, instr(key, ' feed:') + 6),
    text ->> 'epoch', text ->> 'through', text ->> 'receipt'
  FROM (SELECT substr(name, 7) AS key, text FROM note WHERE name GLOB 'above:* feed:*')
  WHERE iif(json_valid(text), typeof(text ->> 'epoch') = 'text' AND typeof(text ->> 'through') = 'integer'
    AND typeof(text ->> 'receipt') = 'text', 0);

DELETE FROM note WHERE name IN (SELECT 'above:' || upstream || ' feed:' || epoch FROM upstream_cursor);

INSERT INTO received_token (upstream, token, above, through)
  SELECT substr(key, 1, instr(key, ' heard:') - 1), substr(key, instr(key, ' heard:') + 7),
    text ->> 'epoch', text ->> 'through'
  FROM (SELECT substr(name, 7) AS key, text FROM note WHERE name GLOB 'above:* heard:*')
  WHERE iif(json_valid(text), typeof(text ->> 'epoch') = 'text' AND typeof(text ->> 'through') = 'integer', 0);

DELETE FROM note WHERE name IN (SELECT 'above:' || upstream || ' heard:' || token FROM received_token);

INSERT INTO wanted_record (subject, after)
  SELECT substr(name, 8), CAST(text AS INTEGER) FROM note
  WHERE name GLOB 'wanted:*' AND text GLOB '[0-9]*' AND text NOT GLOB '*[^0-9]*';

DELETE FROM note WHERE name IN (SELECT 'wanted:' || subject FROM wanted_record);

-- Whom it was looked through for was told by a number that another build may not come to: it is
-- looked through once more.
DELETE FROM note WHERE name = 'looked';

-- What was for people alone, or is told again: nobody misses it, and no round is to fail by it.
DELETE FROM note
  WHERE name IN ('redis', 'upstream') OR name GLOB 'day *' OR name GLOB 'trace *' OR name GLOB 'below:*';

INSERT INTO unread_note (name, text) SELECT name, text FROM note;

DROP VIEW moving;

DROP TRIGGER renewing_runs;

DROP TABLE note;

CREATE TRIGGER renewing_runs INSTEAD OF INSERT ON renewing BEGIN
  UPDATE journal_copy SET epoch = NEW.fresh WHERE epoch = NEW.epoch;
END;

-- A procedure: advances what a batch says, JSON with its kind as `of`, if it is where that says.
CREATE VIEW advancing AS SELECT NULL AS advance;

CREATE TRIGGER advancing_peer INSTEAD OF INSERT ON advancing WHEN NEW.advance ->> 'of' = 'peer' BEGIN
  SELECT raise(ABORT, 'hedgeschool: moved')
    WHERE (SELECT through FROM peer_position WHERE node = NEW.advance ->> 'node' AND epoch = NEW.advance ->> 'epoch')
        IS NOT NEW.advance ->> '$.before.through'
      OR EXISTS (
        SELECT 1 FROM peer_position WHERE node = NEW.advance ->> 'node' AND epoch = NEW.advance ->> 'epoch'
          AND (token IS NOT NEW.advance ->> '$.before.token'
            OR fresh_after IS NOT NEW.advance ->> '$.before.fresh_after'
            OR fresh_through IS NOT NEW.advance ->> '$.before.fresh_through'
            OR fresh_token IS NOT NEW.advance ->> '$.before.fresh_token'));
  INSERT INTO peer_position (node, epoch, through, token, fresh_after, fresh_through, fresh_token)
    VALUES (NEW.advance ->> 'node', NEW.advance ->> 'epoch',
      NEW.advance ->> '$.after.through', NEW.advance ->> '$.after.token', NEW.advance ->> '$.after.fresh_after',
      NEW.advance ->> '$.after.fresh_through', NEW.advance ->> '$.after.fresh_token')
    ON CONFLICT (node, epoch) DO UPDATE SET through = excluded.through, token = excluded.token,
      fresh_after = excluded.fresh_after, fresh_through = excluded.fresh_through, fresh_token = excluded.fresh_token;
END;

CREATE TRIGGER advancing_cursor INSTEAD OF INSERT ON advancing WHEN NEW.advance ->> 'of' = 'cursor' BEGIN
  SELECT raise(ABORT, 'hedgeschool: moved')
    WHERE (SELECT through FROM upstream_cursor
        WHERE upstream = NEW.advance ->> 'upstream' AND epoch = NEW.advance ->> 'epoch')
        IS NOT NEW.advance ->> '$.before.through'
      OR EXISTS (
        SELECT 1 FROM upstream_cursor WHERE upstream = NEW.advance ->> 'upstream' AND epoch = NEW.advance ->> 'epoch'
          AND (above IS NOT NEW.advance ->> '$.before.epoch' OR token IS NOT NEW.advance ->> '$.before.token'));
  DELETE FROM upstream_cursor WHERE upstream = NEW.advance ->> 'upstream' AND epoch = NEW.advance ->> 'epoch';
  INSERT INTO upstream_cursor (upstream, epoch, above, through, token)
    SELECT NEW.advance ->> 'upstream', NEW.advance ->> 'epoch', NEW.advance ->> '$.after.epoch',
      NEW.advance ->> '$.after.through', NEW.advance ->> '$.after.token'
    WHERE NEW.advance ->> '$.after.through' IS NOT NULL;
END;

CREATE TRIGGER advancing_record INSTEAD OF INSERT ON advancing WHEN NEW.advance ->> 'of' = 'record' BEGIN
  SELECT raise(ABORT, 'hedgeschool: moved')
    WHERE (SELECT after FROM wanted_record WHERE subject = NEW.advance ->> 'subject')
      IS NOT NEW.advance ->> 'before';
  UPDATE wanted_record SET after = NEW.advance ->> 'after'
    WHERE subject = NEW.advance ->> 'subject' AND NEW.advance ->> 'after' IS NOT NULL;
  DELETE FROM wanted_record
    WHERE subject = NEW.advance ->> 'subject' AND NEW.advance ->> 'after' IS NULL;
END;

-- A procedure: the kinds, a JSON array, take the place of those that are noted of a node.
CREATE VIEW withholding AS SELECT NULL AS node, NULL AS kinds;

CREATE TRIGGER withholding_runs INSTEAD OF INSERT ON withholding BEGIN
  DELETE FROM peer_withheld WHERE node = NEW.node;
  INSERT OR IGNORE INTO peer_withheld (node, kind) SELECT NEW.node, value FROM json_each(NEW.kinds);
END;
