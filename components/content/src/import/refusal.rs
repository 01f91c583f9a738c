use hedgeschool_package::Error;
use hedgeschool_web::Problem;

/// What to answer of a package that breaks a rule.
pub fn package_problem(error: Error) -> Problem {
    match error {
        Error::TooLarge(_) => Problem::too_large(error.to_string()),
        _ => Problem::bad_request(error.to_string()),
    }
}
