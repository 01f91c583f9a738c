//! What the policies of `k3s/policy` have to refuse, and a judge of them that needs no cluster.
//!
//! The judge is regorus. Gatekeeper is OPA, which is not the same: `cargo xtask test --cluster` has
//! it judge the same manifests and the same [`Mutation`]s.

mod judge;
mod manifests;
mod mutation;

pub use judge::{Judge, Refusal};
pub use manifests::{pods, repository, sources, with_versions};
pub use mutation::Mutation;
