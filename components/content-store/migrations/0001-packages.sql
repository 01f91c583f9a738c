-- Blobs, packages and courses. Nothing is ever updated but a course's current package, and whether
-- the bytes of a package that another node has are here.

-- Some bytes and their SHA-256. Either the row holds the bytes, or `piece` says which rows do.
CREATE TABLE blob (
  id INTEGER PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  size INTEGER NOT NULL,
  data BLOB
);

-- Where the bytes of a blob from `start` on are: every blob has at least the row with start 0, so
-- one lookup reads small and large blobs alike.
CREATE TABLE piece (
  whole INTEGER NOT NULL REFERENCES blob (id),
  start INTEGER NOT NULL,
  leaf INTEGER NOT NULL REFERENCES blob (id),
  PRIMARY KEY (whole, start)
) WITHOUT ROWID;

CREATE TRIGGER blob_is_its_own_piece AFTER INSERT ON blob WHEN NEW.data IS NOT NULL
BEGIN
  INSERT INTO piece (whole, start, leaf) VALUES (NEW.id, 0, NEW.id);
END;

-- A course description (JSON of `new-course`) under the hash of it and its files.
CREATE TABLE package (
  id INTEGER PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  course TEXT NOT NULL,
  -- The node that it came from, and still has it. Null: it was published here.
  peer TEXT,
  -- When a file of it was last looked for, give or take an hour, in seconds since 1970.
  used_s INTEGER NOT NULL DEFAULT (unixepoch()),
  -- Its files, as an entry has them, while their bytes are not here: they were given up to make
  -- room.
  away TEXT
);

CREATE TABLE file (
  package INTEGER NOT NULL REFERENCES package (id),
  path TEXT NOT NULL,
  blob INTEGER NOT NULL REFERENCES blob (id),
  media_type TEXT NOT NULL,
  PRIMARY KEY (package, path)
) WITHOUT ROWID;

CREATE INDEX file_by_blob ON file (blob);

CREATE INDEX piece_by_leaf ON piece (leaf);

CREATE TABLE course (
  id INTEGER PRIMARY KEY,
  iri TEXT NOT NULL UNIQUE,
  key TEXT NOT NULL UNIQUE,
  package INTEGER NOT NULL REFERENCES package (id),
  title TEXT NOT NULL COLLATE NOCASE,
  description TEXT NOT NULL,
  units INTEGER NOT NULL,
  -- When it became this version, in microseconds since 1970: the last one stands, at every node.
  stamp_us INTEGER NOT NULL,
  -- The node that this version came from. Null: it was published here.
  peer TEXT,
  -- Its place in the journal: only the last version travels.
  journaled INTEGER
);

CREATE INDEX course_by_title ON course (title, iri);

-- Every unit a course ever had: records speak of units that a newer version may have dropped.
CREATE TABLE unit (
  activity TEXT PRIMARY KEY,
  course INTEGER NOT NULL REFERENCES course (id),
  title TEXT NOT NULL
) WITHOUT ROWID;

-- A write is one statement. What takes several steps is an INSERT into one of these views, which
-- hold nothing: their triggers are the steps, in one transaction.

-- parts: JSON ["hash", …]; key: see `joined`. A blob that is here already stays as it is.
CREATE VIEW joining (hash, size, parts, key) AS SELECT '', 0, '', '' WHERE 0;

CREATE TRIGGER join_blobs INSTEAD OF INSERT ON joining
BEGIN
  INSERT INTO blob (hash, size) VALUES (NEW.hash, NEW.size) ON CONFLICT (hash) DO NOTHING;
  INSERT INTO piece (whole, start, leaf)
    SELECT whole.id,
      coalesce(sum(leaf.size) OVER (ORDER BY part.key ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0),
      leaf.id
    FROM blob AS whole
    JOIN json_each(NEW.parts) AS part
    LEFT JOIN blob AS leaf ON leaf.hash = part.value AND leaf.data IS NOT NULL
    WHERE whole.hash = NEW.hash
      AND NOT EXISTS (SELECT 1 FROM piece AS known WHERE known.whole = whole.id);
  DELETE FROM joined WHERE key = NEW.key;
END;

-- How far parts have been read that are to be joined: a large blob takes several calls.
CREATE TABLE joined (
  number INTEGER PRIMARY KEY,
  -- SHA-256 of the hashes of all its parts.
  key TEXT NOT NULL UNIQUE,
  -- How many of them have been read, how many bytes that is, and SHA-256 so far.
  count INTEGER NOT NULL,
  size INTEGER NOT NULL,
  state BLOB NOT NULL
);

-- Whoever began and did not go on begins anew, once a hundred others have begun after it.
CREATE TRIGGER joined_is_bounded AFTER INSERT ON joined BEGIN
  DELETE FROM joined WHERE number <= NEW.number - 100;
END;

-- course: JSON of `new-course`; files: JSON [{"path", "hash", "media_type"}, …]. A blob that is
-- not here makes its file's `blob` NULL, which undoes it all.
CREATE VIEW publishing (package, key, course, files, stamp_us, peer)
  AS SELECT '', '', '', '', 0, '' WHERE 0;

CREATE TRIGGER publish INSTEAD OF INSERT ON publishing
BEGIN
  INSERT INTO package (hash, course, peer) VALUES (NEW.package, NEW.course, NEW.peer)
    ON CONFLICT (hash) DO UPDATE SET peer = iif(excluded.peer IS NULL, NULL, peer), away = NULL;
  INSERT INTO file (package, path, blob, media_type)
    SELECT package.id, file.value ->> 'path', blob.id, file.value ->> 'media_type'
    FROM package
    JOIN json_each(NEW.files) AS file
    LEFT JOIN blob ON blob.hash = file.value ->> 'hash'
    WHERE package.hash = NEW.package
    ON CONFLICT (package, path) DO NOTHING;
  -- A version that was made here, and that the one which arrives was not made upon, is lost in
  -- plain sight.
  INSERT OR IGNORE INTO conflict (kind, reference, version, subject, lost, noticed_ms)
    SELECT 'course', course.id, known.hash, course.iri,
      json_object('id', course.iri, 'title', course.title, 'package', known.hash), NEW.stamp_us / 1000
    FROM course JOIN package AS known ON known.id = course.package
    WHERE NEW.peer IS NOT NULL AND course.iri = NEW.course ->> 'id' AND course.peer IS NULL
      AND course.stamp_us < NEW.stamp_us AND known.hash <> NEW.package;
  INSERT INTO course (iri, key, package, title, description, units, stamp_us, peer)
    SELECT NEW.course ->> 'id', NEW.key, package.id, NEW.course ->> 'title',
      NEW.course ->> 'description', json_array_length(NEW.course, '$.units'), NEW.stamp_us, NEW.peer
    FROM package
    WHERE package.hash = NEW.package
    ON CONFLICT (iri) DO UPDATE
    SET package = excluded.package, title = excluded.title, description = excluded.description,
      units = excluded.units, peer = excluded.peer, stamp_us = max(excluded.stamp_us,
        -- What is published here comes after what is here.
        iif(excluded.peer IS NULL, stamp_us + 1, 0))
    -- Against what was published here the later one stands. Of what comes from above, the last
    -- that came: a node there whose disk was restored means what it has now.
    WHERE CASE WHEN excluded.peer IS NULL THEN excluded.package <> package
      ELSE peer IS NOT NULL OR excluded.stamp_us > stamp_us END;
  -- It may have been announced again meanwhile.
  DELETE FROM announced WHERE hash = NEW.package AND stamp_us = NEW.stamp_us AND peer IS NEW.peer;
  INSERT INTO unit (activity, course, title)
    SELECT unit.value ->> 'activity', course.id, unit.value ->> 'title'
    FROM course
    JOIN json_each(NEW.course, '$.units') AS unit
    WHERE course.iri = NEW.course ->> 'id'
    ON CONFLICT (activity) DO UPDATE SET title = excluded.title;
END;

-- What other nodes get: each course in its current version, with all its files and the blobs these
-- consist of.
CREATE TRIGGER course_is_journaled AFTER INSERT ON course BEGIN
  INSERT INTO journal (kind, reference) VALUES ('course', NEW.id);
  UPDATE course SET journaled = last_insert_rowid() WHERE id = NEW.id;
END;

-- The new row first: were the journal's last row deleted before it, its sequence would be used
-- again.
CREATE TRIGGER course_change_is_journaled AFTER UPDATE OF stamp_us ON course BEGIN
  INSERT INTO journal (kind, reference) VALUES ('course', NEW.id);
  UPDATE course SET journaled = last_insert_rowid() WHERE id = NEW.id;
  DELETE FROM journal WHERE sequence = OLD.journaled;
END;

-- The files of a package, as an entry has them.
CREATE VIEW listing AS
  SELECT package.id AS package, (
    SELECT json_group_array(json_object('path', path, 'hash', whole.hash, 'media_type', media_type,
      'pieces', (
        SELECT json_group_array(json_array(hash, size)) FROM (
          SELECT leaf.hash, leaf.size FROM piece JOIN blob AS leaf ON leaf.id = piece.leaf
          WHERE piece.whole = whole.id ORDER BY piece.start))))
    FROM (SELECT * FROM file WHERE file.package = package.id ORDER BY path) AS file
    JOIN blob AS whole ON whole.id = file.blob) AS files
  FROM package;

CREATE VIEW entry AS
  SELECT journal.sequence, journal.kind,
    octet_length(package.course) + coalesce(octet_length(package.away),
      300 * (SELECT count(*) FROM file WHERE file.package = package.id)
      + 80 * (SELECT count(*) FROM file JOIN piece ON piece.whole = file.blob WHERE file.package = package.id))
      AS size,
    course.peer, 0 AS upward, 1 AS common, NULL AS home, course.iri AS subject, course.stamp_us AS made_us,
    json_object('package', package.hash, 'course', json(package.course), 'stamp', course.stamp_us,
      'files', json(coalesce(package.away, listing.files))) AS payload,
    NULL AS content
  FROM journal JOIN course ON course.id = journal.reference JOIN package ON package.id = course.package
    JOIN listing ON listing.package = package.id;

-- Packages that another node has announced. They become visible when all their blobs are here.
CREATE TABLE announced (
  number INTEGER PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  iri TEXT NOT NULL,
  -- JSON of `new-course`, and of the files as an entry has them.
  course TEXT NOT NULL,
  files TEXT NOT NULL,
  size INTEGER NOT NULL,
  stamp_us INTEGER NOT NULL,
  peer TEXT NOT NULL
);

-- The blobs that announced packages consist of.
CREATE TABLE part (
  number INTEGER NOT NULL REFERENCES announced (number) ON DELETE CASCADE,
  hash TEXT NOT NULL,
  size INTEGER NOT NULL,
  PRIMARY KEY (number, hash)
) WITHOUT ROWID;

-- The first bytes of blobs that are not yet whole.
CREATE TABLE partial (
  hash TEXT NOT NULL,
  start INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (hash, start)
);

-- A procedure: rows inserted here by one statement are another node's batch. A row without an
-- entry is about the whole batch and moves the note. `entry` is JSON: package, course, files,
-- size, stamp.
CREATE VIEW apply_batch AS
  SELECT NULL AS entry, NULL AS peer, NULL AS note, NULL AS expected, NULL AS text;

CREATE TRIGGER apply_batch_moves INSTEAD OF INSERT ON apply_batch WHEN NEW.entry IS NULL BEGIN
  INSERT INTO moving (name, expected, text) VALUES (NEW.note, NEW.expected, NEW.text);
END;

-- What comes takes the place of what is still arriving.
CREATE TRIGGER apply_batch_announces INSTEAD OF INSERT ON apply_batch WHEN NEW.entry IS NOT NULL BEGIN
  DELETE FROM part WHERE number IN (
    SELECT number FROM announced
    WHERE iri = NEW.entry ->> '$.course.id' AND hash <> NEW.entry ->> 'package');
  DELETE FROM announced WHERE iri = NEW.entry ->> '$.course.id' AND hash <> NEW.entry ->> 'package';
  -- It is there still.
  UPDATE package SET peer = NEW.peer WHERE hash = NEW.entry ->> 'package' AND peer IS NOT NULL;
  INSERT INTO announced (hash, iri, course, files, size, stamp_us, peer)
    SELECT NEW.entry ->> 'package', NEW.entry ->> '$.course.id', NEW.entry -> 'course', NEW.entry -> 'files',
      NEW.entry ->> 'size', NEW.entry ->> 'stamp', NEW.peer
    WHERE NOT EXISTS (
      SELECT 1 FROM course JOIN package AS current ON current.id = course.package
      WHERE course.iri = NEW.entry ->> '$.course.id' AND iif(course.peer IS NULL,
        stamp_us >= NEW.entry ->> 'stamp',
        stamp_us = NEW.entry ->> 'stamp' AND current.hash = NEW.entry ->> 'package'))
    ON CONFLICT (hash) DO UPDATE SET stamp_us = excluded.stamp_us, peer = excluded.peer;
  INSERT OR IGNORE INTO part (number, hash, size)
    SELECT number, piece.value ->> 0, piece.value ->> 1
    FROM announced, json_each(announced.files) AS file, json_each(file.value, '$.pieces') AS piece
    WHERE announced.hash = NEW.entry ->> 'package'
      AND NOT EXISTS (SELECT 1 FROM blob WHERE blob.hash = piece.value ->> 0);
END;

-- A procedure: bytes of a blob that was fetched. Without a start they are the whole of it, in
-- place of its parts.
CREATE VIEW received (hash, start, data) AS SELECT '', 0, x'' WHERE 0;

CREATE TRIGGER receive_part INSTEAD OF INSERT ON received WHEN NEW.start IS NOT NULL BEGIN
  INSERT OR IGNORE INTO partial (hash, start, data) VALUES (NEW.hash, NEW.start, NEW.data);
END;

CREATE TRIGGER receive_blob INSTEAD OF INSERT ON received WHEN NEW.start IS NULL BEGIN
  INSERT INTO blob (hash, size, data) VALUES (NEW.hash, length(NEW.data), NEW.data) ON CONFLICT (hash) DO NOTHING;
  DELETE FROM part WHERE hash = NEW.hash;
  DELETE FROM partial WHERE hash = NEW.hash;
END;

CREATE INDEX part_by_hash ON part (hash);

-- Blobs of packages that were given up, until somebody has looked whether another one needs them.
CREATE TABLE orphan (
  blob INTEGER PRIMARY KEY
);

-- A procedure: gives up the bytes of a package that another node has. What it was joined of goes
-- at once; the bytes are left to `sweeping`, for there may be gigabytes.
CREATE VIEW giving_up AS SELECT NULL AS package;

CREATE TRIGGER give_up INSTEAD OF INSERT ON giving_up
WHEN EXISTS (SELECT 1 FROM package WHERE id = NEW.package AND peer IS NOT NULL AND away IS NULL) BEGIN
  UPDATE package SET away = (SELECT files FROM listing WHERE listing.package = NEW.package) WHERE id = NEW.package;
  INSERT OR IGNORE INTO orphan (blob) SELECT blob FROM file WHERE package = NEW.package;
  INSERT OR IGNORE INTO orphan (blob)
    SELECT leaf FROM file JOIN piece ON piece.whole = file.blob WHERE package = NEW.package;
  DELETE FROM file WHERE package = NEW.package;
  DELETE FROM piece WHERE whole IN (
    SELECT blob.id FROM orphan JOIN blob ON blob.id = orphan.blob
    WHERE blob.data IS NULL AND NOT EXISTS (SELECT 1 FROM file WHERE file.blob = blob.id));
  DELETE FROM blob WHERE id IN (
    SELECT blob.id FROM orphan JOIN blob ON blob.id = orphan.blob
    WHERE blob.data IS NULL AND NOT EXISTS (SELECT 1 FROM file WHERE file.blob = blob.id));
  DELETE FROM orphan WHERE NOT EXISTS (SELECT 1 FROM blob WHERE blob.id = orphan.blob AND blob.data IS NOT NULL);
END;

-- A procedure: deletes orphans from one to another that nobody needs. A package that is arriving
-- counts on those that were here when it was announced.
CREATE VIEW sweeping AS SELECT NULL AS first, NULL AS last;

CREATE TRIGGER sweep INSTEAD OF INSERT ON sweeping BEGIN
  DELETE FROM orphan WHERE blob BETWEEN NEW.first AND NEW.last
    AND (EXISTS (SELECT 1 FROM file WHERE file.blob = orphan.blob)
      OR EXISTS (SELECT 1 FROM piece WHERE piece.leaf = orphan.blob AND piece.whole <> orphan.blob));
  DELETE FROM piece WHERE whole IN (
    SELECT orphan.blob FROM orphan JOIN blob ON blob.id = orphan.blob
    WHERE orphan.blob BETWEEN NEW.first AND NEW.last AND blob.hash NOT IN (
      SELECT piece.value ->> 0 FROM announced, json_each(announced.files) AS file,
        json_each(file.value, '$.pieces') AS piece));
  DELETE FROM blob WHERE id IN (
    SELECT orphan.blob FROM orphan WHERE orphan.blob BETWEEN NEW.first AND NEW.last
      AND NOT EXISTS (SELECT 1 FROM piece WHERE piece.whole = orphan.blob));
  DELETE FROM orphan WHERE blob BETWEEN NEW.first AND NEW.last
    AND NOT EXISTS (SELECT 1 FROM blob WHERE blob.id = orphan.blob);
END;

-- A procedure: wants the bytes of a package again that were given up, if it is still its course's
-- version; `is_opened` if somebody has looked for a file of it.
CREATE VIEW wanting_again AS SELECT NULL AS package, NULL AS is_opened;

CREATE TRIGGER want_again INSTEAD OF INSERT ON wanting_again BEGIN
  UPDATE package SET used_s = unixepoch() WHERE id = NEW.package AND NEW.is_opened;
  INSERT OR IGNORE INTO announced (hash, iri, course, files, size, stamp_us, peer)
    SELECT package.hash, course.iri, package.course, package.away,
      (SELECT sum(piece.value ->> 1) FROM json_each(package.away) AS file,
        json_each(file.value, '$.pieces') AS piece),
      course.stamp_us, course.peer
    FROM package JOIN course ON course.package = package.id
    WHERE package.id = NEW.package AND package.away IS NOT NULL AND course.peer IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM announced WHERE announced.iri = course.iri);
  INSERT OR IGNORE INTO part (number, hash, size)
    SELECT number, piece.value ->> 0, piece.value ->> 1
    FROM package JOIN announced ON announced.hash = package.hash, json_each(announced.files) AS file,
      json_each(file.value, '$.pieces') AS piece
    WHERE package.id = NEW.package
      AND NOT EXISTS (SELECT 1 FROM blob WHERE blob.hash = piece.value ->> 0);
END;
