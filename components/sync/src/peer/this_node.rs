use hedgeschool_replication::Stamp;
use hedgeschool_web::settings;

use crate::error::Result;

/// This node's id.
pub async fn node_id() -> Result<String> {
    Ok(settings::text("node_id").await?)
}

/// Microseconds since 1970.
pub fn now_us() -> Stamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap_or_default().as_micros().try_into().unwrap_or(Stamp::MAX)
}
