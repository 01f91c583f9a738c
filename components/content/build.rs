//! Packs the component's own files.

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    hedgeschool_assets::pack(&[Path::new("static")], "")
}
