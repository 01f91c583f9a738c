use proptest::prelude::*;
use roxmltree::{Document, Node, ParsingOptions};

use super::*;

const SMALL: XmlLimits = XmlLimits {
    depth: 3,
    elements: 5,
    all_attributes: 4,
    attributes: 2,
    name_bytes: 4,
    value_bytes: 6,
};

/// The rule that is broken; empty if none is.
fn broken(xml: &str) -> String {
    check_limits(xml, Doctype::Empty, &SMALL).err().unwrap_or_default()
}

#[test]
fn a_document_within_its_limits_passes() {
    let xml = "<?xml version='1.0'?><!-- <a><a><a><a> --><a><b c='1' d=\"2\"><c/></b>
        <![CDATA[<a><a><a><a>]]><?x <a>?></a>";
    assert_eq!(broken(xml), "");
    assert_eq!(broken("<a b='123456'/>"), "");
}

#[test]
fn each_limit_is_named_with_its_line() {
    for (xml, rule) in [
        ("<a>\n<b><c><d>", "line 2: its elements nest deeper than 3"),
        ("<a><b/><b/><b/>\n\n<b/><b/></a>", "line 3: it has more than 5 elements"),
        ("<a b='' c=''\nd=''/>", "line 2: an element has more than 2 attributes"),
        ("<a><b c='' d=''/><b c='' d=''/>\n<b c=''/></a>", "line 2: it has more than 4 attributes"),
        ("<abcde/>", "line 1: a name has more than 4 bytes"),
        ("<a abcde=''/>", "line 1: a name has more than 4 bytes"),
        ("<a b='1234567'/>", "line 1: an attribute has more than 6 bytes"),
    ] {
        assert_eq!(broken(xml), rule, "{xml}");
    }
    let xml = "<a xmlns='u'><b xmlns:b='v'><c xmlns:c='w'/></b></a>";
    let limits = XmlLimits { name_bytes: 9, all_attributes: 9, ..SMALL };
    let error = check_limits(xml, Doctype::Empty, &limits).unwrap_err();
    assert_eq!(error, "line 1: more than 2 namespaces are declared around an element");
}

#[test]
fn namespaces_beside_each_other_are_not_around_each_other() {
    let one = "<b xmlns:a='u' xmlns:b='v'></b>";
    let xml = format!("<a>{one}{one}{one}</a>");
    let limits = XmlLimits { name_bytes: 9, all_attributes: 9, ..SMALL };
    assert_eq!(check_limits(&xml, Doctype::Empty, &limits), Ok(()));
}

#[test]
fn no_quote_hides_what_comes_after_it() {
    let hidden = "<b><b><b><b>";
    for start in [
        format!("<!DOCTYPE a SYSTEM \"<!--\"><a>{hidden}"),
        format!("<!DOCTYPE a [<!-- it's -->]><a>{hidden}"),
        format!("<?xml version='1.0' encoding='?><!--'?><a>{hidden}"),
        format!("<a b='>' c=\"'\">{hidden}"),
        format!("<a b='<!--'>{hidden}"),
        format!("<a><!-->-->{hidden}"),
        format!("<a b=c d='>{hidden}"),
        format!("<a><?x?>{hidden}"),
    ] {
        assert_ne!(broken(&start), "", "{start}");
    }
}

#[test]
fn a_document_type_may_name_a_file() {
    assert_eq!(broken("<!DOCTYPE a PUBLIC \"-//x\" 'a.dtd'><a/>"), "");
    assert!(broken("<!DOCTYPE a [<!ELEMENT a ANY>]><a/>").contains("declares something"));
    assert_eq!(check_limits("<!DOCTYPE a [x", Doctype::Refused, &SMALL), Ok(()));
}

proptest! {
    /// Whatever the parser takes, the pass has counted at least what is in it.
    #[test]
    fn what_passes_is_within_the_limits(
        parts in prop::collection::vec(prop::sample::select(vec![
            "<a>", "</a>", "<b c='1'>", "</b>", "<d/>", "<e f=\"'\" g='>'/>", "<!--", "-->", "'",
            "\"", "<![CDATA[", "]]>", "<?x ", "?>", ">", "text", "<!DOCTYPE a>",
            "<?xml version='1.0'?>", "<h xmlns:i='u'/>", "&lt;", "]", " ",
        ]), 0..16),
        is_closed: bool,
    ) {
        let text = parts.concat();
        let xml = if is_closed { format!("<a>{text}</a>") } else { text };
        let limits = XmlLimits { name_bytes: 9, elements: 4, ..SMALL };
        let options = ParsingOptions { allow_dtd: true, ..Default::default() };
        let parsed = Document::parse_with_options(&xml, options);
        if let Ok(document) = parsed
            && check_limits(&xml, Doctype::Empty, &limits).is_ok()
        {
            let elements = || document.descendants().filter(|node| node.is_element());
            prop_assert!(elements().count() <= limits.elements, "{xml}");
            let depth = |node: Node| node.ancestors().filter(|it| it.is_element()).count();
            // An element without content is not entered.
            prop_assert!(elements().map(depth).max() <= Some(limits.depth + 1), "{xml}");
        }
    }

    #[test]
    fn no_text_is_trouble(text in ".{0,200}", tags in "[<>/=\"' a!\\[\\]?-]{0,200}") {
        let _ = broken(&text);
        let _ = broken(&tags);
    }
}
