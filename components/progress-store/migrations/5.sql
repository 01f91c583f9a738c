-- Triggers that read notes, which are gone, or moved one. Of a batch, `text` is what it advances:
-- see `advancing`. The columns `note` and `expected` are of no use any more.

DROP TRIGGER store_batch_stores_rest;

-- A row without an id or a kind is about the whole batch. `definitions` and `personas` are JSON
-- arrays of arrays, in the column order of the SELECTs.
CREATE TRIGGER store_batch_stores_rest INSTEAD OF INSERT ON store_batch
WHEN NEW.id IS NULL AND NEW.kind IS NULL BEGIN
  INSERT INTO advancing (advance) SELECT NEW.text WHERE NEW.text IS NOT NULL;
  INSERT INTO definition (activity, hash, day, body)
    SELECT value ->> 0, value ->> 1, value ->> 2, value -> 3 FROM json_each(NEW.definitions) WHERE true
    ON CONFLICT (activity, hash) DO UPDATE SET day = excluded.day WHERE excluded.day > day;
  INSERT OR IGNORE INTO persona (agent, name)
    SELECT value ->> 0, value ->> 1 FROM json_each(NEW.personas);
END;

DROP TRIGGER put_document_runs;

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
      NEW.media_type, NEW.content, NEW.etag, NEW.now_us, epoch, json_object(epoch, NEW.now_us)
    FROM journal_copy WHERE NEW.content IS NOT NULL OR EXISTS (SELECT 1 FROM document
      WHERE kind = NEW.kind AND activity = NEW.activity AND agent = NEW.agent
        AND registration = NEW.registration AND id = NEW.id AND content IS NOT NULL)
    ON CONFLICT (kind, agent, activity, registration, id) DO UPDATE SET
      media_type = excluded.media_type, content = excluded.content, etag = excluded.etag,
      updated_us = max(excluded.updated_us, updated_us + 1), writer = excluded.writer, peer = NULL,
      seen = json_set(seen, '$.' || excluded.writer, max(excluded.updated_us, updated_us + 1));
END;
