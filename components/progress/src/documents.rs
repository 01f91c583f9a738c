use crate::call::Call;
use hedgeschool_web::{Problem, Reply};
pub async fn state(_c: Call) -> Result<Reply, Problem> {
    Err(Problem::not_found(""))
}
pub async fn activity_profile(_c: Call) -> Result<Reply, Problem> {
    Err(Problem::not_found(""))
}
pub async fn agent_profile(_c: Call) -> Result<Reply, Problem> {
    Err(Problem::not_found(""))
}
