-- xAPI clients.

-- A revoked client stays: its key, which statements name in their authority, is never another's.
CREATE TABLE client (
  key TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  -- SHA-256 of 256 random bits, hexadecimal.
  secret_hash TEXT NOT NULL,
  -- xAPI scopes, separated by spaces.
  scopes TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  revoked_ms INTEGER
) STRICT, WITHOUT ROWID;
