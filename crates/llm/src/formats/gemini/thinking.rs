//! How much to think: OpenAI's efforts and Anthropic's budgets in the words of the model, a level or a budget, never both.

use super::capabilities::Thinking;
use crate::model::{Reasoning, Report};
use serde_json::{Map, Value, json};

/// The budgets that Google's own OpenAI endpoint gives to efforts.
/// Source: <https://ai.google.dev/gemini-api/docs/openai#thinking>.
const EFFORTS: [(&str, u64); 4] = [("minimal", 1024), ("low", 1024), ("medium", 8192), ("high", 24_576)];

/// How much is wanted.
enum Wanted<'a> {
    /// None.
    Rest,
    /// An effort in a word.
    Effort(&'a str),
    /// So many tokens.
    Budget(u64),
    /// As much as the model finds right.
    Free,
}

/// A `thinkingConfig`; `None` where nothing is asked for.
pub(super) fn config(reasoning: &Reasoning, can: Thinking, report: &mut Report) -> Option<Value> {
    let thinking = reasoning.thinking.as_ref();
    let word = |key: &str| thinking.and_then(|thinking| thinking.get(key));
    let kind = word("type").and_then(Value::as_str);
    let field = if reasoning.effort.is_some() { "reasoning_effort" } else { "thinking" };
    let wanted = match (reasoning.effort.as_deref(), kind) {
        (_, Some("disabled")) | (Some("none"), _) => Some(Wanted::Rest),
        (Some(effort), _) => Some(Wanted::Effort(effort)),
        (None, Some("enabled")) => Some(match word("budget_tokens").and_then(Value::as_u64) {
            Some(tokens) => Wanted::Budget(tokens),
            None => Wanted::Free,
        }),
        (None, Some(_)) => Some(Wanted::Free),
        (None, None) => None,
    };
    if reasoning.effort.is_some() && word("budget_tokens").is_some_and(|tokens| !tokens.is_null()) {
        report.drop("thinking.budget_tokens");
    }
    let mut out = Map::new();
    match (&wanted, can) {
        (None, _) => {}
        (Some(Wanted::Rest), Thinking::Never) => return None,
        (Some(_), Thinking::Never) => {
            report.drop(field);
            return None;
        }
        (Some(wanted), Thinking::Budget { bounds, can_rest }) => {
            let budget = budget(wanted, bounds, can_rest, field, report);
            out.insert("thinkingBudget".to_owned(), json!(budget));
        }
        (Some(wanted), Thinking::Level(levels)) => {
            if let Some(level) = level(wanted, levels, field, report) {
                out.insert("thinkingLevel".to_owned(), json!(level.to_ascii_uppercase()));
            }
        }
    }
    let hidden = word("display").and_then(Value::as_str) == Some("omitted");
    let shown = match reasoning.show {
        Some(show) => Some(show).filter(|_| can != Thinking::Never),
        // Who asks for thinking wants to see it.
        None => wanted.filter(|wanted| !matches!(wanted, Wanted::Rest)).map(|_| !hidden),
    };
    if let Some(shown) = shown {
        out.insert("includeThoughts".to_owned(), json!(shown));
    }
    (!out.is_empty()).then_some(Value::Object(out))
}

fn budget(wanted: &Wanted<'_>, bounds: (u64, u64), can_rest: bool, field: &str, report: &mut Report) -> i64 {
    let (least, most) = bounds;
    let tokens = match wanted {
        Wanted::Rest if can_rest => 0,
        Wanted::Rest => {
            report.approximate(field);
            least
        }
        Wanted::Free => return -1,
        Wanted::Budget(tokens) => {
            let taken = (*tokens).clamp(least, most);
            if taken != *tokens {
                report.approximate(field);
            }
            taken
        }
        Wanted::Effort(effort) => match EFFORTS.iter().find(|(word, _)| word == effort) {
            Some((_, tokens)) => (*tokens).clamp(least, most),
            None => {
                report.approximate(field);
                if matches!(*effort, "xhigh" | "max") { most } else { 8192 }
            }
        },
    };
    i64::try_from(tokens).unwrap_or(-1)
}

fn level<'a>(wanted: &Wanted<'_>, levels: &'a [&'a str], field: &str, report: &mut Report) -> Option<&'a str> {
    let word = match wanted {
        Wanted::Free => return None,
        Wanted::Rest => "none",
        Wanted::Effort(effort) => effort,
        Wanted::Budget(tokens) => {
            report.approximate(field);
            match tokens {
                0..=2048 => "low",
                2049..=8192 => "medium",
                _ => "high",
            }
        }
    };
    if let Some(level) = levels.iter().find(|level| **level == word) {
        return Some(level);
    }
    report.approximate(field);
    match word {
        // Nothing less can be asked for.
        "none" | "minimal" => levels.first(),
        "xhigh" | "max" => levels.last(),
        // Between two levels the larger one.
        _ => levels.iter().find(|level| **level == "medium").or(levels.last()),
    }
    .copied()
}

#[cfg(test)]
mod tests {
    use super::super::capabilities::capabilities;
    use super::*;

    #[track_caller]
    fn check(model: &str, effort: Option<&str>, thinking: Value, expected: Value, approximated: bool) {
        let thinking = if let Value::Object(thinking) = thinking { Some(thinking) } else { None };
        let reasoning = Reasoning { effort: effort.map(str::to_owned), thinking, show: None };
        let mut report = Report::default();
        let config = config(&reasoning, capabilities(model).thinking, &mut report);
        assert_eq!(config.unwrap_or_default(), expected, "{model} {effort:?}");
        assert_eq!(!report.approximated.is_empty() || !report.dropped.is_empty(), approximated, "{report:?}");
    }

    #[test]
    fn efforts_and_budgets_become_what_the_model_takes() {
        let none = Value::Null;
        let level = |word: &str| json!({"thinkingLevel": word, "includeThoughts": true});
        let budget = |tokens: i64| json!({"thinkingBudget": tokens, "includeThoughts": true});
        check("gemini-2.5-flash", Some("low"), none.clone(), budget(1024), false);
        check("gemini-2.5-flash", Some("high"), none.clone(), budget(24_576), false);
        check("gemini-2.5-pro", Some("max"), none.clone(), budget(32_768), true);
        check("gemini-2.5-flash", Some("none"), none.clone(), json!({"thinkingBudget": 0}), false);
        check("gemini-2.5-pro", Some("none"), none.clone(), json!({"thinkingBudget": 128}), true);
        check("gemini-2.0-flash", Some("low"), none.clone(), none.clone(), true);
        check("gemini-2.0-flash", Some("none"), none.clone(), none.clone(), false);
        check("gemini-3-flash-preview", Some("minimal"), none.clone(), level("MINIMAL"), false);
        check("gemini-3-pro-preview", Some("medium"), none.clone(), level("HIGH"), true);
        check("gemini-3.1-pro-preview", Some("medium"), none.clone(), level("MEDIUM"), false);
        check("gemini-3.1-pro-preview", Some("none"), none.clone(), json!({"thinkingLevel": "LOW"}), true);
        check("gemini-3-flash-preview", None, none.clone(), none.clone(), false);
        let enabled = |tokens: u64| json!({"type": "enabled", "budget_tokens": tokens});
        check("gemini-2.5-flash", None, enabled(2000), budget(2000), false);
        // Of two measures one counts.
        check("gemini-2.5-flash", Some("high"), enabled(2000), budget(24_576), true);
        check("gemini-2.5-flash", None, enabled(50_000), budget(24_576), true);
        check("gemini-3-pro-preview", None, enabled(2000), level("LOW"), true);
        check("gemini-3-pro-preview", None, json!({"type": "adaptive"}), json!({"includeThoughts": true}), false);
        check("gemini-2.5-flash", None, json!({"type": "disabled"}), json!({"thinkingBudget": 0}), false);
        let omitted = json!({"type": "adaptive", "display": "omitted"});
        check("gemini-2.5-pro", None, omitted, json!({"thinkingBudget": -1, "includeThoughts": false}), false);
    }
}
