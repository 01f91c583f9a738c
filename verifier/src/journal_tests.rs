use super::*;

/// A statement as a node has recorded it.
const STATEMENT: &str = r#"{"id":"6690e6c9-3ef0-4ed3-8b37-7f3964730bee",
    "actor":{"mbox":"mailto:aoife@example.org"},"verb":{"id":"http://example.org/tried"},
    "object":{"id":"http://example.org/knot"},"timestamp":"2026-11-02T10:00:00Z",
    "stored":"2026-11-02T10:00:00Z","version":"2.0.0"}"#;

fn entry(sequence: u64, kind: &str, payload: &str) -> String {
    format!(r#"{{"sequence":{sequence},"kind":"{kind}","payload":{payload}}}"#)
}

fn statement(sequence: u64) -> String {
    entry(sequence, "statement", STATEMENT)
}

fn place(sequence: u64) -> String {
    let receipt = if sequence > 0 { format!("r{sequence}") } else { String::new() };
    format!(r#"{{"sequence":{sequence},"receipt":"{receipt}"}}"#)
}

/// A batch of entries that follows what leads to `after`, and leads to `through`.
fn batch(after: u64, through: u64, entries: &[String]) -> String {
    format!(
        r#"{{"node":"leitrim","journal":"progress","epoch":"0f","lane":"backlog","after":{after},
            "before":{{"through":{}}},"receipt":"r{through}","entries":[{}]}}"#,
        place(after),
        entries.join(",")
    )
}

/// The answer to a pull with a page of one journal.
fn pulled(journal: &str, through: u64, entries: &[String]) -> String {
    format!(
        r#"{{"node":"centre","now":1,"journals":{{"{journal}":{{"applied":{{"through":{}}},
            "page":{{"bookmark":{{"epoch":"0f","through":{through},"receipt":"a"}},
            "more":false,"entries":[{}]}}}}}}}}"#,
        place(0),
        entries.join(",")
    )
}

/// The lines about messages, or the refusal.
fn lines(messages: &[String]) -> Result<Vec<String>, String> {
    let mut journals = Journals::default();
    let taken = journals.take_all(messages.join("\n").as_bytes());
    taken.map_err(|error| error.to_string())?;
    Ok(journals.lines().collect())
}

fn refusal(messages: &[String]) -> String {
    lines(messages).expect_err("a refusal")
}

#[test]
fn batches_that_follow_each_other_are_one_journal() {
    let some = batch(0, 4, &[statement(2), entry(4, "document", "{}")]);
    let more = batch(4, 9, &[statement(9)]);
    let expected =
        r#"progress of "leitrim", going up, epoch "0f": 2 to 9; 1 document, 2 statement"#;
    assert_eq!(lines(&[some, more]).unwrap(), [expected]);
}

#[test]
fn a_journal_may_begin_anywhere_and_has_no_gap() {
    let [first, second, third] =
        [(10, 12), (12, 15), (15, 20)].map(|(after, last)| batch(after, last, &[statement(last)]));
    assert!(lines(&[first.clone(), second, third.clone()]).is_ok());
    let gap = "message 2: entries before these are missing: the journal is here through 12";
    assert_eq!(refusal(&[first, third]), gap);
}

#[test]
fn what_came_before_is_a_repeat() {
    let [first, second] =
        [(0, 5), (5, 8)].map(|(after, last)| batch(after, last, &[statement(last)]));
    let came = "these entries came before: the journal is here through 8";
    let again = [first.clone(), second.clone(), first];
    assert_eq!(refusal(&again), format!("message 3: {came}"));
    // Another copy of the disk sent other entries from the same place.
    let other = batch(5, 7, &[statement(7)]);
    assert_eq!(refusal(&[second, other]), format!("message 2: {came}"));
}

#[test]
fn what_a_node_would_not_take_in_is_refused() {
    let one = |entry| refusal(&[batch(0, 3, &[entry])]);
    assert_eq!(one(entry(3, "statement", "{}")), "message 1: entry 3 is not a complete statement");
    let unknown = r#"message 1: entry 3: this node knows no entries of kind "later""#;
    assert_eq!(one(entry(3, "later", "{}")), unknown);
    let order = "message 1: a batch has entries, whose sequences grow";
    assert!(refusal(&[batch(3, 3, &[statement(3)])]).starts_with(order));
    let many: Vec<_> = (1..=501).map(statement).collect();
    assert_eq!(refusal(&[batch(0, 501, &many)]), "message 1: a message has at most 500 entries");
    let journal = r#"message 1: this node has no journal "grades""#;
    assert_eq!(refusal(&[pulled("grades", 1, &[statement(1)])]), journal);
}

#[test]
fn pages_of_a_feed_go_on_and_end_where_they_lead() {
    let [first, second] = [1, 7].map(|last| pulled("content", last, &[entry(last, "course", "1")]));
    let none = pulled("content", 9, &[]);
    let expected = r#"content of "centre", going down, epoch "0f": 1 to 7; 2 course"#;
    assert_eq!(lines(&[first.clone(), second.clone(), none]).unwrap(), [expected]);
    let came = "message 2: these entries came before: the journal is here through 7";
    assert_eq!(refusal(&[second, first]), came);
    let beyond = pulled("content", 2, &[entry(3, "course", "1")]);
    assert_eq!(refusal(&[beyond]), format!("message 1: {}", Error::Order));
}

#[test]
fn a_message_that_is_too_long_is_refused() {
    let long = format!(r#"{{"lane":"{}"}}"#, "x".repeat(BODY_BYTES_MAX));
    assert!(refusal(&[long]).ends_with("a message has at most 8388608 bytes"));
}

#[test]
fn what_is_no_message_is_refused() {
    for text in ["", "7", "[]", "{}", "{", r#"{"journals":7}"#] {
        let refusal = refusal(&[text.to_owned()]);
        assert!(refusal.contains("neither a batch nor the answer to a pull"), "{text}: {refusal}");
    }
    assert!(lines(&[batch(0, 1, &[statement(1)]), "x".to_owned()]).is_err());
}
