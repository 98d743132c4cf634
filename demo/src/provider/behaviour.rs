//! The ways in which real providers misbehave, each under a name that a test puts into `model`:
//! `mock-cut`, `mock-429` and so on. Any other name that begins with `mock` or `gpt-` is answered properly;
//! a name of no such form does not exist.

/// How a request is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// As `OpenAI` would.
    Proper,
    /// `mock-NNN`: an error status with a body in `OpenAI`'s form; 429 asks to wait 20 milliseconds.
    Status(u16),
    /// `mock-429-long`: asks to wait two minutes.
    LongWait,
    /// `mock-html`: a 502 with a page of HTML.
    Html,
    /// `mock-hang`: no answer at all.
    Hang,
    /// `mock-hang-body`: headers, the startup frame, and then nothing.
    HangBody,
    /// `mock-stall`: a few words, and then nothing.
    Stall,
    /// `mock-slow`: a tenth of a second before each frame.
    Slow,
    /// `mock-endless`: a word every few milliseconds, for ever.
    Endless,
    /// `mock-firehose`: long words, as fast as they are taken, for ever.
    Firehose,
    /// `mock-cut-early`: the connection breaks after the startup frame.
    CutEarly,
    /// `mock-cut`: the connection breaks in the middle of the answer.
    Cut,
    /// `mock-cut-frame`: the stream ends in the middle of a frame.
    CutFrame,
    /// `mock-end-early`: the stream ends in good order, but before the answer does.
    EndEarly,
    /// `mock-200-then-error`: status 200, the startup frame, and then an error.
    OkThenError,
    /// `mock-error-after-content`: a few words, and then an error.
    ErrorAfterContent,
    /// `mock-malformed`: the first frame is not JSON.
    Malformed,
    /// `mock-malformed-later`: a later frame is not JSON.
    MalformedLater,
    /// `mock-missing-done`: no `[DONE]`.
    MissingDone,
    /// `mock-double-done`: two of them.
    DoubleDone,
    /// `mock-no-blank-line`: the last frame lacks the blank line.
    NoBlankLine,
    /// `mock-split-utf8`: every byte arrives alone.
    SplitUtf8,
    /// `mock-crlf`: lines end with CR and LF.
    Crlf,
    /// `mock-no-space`: nothing follows the colon of `data:`.
    NoSpace,
    /// `mock-fields`: a byte order mark, and `event:`, `id:` and `retry:` lines.
    Fields,
    /// `mock-keepalive`: comments between the frames.
    Keepalive,
    /// `mock-usage-on-last`: usage comes with the last choice and not in a chunk of its own.
    UsageOnLast,
    /// `mock-groq-usage`: usage comes as `x_groq.usage`.
    GroqUsage,
    /// `mock-giant`: a frame of more than two megabytes.
    Giant,
    /// `mock-gzip`: compressed, although nobody asked.
    Gzip,
    /// `mock-plain`: a whole answer to a streamed request.
    Plain,
    /// `mock-corrupt`: a bit of a frame is not what it was.
    Corrupt,
    /// `mock-no-stream-options`: refuses `stream_options`.
    NoStreamOptions,
    /// A name that does not exist.
    UnknownModel,
}

const NAMES: [(&str, Behaviour); 31] = [
    ("429-long", Behaviour::LongWait),
    ("html", Behaviour::Html),
    ("hang", Behaviour::Hang),
    ("hang-body", Behaviour::HangBody),
    ("stall", Behaviour::Stall),
    ("slow", Behaviour::Slow),
    ("endless", Behaviour::Endless),
    ("firehose", Behaviour::Firehose),
    ("cut-early", Behaviour::CutEarly),
    ("cut", Behaviour::Cut),
    ("cut-frame", Behaviour::CutFrame),
    ("end-early", Behaviour::EndEarly),
    ("200-then-error", Behaviour::OkThenError),
    ("error-after-content", Behaviour::ErrorAfterContent),
    ("malformed", Behaviour::Malformed),
    ("malformed-later", Behaviour::MalformedLater),
    ("missing-done", Behaviour::MissingDone),
    ("double-done", Behaviour::DoubleDone),
    ("no-blank-line", Behaviour::NoBlankLine),
    ("split-utf8", Behaviour::SplitUtf8),
    ("crlf", Behaviour::Crlf),
    ("no-space", Behaviour::NoSpace),
    ("fields", Behaviour::Fields),
    ("keepalive", Behaviour::Keepalive),
    ("usage-on-last", Behaviour::UsageOnLast),
    ("groq-usage", Behaviour::GroqUsage),
    ("giant", Behaviour::Giant),
    ("gzip", Behaviour::Gzip),
    ("plain", Behaviour::Plain),
    ("corrupt", Behaviour::Corrupt),
    ("no-stream-options", Behaviour::NoStreamOptions),
];

impl Behaviour {
    /// What the model's name asks for.
    pub fn of(model: &str) -> Self {
        // Where the model's name says which format it is spoken to in.
        let model = model.strip_prefix("claude-").unwrap_or(model);
        let model = model.strip_prefix("meta/").unwrap_or(model);
        let Some(name) = model.strip_prefix("mock-") else {
            return if model.starts_with("gpt-") || model == "mock" {
                Self::Proper
            } else {
                Self::UnknownModel
            };
        };
        if let Some((_, behaviour)) = NAMES.iter().find(|(known, _)| *known == name) {
            return *behaviour;
        }
        match name.parse::<u16>() {
            Ok(status) if (400..600).contains(&status) => Self::Status(status),
            _ => Self::Proper,
        }
    }
}
