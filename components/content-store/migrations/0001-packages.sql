-- Blobs, packages and courses. Nothing is ever updated but a course's current package.

-- Some bytes and their SHA-256. Either the row holds the bytes, or `piece` says which rows do.
CREATE TABLE blob (
  id INTEGER PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  size INTEGER NOT NULL,
  data BLOB
);

-- Where the bytes of a blob from `start` on are: every blob has at least the row with start 0, so one
-- lookup reads small and large blobs alike.
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
  course TEXT NOT NULL
);

CREATE TABLE file (
  package INTEGER NOT NULL REFERENCES package (id),
  path TEXT NOT NULL,
  blob INTEGER NOT NULL REFERENCES blob (id),
  media_type TEXT NOT NULL,
  PRIMARY KEY (package, path)
) WITHOUT ROWID;

CREATE TABLE course (
  id INTEGER PRIMARY KEY,
  iri TEXT NOT NULL UNIQUE,
  key TEXT NOT NULL UNIQUE,
  package INTEGER NOT NULL REFERENCES package (id),
  title TEXT NOT NULL COLLATE NOCASE,
  description TEXT NOT NULL,
  units INTEGER NOT NULL
);

CREATE INDEX course_by_title ON course (title, iri);

-- Every unit a course ever had: records speak of units that a newer version may have dropped.
CREATE TABLE unit (
  activity TEXT PRIMARY KEY,
  course INTEGER NOT NULL REFERENCES course (id),
  title TEXT NOT NULL
) WITHOUT ROWID;

-- A write is one statement. What takes several steps is an INSERT into one of these views, which hold
-- nothing: their triggers are the steps, in one transaction.

-- parts: JSON [{"start": 0, "hash": "…"}, …]. A blob that is here already stays as it is.
CREATE VIEW joining (hash, size, parts) AS SELECT '', 0, '' WHERE 0;

CREATE TRIGGER join_blobs INSTEAD OF INSERT ON joining
BEGIN
  INSERT INTO blob (hash, size) VALUES (NEW.hash, NEW.size) ON CONFLICT (hash) DO NOTHING;
  INSERT INTO piece (whole, start, leaf)
    SELECT whole.id, part.value ->> 'start', leaf.id
    FROM blob AS whole
    JOIN json_each(NEW.parts) AS part
    LEFT JOIN blob AS leaf ON leaf.hash = part.value ->> 'hash' AND leaf.data IS NOT NULL
    WHERE whole.hash = NEW.hash
      AND NOT EXISTS (SELECT 1 FROM piece AS known WHERE known.whole = whole.id);
END;

-- course: JSON of `new-course`; files: JSON [{"path", "hash", "media_type"}, …]. A blob that is not here
-- makes its file's `blob` NULL, which undoes it all.
CREATE VIEW publishing (package, key, course, files) AS SELECT '', '', '', '' WHERE 0;

CREATE TRIGGER publish INSTEAD OF INSERT ON publishing
BEGIN
  INSERT INTO package (hash, course) VALUES (NEW.package, NEW.course) ON CONFLICT (hash) DO NOTHING;
  INSERT INTO file (package, path, blob, media_type)
    SELECT package.id, file.value ->> 'path', blob.id, file.value ->> 'media_type'
    FROM package
    JOIN json_each(NEW.files) AS file
    LEFT JOIN blob ON blob.hash = file.value ->> 'hash'
    WHERE package.hash = NEW.package
    ON CONFLICT (package, path) DO NOTHING;
  INSERT INTO course (iri, key, package, title, description, units)
    SELECT NEW.course ->> 'id', NEW.key, package.id, NEW.course ->> 'title',
      NEW.course ->> 'description', json_array_length(NEW.course, '$.units')
    FROM package
    WHERE package.hash = NEW.package
    ON CONFLICT (iri) DO UPDATE
    SET package = excluded.package, title = excluded.title, description = excluded.description,
      units = excluded.units;
  INSERT INTO unit (activity, course, title)
    SELECT unit.value ->> 'activity', course.id, unit.value ->> 'title'
    FROM course
    JOIN json_each(NEW.course, '$.units') AS unit
    WHERE course.iri = NEW.course ->> 'id'
    ON CONFLICT (activity) DO UPDATE SET title = excluded.title;
END;
