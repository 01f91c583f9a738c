-- What replication knows of this node and others beside the journals, and traces, in tables of
-- their own. Until now, all of it was text under names in `note`, where what cannot be read stays.

-- The node above, and what is known of it: a JSON object, which is replication's to read.
CREATE TABLE upstream (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  url TEXT NOT NULL,
  state TEXT NOT NULL
) STRICT;

-- What nodes below have told of themselves: JSON objects, which are replication's to read.
CREATE TABLE peer_report (
  node TEXT PRIMARY KEY,
  report TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- When Redis was of no help last, and why.
CREATE TABLE redis_problem (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  at_us INTEGER NOT NULL,
  problem TEXT NOT NULL
) STRICT;

-- How the node stood: samples of a day, a JSON object, by the day's place among those that are kept.
CREATE TABLE history_day (
  place INTEGER PRIMARY KEY,
  samples TEXT NOT NULL
) STRICT;

-- Which trace a statement belongs to.
CREATE TABLE trace (
  slot INTEGER PRIMARY KEY,
  parent TEXT NOT NULL,
  statement TEXT NOT NULL
) STRICT;

INSERT INTO upstream (only, url, state)
  SELECT 1, text ->> 'url', text FROM note
  WHERE name = 'upstream' AND iif(json_valid(text), typeof(text ->> 'url') = 'text', 0);

DELETE FROM note WHERE name = 'upstream' AND EXISTS (SELECT 1 FROM upstream);

INSERT INTO peer_report (node, report)
  SELECT substr(name, 7), text FROM note
  WHERE name GLOB 'below:*' AND iif(json_valid(text), json_type(text) = 'object', 0);

DELETE FROM note WHERE name IN (SELECT 'below:' || node FROM peer_report);

INSERT INTO redis_problem (only, at_us, problem)
  SELECT 1, text ->> 'at', text ->> 'problem' FROM note
  WHERE name = 'redis'
    AND iif(json_valid(text), typeof(text ->> 'at') = 'integer' AND typeof(text ->> 'problem') = 'text', 0);

DELETE FROM note WHERE name = 'redis' AND EXISTS (SELECT 1 FROM redis_problem);

INSERT INTO history_day (place, samples)
  SELECT CAST(substr(name, 5) AS INTEGER), text FROM note
  WHERE name GLOB 'day [0-9]' AND iif(json_valid(text), json_type(text) = 'object', 0);

DELETE FROM note WHERE name IN (SELECT 'day ' || place FROM history_day);

INSERT INTO trace (slot, parent, statement)
  SELECT CAST(substr(name, 7) AS INTEGER), substr(text, 1, instr(text, ' ') - 1), substr(text, instr(text, ' ') + 1)
  FROM note WHERE (name GLOB 'trace [0-9]' OR name GLOB 'trace 1[0-5]') AND text GLOB '* *';

DELETE FROM note WHERE name IN (SELECT 'trace ' || slot FROM trace);
