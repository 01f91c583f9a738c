-- Courses that were taken back, and packages that are of no use any more.

CREATE INDEX package_by_course ON package (course ->> 'id');

-- Packages that are no course's current version: learners who are under way may be in them. What
-- lost a conflict that nobody has settled is kept.
CREATE VIEW superseded AS
  SELECT package.id AS package, package.used_s, coalesce(current.course ->> 'withdrawn', '') = 'Removed' AS is_removed
  FROM course CROSS JOIN package ON package.course ->> 'id' = course.iri
    JOIN package AS current ON current.id = course.package
  WHERE package.id <> course.package AND NOT EXISTS (
    SELECT 1 FROM conflict WHERE kind = 'course' AND version = package.hash AND NOT settled);

-- A procedure: forgets such a package.
CREATE VIEW discarding AS SELECT NULL AS package;

CREATE TRIGGER discard INSTEAD OF INSERT ON discarding
WHEN EXISTS (SELECT 1 FROM superseded WHERE package = NEW.package) BEGIN
  INSERT INTO releasing (package) VALUES (NEW.package);
  DELETE FROM package WHERE id = NEW.package;
END;

-- Libraries that one package lends another (H5P).
CREATE INDEX file_of_library ON file (path, package) WHERE path GLOB '*/library.json';
