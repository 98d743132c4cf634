//! Lists the largest product files and functions. Functions are found by their braces in formatted source,
//! which is exact enough for a list of places to look.

use anyhow::Result;

use crate::sources;

const SHOWN: usize = 15;

pub(crate) fn run() -> Result<()> {
    let mut files = Vec::new();
    let mut functions = Vec::new();
    for path in sources::tracked(&["rs"])?
        .into_iter()
        .filter(|path| sources::is_product(path))
    {
        let text = std::fs::read_to_string(sources::root().join(&path))?;
        let lines: Vec<&str> = text.lines().take_while(|line| *line != "#[cfg(test)]").collect();
        for (name, length) in functions_of(&lines) {
            functions.push((length, format!("{}: {name}", path.display())));
        }
        files.push((lines.len(), path.display().to_string()));
    }
    print("Largest files (lines before the tests)", files);
    print("Longest functions (lines)", functions);
    Ok(())
}

fn print(title: &str, mut rows: Vec<(usize, String)>) {
    rows.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
    println!("{title}");
    for (size, what) in rows.iter().take(SHOWN) {
        println!("{size:>6}  {what}");
    }
}

/// Formatted source closes a function with a brace at the indentation of its `fn`.
fn functions_of<'a>(lines: &[&'a str]) -> Vec<(&'a str, usize)> {
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let indent = line.len() - line.trim_start().len();
        let closes = |line: &&str| line.len() == indent + 1 && line.ends_with('}') && line.trim() == "}";
        if let Some(length) = lines[start..].iter().position(closes) {
            found.push((name, length + 1));
        }
    }
    found
}

fn function_name(line: &str) -> Option<&str> {
    let rest = line.trim_start();
    let after = rest.strip_prefix("fn ").or_else(|| {
        rest.split_once(" fn ")
            .filter(|(before, _)| is_qualifiers(before))
            .map(|(_, after)| after)
    })?;
    after.split(['(', '<']).next()
}

fn is_qualifiers(text: &str) -> bool {
    text.split_whitespace().all(|word| {
        word.starts_with("pub") || ["async", "const", "unsafe", "extern", "crate)", "super)"].contains(&word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_measured_from_their_name_to_their_brace() {
        let lines = [
            "pub(crate) async fn a<T>(",
            "    x: T,",
            ") {",
            "    if x {",
            "    }",
            "}",
            "let f = 1;",
        ];
        assert_eq!(functions_of(&lines), [("a", 6)]);
    }
}
