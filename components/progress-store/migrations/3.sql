-- Data of attachments that came from the node above because somebody asked for it: what came down
-- need not go up again.
CREATE VIEW fetched_attachment AS SELECT '' AS sha2, 0 AS length, 0 AS start, x'' AS data;

DROP TRIGGER attachment_is_journaled;

CREATE TRIGGER attachment_is_journaled AFTER INSERT ON attachment WHEN NEW.peer IS NOT '' BEGIN
  INSERT INTO journal (kind, reference) VALUES ('attachment', NEW.key);
END;

CREATE TRIGGER attachment_is_fetched INSTEAD OF INSERT ON fetched_attachment BEGIN
  INSERT OR IGNORE INTO attachment (sha2, length, start, data, peer)
    VALUES (NEW.sha2, NEW.length, NEW.start, NEW.data, '');
END;
