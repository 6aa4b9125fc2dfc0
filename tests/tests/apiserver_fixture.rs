//! The fixture itself: that what it promises to other tests holds.

use anyhow::Result;
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, ListParams, PostParams};
use pillion_tests::apiserver::ApiServer;

#[tokio::test]
async fn kubectl_and_a_client_see_the_same_objects() -> Result<()> {
    let server = ApiServer::shared().await?;
    let namespace = server.namespace("fixture").await?;
    server.apply(&format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: seen, namespace: {namespace}}}\ndata: {{key: value}}\n"
    ))?;
    let seen = Api::<ConfigMap>::namespaced(server.client()?, &namespace).get("seen").await?;
    assert_eq!(seen.data.unwrap_or_default().get("key").map(String::as_str), Some("value"));
    Ok(())
}

#[tokio::test]
async fn a_service_account_without_rights_is_refused() -> Result<()> {
    let server = ApiServer::shared().await?;
    let namespace = server.namespace("fixture").await?;
    let token = server.token((&namespace, "default"), None, None).await?;
    let client = server.client_with(&token)?;
    let refusal = Api::<ConfigMap>::namespaced(client, &namespace).list(&ListParams::default()).await.unwrap_err();
    assert!(refusal.to_string().contains("cannot list resource"), "{refusal}");
    Ok(())
}

#[tokio::test]
async fn a_token_is_good_for_its_audience_only() -> Result<()> {
    let server = ApiServer::shared().await?;
    let namespace = server.namespace("fixture").await?;
    let token = server.token((&namespace, "default"), Some("pillion"), None).await?;
    let reviews = Api::<TokenReview>::all(server.client()?);
    for (audience, good) in [("pillion", true), ("another", false)] {
        let spec = TokenReviewSpec { audiences: Some(vec![audience.into()]), token: Some(token.clone()) };
        let review = TokenReview { spec, ..TokenReview::default() };
        let status = reviews.create(&PostParams::default(), &review).await?.status.unwrap_or_default();
        assert_eq!(status.authenticated.unwrap_or_default(), good, "audience {audience}: {:?}", status.error);
    }
    Ok(())
}

#[tokio::test]
async fn what_is_stored_survives_a_stopped_api_server() -> Result<()> {
    let mut server = ApiServer::start().await?;
    let namespace = server.namespace("kept").await?;
    server.stop();
    assert!(server.kubectl(["get", "namespace", &namespace]).is_err());
    server.restart().await?;
    server.kubectl(["get", "namespace", &namespace])?;
    Ok(())
}
