//! Log lines as JSON, each written in one go. There is one for every call, so that a general formatter's cost is a tenth
//! of a relayed call's.

use std::cell::RefCell;
use std::fmt::{Debug, Write as _};
use std::io::Write as _;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::layer::{Context, Layer};

/// Writes every event as one JSON object: `timestamp`, `level`, the event's fields, `target`.
pub(super) struct Json<W> {
    to: W,
}

impl<W: Fn(&[u8])> Json<W> {
    pub(super) fn new(to: W) -> Self {
        Self { to }
    }
}

/// To standard output. Who reads there may be gone, which is no reason to stop serving.
pub(super) fn to_stdout(line: &[u8]) {
    let _ = std::io::stdout().lock().write_all(line);
}

impl<S: Subscriber, W: Fn(&[u8]) + 'static> Layer<S> for Json<W> {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        thread_local! {
            static LINE: RefCell<Line> = const { RefCell::new(Line(String::new())) };
        }
        LINE.with_borrow_mut(|line| {
            line.0.clear();
            line.0.push_str("{\"timestamp\":\"");
            // It can only fail where writing to a string can.
            let _ = SystemTime.format_time(&mut Writer::new(&mut line.0));
            line.0.push('"');
            line.text("level", event.metadata().level().as_str());
            event.record(line);
            line.text("target", event.metadata().target());
            line.0.push_str("}\n");
            (self.to)(line.0.as_bytes());
        });
    }
}

/// A line that is being written.
struct Line(String);

impl Line {
    fn member(&mut self, name: &str) {
        // Names of fields are ours: plain words.
        self.0.extend([",\"", name, "\":"]);
    }

    fn text(&mut self, name: &str, text: &str) {
        self.member(name);
        self.quoted(text);
    }

    fn quoted(&mut self, text: &str) {
        self.0.push('"');
        let mut plain = 0;
        for (at, byte) in text.bytes().enumerate() {
            if byte >= b' ' && byte != b'"' && byte != b'\\' {
                continue;
            }
            self.0.push_str(&text[plain..at]);
            plain = at + 1;
            let _ = match byte {
                b'"' => self.0.write_str("\\\""),
                b'\\' => self.0.write_str("\\\\"),
                b'\n' => self.0.write_str("\\n"),
                byte => write!(self.0, "\\u{byte:04x}"),
            };
        }
        self.0.push_str(&text[plain..]);
        self.0.push('"');
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.member(field.name());
        self.0.push_str(if value { "true" } else { "false" });
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.member(field.name());
        let _ = write!(self.0, "{value}");
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.member(field.name());
        let _ = write!(self.0, "{value}");
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.member(field.name());
        // JSON has no word for the rest.
        let _ = if value.is_finite() { write!(self.0, "{value}") } else { self.0.write_str("null") };
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field.name(), &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::layer::SubscriberExt;

    #[test]
    fn an_event_is_one_line_of_json_whatever_its_fields_hold() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = lines.clone();
        let layer = Json::new(move |line: &[u8]| kept.lock().unwrap().extend_from_slice(line));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let nasty = "a \"quoted\" \\ back\nslash\t\u{1} ü 🏍";
            let error = std::io::Error::other("it \"broke\"");
            tracing::info!(target: "pillion::call", nasty, there = Some(1), gone = None::<u64>, sum = -2, share = 0.5,
                none = f64::NAN, yes = true, %error, "call {}", 7);
        });
        let text = String::from_utf8(lines.lock().unwrap().clone()).unwrap();
        assert_eq!(text.matches('\n').count(), 1, "{text}");
        let line: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
        let names: Vec<&str> = line.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            ["timestamp", "level", "message", "nasty", "there", "sum", "share", "none", "yes", "error", "target"]
        );
        assert_eq!(line["nasty"], "a \"quoted\" \\ back\nslash\t\u{1} ü 🏍");
        assert_eq!((&line["there"], &line["sum"], &line["share"]), (&1.into(), &(-2).into(), &0.5.into()));
        assert_eq!((&line["error"], &line["message"]), (&"it \"broke\"".into(), &"call 7".into()));
        assert_eq!((&line["level"], &line["target"]), (&"INFO".into(), &"pillion::call".into()));
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z') && line["none"].is_null());
    }
}
