-- Uploads: what somebody sends to be imported, in pieces, until it is. And the blobs that an import
-- has stored, until there is a package that has them, or there will be none.

CREATE TABLE upload (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  -- The file, as its sender calls it; may be empty.
  name TEXT NOT NULL,
  -- Its size. Null: not known before all of it is here.
  size INTEGER,
  -- How many of its bytes are here.
  length INTEGER NOT NULL DEFAULT 0,
  -- When something was last done with it, in seconds since 1970.
  touched_s INTEGER NOT NULL DEFAULT (unixepoch()),
  -- For how many seconds it is kept after that.
  kept_s INTEGER NOT NULL,
  -- Nobody wants it any more: what it takes is freed step by step.
  is_discarded INTEGER NOT NULL DEFAULT 0,
  -- What its import came to, for whoever has not heard.
  outcome TEXT,
  -- Who imports it, and until when nobody else does, unless they say again that they do.
  importer TEXT,
  leased_s INTEGER NOT NULL DEFAULT 0,
  -- How far that is, in bytes.
  done INTEGER NOT NULL DEFAULT 0,
  total INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE upload_piece (
  upload INTEGER NOT NULL REFERENCES upload (number),
  start INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (upload, start)
);

-- Blobs that were stored for an upload's import: as long as it is there, they are, too.
CREATE TABLE upload_blob (
  upload INTEGER NOT NULL REFERENCES upload (number),
  blob INTEGER NOT NULL,
  PRIMARY KEY (upload, blob)
) WITHOUT ROWID;

CREATE INDEX upload_blob_by_blob ON upload_blob (blob);

-- A procedure: bytes that follow those which are here. Others change nothing.
CREATE VIEW appending AS SELECT NULL AS id, NULL AS start, NULL AS data;

CREATE TRIGGER append INSTEAD OF INSERT ON appending
WHEN EXISTS (SELECT 1 FROM upload WHERE id = NEW.id AND length = NEW.start AND NOT is_discarded) BEGIN
  INSERT INTO upload_piece (upload, start, data)
    SELECT number, NEW.start, NEW.data FROM upload WHERE id = NEW.id;
  UPDATE upload SET length = length + octet_length(NEW.data), touched_s = unixepoch() WHERE id = NEW.id;
END;

-- A procedure: stores a blob for an upload.
CREATE VIEW storing_for AS SELECT NULL AS id, NULL AS hash, NULL AS size, NULL AS data;

CREATE TRIGGER store_for INSTEAD OF INSERT ON storing_for BEGIN
  SELECT raise(ABORT, 'no such upload') WHERE NOT EXISTS (
    SELECT 1 FROM upload WHERE id = NEW.id AND NOT is_discarded);
  INSERT INTO blob (hash, size, data) VALUES (NEW.hash, NEW.size, NEW.data) ON CONFLICT (hash) DO NOTHING;
  INSERT INTO upload_blob (upload, blob)
    SELECT upload.number, blob.id FROM upload JOIN blob WHERE upload.id = NEW.id AND blob.hash = NEW.hash
    ON CONFLICT (upload, blob) DO NOTHING;
END;

-- A procedure: as `joining`, for an upload.
CREATE VIEW joining_for AS SELECT NULL AS id, NULL AS hash, NULL AS size, NULL AS parts, NULL AS key;

CREATE TRIGGER join_blobs_for INSTEAD OF INSERT ON joining_for BEGIN
  SELECT raise(ABORT, 'no such upload') WHERE NOT EXISTS (
    SELECT 1 FROM upload WHERE id = NEW.id AND NOT is_discarded);
  INSERT INTO joining (hash, size, parts, key) VALUES (NEW.hash, NEW.size, NEW.parts, NEW.key);
  INSERT INTO upload_blob (upload, blob)
    SELECT upload.number, blob.id FROM upload JOIN blob WHERE upload.id = NEW.id AND blob.hash = NEW.hash
    ON CONFLICT (upload, blob) DO NOTHING;
END;

-- A procedure: what was stored for the upload of a number is not kept for it any longer. What was
-- joined and nobody needs goes at once; the bytes are left to `sweeping`.
CREATE VIEW forgetting AS SELECT NULL AS upload;

CREATE TRIGGER forget INSTEAD OF INSERT ON forgetting BEGIN
  DELETE FROM piece WHERE whole IN (
    SELECT blob.id FROM upload_blob AS mine JOIN blob ON blob.id = mine.blob
    WHERE mine.upload = NEW.upload AND blob.data IS NULL
      AND NOT EXISTS (SELECT 1 FROM file WHERE file.blob = blob.id)
      AND NOT EXISTS (SELECT 1 FROM upload_blob AS other WHERE other.blob = blob.id AND other.upload <> NEW.upload));
  DELETE FROM blob WHERE id IN (
    SELECT blob.id FROM upload_blob AS mine JOIN blob ON blob.id = mine.blob
    WHERE mine.upload = NEW.upload AND blob.data IS NULL
      AND NOT EXISTS (SELECT 1 FROM file WHERE file.blob = blob.id)
      AND NOT EXISTS (SELECT 1 FROM upload_blob AS other WHERE other.blob = blob.id AND other.upload <> NEW.upload));
  INSERT OR IGNORE INTO orphan (blob)
    SELECT blob.id FROM upload_blob AS mine JOIN blob ON blob.id = mine.blob
    WHERE mine.upload = NEW.upload AND blob.data IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM file WHERE file.blob = blob.id)
      AND NOT EXISTS (SELECT 1 FROM piece WHERE piece.leaf = blob.id AND piece.whole <> blob.id)
      AND NOT EXISTS (SELECT 1 FROM upload_blob AS other WHERE other.blob = blob.id AND other.upload <> NEW.upload);
  DELETE FROM upload_blob WHERE upload = NEW.upload;
END;

-- A procedure: a package does without its files. What was joined of it and nobody needs goes at
-- once; the bytes are left to `sweeping`, for there may be gigabytes.
CREATE VIEW releasing AS SELECT NULL AS package;

CREATE TRIGGER release INSTEAD OF INSERT ON releasing BEGIN
  INSERT OR IGNORE INTO orphan (blob) SELECT blob FROM file WHERE package = NEW.package;
  INSERT OR IGNORE INTO orphan (blob)
    SELECT leaf FROM file JOIN piece ON piece.whole = file.blob WHERE package = NEW.package;
  DELETE FROM file WHERE package = NEW.package;
  DELETE FROM piece WHERE whole IN (
    SELECT blob.id FROM orphan JOIN blob ON blob.id = orphan.blob
    WHERE blob.data IS NULL AND NOT EXISTS (SELECT 1 FROM file WHERE file.blob = blob.id)
      AND NOT EXISTS (SELECT 1 FROM upload_blob WHERE upload_blob.blob = blob.id));
  DELETE FROM blob WHERE id IN (
    SELECT blob.id FROM orphan JOIN blob ON blob.id = orphan.blob
    WHERE blob.data IS NULL AND NOT EXISTS (SELECT 1 FROM file WHERE file.blob = blob.id)
      AND NOT EXISTS (SELECT 1 FROM upload_blob WHERE upload_blob.blob = blob.id));
  DELETE FROM orphan WHERE NOT EXISTS (SELECT 1 FROM blob WHERE blob.id = orphan.blob AND blob.data IS NOT NULL);
END;

-- As before, but what is kept for an upload is needed.
DROP TRIGGER give_up;

CREATE TRIGGER give_up INSTEAD OF INSERT ON giving_up
WHEN EXISTS (SELECT 1 FROM package WHERE id = NEW.package AND peer IS NOT NULL AND away IS NULL) BEGIN
  UPDATE package SET away = (SELECT files FROM listing WHERE listing.package = NEW.package) WHERE id = NEW.package;
  INSERT INTO releasing (package) VALUES (NEW.package);
END;

DROP TRIGGER sweep;

CREATE TRIGGER sweep INSTEAD OF INSERT ON sweeping BEGIN
  DELETE FROM orphan WHERE blob BETWEEN NEW.first AND NEW.last
    AND (EXISTS (SELECT 1 FROM file WHERE file.blob = orphan.blob)
      OR EXISTS (SELECT 1 FROM upload_blob WHERE upload_blob.blob = orphan.blob)
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
