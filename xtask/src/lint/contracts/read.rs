//! The items of a contract, each with its comment.

use std::mem;

/// Types of numbers.
const NUMBERS: [&str; 10] = ["u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64", "f32", "f64"];
/// What begins an item with braces.
const BLOCKS: [&str; 7] = ["interface", "world", "record", "variant", "enum", "flags", "resource"];

/// Something with a name that has to have a comment.
#[derive(Debug, PartialEq)]
pub struct Item {
    pub name: String,
    /// The line, from 1.
    pub line: usize,
    /// Without slashes; empty if there is none.
    pub comment: String,
    /// The numbers in it.
    pub numbers: Vec<Number>,
}

/// Where a number is.
#[derive(Debug, PartialEq)]
pub enum Number {
    /// The item is one.
    Own,
    /// A function takes it, under this name.
    Parameter(String),
    /// A function answers it.
    Result,
}

/// A word, or a mark of one character; `->` is `→`.
#[derive(Clone, Debug, PartialEq)]
enum Token {
    Comment(String),
    Word(String),
    Mark(char),
}

/// Reads the items.
pub fn read_items(text: &str) -> Vec<Item> {
    let mut reader = Reader::default();
    for (index, line) in text.lines().enumerate() {
        for token in split_line(line) {
            reader.take(token, index + 1);
        }
    }
    reader.items
}

#[derive(Default)]
struct Reader {
    items: Vec<Item>,
    /// The words that opened the braces which are open.
    blocks: Vec<String>,
    /// What was read since the last item.
    comment: String,
    statement: Vec<Token>,
    /// Where the statement begins.
    line: usize,
    /// How many parentheses and angles are open in it.
    depth: u32,
}

impl Reader {
    fn take(&mut self, token: Token, line: usize) {
        match token {
            Token::Comment(text) => {
                self.comment += &text;
                self.comment.push(' ');
            }
            Token::Mark('{') => self.open_block(),
            Token::Mark('}') => {
                self.end_statement();
                self.blocks.pop();
            }
            Token::Mark(';') => self.end_statement(),
            Token::Mark(',') if self.depth == 0 => self.end_statement(),
            token => {
                match token {
                    Token::Mark('(' | '<') => self.depth += 1,
                    Token::Mark(')' | '>') => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
                if self.statement.is_empty() {
                    self.line = line;
                }
                self.statement.push(token);
            }
        }
    }

    fn open_block(&mut self) {
        let statement = mem::take(&mut self.statement);
        let mut words = statement.into_iter().filter_map(into_word);
        let kind = words.next().unwrap_or_default();
        if BLOCKS.contains(&kind.as_str()) {
            self.add_item(words.next().unwrap_or_default(), Vec::new());
        }
        self.blocks.push(kind);
    }

    /// A statement in braces: what it is depends on these.
    fn end_statement(&mut self) {
        let statement = mem::take(&mut self.statement);
        let mut words = statement.iter().cloned().filter_map(into_word);
        let block = self.blocks.last().map_or("", String::as_str);
        let first = words.next().unwrap_or_default();
        match (block, first.as_str()) {
            (_, "" | "use") | ("" | "use" | "world", _) => self.comment.clear(),
            (_, "type") => {
                let name = words.next().unwrap_or_default();
                self.add_item(name, own_number(&statement));
            }
            ("record", _) => self.add_item(first, own_number(&statement)),
            ("interface" | "resource", _) => self.add_item(first, numbers_of(&statement)),
            _ => self.add_item(first, Vec::new()),
        }
        self.depth = 0;
    }

    fn add_item(&mut self, name: String, numbers: Vec<Number>) {
        let comment = mem::take(&mut self.comment).trim().to_owned();
        self.items.push(Item { name, line: self.line, comment, numbers });
    }
}

/// The number that a field or type is.
fn own_number(statement: &[Token]) -> Vec<Number> {
    if has_number(statement) { vec![Number::Own] } else { Vec::new() }
}

/// The numbers that a function takes and answers.
fn numbers_of(function: &[Token]) -> Vec<Number> {
    let result = function.iter().position(|token| *token == Token::Mark('→'));
    let (taken, answered) = function.split_at(result.unwrap_or(function.len()));
    let open = taken.iter().position(|token| *token == Token::Mark('('));
    let parameters = taken.get(open.map_or(taken.len(), |open| open + 1)..).unwrap_or_default();
    let mut numbers = Vec::new();
    let is_colon = |at: &usize| parameters.get(*at) == Some(&Token::Mark(':'));
    let colons: Vec<_> = (0..parameters.len()).filter(is_colon).collect();
    for (index, colon) in colons.iter().enumerate() {
        let end = colons.get(index + 1).copied().unwrap_or(parameters.len());
        let name = colon.checked_sub(1).and_then(|at| parameters.get(at)).cloned();
        if has_number(parameters.get(*colon..end).unwrap_or_default()) {
            numbers.push(Number::Parameter(name.and_then(into_word).unwrap_or_default()));
        }
    }
    if has_number(answered) {
        numbers.push(Number::Result);
    }
    numbers
}

/// Whether a type has a number in it. Lists and streams of `u8` are bytes.
fn has_number(tokens: &[Token]) -> bool {
    let is_number =
        |token: &Token| matches!(token, Token::Word(word) if NUMBERS.contains(&word.as_str()));
    let is_bytes = |before: &[Token]| matches!(before, [.., Token::Word(word), Token::Mark('<')] if word == "list" || word == "stream");
    tokens.iter().enumerate().any(|(at, token)| {
        let is_u8 = *token == Token::Word("u8".to_owned());
        is_number(token) && !(is_u8 && is_bytes(tokens.get(..at).unwrap_or_default()))
    })
}

fn into_word(token: Token) -> Option<String> {
    match token {
        Token::Word(word) => Some(word),
        _ => None,
    }
}

/// The tokens of a line. Comments that document nothing are left out.
fn split_line(line: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        if let Some(comment) = rest.strip_prefix("///") {
            tokens.push(Token::Comment(comment.trim().to_owned()));
            return tokens;
        }
        if rest.starts_with("//") {
            return tokens;
        }
        let is_of_word =
            |character: char| character.is_alphanumeric() || matches!(character, '-' | '_' | '.');
        if let Some(after) = rest.strip_prefix("->") {
            tokens.push(Token::Mark('→'));
            rest = after;
        } else if is_of_word(first) {
            let end = rest.find(|character| !is_of_word(character)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            tokens.push(Token::Word(word.to_owned()));
            rest = after;
        } else {
            // `%` before a name keeps it from being a keyword.
            if first != '%' {
                tokens.push(Token::Mark(first));
            }
            rest = rest.split_at(first.len_utf8()).1;
        }
        rest = rest.trim_start();
    }
    tokens
}
