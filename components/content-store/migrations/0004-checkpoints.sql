-- A batch advances what its `text` says, see `advancing`, where it moved a note. The columns `note`
-- and `expected` are of no use any more.

DROP TRIGGER apply_batch_moves;

CREATE TRIGGER apply_batch_advances INSTEAD OF INSERT ON apply_batch WHEN NEW.entry IS NULL BEGIN
  INSERT INTO advancing (advance) VALUES (NEW.text);
END;
