//! Recording: statements that are durable when they are answered.

use anyhow::Result;

use crate::meter::Meter;
use crate::target::Target;
use crate::traffic::Traffic;

/// As many learners and activities as a full store of this size has.
pub const COHORT: Traffic = Traffic { size: 1_000_000 };

/// Statements one by one, and in batches.
pub fn measure(target: &Target, meter: &Meter) -> Result<()> {
    for connections in [1, 8, 32] {
        meter.measure("one statement", connections, 1, &target.post(COHORT, 1)?)?;
    }
    // As many as it takes for the disk and the processors to be busy at once.
    for batch in [10, 100] {
        let name = format!("statements in batches of {batch}");
        meter.measure(&name, 32, batch, &target.post(COHORT, batch.into())?)?;
    }
    Ok(())
}
