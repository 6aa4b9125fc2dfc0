//! The flows, and what each sends when all is well: the protocols' own words, from the vendors' documentation.

use super::mock::Answer;
use crate::identity::source::Source;
use serde_json::{Value, json};

/// One way to a credential.
pub(super) struct Flow {
    pub(super) name: &'static str,
    /// Its identity as a snapshot says it.
    identity: fn() -> Value,
    pub(super) steps: &'static [Step],
    /// The pod's token that it reads, if it does.
    pub(super) token_file: Option<&'static str>,
    /// The mounted key that it reads, if it does.
    pub(super) key: Option<&'static str>,
    /// Keys of it may be used for so long after their end while their service is away, in seconds.
    pub(super) grace: u64,
}

/// One call of a service.
pub(super) struct Step {
    pub(super) host: &'static str,
    pub(super) path: &'static str,
    /// What its body holds, where one service has several calls.
    pub(super) says: &'static str,
    pub(super) answer: Answer,
    /// What it sends, see `mock::Asked::shown`. `<token>` and `<signature>` stand for what cannot be foreseen.
    pub(super) sends: &'static str,
}

impl Flow {
    pub(super) fn source(&self) -> Source {
        match self.name.split('-').next() {
            Some("azure") => Source::Azure(serde_json::from_value((self.identity)()).unwrap()),
            Some("aws") => Source::Aws(serde_json::from_value((self.identity)()).unwrap()),
            _ => Source::Gcp(serde_json::from_value((self.identity)()).unwrap()),
        }
    }
}

const TENANT: &str = "contoso.onmicrosoft.com";
const CLIENT: &str = "11111111-2222-3333-4444-555555555555";
const POOL: &str = "projects/1/locations/global/workloadIdentityPools/pool/providers/prod";
const ROLE: &str = "arn:aws:iam::123456789012:role/assistants";
const OTHER_ROLE: &str = "arn:aws:iam::210987654321:role/bedrock";
const ACCOUNT: &str = "a@p.iam.gserviceaccount.com";

const ENTRA: Step = Step {
    host: "login.microsoftonline.com",
    path: "/contoso.onmicrosoft.com/oauth2/v2.0/token",
    says: "",
    answer: Answer::Entra,
    sends: "POST /contoso.onmicrosoft.com/oauth2/v2.0/token
content-type: application/x-www-form-urlencoded
client_assertion=<token>
client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer
client_id=11111111-2222-3333-4444-555555555555
grant_type=client_credentials
scope=https://cognitiveservices.azure.com/.default",
};

const WEB_IDENTITY: Step = Step {
    host: "sts.us-east-1.amazonaws.com",
    path: "/",
    says: "Action=AssumeRoleWithWebIdentity",
    answer: Answer::Sts("AssumeRoleWithWebIdentity"),
    sends: "POST /
content-type: application/x-www-form-urlencoded
Action=AssumeRoleWithWebIdentity
DurationSeconds=3600
RoleArn=arn:aws:iam::123456789012:role/assistants
RoleSessionName=team-a.pod-1
Version=2011-06-15
WebIdentityToken=<token>",
};

const ASSUME_ROLE: Step = Step {
    host: "sts.us-east-1.amazonaws.com",
    path: "/",
    says: "Action=AssumeRole&",
    answer: Answer::Sts("AssumeRole"),
    sends: "POST /
authorization: <signature>
content-type: application/x-www-form-urlencoded
Action=AssumeRole
DurationSeconds=3600
ExternalId=e-1
RoleArn=arn:aws:iam::210987654321:role/bedrock
RoleSessionName=team-a.pod-1
Tags.member.1.Key=team
Tags.member.1.Value=a
Version=2011-06-15",
};

const GOOGLE_STS: Step = Step {
    host: "sts.googleapis.com",
    path: "/v1/token",
    says: "",
    answer: Answer::OAuth,
    sends: "POST /v1/token
content-type: application/x-www-form-urlencoded
audience=//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/prod
grant_type=urn:ietf:params:oauth:grant-type:token-exchange
requested_token_type=urn:ietf:params:oauth:token-type:access_token
scope=https://www.googleapis.com/auth/cloud-platform
subject_token=<token>
subject_token_type=urn:ietf:params:oauth:token-type:jwt",
};

const IMPERSONATION: Step = Step {
    host: "iamcredentials.googleapis.com",
    path: "/v1/projects/-/serviceAccounts/a%40p.iam.gserviceaccount.com:generateAccessToken",
    says: "",
    answer: Answer::Impersonation,
    sends: "POST /v1/projects/-/serviceAccounts/a%40p.iam.gserviceaccount.com:generateAccessToken
authorization: Bearer <token>
content-type: application/json
{\"scope\":[\"https://www.googleapis.com/auth/cloud-platform\"],\"lifetime\":\"3600s\"}",
};

const IMDS: &str = "169.254.169.254";

/// Every flow.
pub(super) const FLOWS: [Flow; 16] = [
    Flow {
        name: "azure-workload-identity",
        identity: || json!({"cloud": "Public", "source": {"from": "workloadIdentity", "tenantId": TENANT, "clientId": CLIENT}}),
        steps: &[ENTRA],
        token_file: Some("azure"),
        key: None,
        grace: 0,
    },
    Flow {
        name: "azure-managed-identity",
        identity: || json!({"cloud": "Public", "source": {"from": "managedIdentity"}}),
        steps: &[Step {
            host: IMDS,
            path: "/metadata/identity/oauth2/token",
            says: "",
            answer: Answer::AzureImds,
            sends: "GET /metadata/identity/oauth2/token?api-version=2019-08-01&resource=https://cognitiveservices.azure.com
metadata: true",
        }],
        token_file: None,
        key: None,
        grace: 0,
    },
    Flow {
        name: "azure-user-assigned-identity",
        identity: || json!({"cloud": "USGovernment", "source": {"from": "managedIdentity", "id": {"by": "clientId", "id": CLIENT}}}),
        steps: &[Step {
            host: IMDS,
            path: "/metadata/identity/oauth2/token",
            says: "",
            answer: Answer::AzureImds,
            sends: "GET /metadata/identity/oauth2/token?api-version=2019-08-01&resource=https://cognitiveservices.azure.us&client_id=11111111-2222-3333-4444-555555555555
metadata: true",
        }],
        token_file: None,
        key: None,
        grace: 0,
    },
    Flow {
        name: "azure-client-secret",
        identity: || json!({"cloud": "China", "source": {"from": "clientSecret", "tenantId": TENANT, "clientId": CLIENT,
            "credential": {"from": "mounted", "key": "entra"}}}),
        steps: &[Step {
            host: "login.chinacloudapi.cn",
            sends: "POST /contoso.onmicrosoft.com/oauth2/v2.0/token
content-type: application/x-www-form-urlencoded
client_id=11111111-2222-3333-4444-555555555555
client_secret=secret~1
grant_type=client_credentials
scope=https://cognitiveservices.azure.cn/.default",
            ..ENTRA
        }],
        token_file: None,
        key: Some("entra"),
        grace: 0,
    },
    Flow {
        name: "azure-client-certificate",
        identity: || json!({"cloud": "Public", "source": {"from": "clientCertificate", "tenantId": TENANT,
            "clientId": CLIENT, "credential": {"from": "mounted", "key": "application.pem"}}}),
        steps: &[Step { answer: Answer::EntraCertificate, ..ENTRA }],
        token_file: None,
        key: Some("application.pem"),
        grace: 0,
    },
    Flow {
        name: "aws-web-identity",
        identity: || json!({"region": "us-east-1", "source": {"from": "webIdentity", "roleArn": ROLE}}),
        steps: &[WEB_IDENTITY],
        token_file: Some("aws-sts"),
        key: None,
        grace: 0,
    },
    Flow {
        name: "aws-pod-identity",
        identity: || json!({"region": "us-east-1", "source": {"from": "podIdentity"}}),
        steps: &[Step {
            host: "169.254.170.23",
            path: "/v1/credentials",
            says: "",
            answer: Answer::PodIdentity,
            sends: "GET /v1/credentials
authorization: <token>",
        }],
        token_file: Some("aws-pod-identity"),
        key: None,
        grace: 0,
    },
    Flow {
        name: "aws-auto",
        identity: || json!({"region": "us-east-1", "source": {"from": "auto"}}),
        steps: &[Step {
            host: "169.254.170.23",
            path: "/v1/credentials",
            says: "",
            answer: Answer::PodIdentity,
            sends: "GET /v1/credentials
authorization: <token>",
        }],
        token_file: Some("aws-pod-identity"),
        key: None,
        grace: 0,
    },
    Flow {
        name: "aws-auto-annotated",
        identity: || json!({"region": "us-east-1", "source": {"from": "auto", "roleArn": ROLE}}),
        steps: &[WEB_IDENTITY],
        token_file: Some("aws-sts"),
        key: None,
        grace: 0,
    },
    Flow {
        name: "aws-instance-metadata",
        identity: || json!({"region": "us-east-1", "source": {"from": "instanceMetadata"}}),
        steps: &[
            Step {
                host: IMDS,
                path: "/latest/api/token",
                says: "",
                answer: Answer::ImdsSession,
                sends: "PUT /latest/api/token
x-aws-ec2-metadata-token-ttl-seconds: 21600",
            },
            Step {
                host: IMDS,
                path: "/latest/meta-data/iam/security-credentials/",
                says: "",
                answer: Answer::ImdsRole,
                sends: "GET /latest/meta-data/iam/security-credentials/
x-aws-ec2-metadata-token: <session>",
            },
            Step {
                host: IMDS,
                path: "/latest/meta-data/iam/security-credentials/node-role",
                says: "",
                answer: Answer::ImdsKeys,
                sends: "GET /latest/meta-data/iam/security-credentials/node-role
x-aws-ec2-metadata-token: <session>",
            },
        ],
        token_file: None,
        key: None,
        grace: 900,
    },
    Flow {
        name: "aws-role-chain",
        identity: || json!({"region": "us-east-1", "source": {"from": "webIdentity", "roleArn": ROLE},
            "assumeRoles": [{"roleArn": OTHER_ROLE, "externalId": "e-1", "tags": {"team": "a"}}]}),
        steps: &[WEB_IDENTITY, ASSUME_ROLE],
        token_file: Some("aws-sts"),
        key: None,
        grace: 0,
    },
    Flow {
        name: "aws-static-then-role",
        identity: || json!({"region": "us-east-1", "source": {"from": "static", "credential": {"from": "mounted", "key": "aws"}},
            "assumeRoles": [{"roleArn": OTHER_ROLE, "externalId": "e-1", "tags": {"team": "a"}}]}),
        steps: &[ASSUME_ROLE],
        token_file: None,
        key: Some("aws"),
        grace: 0,
    },
    Flow {
        name: "gcp-metadata-server",
        identity: || json!({"source": {"from": "metadataServer"}}),
        steps: &[Step {
            host: "metadata.google.internal",
            path: "/computeMetadata/v1/instance/service-accounts/default/token",
            says: "",
            answer: Answer::GoogleMetadata,
            sends: "GET /computeMetadata/v1/instance/service-accounts/default/token?scopes=https://www.googleapis.com/auth/cloud-platform
metadata-flavor: Google",
        }],
        token_file: None,
        key: None,
        grace: 0,
    },
    Flow {
        name: "gcp-federation",
        identity: || json!({"source": {"from": "workloadIdentityFederation", "provider": POOL}}),
        steps: &[GOOGLE_STS],
        token_file: Some("gcp-eada5e4726b06643"),
        key: None,
        grace: 0,
    },
    Flow {
        name: "gcp-impersonation",
        identity: || json!({"source": {"from": "workloadIdentityFederation", "provider": POOL}, "impersonate": ACCOUNT}),
        steps: &[GOOGLE_STS, IMPERSONATION],
        token_file: Some("gcp-eada5e4726b06643"),
        key: None,
        grace: 0,
    },
    Flow {
        name: "gcp-service-account-key",
        identity: || json!({"source": {"from": "serviceAccountKey", "credential": {"from": "mounted", "key": "gcp.json"}}}),
        steps: &[Step {
            host: "oauth2.googleapis.com",
            path: "/token",
            says: "",
            answer: Answer::GoogleKey,
            sends: "POST /token
content-type: application/x-www-form-urlencoded
assertion=<token>
grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer",
        }],
        token_file: None,
        key: Some("gcp.json"),
        grace: 0,
    },
];
