//! What kind of statement a text is, and where to cut it.

use super::lexer::{Kind, Lexer, Token};
use super::{QUERY_ID_SETTING, quote};

/// A statement, as far as the interface cares.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Statement {
    /// `SELECT` and its relatives: rows to stream.
    Rows(Rows),
    /// `INSERT` whose rows follow the text.
    Insert(Insert),
    /// Anything else: run to its end, with a small output or none. The text may differ from what came
    /// (see [`scan`] on `KILL QUERY`).
    Plain {
        text: Vec<u8>,
        format: Option<String>,
        reads_only: bool,
    },
}

/// A statement that produces rows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rows {
    text: Vec<u8>,
    insert_at: usize,
    /// The `FORMAT` clause, if the statement has one.
    pub(crate) format: Option<String>,
}

/// An insert with its data elsewhere.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Insert {
    /// The statement without its `FORMAT` or `VALUES` clause.
    pub(crate) text: Vec<u8>,
    /// The data's format, if the statement says.
    pub(crate) format: Option<String>,
    /// Where in the scanned text the data begins.
    pub(crate) data_at: usize,
}

/// What a scan found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Scan {
    /// The statement is complete.
    Complete(Statement),
    /// More of the text is needed.
    NeedMore,
}

/// Texts that are refused before the engine sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("Empty query")]
    Empty,
    #[error("Multi-statements are not allowed")]
    MultiStatement,
    #[error("INTO OUTFILE is not allowed")]
    IntoOutfile,
    #[error("FROM INFILE is not allowed")]
    FromInfile,
    #[error(
        "The function input() is not supported: insert into a table of type Null with a materialized view"
    )]
    InputFunction,
}

impl Rows {
    /// The statement with its output sent to the file at `path`, which must be a plain path.
    pub(crate) fn redirected_to(&self, path: &str) -> Vec<u8> {
        let (before, after) = self.text.split_at(self.insert_at);
        let clause = format!(" INTO OUTFILE {} APPEND COMPRESSION 'none' ", quote(path));
        [before, clause.as_bytes(), after].concat()
    }

    /// The statement as it came.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }
}

/// First words of statements that change something. `GET` may not run them, as on a ClickHouse server.
const CHANGING: &[&str] = &[
    "ALTER", "ATTACH", "BACKUP", "CREATE", "DELETE", "DETACH", "DROP", "EXCHANGE", "GRANT", "INSERT", "KILL",
    "MOVE", "OPTIMIZE", "RENAME", "REPLACE", "RESTORE", "REVOKE", "SYSTEM", "TRUNCATE", "UNDROP", "UPDATE",
];

/// Reads a statement from the front of `text`. With `complete` false, more may follow.
///
/// `KILL QUERY` is rewritten: the engine gives each query an id of its own, so a client that kills by the
/// id it chose must be understood as meaning the setting in which that id travels.
pub(crate) fn scan(text: &[u8], complete: bool) -> Result<Scan, Refusal> {
    let mut lexer = Lexer::new(text);
    let first = loop {
        match lexer.next() {
            Some(token) if token.kind == Kind::Symbol(b';') => {}
            Some(token) if token.end == text.len() && !complete => return Ok(Scan::NeedMore),
            Some(token) => break token,
            None if complete => return Err(Refusal::Empty),
            None => return Ok(Scan::NeedMore),
        }
    };
    if first.is_keyword(text, "INSERT") {
        return scan_insert(text, lexer, complete);
    }
    if !complete {
        return Ok(Scan::NeedMore);
    }
    let tokens: Vec<Token> = Lexer::new(text)
        .skip_while(|token| token.kind == Kind::Symbol(b';'))
        .collect();
    scan_whole(text, &tokens).map(Scan::Complete)
}

/// Tokens outside all brackets, up to the `;` that may end the statement.
fn top_level(tokens: &[Token]) -> Result<Vec<Token>, Refusal> {
    let mut depth = 0_usize;
    let mut outside = Vec::new();
    let mut ended = false;
    for token in tokens {
        if token.kind == Kind::Symbol(b';') && depth == 0 {
            ended = true;
            continue;
        }
        if ended {
            return Err(Refusal::MultiStatement);
        }
        match token.kind {
            Kind::Symbol(b'(' | b'[' | b'{') => depth += 1,
            Kind::Symbol(b')' | b']' | b'}') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    outside.push(*token);
                }
            }
            _ if depth == 0 => outside.push(*token),
            _ => {}
        }
    }
    Ok(outside)
}

fn scan_whole(text: &[u8], tokens: &[Token]) -> Result<Statement, Refusal> {
    let outside = top_level(tokens)?;
    let pair = |first: &str, second: &str| {
        outside
            .windows(2)
            .any(|pair| pair[0].is_keyword(text, first) && pair[1].is_keyword(text, second))
    };
    if pair("INTO", "OUTFILE") {
        return Err(Refusal::IntoOutfile);
    }
    let Some(first) = tokens.first() else {
        return Err(Refusal::Empty);
    };
    let format_at = format_clause(text, &outside);
    let format = format_at.map(|at| outside[at + 1].text(text).into_owned());
    let selects = ["SELECT", "WITH"]
        .iter()
        .any(|keyword| first.is_keyword(text, keyword))
        || first.kind == Kind::Symbol(b'(');
    if selects {
        let end = outside.last().map_or(text.len(), |token| token.end);
        let insert_at = format_at.map_or(end, |at| outside[at].start);
        let text = text[..end].to_vec();
        return Ok(Statement::Rows(Rows {
            text,
            insert_at,
            format,
        }));
    }
    let reads_only = !CHANGING.iter().any(|keyword| first.is_keyword(text, keyword));
    let text = if first.is_keyword(text, "KILL") {
        by_our_id(text, tokens)
    } else {
        text.to_vec()
    };
    Ok(Statement::Plain {
        text,
        format,
        reads_only,
    })
}

/// Finds the trailing `FORMAT name [SETTINGS ...]`: the index of `FORMAT` in `outside`.
fn format_clause(text: &[u8], outside: &[Token]) -> Option<usize> {
    (0..outside.len().saturating_sub(1)).rev().find(|&at| {
        outside[at].is_keyword(text, "FORMAT")
            && outside[at + 1].kind == Kind::Word
            && outside
                .get(at + 2)
                .is_none_or(|next| next.is_keyword(text, "SETTINGS"))
    })
}

/// Replaces the column `query_id` by the id that the client knows, where there is one.
fn by_our_id(text: &[u8], tokens: &[Token]) -> Vec<u8> {
    let mut rewritten = Vec::with_capacity(text.len() + 64);
    let mut copied = 0;
    for token in tokens {
        let name = &text[token.start..token.end];
        let is_column = match token.kind {
            Kind::Word => name == b"query_id",
            Kind::Identifier => name.get(1..name.len() - 1) == Some(b"query_id"),
            _ => false,
        };
        if is_column {
            rewritten.extend_from_slice(&text[copied..token.start]);
            let ours = format!("Settings['{QUERY_ID_SETTING}']");
            rewritten.extend_from_slice(format!("if({ours} = '', query_id, {ours})").as_bytes());
            copied = token.end;
        }
    }
    rewritten.extend_from_slice(&text[copied..]);
    rewritten
}

/// Reads `INSERT INTO [TABLE] [FUNCTION] name ...` up to where its rows begin.
fn scan_insert(text: &[u8], lexer: Lexer<'_>, complete: bool) -> Result<Scan, Refusal> {
    let mut tokens = lexer.peekable();
    let mut depth = 0_usize;
    // The table's name may be any word, also `values`: clauses are looked for after it.
    let mut named = false;
    let mut previous_dot = false;
    let mut opened_at_top = false;
    while let Some(token) = tokens.next() {
        // A token that touches the end may go on in what has not arrived.
        if token.end == text.len() && !complete {
            return Ok(Scan::NeedMore);
        }
        let keyword = |word: &str| token.is_keyword(text, word);
        let skipped = !named && (keyword("INTO") || keyword("TABLE") || keyword("FUNCTION"));
        match token.kind {
            Kind::Symbol(b'(') => {
                opened_at_top = depth == 0;
                depth += 1;
            }
            Kind::Symbol(b')') => depth = depth.saturating_sub(1),
            _ if opened_at_top && (keyword("SELECT") || keyword("WITH")) => {
                return whole_insert(text, complete);
            }
            _ if depth > 0 || skipped => opened_at_top = false,
            Kind::Symbol(b'.') => previous_dot = true,
            Kind::Word | Kind::Identifier if !named || previous_dot => {
                named = true;
                previous_dot = false;
            }
            Kind::Word if keyword("VALUES") => return Ok(insert_at(text, &token, "Values", token.end)),
            Kind::Word if keyword("FORMAT") => {
                let Some(name) = tokens.next() else {
                    return Ok(header_only(text, complete));
                };
                if name.end == text.len() && !complete {
                    return Ok(Scan::NeedMore);
                }
                let Some(data) = data_after_format(text, name.end, complete) else {
                    return Ok(Scan::NeedMore);
                };
                return Ok(insert_at(text, &token, &name.text(text), data));
            }
            Kind::Word if keyword("FROM") => {
                let infile = tokens.peek().is_some_and(|next| next.is_keyword(text, "INFILE"));
                return if infile {
                    Err(Refusal::FromInfile)
                } else {
                    whole_insert(text, complete)
                };
            }
            Kind::Word if keyword("SELECT") || keyword("WITH") || keyword("WATCH") => {
                return whole_insert(text, complete);
            }
            _ => {}
        }
    }
    Ok(header_only(text, complete))
}

/// The header ended without saying how the rows come: they are what follows the text, in the default format.
fn header_only(text: &[u8], complete: bool) -> Scan {
    if !complete {
        return Scan::NeedMore;
    }
    let insert = Insert {
        text: text.to_vec(),
        format: None,
        data_at: text.len(),
    };
    Scan::Complete(Statement::Insert(insert))
}

/// `INSERT ... SELECT`: a statement like any other.
fn whole_insert(text: &[u8], complete: bool) -> Result<Scan, Refusal> {
    if !complete {
        return Ok(Scan::NeedMore);
    }
    let tokens: Vec<Token> = Lexer::new(text).collect();
    top_level(&tokens)?;
    // The engine would take the rows for absent, and insert none.
    let calls_input =
        |pair: &[Token]| pair[0].is_keyword(text, "INPUT") && pair[1].kind == Kind::Symbol(b'(');
    if tokens.windows(2).any(calls_input) {
        return Err(Refusal::InputFunction);
    }
    Ok(Scan::Complete(Statement::Plain {
        text: text.to_vec(),
        format: None,
        reads_only: false,
    }))
}

fn insert_at(text: &[u8], clause: &Token, format: &str, data_at: usize) -> Scan {
    let header = text[..clause.start].to_vec();
    Scan::Complete(Statement::Insert(Insert {
        text: header,
        format: Some(format.to_owned()),
        data_at,
    }))
}

/// Data begins after the blanks that follow the format's name and one line end. `None`: not there yet.
fn data_after_format(text: &[u8], mut at: usize, complete: bool) -> Option<usize> {
    while matches!(text.get(at), Some(b' ' | b'\t' | 0x0c)) {
        at += 1;
    }
    let line_end = text.get(at..).unwrap_or_default();
    if matches!(line_end, [] | [b'\r']) && !complete {
        return None;
    }
    if line_end.starts_with(b"\r\n") {
        at += 2;
    } else if line_end.starts_with(b"\n") || line_end.starts_with(b"\r") {
        at += 1;
    }
    Some(at)
}

#[cfg(test)]
mod tests;
