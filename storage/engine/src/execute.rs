//! One statement, run on a thread of its own: connection, settings, then the engine.
//!
//! A result leaves through a pipe. The engine formats it as if into a file (`INTO OUTFILE`), so every format
//! streams as it should, the pipe's fullness is the backpressure, and nothing is held in memory.

use std::io::{self, PipeWriter, Read, Write};
use std::os::fd::AsRawFd;

use crate::body::BodyReader;
use crate::compression;
use crate::engine::{Engine, Running};
use crate::exception::{Code, Exception};
use crate::ffi::{Connection, Statistics};
use crate::request::Request;
use crate::session;
use crate::sql::statement::{Insert, Rows, Scan, Statement, scan};
use crate::sql::{QUERY_ID_SETTING, quote, quote_identifier};

/// The format of results when nothing else is asked for.
pub(crate) const DEFAULT_FORMAT: &str = "TabSeparated";

/// An insert's rows go to the engine in pieces of this size.
const CHUNK_BYTES: usize = 256 * 1024;

/// Runs the request's statement to its end. The output is closed when this returns.
pub(crate) fn execute(
    engine: &Engine,
    request: &Request,
    body: BodyReader,
    output: PipeWriter,
    running: &Running,
) -> Result<Statistics, Exception> {
    let mut run = Run {
        engine,
        request,
        running,
        output,
    };
    match &request.session {
        None => {
            let mut connection = engine.connect()?;
            run.statement(&mut connection, body)
        }
        Some(wanted) => {
            let mut checkout = engine.sessions.take(wanted, || engine.connect())?;
            let Some(connection) = checkout.connection() else {
                return Err(Exception::new(Code::SESSION_IS_LOCKED, "Session is locked"));
            };
            let restore = session::restore_statement(connection, &request.settings)?;
            let outcome = run.statement(connection, body);
            let restored = restore.is_none_or(|statement| connection.query(&statement, "Null", &[]).is_ok());
            if restored {
                checkout.put_back();
            }
            outcome
        }
    }
}

struct Run<'run> {
    engine: &'run Engine,
    request: &'run Request,
    running: &'run Running,
    output: PipeWriter,
}

impl Run<'_> {
    fn statement(&mut self, connection: &mut Connection, body: BodyReader) -> Result<Statistics, Exception> {
        self.prepare(connection)?;
        let mut source = Source::open(self.request, body)?;
        let statement = source.statement(self.engine.limits.query_text_max_bytes)?;
        if self.running.is_cancelled() {
            return Err(cancelled());
        }
        match statement {
            Statement::Rows(rows) => self.rows(connection, &rows),
            Statement::Insert(_)
            | Statement::Plain {
                reads_only: false, ..
            } if self.request.read_only => {
                let message = "Cannot execute query in readonly mode. For queries over HTTP, method GET implies \
                               readonly. You should use method POST for modifying queries";
                Err(Exception::new(Code::READONLY, message))
            }
            Statement::Insert(insert) => self.insert(connection, &insert, source),
            Statement::Plain { text, format, .. } => {
                self.running
                    .set_format(format.as_deref().unwrap_or(self.default_format()));
                self.plain(connection, &text)
            }
        }
    }

    fn default_format(&self) -> &str {
        self.request.default_format.as_deref().unwrap_or(DEFAULT_FORMAT)
    }

    /// The request's database and settings, and the id by which the query can be found.
    fn prepare(&self, connection: &mut Connection) -> Result<(), Exception> {
        if let Some(database) = self.request.database.as_deref().filter(|name| !name.is_empty()) {
            connection.query(
                format!("USE {}", quote_identifier(database)).as_bytes(),
                "Null",
                &[],
            )?;
        }
        let mut text = format!("SET {QUERY_ID_SETTING} = {}", quote(self.running.id()));
        for (name, value) in &self.request.settings {
            if name.is_empty()
                || !name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            {
                return Err(Exception::new(
                    Code::UNKNOWN_SETTING,
                    format!("Unknown setting '{name}'"),
                ));
            }
            text.extend([", ", name, " = ", &quote(value)]);
        }
        connection.query(text.as_bytes(), "Null", &[])?;
        Ok(())
    }

    fn rows(&mut self, connection: &mut Connection, rows: &Rows) -> Result<Statistics, Exception> {
        self.running
            .set_format(rows.format.as_deref().unwrap_or(self.default_format()));
        let redirected = rows.redirected_to(&file_of(&self.output));
        match connection.query(&redirected, self.default_format(), &self.request.parameters) {
            Ok(result) => Ok(result.statistics()),
            Err(message) => {
                let exception = Exception::from(message);
                // The parser refused it, so nothing has run: the client's own text gives the better error,
                // or runs after all if it was our change that it did not like.
                if exception.is_syntax_error() {
                    self.plain(connection, rows.text())
                } else {
                    Err(exception)
                }
            }
        }
    }

    fn plain(&mut self, connection: &mut Connection, text: &[u8]) -> Result<Statistics, Exception> {
        let result = connection.query(text, self.default_format(), &self.request.parameters)?;
        match self.output.write_all(result.bytes()) {
            Ok(()) => Ok(result.statistics()),
            Err(_) => Err(cancelled()),
        }
    }

    fn insert(
        &self,
        connection: &mut Connection,
        insert: &Insert,
        mut source: Source,
    ) -> Result<Statistics, Exception> {
        let format = insert.format.as_deref().unwrap_or("Values");
        self.running.set_format(self.default_format());
        let mut stream = connection.insert(&insert.text, format, &self.request.parameters)?;
        let mut accepted = stream.append(&source.head[insert.data_at..]);
        let mut chunk = vec![0; CHUNK_BYTES];
        while accepted {
            match source.read(&mut chunk) {
                Ok(0) => break,
                Ok(_) if self.running.is_cancelled() => {
                    stream.cancel();
                    return Err(cancelled());
                }
                Ok(count) => accepted = stream.append(&chunk[..count]),
                Err(error) => {
                    stream.cancel();
                    return Err(unreadable(&error));
                }
            }
        }
        stream.finish().map_err(Exception::from)
    }
}

/// The pipe's writing end as a path that the engine can open.
fn file_of(output: &PipeWriter) -> String {
    let folder = if cfg!(target_os = "linux") {
        "/proc/self/fd"
    } else {
        "/dev/fd"
    };
    format!("{folder}/{}", output.as_raw_fd())
}

fn cancelled() -> Exception {
    Exception::new(Code::QUERY_WAS_CANCELLED, "Query was cancelled")
}

fn unreadable(error: &io::Error) -> Exception {
    let code = match error.kind() {
        io::ErrorKind::ConnectionAborted => Code::QUERY_WAS_CANCELLED,
        io::ErrorKind::UnexpectedEof => Code::CANNOT_READ_ALL_DATA,
        _ if error.to_string().contains("checksum") => Code::CHECKSUM_DOESNT_MATCH,
        _ => Code::CANNOT_DECOMPRESS,
    };
    Exception::new(code, format!("Cannot read the request body: {error}"))
}

/// The statement's text as it arrives: the URL's `query`, then the decoded body.
struct Source {
    head: Vec<u8>,
    body: Box<dyn Read + Send>,
    ended: bool,
}

impl Source {
    fn open(request: &Request, body: BodyReader) -> Result<Self, Exception> {
        let mut body: Box<dyn Read + Send> = Box::new(body);
        for encoding in &request.body_encodings {
            body = compression::decoder(*encoding, body).map_err(|error| unreadable(&error))?;
        }
        let mut head = request.query.clone().into_bytes();
        if !head.is_empty() {
            head.push(b'\n');
        }
        Ok(Self {
            head,
            body,
            ended: false,
        })
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ended { Ok(0) } else { self.body.read(buffer) }
    }

    /// Reads until the statement is known; what is left to read are then an insert's rows.
    fn statement(&mut self, text_max_bytes: usize) -> Result<Statement, Exception> {
        loop {
            if let Scan::Complete(statement) = scan(&self.head, self.ended)? {
                return Ok(statement);
            }
            if self.head.len() > text_max_bytes {
                let message = format!("Query is too large: the maximum is {text_max_bytes} bytes");
                return Err(Exception::new(Code::QUERY_IS_TOO_LARGE, message));
            }
            self.read_more()?;
        }
    }

    fn read_more(&mut self) -> Result<(), Exception> {
        let mut chunk = vec![0; CHUNK_BYTES];
        let count = self.body.read(&mut chunk).map_err(|error| unreadable(&error))?;
        self.head.extend_from_slice(&chunk[..count]);
        self.ended = count == 0;
        Ok(())
    }
}
