//! Endpoints, wires, URLs and headers.

use crate::framing::Framing;
use crate::{Ask, Descriptor, Dialect, Envelope, Format, Operation, Options, Wire, provider};
use http::{HeaderMap, HeaderValue};

fn bedrock() -> &'static Descriptor {
    provider("Bedrock").unwrap()
}

fn in_region(region: &str) -> Option<String> {
    bedrock().endpoint(&Options { region: Some(region.to_owned()), ..Options::default() })
}

#[test]
fn endpoints_are_the_regions_as_amazons_own_tests_have_them() {
    assert_eq!(bedrock().endpoint(&Options::default()), None);
    assert_eq!(in_region("eu-central-1").as_deref(), Some("https://bedrock-runtime.eu-central-1.amazonaws.com"));
    for region in ["evil.example/", "", "us east", "US-EAST-1"] {
        assert_eq!(in_region(region), None, "{region}");
    }
    let usual = || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/specs");
    let specs = std::env::var_os("PILLION_SPECS").map_or_else(usual, Into::into);
    let path = specs.join("aws/botocore/bedrock-runtime/endpoint-tests-1.json");
    let Ok(text) = std::fs::read(&path) else {
        assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "{} is absent", path.display());
        return;
    };
    let tests: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let mut seen = 0;
    for case in tests["testCases"].as_array().unwrap() {
        let plain = ["UseFIPS", "UseDualStack"].iter().all(|key| case["params"][*key] == false);
        let (Some(region), Some(url)) = (case["params"]["Region"].as_str(), case["expect"]["endpoint"]["url"].as_str())
        else {
            continue;
        };
        if plain && case["params"].get("Endpoint").is_none() {
            assert_eq!(in_region(region).as_deref(), Some(url));
            seen += 1;
        }
    }
    assert!(seen >= 5);
}

#[test]
fn anthropics_clients_reach_claude_in_its_own_body() {
    let invoke = Wire { format: Format::AnthropicMessages, envelope: Envelope::BedrockInvoke };
    let converse = Wire::from(Format::BedrockConverse);
    for (model, client, wire) in [
        ("anthropic.claude-3-haiku-20240307-v1:0", Format::AnthropicMessages, invoke),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", Format::AnthropicMessages, invoke),
        (
            "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-opus-4-6-v1",
            Format::AnthropicMessages,
            invoke,
        ),
        ("arn:aws:bedrock:us-east-1:1:application-inference-profile/x", Format::AnthropicMessages, converse),
        ("amazon.nova-pro-v1:0", Format::AnthropicMessages, converse),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", Format::OpenAIChat, converse),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", Format::BedrockConverse, converse),
    ] {
        assert_eq!(bedrock().wire(model, Operation::Chat, client), Some(wire), "{model}");
    }
}

#[test]
fn the_model_is_one_segment_of_the_path() {
    let options = Options::default();
    let url = |wire: Wire, model: &str, stream| {
        let ask = Ask { wire, model, stream, framing: Framing::EventStream, options: &options };
        bedrock().url("https://h/", &ask)
    };
    let invoke = Wire { format: Format::AnthropicMessages, envelope: Envelope::BedrockInvoke };
    let converse = Wire::from(Format::BedrockConverse);
    assert_eq!(url(converse, "amazon.nova-pro-v1:0", false), "https://h/model/amazon.nova-pro-v1%3A0/converse");
    assert_eq!(url(converse, "a", true), "https://h/model/a/converse-stream");
    assert_eq!(url(invoke, "a", false), "https://h/model/a/invoke");
    assert_eq!(url(invoke, "a", true), "https://h/model/a/invoke-with-response-stream");
    let arn = "arn:aws:bedrock:us-east-1:1:inference-profile/us.x";
    let encoded = "arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.x";
    assert_eq!(url(converse, arn, false), format!("https://h/model/{encoded}/converse"));
    assert_eq!(url(converse, "../../x?y#z", false), "https://h/model/..%2F..%2Fx%3Fy%23z/converse");
    assert_eq!(url(converse, "..", false), "https://h/model/%2E%2E/converse");
}

#[test]
fn native_paths_go_to_the_host_that_has_them() {
    let url = |endpoint: &str, path: &str, query| bedrock().native_url(endpoint, path, query, &Options::default());
    const RUNTIME: &str = "https://bedrock-runtime.us-east-1.amazonaws.com";
    assert_eq!(url(RUNTIME, "/model/a%3A0/invoke", None), format!("{RUNTIME}/model/a%3A0/invoke"));
    assert_eq!(url(RUNTIME, "/guardrail/g/version/1/apply", None), format!("{RUNTIME}/guardrail/g/version/1/apply"));
    assert_eq!(
        url(RUNTIME, "/async-invoke", Some("maxResults=2&key=s")),
        format!("{RUNTIME}/async-invoke?maxResults=2")
    );
    assert_eq!(url(RUNTIME, "/rerank", None), "https://bedrock-agent-runtime.us-east-1.amazonaws.com/rerank");
    assert_eq!(
        url(RUNTIME, "/model-invocation-jobs", None),
        "https://bedrock.us-east-1.amazonaws.com/model-invocation-jobs"
    );
    assert_eq!(url("http://vpce.example", "/rerank", None), "http://vpce.example/rerank");
}

#[test]
fn headers_of_the_service_cross_and_signatures_do_not() {
    let mut sent = HeaderMap::new();
    for name in
        ["x-amzn-bedrock-guardrailidentifier", "x-amz-date", "x-amz-security-token", "authorization", "anthropic-beta"]
    {
        sent.insert(name, HeaderValue::from_static("v"));
    }
    let names = |headers: HeaderMap| headers.keys().map(|name| name.as_str().to_owned()).collect::<Vec<_>>();
    assert_eq!(names(bedrock().request_headers(Dialect::Bedrock, &sent)), ["x-amzn-bedrock-guardrailidentifier"]);
    assert!(bedrock().request_headers(Dialect::Anthropic, &sent).is_empty());
    let mut got = HeaderMap::new();
    for name in ["x-amzn-requestid", "x-amzn-bedrock-input-token-count", "x-amzn-errortype", "set-cookie", "date"] {
        got.insert(name, HeaderValue::from_static("v"));
    }
    assert_eq!(bedrock().reply_headers(Dialect::Bedrock, &got).len(), 3);
}
