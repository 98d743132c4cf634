//! The readable part of dashboard addresses, made from a name. When the plain form is taken, a short random
//! ending makes it unique: counting up would tell strangers how many namesakes there are.

use rand::RngExt;

const LENGTH_MAX: usize = 40;
const ENDING_LENGTH: usize = 4;
const ENDING_ALPHABET: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";

/// First path segments that the server or the dashboard uses itself.
const RESERVED: &[&str] = &[
    "about",
    "account",
    "admin",
    "api",
    "assets",
    "auth",
    "docs",
    "favicon",
    "health",
    "help",
    "invite",
    "login",
    "logout",
    "metrics",
    "new",
    "onboarding",
    "openapi",
    "organizations",
    "projects",
    "settings",
    "sign-in",
    "sign-up",
    "signin",
    "signup",
    "static",
    "status",
    "v1",
    "v2",
    "ws",
];

/// How many forms are worth trying before something else must be wrong.
pub(crate) const ATTEMPTS: usize = 8;

/// The forms to try, best first; `fallback` stands in for a name without any Latin letter or digit.
pub(crate) fn candidates(name: &str, fallback: &str) -> impl Iterator<Item = String> {
    let plain = plain(name, fallback);
    let open = !RESERVED.contains(&plain.as_str());
    let endings = {
        let plain = plain.clone();
        std::iter::repeat_with(move || format!("{plain}-{}", random_ending()))
    };
    open.then_some(plain).into_iter().chain(endings).take(ATTEMPTS)
}

fn plain(name: &str, fallback: &str) -> String {
    let mut slug = String::with_capacity(name.len());
    for character in name.chars().flat_map(char::to_lowercase) {
        if character.is_ascii_alphanumeric() {
            slug.push(character);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(LENGTH_MAX);
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() {
        fallback.to_owned()
    } else {
        slug.to_owned()
    }
}

fn random_ending() -> String {
    let mut random = rand::rng();
    let letter = |_| char::from(ENDING_ALPHABET[random.random_range(0..ENDING_ALPHABET.len())]);
    (0..ENDING_LENGTH).map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_readable() {
        for (name, slug) in [
            ("Acme", "acme"),
            ("  Zoë & Co. (Berlin) ", "zo-co-berlin"),
            ("日本", "project"),
            ("---", "project"),
        ] {
            assert_eq!(candidates(name, "project").next().unwrap(), slug);
        }
        let long = candidates(&"word ".repeat(20), "project").next().unwrap();
        assert!(long.len() <= LENGTH_MAX && !long.ends_with('-'), "{long}");
    }

    #[test]
    fn further_candidates_differ_and_reserved_words_never_stand_alone() {
        let forms: Vec<String> = candidates("Acme", "project").collect();
        assert_eq!(forms.len(), ATTEMPTS);
        assert!(
            forms[1..]
                .iter()
                .all(|form| form.starts_with("acme-") && form.len() == 9),
            "{forms:?}"
        );
        assert!(candidates("API", "project").all(|form| form.starts_with("api-")));
    }
}
