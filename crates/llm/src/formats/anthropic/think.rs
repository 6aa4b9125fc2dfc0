//! How much to think, within what the model takes: adaptively by an effort, within a budget, or not at all.

use super::capabilities::{Capabilities, Thinking};
use super::encode_settings::{Around, Settled};
use crate::json::Object;
use crate::model::{Reasoning, Report};
use serde_json::{Value, json};

/// The least budget the API takes.
const LEAST_BUDGET: u64 = 1024;

/// Who only asks to see the thinking wants some, where the model finds how much is right.
pub(super) fn think_to_show(reasoning: &mut Reasoning, around: &Around<'_>, can: Capabilities) {
    let alone = reasoning.show == Some(true) && reasoning.effort.is_none() && reasoning.thinking.is_none();
    if alone && can.thinking == Thinking::Adaptive && !around.unsigned {
        reasoning.thinking = Some(Object::from_iter([("type".to_owned(), json!("adaptive"))]));
    }
}

/// An effort, or the `thinking` object of a client that knows it. `bound` is the longest answer, in tokens.
pub(super) fn think(
    out: &mut Settled,
    reasoning: Reasoning,
    bound: u64,
    around: &Around<'_>,
    can: Capabilities,
    report: &mut Report,
) {
    let show = reasoning.show;
    let told = reasoning.thinking.is_some();
    match reasoning.thinking {
        Some(mut thinking) => {
            let budgeted = ["budget_tokens", "token_budget"].iter().any(|key| thinking.contains_key(*key));
            let off = thinking.get("type").is_some_and(|kind| kind == "disabled");
            match reasoning.effort.filter(|effort| effort != "none") {
                None => {}
                Some(effort) if can.thinking == Thinking::Adaptive => configure_effort(out, &effort, report),
                Some(effort) if can.thinking == Thinking::Budget && !budgeted && !off => {
                    report.approximate("reasoning_effort");
                    thinking.insert("budget_tokens".to_owned(), json!(budget_of(&effort)));
                }
                Some(_) => report.drop("reasoning_effort"),
            }
            by_object(out, thinking, bound, around, can, report);
        }
        None => by_effort(out, reasoning.effort, bound, around, can, report),
    }
    if let (Some(show), Some(Value::Object(thinking))) = (show, out.members.get_mut("thinking"))
        && out.thinks
        && (told || !show || can.samples_alone)
    {
        // Older models show it unasked.
        thinking.entry("display").or_insert_with(|| json!(if show { "summarized" } else { "omitted" }));
    }
}

fn by_object(
    out: &mut Settled,
    mut thinking: Object,
    bound: u64,
    around: &Around<'_>,
    can: Capabilities,
    report: &mut Report,
) {
    if thinking.get("type").and_then(Value::as_str) == Some("disabled") {
        if can.thinking != Thinking::Never {
            out.put("thinking", json!({"type": "disabled"}));
        }
        return;
    }
    if around.unsigned || can.thinking == Thinking::Never {
        report.drop("thinking");
        return;
    }
    // Cohere's word.
    let budget = thinking.shift_remove("token_budget").or_else(|| thinking.get("budget_tokens").cloned());
    let budget = budget.as_ref().and_then(Value::as_u64);
    thinking.shift_remove("budget_tokens");
    let adaptive = thinking.get("type").and_then(Value::as_str) == Some("adaptive");
    let by_budget = match can.thinking {
        Thinking::Budget => true,
        _ => !adaptive && budget.is_some() && !can.samples_alone,
    };
    if !by_budget {
        if budget.is_some() {
            report.approximate("thinking.budget_tokens");
        }
        thinking.insert("type".to_owned(), json!("adaptive"));
        out.thinks = true;
        out.put("thinking", Value::Object(thinking));
        return;
    }
    let wanted = budget.unwrap_or(4096);
    match within(wanted, bound) {
        Some(given) => {
            if budget != Some(given) {
                report.approximate("thinking.budget_tokens");
            }
            thinking.insert("type".to_owned(), json!("enabled"));
            thinking.insert("budget_tokens".to_owned(), json!(given));
            out.thinks = true;
            out.put("thinking", Value::Object(thinking));
        }
        None => report.drop("thinking"),
    }
}

fn by_effort(
    out: &mut Settled,
    effort: Option<String>,
    bound: u64,
    around: &Around<'_>,
    can: Capabilities,
    report: &mut Report,
) {
    let Some(effort) = effort.filter(|effort| effort != "none") else { return };
    match can.thinking {
        Thinking::Never => report.drop("reasoning_effort"),
        Thinking::Adaptive => {
            out.thinks = true;
            out.put("thinking", json!({"type": "adaptive"}));
            configure_effort(out, &effort, report);
        }
        // Calls in the history without the thinking before them are refused while thinking is on.
        Thinking::Budget if around.unsigned => report.drop("reasoning_effort"),
        Thinking::Budget => {
            report.approximate("reasoning_effort");
            let Some(budget) = within(budget_of(&effort), bound) else {
                report.drop("reasoning_effort");
                return;
            };
            out.thinks = true;
            out.put("thinking", json!({"type": "enabled", "budget_tokens": budget}));
        }
    }
}

/// The tokens of an effort.
fn budget_of(effort: &str) -> u64 {
    match effort {
        "minimal" | "low" => LEAST_BUDGET,
        "high" => 8192,
        "xhigh" => 16_384,
        "max" => 32_768,
        _ => 4096,
    }
}

fn configure_effort(out: &mut Settled, effort: &str, report: &mut Report) {
    let word = match effort {
        "low" | "medium" | "high" | "xhigh" | "max" => effort,
        other => {
            report.approximate("reasoning_effort");
            if other == "minimal" { "low" } else { "medium" }
        }
    };
    out.configure("effort", json!(word));
}

/// A budget that the API takes beside this bound; `None` where the answer is too short for any.
fn within(wanted: u64, bound: u64) -> Option<u64> {
    (bound > LEAST_BUDGET).then(|| wanted.clamp(LEAST_BUDGET, bound - 1))
}
