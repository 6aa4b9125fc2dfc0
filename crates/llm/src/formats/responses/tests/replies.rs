//! Whole replies: decoded, and encoded as the API writes them.

use super::corpus::cases;
use super::*;

#[test]
fn recorded_replies_are_decoded_or_report_their_error() {
    for case in cases() {
        let Some(reply) = case.reply else { continue };
        if case.status != 200 {
            let error = formats::read_error(Format::OpenAIResponses, &reply, 400);
            assert!(error.is_some_and(|error| !error.message.is_empty()), "{}", case.id);
            continue;
        }
        let items = reply["output"].as_array().unwrap().len();
        let answer = decode_reply(reply.clone(), &Names::default(), &mut Report::default())
            .unwrap_or_else(|error| panic!("{}: {error}", case.id));
        assert!(!answer.parts.is_empty() || items == 0, "{}", case.id);
        assert_eq!(answer.usage.unwrap().input, reply["usage"]["input_tokens"].as_u64().unwrap(), "{}", case.id);
        let observed = observe_reply(&reply.to_string()).unwrap();
        assert_eq!(observed.usage, answer.usage, "{}", case.id);
        assert_eq!(observed.finish.as_deref(), Some(answer.finish.native.as_str()), "{}", case.id);
    }
}
