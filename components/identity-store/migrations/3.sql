-- Triggers that read notes, which are gone, or moved one. Of a batch, `text` is what it advances:
-- see `advancing`. The columns `note` and `expected` are of no use any more.

DROP TRIGGER put_person_runs;

CREATE TRIGGER put_person_runs INSTEAD OF INSERT ON put_person BEGIN
  SELECT raise(ABORT, 'hedgeschool: precondition')
    WHERE EXISTS (SELECT 1 FROM person WHERE name = NEW.name AND NOT removed) <> (NEW.condition = 'present');
  INSERT INTO person (name, display_name, role, password_hash, home, removed, stamp_us, writer, seen)
    SELECT NEW.name, NEW.display_name, NEW.role, NEW.password_hash, NEW.home, NEW.removed, NEW.now_us, epoch,
      json_object(epoch, NEW.now_us)
    FROM journal_copy WHERE true
    ON CONFLICT (name) DO UPDATE SET
      display_name = excluded.display_name, role = excluded.role, password_hash = excluded.password_hash,
      home = excluded.home, removed = excluded.removed, stamp_us = max(excluded.stamp_us, stamp_us + 1),
      writer = excluded.writer, peer = NULL,
      seen = json_set(seen, '$.' || excluded.writer, max(excluded.stamp_us, stamp_us + 1));
END;

DROP TRIGGER apply_batch_moves;

CREATE TRIGGER apply_batch_advances INSTEAD OF INSERT ON apply_batch WHEN NEW.text IS NOT NULL BEGIN
  INSERT INTO advancing (advance) VALUES (NEW.text);
END;
