/// What may stand before the elements of an XML document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doctype {
    /// No document type declaration, so that no entity can expand or reach out.
    Refused,
    /// One that declares nothing itself: nothing is fetched, and no entity is there to expand.
    Empty,
}
