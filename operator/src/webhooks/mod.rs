//! The admission webhooks: HTTP only, what they answer is decided by `inject` and by the compiler.

mod mutate;
mod review;
mod validate;

pub(crate) use mutate::Injector;
pub use review::{MAX_BODY, Refused, Review};

use crate::metrics::{Metrics, OutcomeLabels};
use crate::serve::{Body, BodyError, json, read_body, text};
use http::{Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use serde_json::Value;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// What the webhooks' requests are answered by.
#[derive(Clone, Debug)]
pub(crate) struct Webhooks {
    /// `/mutate-pods`.
    pub(crate) injector: Arc<Injector>,
    /// Counts what came of it.
    pub(crate) metrics: Metrics,
}

impl Webhooks {
    /// Answers one request; never panics.
    pub(crate) async fn answer(self, request: Request<Incoming>) -> Response<Body> {
        let path = request.uri().path().to_owned();
        if !matches!(path.as_str(), "/mutate-pods" | "/validate") {
            return text(StatusCode::NOT_FOUND, "paths are /mutate-pods and /validate\n");
        }
        if request.method() != Method::POST {
            return text(StatusCode::METHOD_NOT_ALLOWED, "admission reviews are sent by POST\n");
        }
        let content_type = request.headers().get(header::CONTENT_TYPE).cloned();
        let body = match read_body(request.into_body(), MAX_BODY).await {
            Ok(body) => body,
            Err(BodyError::TooLarge) => return refused(&Refused::too_large()),
            Err(BodyError::Cut) => return refused(&Refused::malformed("the body was cut off")),
        };
        let content_type = content_type.as_ref().and_then(|value| value.to_str().ok());
        let review = match Review::parse(content_type, &body) {
            Ok(review) => review,
            Err(why) => return refused(&why),
        };
        let answer = match path.as_str() {
            "/mutate-pods" => self.mutate(&review).await,
            _ => self.validate(&review),
        };
        json(StatusCode::OK, &answer)
    }

    async fn mutate(&self, review: &Review) -> Value {
        let labels = self.injector.namespace_labels(review.namespace()).await;
        let decided = AssertUnwindSafe(|| self.injector.decide(review, labels.as_ref()));
        match std::panic::catch_unwind(decided) {
            Ok(answer) => answer,
            Err(_) => {
                tracing::error!(namespace = review.namespace(), "the injector panicked");
                self.metrics.injection.get_or_create(&OutcomeLabels { result: "error", reason: "Panic" }).inc();
                mutate::after_panic(review, labels.as_ref())
            }
        }
    }

    fn validate(&self, review: &Review) -> Value {
        let decided = std::panic::catch_unwind(AssertUnwindSafe(|| validate::decide(review)));
        let (answer, labels) = match decided {
            Ok(Ok(())) => (review.allow(&[], None), OutcomeLabels { result: "allowed", reason: "" }),
            Ok(Err(message)) => {
                (review.deny(422, "Invalid", &message), OutcomeLabels { result: "denied", reason: "Invalid" })
            }
            // The object is stored and the conditions say what is wrong with it: a fault of ours stops nobody.
            Err(_) => {
                tracing::error!(namespace = review.namespace(), "the validator panicked");
                let warning =
                    ["pillion could not check this object (a fault of its own): see its conditions".to_owned()];
                (review.allow(&warning, None), OutcomeLabels { result: "error", reason: "Panic" })
            }
        };
        self.metrics.validation.get_or_create(&labels).inc();
        answer
    }
}

fn refused(why: &Refused) -> Response<Body> {
    text(why.status, format!("{}\n", why.message))
}

#[cfg(test)]
mod tests;
