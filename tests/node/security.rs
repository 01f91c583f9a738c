//! What people and programs must not get, whatever they send.

mod proxies;
