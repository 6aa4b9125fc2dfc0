//! The page that tells it.

use std::fmt::Write as _;

use pillion_llm::Format;

use super::{Cell, Fate, features};
use crate::parties::{FORMATS, others};

const INTRO: &str = "\
# Translation

A call whose provider speaks another format than the client is translated. What becomes of each feature, by client and provider, is below; the page is written by the tests that try it (`crates/llm/tests/conformance/matrix/`). Where both speak the same format nothing is translated: bodies pass as they are.

- **✓** exact: what reaches the other side is equal in the gateway's model, valid under the vendor's schema, and says the same when it is translated back.
- **≈** approximated: said as nearly as the format can; how is below the table. The fields are named in the reply's header `x-pillion-approximated`, those of a whole reply as `reply.…`.
- **–** dropped: the format has no place for it. The fields are named in the reply's header `x-pillion-dropped`, those of a whole reply as `reply.…`; what a stream loses is named in the line of the sidecar's log on the call (`reply_lost`), since its headers are gone by then.
- **✗** refused: answered 400 `unsupported_parameter` with the field in `param`, because an answer without it would be another one.
- **·** that provider's replies have no such thing.

With `translation: Strict` on a route (see [objects](objects.md)), requests with **≈** or **–** are refused too. A model may take less than its vendor's format: the table is for capable ones, and what another model does not take is reported the same way.
";

pub(super) fn rendered(cells: &[Cell]) -> String {
    let mut page = INTRO.to_owned();
    totals(&mut page, cells);
    let (replies, requests): (Vec<&Cell>, Vec<&Cell>) = cells.iter().partition(|cell| cell.group.replies);
    page.push_str("\n## Requests\n");
    FORMATS.iter().for_each(|client| section(&mut page, "From", *client, &requests));
    page.push_str("\n## Replies\n");
    FORMATS.iter().for_each(|client| section(&mut page, "To", *client, &replies));
    page
}

fn totals(page: &mut String, cells: &[Cell]) {
    page.push_str(
        "\n## Totals\n| client | pairs of feature and provider | ✓ | ≈ | – | ✗ |\n|---|---|---|---|---|---|\n",
    );
    let row = |page: &mut String, name: &str, of: &[&Cell]| {
        let count = |symbol| of.iter().filter(|cell| self::symbol(&cell.fate) == symbol).count();
        let counts = ["✓", "≈", "–", "✗"].map(|symbol| count(symbol).to_string()).join(" | ");
        let _ = writeln!(page, "| {name} | {} | {counts} |", of.len());
    };
    for client in FORMATS {
        row(page, title(*client), &cells.iter().filter(|cell| cell.client == *client).collect::<Vec<_>>());
    }
    row(page, "all", &cells.iter().collect::<Vec<_>>());
}

/// The features of one client, by provider.
fn section(page: &mut String, way: &str, client: Format, cells: &[&Cell]) {
    let cells: Vec<&Cell> = cells.iter().copied().filter(|cell| cell.client == client).collect();
    let wires: Vec<Format> = others(client).collect();
    let _ = writeln!(page, "\n### {way} {}", title(client));
    let heads = wires.iter().map(|wire| title(*wire)).collect::<Vec<_>>().join(" | ");
    let _ = writeln!(page, "| | {heads} |\n|---|{}", "---|".repeat(wires.len()));
    let mut notes = String::new();
    let all = features::GROUPS.iter().flat_map(|group| group.features.iter().map(move |feature| (group.name, feature)));
    let mut under = "";
    for (group, feature) in all {
        let row: Vec<&Cell> = cells.iter().copied().filter(|cell| std::ptr::eq(cell.feature, feature)).collect();
        if row.is_empty() {
            continue;
        }
        if under != group {
            let _ = writeln!(page, "| **{group}** |{}", " |".repeat(wires.len()));
            under = group;
        }
        let symbols =
            wires.iter().map(|wire| row.iter().find(|cell| cell.wire == *wire).map_or("·", |cell| symbol(&cell.fate)));
        let _ = writeln!(page, "| {} | {} |", feature.name, symbols.collect::<Vec<_>>().join(" | "));
        note(&mut notes, &feature.name, &row);
    }
    if !notes.is_empty() {
        let _ = write!(page, "\n{notes}");
    }
}

/// One line for what is not exact, providers of the same fate together.
fn note(notes: &mut String, name: &str, row: &[&Cell]) {
    let mut told: Vec<(String, Vec<&str>)> = Vec::new();
    for cell in row.iter().filter(|cell| cell.fate != Fate::Exact) {
        let words = words(cell);
        match told.iter_mut().find(|(same, _)| *same == words) {
            Some((_, wires)) => wires.push(title(cell.wire)),
            None => told.push((words, vec![title(cell.wire)])),
        }
    }
    if !told.is_empty() {
        let told = told.into_iter().map(|(words, wires)| format!("{}: {words}", wires.join(", ")));
        let _ = writeln!(notes, "- **{name}** · {}", told.collect::<Vec<_>>().join(" · "));
    }
}

fn words(cell: &Cell) -> String {
    let names = |names: &[String]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let how = || cell.how.unwrap_or_default();
    match &cell.fate {
        Fate::Exact => String::new(),
        Fate::Approximated(fields) if fields.is_empty() => format!("≈ {}", how()),
        Fate::Approximated(fields) => format!("≈ {}, {}", names(fields), how()),
        Fate::Dropped(fields, near) if near.is_empty() => format!("– {}", names(fields)),
        Fate::Dropped(fields, near) => format!("– {}; ≈ {}, {}", names(fields), names(near), how()),
        Fate::Refused(param, message) => format!("✗ `{param}`, “{message}”"),
    }
}

fn symbol(fate: &Fate) -> &'static str {
    match fate {
        Fate::Exact => "✓",
        Fate::Approximated(_) => "≈",
        Fate::Dropped(..) => "–",
        Fate::Refused(..) => "✗",
    }
}

fn title(format: Format) -> &'static str {
    match format {
        Format::OpenAIChat => "OpenAI Chat",
        Format::OpenAIResponses => "OpenAI Responses",
        Format::AnthropicMessages => "Anthropic Messages",
        Format::GeminiGenerateContent => "Gemini",
        Format::BedrockConverse => "Bedrock Converse",
        Format::CohereChat => "Cohere",
    }
}
