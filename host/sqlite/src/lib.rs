//! SQLite for guests: writes of all instances coalesced into one durable commit.
