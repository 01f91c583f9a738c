//! Just enough of SQLite's tokenizer to see what kind of statement a text is.

/// One token, as far as routing needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A bare or quoted word, or a number, without its quotes.
    Word(String),
    /// Any other character.
    Sign(char),
}

impl Token {
    /// The word in lower case, if it is one.
    pub(crate) fn as_word(&self) -> Option<String> {
        match self {
            Self::Word(word) => Some(word.to_ascii_lowercase()),
            Self::Sign(_) => None,
        }
    }
}

/// The tokens of a statement, without space and comments.
pub(crate) struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    pub(crate) fn new(sql: &'a str) -> Self {
        Self { rest: sql }
    }

    fn skip_space(&mut self) {
        loop {
            let rest = self.rest.trim_start_matches([' ', '\t', '\n', '\x0c', '\r', '\u{feff}']);
            self.rest = match (rest.strip_prefix("--"), rest.strip_prefix("/*")) {
                (Some(comment), _) => comment.split_once('\n').map_or("", |(_, after)| after),
                (_, Some(comment)) => comment.split_once("*/").map_or("", |(_, after)| after),
                _ => {
                    self.rest = rest;
                    return;
                }
            };
        }
    }

    fn take_quoted(&mut self, close: char) -> Token {
        let body = self.rest.get(1..).unwrap_or_default();
        let mut word = String::new();
        let mut chars = body.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            if c != close {
                word.push(c);
            } else if close != ']' && chars.peek().is_some_and(|(_, next)| *next == close) {
                // A doubled quote stands for one.
                word.push(c);
                chars.next();
            } else {
                self.rest = body.get(at + c.len_utf8()..).unwrap_or_default();
                return Token::Word(word);
            }
        }
        self.rest = "";
        Token::Word(word)
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        self.skip_space();
        let first = self.rest.chars().next()?;
        match first {
            '"' | '\'' | '`' => Some(self.take_quoted(first)),
            '[' => Some(self.take_quoted(']')),
            _ if is_word(first) => {
                let end = self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len());
                let (word, rest) = self.rest.split_at(end);
                self.rest = rest;
                Some(Token::Word(word.to_owned()))
            }
            _ => {
                self.rest = self.rest.get(first.len_utf8()..).unwrap_or_default();
                Some(Token::Sign(first))
            }
        }
    }
}

/// The first word of a statement in lower case, or nothing.
pub(crate) fn first_word(sql: &str) -> String {
    let mut tokens = Tokens::new(sql).skip_while(|token| *token == Token::Sign(';'));
    tokens.next().and_then(|token| token.as_word()).unwrap_or_default()
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$' || (!c.is_ascii() && c != '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::{Token, Tokens};

    fn words(sql: &str) -> Vec<String> {
        Tokens::new(sql)
            .map(|token| match token {
                Token::Word(word) => word,
                Token::Sign(sign) => sign.to_string(),
            })
            .collect()
    }

    #[test]
    fn sees_through_space_comments_and_quotes() {
        assert_eq!(words(" \u{feff}-- x\n/* y */SELECT/**/1"), ["SELECT", "1"]);
        assert_eq!(words("PRAGMA \"a\"\"b\".[c d]='e'"), ["PRAGMA", "a\"b", ".", "c d", "=", "e"]);
        assert_eq!(words("x = -2000;"), ["x", "=", "-", "2000", ";"]);
    }

    #[test]
    fn ends_on_unfinished_text() {
        assert_eq!(words("-- only"), Vec::<String>::new());
        assert_eq!(words("/* only"), Vec::<String>::new());
        assert_eq!(words("'open"), ["open"]);
    }
}
