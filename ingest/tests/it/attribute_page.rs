//! docs/attributes.md says what the tables say.

use brokle_ingest::normalize::AttributeMap;

/// What is below it is generated.
const MARK: &str = "<!-- From here on";

#[test]
fn the_page_of_attributes_is_generated_from_the_tables() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/attributes.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, generated) = page.split_once(MARK).unwrap();
    let (_, generated) = generated.split_once("\n\n").unwrap();
    let tables = AttributeMap::embedded().unwrap().describe().to_markdown();
    let mut lines = generated.lines().zip(tables.lines()).zip(1..);
    let first = lines.find(|((page, tables), _)| page != tables);
    assert_eq!(
        first, None,
        "put the output of `brokle attribute-map show --markdown` below the mark"
    );
    assert_eq!(generated.lines().count(), tables.lines().count());
}

#[test]
fn the_pages_example_of_a_file_is_a_good_one() {
    let page =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/attributes.md")).unwrap();
    let blocks = page
        .split("```toml\n")
        .filter_map(|rest| rest.split("```").next());
    let example = blocks.last().unwrap();
    let map = AttributeMap::with_file("example.toml", example)
        .unwrap()
        .describe();
    let users = map.producers.iter().map(|producer| producer.name.as_str());
    assert_eq!(users.take(1).collect::<Vec<_>>(), ["acme"]);
}
