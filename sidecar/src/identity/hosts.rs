//! Which hosts get credentials of a cloud: patterns of names, where `*` stands for a part of one label and `<region>`
//! for a region of AWS, since other names there (`bucket.s3.amazonaws.com`) are whoever takes them.

/// Whether `host` is one of `patterns`, each label for label. No label is left out and none added, so that
/// `x.openai.azure.com.evil.example` and `evil-openai.azure.com` are not `*.openai.azure.com`.
pub(crate) fn is_one_of(host: &str, patterns: &[impl AsRef<str>]) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    patterns.iter().any(|pattern| matches(host, pattern.as_ref()))
}

fn matches(host: &str, pattern: &str) -> bool {
    let (mut labels, mut wanted) = (host.split('.'), pattern.split('.'));
    loop {
        match (labels.next(), wanted.next()) {
            (None, None) => return true,
            (Some(label), Some(wanted)) if label_matches(label, wanted) => {}
            _ => return false,
        }
    }
}

fn label_matches(label: &str, wanted: &str) -> bool {
    if wanted == "<region>" {
        return label.contains('-') && label.ends_with(|last: char| last.is_ascii_digit());
    }
    match wanted.split_once('*') {
        None => label.eq_ignore_ascii_case(wanted),
        Some((before, after)) => {
            let longer = label.len() > before.len() + after.len();
            longer
                && label.is_ascii()
                && label[..before.len()].eq_ignore_ascii_case(before)
                && label[label.len() - after.len()..].eq_ignore_ascii_case(after)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{aws, azure, gcp};
    use super::is_one_of;
    use pillion_snapshot::AzureCloud;

    #[test]
    fn a_clouds_own_hosts_get_its_credentials_and_nobody_else() {
        for (host, cloud) in [
            ("res.openai.azure.com", "azure"),
            ("RES.OpenAI.Azure.com.", "azure"),
            ("res.cognitiveservices.azure.com", "azure"),
            ("res.services.ai.azure.com", "azure"),
            ("res.openai.azure.us", "azure-us"),
            ("res.openai.azure.cn", "azure-cn"),
            ("bedrock-runtime.us-east-1.amazonaws.com", "aws"),
            ("bedrock-runtime-fips.us-gov-west-1.amazonaws.com", "aws"),
            ("bedrock-runtime.cn-north-1.amazonaws.com.cn", "aws"),
            ("bedrock-mantle.us-east-1.api.aws", "aws"),
            ("vpce-0a-1b.bedrock-runtime.us-east-1.vpce.amazonaws.com", "aws"),
            ("aiplatform.googleapis.com", "gcp"),
            ("us-central1-aiplatform.googleapis.com", "gcp"),
            ("aiplatform.eu.rep.googleapis.com", "gcp"),
            ("generativelanguage.googleapis.com", "gcp"),
            ("model.eastus2.models.ai.azure.com", "azure"),
            ("aiplatform-private.p.googleapis.com", "gcp"),
            ("bedrock-runtime.s3.amazonaws.com", "none"),
            ("evil-openai.azure.com", "none"),
            ("openai.azure.com", "none"),
            ("a.b.openai.azure.com", "none"),
            ("res.openai.azure.com.evil.example", "none"),
            ("res.openai.azure.comx", "none"),
            ("gateway.azure-api.net", "none"),
            ("bucket.s3.us-east-1.amazonaws.com", "none"),
            ("bedrock-runtime.s3.amazonaws.com.evil.example", "none"),
            ("ec2-1-2-3-4.compute-1.amazonaws.com", "none"),
            ("bedrock-evil.elb.amazonaws.com.example", "none"),
            ("bedrock-runtime.us-east-1.elb.amazonaws.com", "none"),
            ("storage.googleapis.com", "none"),
            ("evil-aiplatform.googleapis.com.example", "none"),
            ("evil.example", "none"),
            ("127.0.0.1", "none"),
            ("", "none"),
        ] {
            for (name, patterns) in [
                ("aws", aws::hosts::HOSTS),
                ("azure", azure::hosts::of(AzureCloud::Public)),
                ("azure-us", azure::hosts::of(AzureCloud::USGovernment)),
                ("azure-cn", azure::hosts::of(AzureCloud::China)),
                ("gcp", gcp::hosts::HOSTS),
            ] {
                assert_eq!(is_one_of(host, patterns), name == cloud, "{host} {name}");
            }
        }
    }
}
