//! HTTP: delivers course files and imports packages.
