//! Prometheus 3 sees windows a little differently than 2: its promtool takes the tests of rules,
//! too.

use std::process::Command;

use anyhow::{Result, ensure};
use hedgeschool_monitoring::files;
use hedgeschool_tests::prometheus::program;

#[test]
fn alerts_fire_in_the_tests_of_prometheus_3_too() -> Result<()> {
    let Some(promtool) = program("promtool")? else { return Ok(()) };
    let checks: [(&[&str], _); 2] = [
        (&["check", "rules", "--lint-fatal"], "k3s/monitoring/rules"),
        (&["test", "rules"], "k3s/monitoring/tests"),
    ];
    for (words, folder) in checks {
        let output = Command::new(&promtool).args(words).args(files(folder)?).output()?;
        let said = [output.stdout, output.stderr].concat();
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&said));
    }
    Ok(())
}
