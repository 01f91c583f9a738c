-- Statements, what they add up to, documents, and the journal that carries them to other nodes.

-- A statement, once stored, never changes, except that it may be voided. `sequence` is the order
-- of storing; nothing is ever deleted, so a sequence is never used twice.
CREATE TABLE statement (
  sequence INTEGER PRIMARY KEY,
  -- The 16 bytes of a UUID, as in all columns that hold ids of statements.
  id BLOB NOT NULL UNIQUE,
  fingerprint BLOB NOT NULL,
  -- JSON without `stored`.
  body TEXT NOT NULL,
  -- Microseconds since 1970; strictly monotonic in `sequence`.
  stored_us INTEGER NOT NULL UNIQUE,
  timestamp_ms INTEGER NOT NULL,
  agent TEXT,
  activity TEXT,
  completed INTEGER NOT NULL,
  passed INTEGER NOT NULL,
  score REAL,
  progress INTEGER,
  duration_ms INTEGER,
  -- The statement that its object refers to, and the one that it takes back.
  refers BLOB,
  voids BLOB,
  -- JSON array of the hashes of its own terms.
  terms TEXT NOT NULL,
  voided INTEGER NOT NULL DEFAULT 0,
  -- The node it came from. Null: recorded here.
  peer TEXT
) STRICT;

CREATE INDEX statement_by_refers ON statement (refers) WHERE refers IS NOT NULL;

CREATE INDEX statement_by_voids ON statement (voids) WHERE voids IS NOT NULL;

-- What statements are looked up by. A hash stands for one value of one facet (`term` of
-- hedgeschool-xapi). `source` leads to the statement whose term it is, as the difference of
-- sequences: 0 for the statement itself, or one that it refers to, for whose terms it is found too
-- (2.1.3, "Filter Conditions for StatementRefs").
--
-- Hashes scatter: ordered by them alone, each statement would change as many pages as it has
-- terms, all over the file. So the index is cut into segments of 1,024 statements. Only the newest
-- is written to as a rule, and its pages take in many statements with each commit; a query goes
-- through the segments in turn.
CREATE TABLE term (
  segment INTEGER NOT NULL,
  hash INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  source INTEGER NOT NULL,
  PRIMARY KEY (segment, hash, sequence, source)
) STRICT, WITHOUT ROWID;

-- The segments there are: a statement's is its sequence over 1,024.
CREATE TABLE segment (
  number INTEGER PRIMARY KEY
) STRICT;

CREATE TRIGGER statement_has_terms AFTER INSERT ON statement BEGIN
  INSERT INTO segment (number) SELECT NEW.sequence >> 10
    WHERE NOT EXISTS (SELECT 1 FROM segment WHERE number = NEW.sequence >> 10);
  INSERT OR IGNORE INTO term (segment, hash, sequence, source)
    SELECT NEW.sequence >> 10, value, NEW.sequence, 0 FROM json_each(NEW.terms);
END;

-- Whichever comes first, reference or target: all that lead to the new statement get the terms of
-- all that it leads to. Sixteen references deep, so that no chain or circle of them costs more
-- than that.
CREATE TRIGGER statement_passes_on_terms AFTER INSERT ON statement
WHEN NEW.refers IS NOT NULL OR EXISTS (SELECT 1 FROM statement WHERE refers = NEW.id) BEGIN
  INSERT OR IGNORE INTO term (segment, hash, sequence, source)
    SELECT above.sequence >> 10, own.value, above.sequence, target.sequence - above.sequence
    FROM (
      WITH RECURSIVE above (sequence, id, depth) AS (
        SELECT NEW.sequence, NEW.id, 0
        UNION
        SELECT other.sequence, other.id, depth + 1
        FROM above JOIN statement AS other ON other.refers = above.id WHERE depth < 16)
      SELECT DISTINCT sequence FROM above
    ) AS above
    CROSS JOIN (
      WITH RECURSIVE below (sequence, refers, depth) AS (
        SELECT NEW.sequence, NEW.refers, 0
        UNION
        SELECT other.sequence, other.refers, depth + 1
        FROM below JOIN statement AS other ON other.id = below.refers WHERE depth < 16)
      SELECT DISTINCT sequence FROM below
    ) AS below
    CROSS JOIN statement AS target ON target.sequence = below.sequence
    CROSS JOIN json_each(target.terms) AS own;
END;

-- A voiding statement cannot be voided (2.3.2); it counts whether it comes before its target or
-- after.
CREATE TRIGGER statement_voids AFTER INSERT ON statement WHEN NEW.voids IS NOT NULL BEGIN
  UPDATE statement SET voided = 1 WHERE id = NEW.voids AND voids IS NULL;
END;

CREATE TRIGGER statement_is_voided AFTER INSERT ON statement
WHEN NEW.voids IS NULL AND EXISTS (SELECT 1 FROM statement WHERE voids = NEW.id) BEGIN
  UPDATE statement SET voided = 1 WHERE sequence = NEW.sequence;
END;

-- What an agent has reached in an activity: a join-semilattice, so the order of statements is no
-- matter.
CREATE TABLE completion (
  agent TEXT NOT NULL,
  activity TEXT NOT NULL,
  completed INTEGER NOT NULL,
  passed INTEGER NOT NULL,
  score REAL,
  progress INTEGER,
  duration_ms INTEGER NOT NULL,
  statements INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  PRIMARY KEY (agent, activity)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER statement_completes AFTER INSERT ON statement
WHEN NEW.agent IS NOT NULL AND NEW.activity IS NOT NULL BEGIN
  INSERT INTO completion (agent, activity, completed, passed, score, progress, duration_ms, statements, updated_ms)
  VALUES (NEW.agent, NEW.activity, NEW.completed, NEW.passed, NEW.score, NEW.progress,
    coalesce(NEW.duration_ms, 0), 1, NEW.timestamp_ms)
  ON CONFLICT (agent, activity) DO UPDATE SET
    completed = max(completed, excluded.completed),
    passed = max(passed, excluded.passed),
    score = max(coalesce(score, excluded.score), coalesce(excluded.score, score)),
    progress = max(coalesce(progress, excluded.progress), coalesce(excluded.progress, progress)),
    duration_ms = duration_ms + excluded.duration_ms,
    statements = statements + 1,
    updated_ms = max(updated_ms, excluded.updated_ms);
END;

-- Every definition of an activity that statements came with, and the last day (since 1970) that
-- one was made with it. An activity's canonical definition is these laid over each other, oldest
-- first: the same at every node, in whatever order statements reach it.
CREATE TABLE definition (
  activity TEXT NOT NULL,
  hash INTEGER NOT NULL,
  day INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (activity, hash)
) STRICT, WITHOUT ROWID;

-- The names that statements give an agent.
CREATE TABLE persona (
  agent TEXT NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (agent, name)
) STRICT, WITHOUT ROWID;

-- The bytes of attachments by their SHA-2, in parts. They stand when the statement that claims
-- them does: put first.
CREATE TABLE attachment (
  key INTEGER PRIMARY KEY,
  sha2 TEXT NOT NULL,
  start INTEGER NOT NULL,
  -- Of all parts together.
  length INTEGER NOT NULL,
  data BLOB NOT NULL,
  peer TEXT,
  UNIQUE (sha2, start)
) STRICT;

-- State and profile documents. What does not apply to a kind is the empty string. A deleted
-- document stays without content, for its deletion to travel.
CREATE TABLE document (
  key INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('state', 'activity-profile', 'agent-profile')),
  activity TEXT NOT NULL,
  agent TEXT NOT NULL,
  registration TEXT NOT NULL,
  id TEXT NOT NULL,
  media_type TEXT NOT NULL,
  content BLOB,
  etag TEXT NOT NULL,
  -- Its version (`Version` of hedgeschool-replication): stamp, writer, and a JSON object of what
  -- the writer knew.
  updated_us INTEGER NOT NULL,
  writer TEXT NOT NULL,
  seen TEXT NOT NULL,
  -- The node that this version came from. Null: it is of this node's making.
  peer TEXT,
  -- Its place in the journal: only the last version travels.
  journaled INTEGER,
  UNIQUE (kind, agent, activity, registration, id)
) STRICT;

CREATE INDEX document_by_agent ON document (agent, key);

CREATE TRIGGER statement_is_journaled AFTER INSERT ON statement BEGIN
  INSERT INTO journal (kind, reference) VALUES ('statement', NEW.sequence);
END;

CREATE TRIGGER attachment_is_journaled AFTER INSERT ON attachment BEGIN
  INSERT INTO journal (kind, reference) VALUES ('attachment', NEW.key);
END;

CREATE TRIGGER document_is_journaled AFTER INSERT ON document BEGIN
  INSERT INTO journal (kind, reference) VALUES ('document', NEW.key);
  UPDATE document SET journaled = last_insert_rowid() WHERE key = NEW.key;
END;

-- The new row first: were the journal's last row deleted before it, its sequence would be used
-- again.
CREATE TRIGGER document_change_is_journaled AFTER UPDATE OF updated_us, seen ON document BEGIN
  INSERT INTO journal (kind, reference) VALUES ('document', NEW.key);
  UPDATE document SET journaled = last_insert_rowid() WHERE key = NEW.key;
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

CREATE TRIGGER renewing_claims_documents INSTEAD OF INSERT ON renewing BEGIN
  UPDATE document
    SET writer = NEW.fresh, seen = json_set(json_remove(seen, '$.' || NEW.epoch), '$.' || NEW.fresh, updated_us)
    WHERE journaled > NEW.after AND peer IS NULL AND writer = NEW.epoch;
END;

CREATE VIEW entry AS
  SELECT journal.sequence, journal.kind,
    CASE journal.kind WHEN 'statement' THEN octet_length(statement.body)
      WHEN 'document' THEN 400 + coalesce(octet_length(document.content), 0) * 4 / 3
      WHEN 'conflict' THEN 200 + octet_length(conflict.lost)
      ELSE 200 + octet_length(attachment.data) * 4 / 3 END AS size,
    CASE journal.kind WHEN 'statement' THEN statement.peer WHEN 'document' THEN document.peer
      WHEN 'conflict' THEN conflict.peer ELSE attachment.peer END AS peer,
    1 AS upward,
    CASE journal.kind WHEN 'document' THEN document.agent = ''
      WHEN 'conflict' THEN conflict.kind = 'document' AND conflict.lost ->> 'agent' = '' ELSE 0 END AS common,
    NULL AS home,
    CASE journal.kind WHEN 'statement' THEN statement.agent WHEN 'document' THEN document.agent
      WHEN 'conflict' THEN iif(conflict.kind = 'document', conflict.lost ->> 'agent', NULL) END AS subject,
    CASE journal.kind WHEN 'statement' THEN statement.stored_us WHEN 'document' THEN document.updated_us
      WHEN 'conflict' THEN conflict.noticed_ms * 1000 END AS made_us,
    CASE journal.kind WHEN 'statement' THEN statement.body
      WHEN 'document' THEN json_object('kind', document.kind, 'activity', document.activity,
        'agent', document.agent, 'registration', document.registration, 'id', document.id,
        'media_type', document.media_type, 'etag', document.etag, 'stamp', document.updated_us,
        'writer', document.writer, 'seen', json(document.seen))
      WHEN 'conflict' THEN json_object('about', conflict.kind, 'version', conflict.version,
        'subject', conflict.subject, 'noticed', conflict.noticed_ms, 'settled', conflict.settled,
        'lost', json(conflict.lost))
      ELSE json_object('sha2', attachment.sha2, 'start', attachment.start, 'length', attachment.length)
      END AS payload,
    CASE journal.kind WHEN 'document' THEN document.content WHEN 'attachment' THEN attachment.data END AS content
  FROM journal
    LEFT JOIN statement ON journal.kind = 'statement' AND statement.sequence = journal.reference
    LEFT JOIN document ON journal.kind = 'document' AND document.key = journal.reference
    LEFT JOIN attachment ON journal.kind = 'attachment' AND attachment.key = journal.reference
    LEFT JOIN conflict ON journal.kind = 'conflict' AND conflict.key = journal.reference;

-- A moment, in microseconds since 1970, such that whatever is stored from now on is stored after
-- it. Made known to readers as what they can rely on having seen (2.1.3, Consistent-Through).
CREATE TABLE horizon (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  stored_us INTEGER NOT NULL
) STRICT;

INSERT INTO horizon (only, stored_us) VALUES (1, 0);

-- A procedure: rows inserted here by one statement store a batch, in one atomic and durable step.
-- A row with an id is a statement. `peer` is null for what clients send; then a taken id refuses
-- the batch. What a peer sends is stored as far as it is new. A row with a kind is something else
-- that a peer sends.
CREATE VIEW store_batch AS
  SELECT NULL AS id, NULL AS fingerprint, NULL AS body, NULL AS timestamp_ms, NULL AS agent,
    NULL AS activity, NULL AS completed, NULL AS passed, NULL AS score, NULL AS progress,
    NULL AS duration_ms, NULL AS refers, NULL AS voids, NULL AS terms, NULL AS now_us, NULL AS peer,
    NULL AS definitions, NULL AS personas, NULL AS note, NULL AS expected, NULL AS text,
    NULL AS kind, NULL AS content;

CREATE TRIGGER store_batch_stores_statement INSTEAD OF INSERT ON store_batch WHEN NEW.id IS NOT NULL BEGIN
  SELECT raise(ABORT, 'hedgeschool: conflict') FROM statement
    WHERE NEW.peer IS NULL AND id = NEW.id AND fingerprint <> NEW.fingerprint;
  INSERT OR IGNORE INTO conflict (kind, reference, version, subject, lost, noticed_ms)
    SELECT 'statement', sequence, hex(NEW.fingerprint), NEW.body ->> 'id', NEW.body, NEW.now_us / 1000
    FROM statement WHERE NEW.peer IS NOT NULL AND id = NEW.id AND fingerprint <> NEW.fingerprint;
  INSERT INTO statement (id, fingerprint, body, timestamp_ms, agent, activity,
      completed, passed, score, progress, duration_ms, refers, voids, terms, peer, stored_us)
    VALUES (NEW.id, NEW.fingerprint, NEW.body, NEW.timestamp_ms, NEW.agent, NEW.activity,
      NEW.completed, NEW.passed, NEW.score, NEW.progress, NEW.duration_ms, NEW.refers, NEW.voids, NEW.terms,
      NEW.peer, max(NEW.now_us, (SELECT stored_us + 1 FROM horizon),
        coalesce((SELECT stored_us + 1 FROM statement ORDER BY sequence DESC LIMIT 1), 0)))
    ON CONFLICT (id) DO NOTHING;
END;

-- A row without either is about the whole batch. `definitions` and `personas` are JSON arrays of
-- arrays, in the column order of the SELECTs; `note`, `expected` and `text` are those of `moving`.
CREATE TRIGGER store_batch_stores_rest INSTEAD OF INSERT ON store_batch
WHEN NEW.id IS NULL AND NEW.kind IS NULL BEGIN
  INSERT INTO moving (name, expected, text)
    SELECT NEW.note, NEW.expected, NEW.text WHERE NEW.note IS NOT NULL;
  INSERT INTO definition (activity, hash, day, body)
    SELECT value ->> 0, value ->> 1, value ->> 2, value -> 3 FROM json_each(NEW.definitions) WHERE true
    ON CONFLICT (activity, hash) DO UPDATE SET day = excluded.day WHERE excluded.day > day;
  INSERT OR IGNORE INTO persona (agent, name)
    SELECT value ->> 0, value ->> 1 FROM json_each(NEW.personas);
END;

CREATE TRIGGER store_batch_stores_attachment INSTEAD OF INSERT ON store_batch WHEN NEW.kind = 'attachment' BEGIN
  INSERT OR IGNORE INTO attachment (sha2, start, length, data, peer)
    VALUES (NEW.body ->> 'sha2', NEW.body ->> 'start', NEW.body ->> 'length', NEW.content, NEW.peer);
END;

-- `body` is JSON: a document as an entry has it, merged with what is here, `here` (the stamp and
-- the knowledge of the version that it was merged with; null if there was none), `lost`, the
-- version that lost a conflict, and whether it `is_made` of both.
CREATE TRIGGER store_batch_stores_document INSTEAD OF INSERT ON store_batch WHEN NEW.kind = 'document' BEGIN
  SELECT raise(ABORT, 'hedgeschool: stale')
    WHERE (SELECT updated_us || seen FROM document
      WHERE kind = NEW.body ->> 'kind' AND agent = NEW.body ->> 'agent' AND activity = NEW.body ->> 'activity'
        AND registration = NEW.body ->> 'registration' AND id = NEW.body ->> 'id') IS NOT NEW.body ->> 'here';
  INSERT INTO document (kind, activity, agent, registration, id, media_type, content, etag, updated_us, writer,
      seen, peer)
    VALUES (NEW.body ->> 'kind', NEW.body ->> 'activity', NEW.body ->> 'agent', NEW.body ->> 'registration',
      NEW.body ->> 'id', NEW.body ->> 'media_type', NEW.content, NEW.body ->> 'etag', NEW.body ->> 'stamp',
      NEW.body ->> 'writer', NEW.body ->> 'seen',
      -- What is made of two versions is new to both who made them.
      CASE WHEN NOT NEW.body ->> 'is_made' THEN NEW.peer END)
    ON CONFLICT (kind, agent, activity, registration, id) DO UPDATE SET
      media_type = excluded.media_type, content = excluded.content, etag = excluded.etag,
      updated_us = excluded.updated_us, writer = excluded.writer, seen = excluded.seen, peer = excluded.peer;
  INSERT OR IGNORE INTO conflict (kind, reference, version, subject, lost, noticed_ms)
    SELECT 'document', key, (NEW.body ->> '$.lost.stamp') || (NEW.body ->> '$.lost.writer'), id,
      NEW.body -> 'lost', NEW.now_us / 1000
    FROM document
    WHERE NEW.body ->> 'lost' IS NOT NULL
      AND kind = NEW.body ->> 'kind' AND agent = NEW.body ->> 'agent' AND activity = NEW.body ->> 'activity'
      AND registration = NEW.body ->> 'registration' AND id = NEW.body ->> 'id';
END;

-- `body` is JSON of a conflict as an entry has it. What it is about is here already.
CREATE TRIGGER store_batch_stores_conflict INSTEAD OF INSERT ON store_batch WHEN NEW.kind = 'conflict' BEGIN
  INSERT INTO conflict (kind, reference, version, subject, lost, noticed_ms, settled, peer)
    SELECT NEW.body ->> 'about', found.key, NEW.body ->> 'version', NEW.body ->> 'subject', NEW.body -> 'lost',
      NEW.body ->> 'noticed', NEW.body ->> 'settled', NEW.peer
    FROM (
      SELECT key FROM document WHERE NEW.body ->> 'about' = 'document'
        AND kind = NEW.body ->> '$.lost.kind' AND agent = NEW.body ->> '$.lost.agent'
        AND activity = NEW.body ->> '$.lost.activity' AND registration = NEW.body ->> '$.lost.registration'
        AND id = NEW.body ->> '$.lost.id'
      UNION ALL
      SELECT sequence FROM statement WHERE NEW.body ->> 'about' = 'statement' AND id = NEW.content) AS found
    WHERE true
    ON CONFLICT (kind, reference, version) DO UPDATE SET settled = 1, peer = excluded.peer
      WHERE excluded.settled > settled;
END;

-- A procedure: inserting here puts a document (or deletes it: content is null) if a condition
-- holds. `etags` is a JSON array. Nothing changes where there is nothing to delete.
CREATE VIEW put_document AS
  SELECT NULL AS kind, NULL AS activity, NULL AS agent, NULL AS registration, NULL AS id,
    NULL AS media_type, NULL AS content, NULL AS etag, NULL AS now_us, NULL AS condition, NULL AS etags;

CREATE TRIGGER put_document_runs INSTEAD OF INSERT ON put_document BEGIN
  SELECT raise(ABORT, 'hedgeschool: precondition')
    FROM (SELECT (SELECT etag FROM document
      WHERE kind = NEW.kind AND activity = NEW.activity AND agent = NEW.agent
        AND registration = NEW.registration AND id = NEW.id AND content IS NOT NULL) AS etag) AS current
    WHERE CASE NEW.condition
      WHEN 'exists' THEN current.etag IS NULL
      WHEN 'absent' THEN current.etag IS NOT NULL
      WHEN 'matches' THEN current.etag IS NULL
        OR NOT EXISTS (SELECT 1 FROM json_each(NEW.etags) WHERE value = current.etag)
      WHEN 'differs' THEN EXISTS (SELECT 1 FROM json_each(NEW.etags) WHERE value = current.etag)
      ELSE false END;
  INSERT INTO document (kind, activity, agent, registration, id, media_type, content, etag, updated_us, writer, seen)
    SELECT NEW.kind, NEW.activity, NEW.agent, NEW.registration, NEW.id,
      NEW.media_type, NEW.content, NEW.etag, NEW.now_us, note.text, json_object(note.text, NEW.now_us)
    FROM note WHERE note.name = 'epoch' AND (NEW.content IS NOT NULL OR EXISTS (SELECT 1 FROM document
      WHERE kind = NEW.kind AND activity = NEW.activity AND agent = NEW.agent
        AND registration = NEW.registration AND id = NEW.id AND content IS NOT NULL))
    ON CONFLICT (kind, agent, activity, registration, id) DO UPDATE SET
      media_type = excluded.media_type, content = excluded.content, etag = excluded.etag,
      updated_us = max(excluded.updated_us, updated_us + 1), writer = excluded.writer, peer = NULL,
      seen = json_set(seen, '$.' || excluded.writer, max(excluded.updated_us, updated_us + 1));
END;
