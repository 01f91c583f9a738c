//! HTTP: replicates with the upstream node and with nodes below.
