//! cmi5 packages: course structure and safe archives.
