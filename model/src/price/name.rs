//! The names under which one model goes about: with a date, a region, a path, a fine-tuning job.

use std::borrow::Cow;

const REGIONS: &[&str] = &["apac", "ap", "au", "ca", "eu", "global", "jp", "us", "us-gov"];

/// Suffixes of a router's that change the host and not the model. `free` is none of them: it changes the price.
const CHOICES: &[&str] = &[
    "beta", "exacto", "extended", "floor", "nitro", "online", "thinking",
];

/// The plainer names of `model` (lower case), from the given one to the barest, without repeats.
pub(super) fn candidates(model: &str) -> Vec<Cow<'_, str>> {
    let mut names: Vec<Cow<'_, str>> = vec![Cow::Borrowed(model)];
    let mut last: &str = model;
    let cuts: [fn(&str) -> &str; 7] = [
        cut_path,
        cut_region,
        cut_bracket,
        cut_revision,
        cut_tuning,
        cut_latest,
        cut_date,
    ];
    for cut in cuts {
        let shorter = cut(last);
        if shorter.len() < last.len() && !shorter.is_empty() {
            names.push(Cow::Borrowed(shorter));
            last = shorter;
        }
    }
    for index in 0..names.len() {
        let respelled = names[index].replace(['@', '.'], "-");
        let dated = cut_date(&respelled);
        for name in [respelled.as_str(), dated] {
            if names.iter().all(|known| known != name) {
                names.push(Cow::Owned(name.to_owned()));
            }
        }
    }
    names
}

/// `publishers/google/models/x`, `models/x` and `arn:...:inference-profile/x` are all `x`.
fn cut_path(model: &str) -> &str {
    if let Some(at) = model.rfind("models/") {
        return &model[at + "models/".len()..];
    }
    if model.starts_with("arn:") {
        model.rsplit('/').next().unwrap_or(model)
    } else {
        model
    }
}

/// `us.anthropic.claude` is `anthropic.claude` run in a region.
fn cut_region(model: &str) -> &str {
    match model.split_once('.') {
        Some((region, rest)) if REGIONS.contains(&region) => rest,
        _ => model,
    }
}

/// `claude-sonnet-4-5[1m]`, and what routers append to say how to choose among hosts.
fn cut_bracket(model: &str) -> &str {
    let model = model.split_once('[').map_or(model, |(name, _)| name);
    match model.rsplit_once(':') {
        Some((name, choice)) if CHOICES.contains(&choice) => name,
        _ => model,
    }
}

/// `claude-v1:0`, `claude-v1`, `@default`
fn cut_revision(model: &str) -> &str {
    let model = model.strip_suffix("@default").unwrap_or(model);
    let model = match model.rsplit_once(':') {
        Some((name, digits)) if is_digits(digits) => name,
        _ => model,
    };
    match model.rsplit_once("-v") {
        Some((name, digits)) if is_digits(digits) => name,
        _ => model,
    }
}

/// `ft:gpt-4o-mini:acme::abc` costs what every `ft:gpt-4o-mini` costs.
fn cut_tuning(model: &str) -> &str {
    let Some(rest) = model.strip_prefix("ft:") else {
        return model;
    };
    let end = rest.find(':').map_or(model.len(), |at| at + "ft:".len());
    &model[..end]
}

fn cut_latest(model: &str) -> &str {
    model.strip_suffix("-latest").unwrap_or(model)
}

/// `-20250929`, `-2025-09-29`, `@20250929`
fn cut_date(model: &str) -> &str {
    let Some(at) = model
        .len()
        .checked_sub(9)
        .filter(|at| model.is_char_boundary(*at))
    else {
        return model;
    };
    let tail = &model[at..];
    if tail.starts_with(['-', '@']) && is_digits(&tail[1..]) {
        return &model[..at];
    }
    let Some(at) = model
        .len()
        .checked_sub(11)
        .filter(|at| model.is_char_boundary(*at))
    else {
        return model;
    };
    let tail = &model.as_bytes()[at..];
    let dashed = tail.iter().enumerate().all(|(index, byte)| match index {
        0 | 5 | 8 => *byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    if dashed { &model[..at] } else { model }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_disguise_leads_to_the_bare_name() {
        let cases = [
            ("gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
            ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
            ("claude-sonnet-4.5", "claude-sonnet-4-5"),
            ("claude-sonnet-4-5@20250929", "claude-sonnet-4-5"),
            ("claude-sonnet-4-5[1m]", "claude-sonnet-4-5"),
            ("models/gemini-2.5-pro", "gemini-2.5-pro"),
            ("publishers/google/models/gemini-2.5-flash", "gemini-2.5-flash"),
            (
                "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
                "anthropic.claude-sonnet-4-5",
            ),
            (
                "arn:aws:bedrock:us-east-1:1:inference-profile/eu.amazon.nova-pro-v1:0",
                "amazon.nova-pro",
            ),
            ("ft:gpt-4o-mini-2024-07-18:acme::abc", "ft:gpt-4o-mini-2024-07-18"),
            ("grok-4.3-latest", "grok-4.3"),
            ("deepseek/deepseek-v3:nitro", "deepseek/deepseek-v3"),
        ];
        for (model, expected) in cases {
            let names = candidates(model);
            assert!(names.iter().any(|name| name == expected), "{model}: {names:?}");
        }
    }

    #[test]
    fn names_that_only_look_dated_are_kept() {
        assert_eq!(candidates("mistral-large-2411"), ["mistral-large-2411"]);
        assert_eq!(cut_date("é-20250929"), "é");
        assert_eq!(cut_date("éé20250929"), "éé20250929");
    }
}
