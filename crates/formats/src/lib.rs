//! The formats of course packages that are known here, for whoever opens packages.

use hedgeschool_cmi5::Cmi5;
use hedgeschool_package::Format;
use hedgeschool_scorm::Scorm;

/// All of them. Of a package that has the manifests of several, the first counts.
pub const ALL: &[&dyn Format] = &[&Cmi5, &Scorm];
