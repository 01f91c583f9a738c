-- People, launches, and the node's own secrets.

-- Someone who was removed stays, for that to travel.
CREATE TABLE person (
  key INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  display_name TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('learner', 'administrator')),
  -- Argon2id in PHC string format.
  password_hash TEXT NOT NULL,
  -- The node that the person belongs to. Null: to all.
  home TEXT,
  -- Whether that was ever all: other nodes have the person, and hear of what becomes of them.
  was_common INTEGER NOT NULL DEFAULT 0,
  removed INTEGER NOT NULL,
  -- Version (`Version` of hedgeschool-replication): stamp, writer, and a JSON object of what the
  -- writer knew.
  stamp_us INTEGER NOT NULL,
  writer TEXT NOT NULL,
  seen TEXT NOT NULL,
  -- The node that this version came from. Null: it is of this node's making.
  peer TEXT,
  -- Its place in the journal: only the last version travels.
  journaled INTEGER
) STRICT;

CREATE TRIGGER person_is_journaled AFTER INSERT ON person BEGIN
  INSERT INTO journal (kind, reference) VALUES ('person', NEW.key);
  UPDATE person SET journaled = last_insert_rowid(), was_common = NEW.was_common OR NEW.home IS NULL
    WHERE key = NEW.key;
END;

-- The new row first: were the journal's last row deleted before it, its sequence would be used
-- again.
CREATE TRIGGER person_change_is_journaled AFTER UPDATE OF stamp_us, seen ON person BEGIN
  INSERT INTO journal (kind, reference) VALUES ('person', NEW.key);
  UPDATE person SET journaled = last_insert_rowid(), was_common = NEW.was_common OR NEW.home IS NULL
    WHERE key = NEW.key;
  DELETE FROM journal WHERE sequence = OLD.journaled;
END;

-- A conflict travels beside what it is about, and so does its settlement.
CREATE TRIGGER conflict_is_journaled AFTER INSERT ON conflict BEGIN
  INSERT INTO journal (kind, reference) VALUES ('conflict', NEW.key);
  UPDATE conflict SET journaled = last_insert_rowid() WHERE key = NEW.key;
END;

CREATE TRIGGER conflict_change_is_journaled AFTER UPDATE OF settled ON conflict BEGIN
  INSERT INTO journal (kind, reference) VALUES ('conflict', NEW.key);
  UPDATE conflict SET journaled = last_insert_rowid() WHERE key = NEW.key;
  DELETE FROM journal WHERE sequence = OLD.journaled;
END;

CREATE TRIGGER renewing_claims_people INSTEAD OF INSERT ON renewing BEGIN
  UPDATE person
    SET writer = NEW.fresh, seen = json_set(json_remove(seen, '$.' || NEW.epoch), '$.' || NEW.fresh, stamp_us)
    WHERE journaled > NEW.after AND peer IS NULL AND writer = NEW.epoch;
END;

-- Who may do everything is not made from below, and a person of all nodes is not a node's to tell
-- of. A conflict goes where the person goes who lost: if that one's name is another one's
-- elsewhere, this is how the person's own node hears of it.
CREATE VIEW entry AS
  SELECT journal.sequence, journal.kind, 500 AS size,
    iif(conflict.key IS NULL, person.peer, conflict.peer) AS peer,
    person.role = 'learner' AND person.home IS NOT NULL AND (conflict.key IS NULL
      OR conflict.lost ->> 'role' = 'learner' AND conflict.lost ->> 'home' IS NOT NULL) AS upward,
    person.was_common AND conflict.lost ->> 'home' IS NULL AS common,
    coalesce(conflict.lost ->> 'home', person.home) AS home,
    person.name AS subject,
    iif(conflict.key IS NULL, stamp_us, conflict.noticed_ms * 1000) AS made_us,
    iif(conflict.key IS NULL,
      json_object('name', name, 'display_name', display_name, 'role', role, 'password_hash', password_hash,
        'home', home, 'was_common', json(iif(was_common, 'true', 'false')),
        'removed', json(iif(removed, 'true', 'false')), 'stamp', stamp_us, 'writer', writer,
        'seen', json(seen)),
      json_object('about', conflict.kind, 'version', conflict.version, 'subject', conflict.subject,
        'noticed', conflict.noticed_ms, 'settled', conflict.settled, 'against', conflict.against,
        'lost', json(conflict.lost))) AS payload,
    NULL AS content
  FROM journal
    LEFT JOIN conflict ON journal.kind = 'conflict' AND conflict.key = journal.reference
    JOIN person ON person.key = coalesce(conflict.reference, journal.reference);

-- A procedure: puts a person, as a change made here. `condition`: 'absent' or 'present'.
CREATE VIEW put_person AS
  SELECT NULL AS name, NULL AS display_name, NULL AS role, NULL AS password_hash, NULL AS home, NULL AS removed,
    NULL AS now_us, NULL AS condition;

CREATE TRIGGER put_person_runs INSTEAD OF INSERT ON put_person BEGIN
  SELECT raise(ABORT, 'hedgeschool: precondition')
    WHERE EXISTS (SELECT 1 FROM person WHERE name = NEW.name AND NOT removed) <> (NEW.condition = 'present');
  INSERT INTO person (name, display_name, role, password_hash, home, removed, stamp_us, writer, seen)
    SELECT NEW.name, NEW.display_name, NEW.role, NEW.password_hash, NEW.home, NEW.removed, NEW.now_us, text,
      json_object(text, NEW.now_us)
    FROM note WHERE note.name = 'epoch'
    ON CONFLICT (name) DO UPDATE SET
      display_name = excluded.display_name, role = excluded.role, password_hash = excluded.password_hash,
      home = excluded.home, removed = excluded.removed, stamp_us = max(excluded.stamp_us, stamp_us + 1),
      writer = excluded.writer, peer = NULL,
      seen = json_set(seen, '$.' || excluded.writer, max(excluded.stamp_us, stamp_us + 1));
END;

-- A procedure: rows inserted here by one statement are another node's batch. A row without a
-- person is about the whole batch and moves the note, unless it has a conflict, as an entry has
-- it. `person` is JSON as in an entry, merged with what is here; `here` is the stamp and the
-- knowledge of the version that it was merged with; `lost` the version that lost a conflict.
CREATE VIEW apply_batch AS
  SELECT NULL AS person, NULL AS here, NULL AS lost, NULL AS peer, NULL AS now_us, NULL AS note,
    NULL AS expected, NULL AS text, NULL AS conflict;

CREATE TRIGGER apply_batch_stores_conflict INSTEAD OF INSERT ON apply_batch WHEN NEW.conflict IS NOT NULL BEGIN
  INSERT INTO conflict (kind, reference, version, subject, lost, noticed_ms, settled, against, peer)
    SELECT 'person', key, NEW.conflict ->> 'version', name, NEW.conflict -> 'lost', NEW.conflict ->> 'noticed',
      NEW.conflict ->> 'settled', NEW.conflict ->> 'against', NEW.peer
    FROM person WHERE name = NEW.conflict ->> '$.lost.name'
    ON CONFLICT (kind, reference, version) DO UPDATE SET settled = 1, peer = excluded.peer
      WHERE excluded.settled > settled;
END;

CREATE TRIGGER apply_batch_moves INSTEAD OF INSERT ON apply_batch WHEN NEW.note IS NOT NULL BEGIN
  INSERT INTO moving (name, expected, text) VALUES (NEW.note, NEW.expected, NEW.text);
END;

CREATE TRIGGER apply_batch_puts INSTEAD OF INSERT ON apply_batch WHEN NEW.person IS NOT NULL BEGIN
  SELECT raise(ABORT, 'hedgeschool: stale')
    WHERE (SELECT stamp_us || seen FROM person WHERE name = NEW.person ->> 'name') IS NOT NEW.here;
  INSERT INTO person (name, display_name, role, password_hash, home, was_common, removed, stamp_us, writer, seen, peer)
    VALUES (NEW.person ->> 'name', NEW.person ->> 'display_name', NEW.person ->> 'role',
      NEW.person ->> 'password_hash', NEW.person ->> 'home', NEW.person ->> 'was_common', NEW.person ->> 'removed',
      NEW.person ->> 'stamp', NEW.person ->> 'writer', NEW.person ->> 'seen',
      NEW.peer)
    ON CONFLICT (name) DO UPDATE SET was_common = was_common OR excluded.was_common,
      display_name = excluded.display_name, role = excluded.role, password_hash = excluded.password_hash,
      home = excluded.home, removed = excluded.removed, stamp_us = excluded.stamp_us, writer = excluded.writer,
      seen = excluded.seen, peer = excluded.peer;
  -- A version that lost before, and which this one replaces, is of no more interest.
  UPDATE conflict SET settled = 1, peer = NULL
    WHERE NEW.lost IS NOT NULL AND kind = 'person' AND NOT settled
      AND reference = (SELECT key FROM person WHERE name = NEW.person ->> 'name')
      AND lost ->> 'home' IS NEW.lost ->> 'home'
      AND lost ->> 'stamp' < NEW.lost ->> 'stamp'
      AND lost ->> 'stamp' <= json_extract(NEW.lost, '$.seen.' || (lost ->> 'writer'));
  -- Whoever removes a person whose name is another one's has settled it.
  INSERT OR IGNORE INTO conflict (kind, reference, version, subject, lost, noticed_ms, against, settled)
    SELECT 'person', key, (NEW.lost ->> 'stamp') || (NEW.lost ->> 'writer'), name, NEW.lost, NEW.now_us / 1000,
      iif(home IS NEW.lost ->> 'home', NULL, home),
      home IS NOT NEW.lost ->> 'home' AND NEW.lost ->> 'removed'
    FROM person WHERE NEW.lost IS NOT NULL AND name = NEW.person ->> 'name';
END;

-- A launch is opened under the hash of its one-time fetch token; redeemed, it has the hash of a
-- bearer.
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
