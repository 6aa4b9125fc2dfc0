//! Members that a vendor's document does not name and that are sent all the same, each with its reason: `known.tsv`.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::{Author, Book};

/// `book TAB author TAB definition/pointer TAB member TAB reason`. What the author `Gateway` sends, vendors send
/// too; `member=null` may be null beside what the document says.
const TABLE: &str = include_str!("../../known.tsv");

struct Line {
    book: String,
    author: String,
    definition: &'static str,
    member: &'static str,
}

static LINES: LazyLock<Vec<Line>> = LazyLock::new(|| {
    let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| match line.split('\t').collect::<Vec<_>>()[..] {
            [book, author, definition, member, reason] if !reason.trim().is_empty() => {
                Line { book: book.to_owned(), author: author.to_owned(), definition, member }
            }
            _ => panic!("known.tsv: a line is book, author, definition, member and reason: {line}"),
        })
        .collect()
});

/// Adds the members to the definitions of a book.
pub(super) fn add(book: Book, author: Author, definitions: &mut Map<String, Value>) {
    let name = |value: &dyn std::fmt::Debug| format!("{value:?}");
    let of_book = LINES.iter().filter(|line| line.book == name(&book));
    for line in of_book.filter(|line| author == Author::Vendor || line.author == name(&author)) {
        let (definition, pointer) =
            line.definition.split_at(line.definition.find('/').unwrap_or(line.definition.len()));
        for definition in [definition.to_owned(), format!("{definition}.part")] {
            let object = definitions.get_mut(&definition).and_then(|definition| definition.pointer_mut(pointer));
            let object = object.unwrap_or_else(|| panic!("known.tsv: nothing stands at '{}'", line.definition));
            match line.member.strip_suffix("=null") {
                Some(member) => {
                    let known = object["properties"][member].take();
                    object["properties"][member] = json!({"anyOf": [known, {"type": "null"}]});
                }
                None => object["properties"][line.member] = json!({}),
            }
        }
    }
}
