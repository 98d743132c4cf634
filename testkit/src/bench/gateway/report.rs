//! The tables: medians of the rounds, of each number by itself.

use std::fmt::Write as _;

use super::calls::Shape;
use super::cell::{Cell, Measured, Round};
use super::mock::EVENTS;
use super::peer::Kind;

/// All rounds of all gateways, and the cells that each went through.
#[derive(Debug, Default)]
pub struct Results {
    /// The cells.
    pub cells: Vec<Cell>,
    /// Each gateway's rounds.
    pub rounds: Vec<(Kind, Vec<Round>)>,
    /// Rounds that came to nothing, with their reasons.
    pub failures: Vec<(Kind, String)>,
}

/// The middle of some numbers; between the two middle ones of an even count.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    Some(f64::midpoint(lower, upper))
}

impl Results {
    fn position(&self, cell: Cell) -> Option<usize> {
        self.cells.iter().position(|other| *other == cell)
    }

    /// The median of one number of a cell, or why there is none.
    fn number(&self, kind: Kind, cell: Cell, number: impl Fn(&Measured) -> f64) -> Result<f64, String> {
        let at = self.position(cell).ok_or_else(|| "-".to_owned())?;
        let rounds = self.rounds.iter().find(|(other, _)| *other == kind);
        let rounds = rounds.map_or(&[][..], |(_, rounds)| rounds);
        let measured = rounds.iter().filter_map(|round| round.cells[at].as_ref().ok());
        median(measured.map(number).collect()).ok_or_else(|| {
            let why = rounds.iter().find_map(|round| round.cells[at].as_ref().err());
            match why {
                Some(why) if why.starts_with("cannot") => why.clone(),
                _ => "failed".to_owned(),
            }
        })
    }

    /// The same, less what it is without a gateway.
    fn added(&self, kind: Kind, cell: Cell, number: impl Fn(&Measured) -> f64 + Copy) -> Result<f64, String> {
        let direct = self.number(Kind::Direct, cell, number)?;
        Ok(self.number(kind, cell, number)? - direct)
    }

    /// Everything, as text.
    pub fn tables(&self) -> String {
        let mut text = String::new();
        for table in [
            self.cost(),
            self.latency(),
            self.streams(),
            self.memory(),
            self.failed(),
        ] {
            text.push_str(&table);
            text.push('\n');
        }
        text
    }

    fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.rounds.iter().map(|(kind, _)| *kind)
    }

    fn cost(&self) -> String {
        let shapes = [Shape::Small, Shape::Large, Shape::Stream].map(Cell::Cost);
        if shapes.iter().all(|cell| self.position(*cell).is_none()) {
            return String::new();
        }
        let mut text = format!(
            "processor us a call, 8 connections\n{:<12}{:>9}{:>9}{:>9}{:>9}{:>8}{:>12}{:>12}{:>10}{:>10}{:>10}\n",
            "",
            "1 KB",
            "50 KB",
            "stream",
            "event",
            "/envoy",
            "db 1 KB",
            "db 50 KB",
            "1 KB/s",
            "50 KB/s",
            "streams/s"
        );
        for kind in self.kinds() {
            let [small, large, stream] = shapes.map(|cell| self.number(kind, cell, |one| one.gateway_us));
            let envoy = self.number(Kind::Envoy, shapes[0], |one| one.gateway_us);
            let event = small
                .clone()
                .and_then(|small| Ok((stream.clone()? - small) / EVENTS as f64));
            let ratio = small.clone().and_then(|small| Ok(small / envoy?));
            let database = |cell| match self.number(kind, cell, |one| one.database_us) {
                Ok(0.0) => "-".to_owned(),
                other => shown(other, 0),
            };
            let rates = shapes.map(|cell| shown(self.number(kind, cell, |one| one.rate), 0));
            let [small, large, stream] = [small, large, stream].map(|number| shown(number, 0));
            let (event, ratio) = (shown(event, 1), shown(ratio, 2));
            let (small_db, large_db) = (database(shapes[0]), database(shapes[1]));
            let _ = writeln!(
                text,
                "{:<12}{small:>9}{large:>9}{stream:>9}{event:>9}{ratio:>8}{small_db:>12}{large_db:>12}{:>10}{:>10}{:>10}",
                kind.name(),
                rates[0],
                rates[1],
                rates[2],
            );
        }
        text
    }

    fn latency(&self) -> String {
        let rates = self.cells.iter().filter(|cell| matches!(cell, Cell::Rate(_)));
        let cells: Vec<Cell> = [Cell::One].into_iter().chain(rates.copied()).collect();
        if cells.iter().all(|cell| self.position(*cell).is_none()) && self.position(Cell::First).is_none() {
            return String::new();
        }
        let mut text = format!("added us, p50 / p99 (direct: its own)\n{:<12}", "");
        for cell in &cells {
            let _ = write!(text, "{:>20}", cell.name());
        }
        let _ = writeln!(text, "{:>20}{:>20}{:>20}", "first token", "each piece", "gap p99");
        for kind in self.kinds() {
            let number = |cell, number: fn(&Measured) -> f64| match kind {
                Kind::Direct => self.number(kind, cell, number),
                _ => self.added(kind, cell, number),
            };
            let _ = write!(text, "{:<12}", kind.name());
            for &cell in &cells {
                let both = pair(number(cell, |one| one.p50_us), number(cell, |one| one.p99_us));
                let _ = write!(text, "{both:>20}");
            }
            let first = pair(
                number(Cell::First, |one| one.first_p50_us),
                number(Cell::First, |one| one.first_p99_us),
            );
            let way = pair(
                number(Cell::First, |one| one.way_p50_us),
                number(Cell::First, |one| one.way_p99_us),
            );
            let gap = shown(number(Cell::First, |one| one.gap_p99_us), 0);
            let _ = writeln!(text, "{first:>20}{way:>20}{gap:>20}");
        }
        text
    }

    fn streams(&self) -> String {
        let many = |cell: &&Cell| matches!(cell, Cell::Burst(_) | Cell::Paced(..));
        let cells: Vec<Cell> = self.cells.iter().filter(many).copied().collect();
        if cells.is_empty() {
            return String::new();
        }
        let mut text = format!(
            "streams/s, p50 / p99 ms of a stream, longest gap between two pieces ms (99 of 100 streams / all)\n{:<12}",
            ""
        );
        for cell in &cells {
            let _ = write!(text, "{:>32}", cell.name());
        }
        text.push('\n');
        for kind in self.kinds() {
            let _ = write!(text, "{:<12}", kind.name());
            for &cell in &cells {
                let rate = self.number(kind, cell, |one| one.rate);
                let line = rate.map_or_else(
                    |why| why,
                    |rate| {
                        let ms = |number: fn(&Measured) -> f64| {
                            self.number(kind, cell, number).unwrap_or(0.0) / 1e3
                        };
                        format!(
                            "{rate:.0}  {:.1}/{:.1}  {:.1}/{:.1}",
                            ms(|one| one.p50_us),
                            ms(|one| one.p99_us),
                            ms(|one| one.gap_p99_us),
                            ms(|one| one.gap_max_us)
                        )
                    },
                );
                let _ = write!(text, "{line:>32}");
            }
            text.push('\n');
        }
        text
    }

    fn memory(&self) -> String {
        let mut text = format!(
            "memory MiB (with a database: its own beside it), seconds to the first answer, calls, spans\n{:<12}{:>14}{:>14}{:>14}{:>9}{:>10}{:>24}{:>8}\n",
            "", "idle", "loaded", "after", "start", "calls", "calls with their spans", "rounds"
        );
        for (kind, rounds) in &self.rounds {
            let of = |number: fn(&Round) -> f64| median(rounds.iter().map(number).collect()).unwrap_or(0.0);
            let memory = |own: f64, database: f64| {
                if database > 0.0 {
                    format!("{own:.0} + {database:.0}")
                } else {
                    format!("{own:.0}")
                }
            };
            let calls: u64 = rounds.iter().map(|round| round.calls).sum();
            let stored: Option<u64> = rounds.iter().map(|round| round.stored).sum();
            let stored = match stored.filter(|_| !rounds.is_empty()) {
                Some(stored) if stored == calls => format!("all ({stored})"),
                Some(stored) => format!("{stored}"),
                None => "stores none".to_owned(),
            };
            let failed = self.failures.iter().filter(|(other, _)| other == kind).count();
            let _ = writeln!(
                text,
                "{:<12}{:>14}{:>14}{:>14}{:>9.1}{calls:>10}{stored:>24}{:>8}",
                kind.name(),
                memory(of(|one| one.idle.0 as f64), of(|one| one.idle.1 as f64)),
                memory(of(|one| one.loaded.0 as f64), of(|one| one.loaded.1 as f64)),
                memory(of(|one| one.after.0 as f64), of(|one| one.after.1 as f64)),
                of(|one| one.started_in.as_secs_f64()),
                format!("{}/{}", rounds.len(), rounds.len() + failed),
            );
        }
        text
    }

    /// What came to nothing, and why: once for each reason.
    fn failed(&self) -> String {
        let mut lines: Vec<String> = Vec::new();
        for (kind, why) in &self.failures {
            lines.push(format!("{}: a round does not count: {why}", kind.name()));
        }
        for (kind, rounds) in &self.rounds {
            for round in rounds {
                for (cell, why) in self.cells.iter().zip(&round.cells) {
                    if let Err(why) = why {
                        let why: String = why.chars().take(240).collect();
                        lines.push(format!("{}, {}: {why}", kind.name(), cell.name()));
                    }
                }
            }
        }
        lines.sort();
        lines.dedup();
        lines
            .iter()
            .fold(String::new(), |text, line| text + "  " + line + "\n")
    }
}

fn shown(number: Result<f64, String>, digits: usize) -> String {
    number.map_or_else(|why| why, |number| format!("{number:.digits$}"))
}

fn pair(p50: Result<f64, String>, p99: Result<f64, String>) -> String {
    match (p50, p99) {
        (Ok(p50), Ok(p99)) => format!("{p50:.0} / {p99:.0}"),
        (Err(why), _) | (_, Err(why)) => why,
    }
}

/// What the numbers mean.
pub const LEGEND: &str = "\
processor us a call: user and system time of the gateway's processes, until what follows an answer is done (spans
stored); event: what a stream costs beyond a call of 1 KB, by its events; /envoy: 1 KB against Envoy's; db: of the
database, which is a process of its own. added: less the same without a gateway; one connection: call after call; at a
fixed rate a call's time counts from when it was due; first token: of streams with 5 ms between pieces; each piece: how
much longer each later piece was on its way. Every answer is checked against what the provider said; a cell with a
wrong or failed one, or a call that the provider did not get, does not count.";
