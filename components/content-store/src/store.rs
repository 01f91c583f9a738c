/// The component, whose exports are implemented where their data is kept; each is documented in
/// `wit/content/content.wit`.
pub struct Store;
