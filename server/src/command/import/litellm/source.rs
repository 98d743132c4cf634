//! The source, read key by key. What nobody has taken by the end is reported, so that nothing is dropped in silence.

use serde_json::{Map, Value};

use crate::command::import::report::Report;

/// A mapping of the source, with its path.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) path: String,
    fields: Map<String, Value>,
}

impl Node {
    pub(super) fn root(value: Value) -> Option<Self> {
        Self::of(String::new(), value)
    }

    fn of(path: String, value: Value) -> Option<Self> {
        match value {
            Value::Object(fields) => Some(Self { path, fields }),
            _ => None,
        }
    }

    /// Where a field is.
    pub(super) fn at(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.fields.keys().cloned().collect()
    }

    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.fields.shift_remove(name).filter(|value| !value.is_null())
    }

    /// A mapping; anything else is reported.
    pub(super) fn take_node(&mut self, name: &str, report: &mut Report) -> Option<Self> {
        let value = self.take(name)?;
        let node = Self::of(self.at(name), value);
        if node.is_none() {
            report.missing(self.at(name), "a mapping was expected");
        }
        node
    }

    /// The mappings of a list; anything else is reported.
    pub(super) fn take_nodes(&mut self, name: &str, report: &mut Report) -> Vec<Self> {
        let items = match self.take(name) {
            None => return Vec::new(),
            Some(Value::Array(items)) => items,
            Some(_) => {
                report.missing(self.at(name), "a list was expected");
                return Vec::new();
            }
        };
        let mut nodes = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            let path = format!("{}[{index}]", self.at(name));
            match Self::of(path.clone(), item) {
                Some(node) => nodes.push(node),
                None => report.missing(path, "a mapping was expected"),
            }
        }
        nodes
    }

    /// A string, or a scalar as one.
    pub(super) fn take_text(&mut self, name: &str) -> Option<String> {
        match self.take(name)? {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            other => {
                self.fields.insert(name.to_owned(), other);
                None
            }
        }
    }

    pub(super) fn take_number(&mut self, name: &str) -> Option<f64> {
        let value = self.take(name)?;
        let number = value
            .as_f64()
            .or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
        if number.is_none() {
            self.fields.insert(name.to_owned(), value);
        }
        number
    }

    pub(super) fn take_flag(&mut self, name: &str) -> Option<bool> {
        let value = self.take(name)?;
        let flag = value
            .as_bool()
            .or_else(|| value.as_str().and_then(|text| text.to_lowercase().parse().ok()));
        if flag.is_none() {
            self.fields.insert(name.to_owned(), value);
        }
        flag
    }

    /// Strings: one, or a list of them.
    pub(super) fn take_texts(&mut self, name: &str) -> Vec<String> {
        match self.take(name) {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(items)) => items
                .into_iter()
                .filter_map(|item| item.as_str().map(str::to_owned))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// Drops what needs no word: it is of no consequence here.
    pub(super) fn ignore(&mut self, names: &[&str]) {
        for name in names {
            self.fields.shift_remove(*name);
        }
    }

    /// Reports what is left.
    pub(super) fn report_rest(&mut self, report: &mut Report, words: &str) {
        for name in self.names() {
            if self.take(&name).is_some() {
                report.missing(self.at(&name), words);
            }
        }
    }
}

/// The variable that a value names, as `os.environ/NAME`.
pub(super) fn variable(text: &str) -> Option<&str> {
    text.strip_prefix("os.environ/").map(str::trim)
}
