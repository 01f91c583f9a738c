use crate::call::Call;
use hedgeschool_web::{Problem, Reply};
pub async fn answer(_c: &Call) -> Result<Reply, Problem> {
    Err(Problem::not_found(""))
}
