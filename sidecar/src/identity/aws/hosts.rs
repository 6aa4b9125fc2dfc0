//! The hosts that requests are signed for: Bedrock's, in every partition, and its private endpoints.

/// See [`crate::identity::hosts`].
pub(crate) const HOSTS: &[&str] = &[
    "bedrock.<region>.amazonaws.com",
    "bedrock-fips.<region>.amazonaws.com",
    "bedrock-runtime.<region>.amazonaws.com",
    "bedrock-runtime-fips.<region>.amazonaws.com",
    "bedrock-agent-runtime.<region>.amazonaws.com",
    "bedrock-runtime.<region>.amazonaws.com.cn",
    "bedrock-agent-runtime.<region>.amazonaws.com.cn",
    "bedrock-runtime.<region>.api.aws",
    "bedrock-mantle.<region>.api.aws",
    "bedrock-runtime.<region>.amazonaws.eu",
    "*.bedrock.<region>.vpce.amazonaws.com",
    "*.bedrock-runtime.<region>.vpce.amazonaws.com",
    "*.bedrock-agent-runtime.<region>.vpce.amazonaws.com",
    "*.bedrock-mantle.<region>.vpce.amazonaws.com",
];
