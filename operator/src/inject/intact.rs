//! Whether a running pod's sidecar still is what injection made of it, so that a key given to it is seen by nobody else;
//! pure. A pod's spec can be changed after its admission: its images, and by ephemeral containers.

use super::sidecar::{ARGS, AUDIENCE, VARIABLES};
use super::{CONTAINER, SEAL};
use k8s_openapi::api::core::v1::{Container, Pod, PodSpec, Probe};

/// What tells whether a pod may hold keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Intact {
    /// What stands against it, whatever its image.
    pub(crate) fault: Option<&'static str>,
    /// Image of its sidecar.
    pub(crate) image: String,
    /// The injector's word that it injected this image; whoever may create pods can write one.
    pub(crate) seal: String,
}

impl Intact {
    /// Of a pod that nobody has touched.
    #[cfg(test)]
    pub(crate) fn untouched() -> Self {
        Self { fault: None, image: String::new(), seal: String::new() }
    }

    /// Of a pod as it is stored.
    pub(crate) fn of(pod: &Pod) -> Self {
        let spec = pod.spec.as_ref();
        let sidecar = spec.and_then(sidecar);
        Self {
            fault: fault(spec, sidecar),
            image: sidecar.and_then(|sidecar| sidecar.image.clone()).unwrap_or_default(),
            seal: pod.metadata.annotations.as_ref().and_then(|all| all.get(SEAL)).cloned().unwrap_or_default(),
        }
    }
}

fn sidecar(spec: &PodSpec) -> Option<&Container> {
    spec.init_containers.iter().flatten().find(|container| container.name == CONTAINER)
}

fn fault(spec: Option<&PodSpec>, sidecar: Option<&Container>) -> Option<&'static str> {
    let (Some(spec), Some(sidecar)) = (spec, sidecar) else { return Some("it has no sidecar") };
    let env = sidecar.env.iter().flatten();
    let foreign = env
        .filter(|variable| variable.name.starts_with("PILLION_"))
        .any(|variable| !VARIABLES.contains(&variable.name.as_str()));
    let runs = [&sidecar.startup_probe, &sidecar.liveness_probe, &sidecar.readiness_probe];
    let runs = runs.into_iter().flatten().any(|probe: &Probe| probe.exec.is_some());
    let args = sidecar.args.iter().flatten();
    if sidecar.restart_policy.as_deref() != Some("Always") {
        Some("its sidecar has lost restartPolicy: Always")
    } else if sidecar.command.is_some() || !args.eq(ARGS) {
        Some("its sidecar has another command than injection wrote")
    } else if foreign || sidecar.env_from.is_some() {
        Some("its sidecar has settings that injection did not write")
    } else if sidecar.lifecycle.is_some() || runs {
        Some("its sidecar has a hook or a probe that runs a command")
    } else if sidecar.volume_mounts.iter().flatten().any(|mount| !mount.mount_path.starts_with("/var/run/")) {
        Some("its sidecar has a volume over its own files")
    } else if spec.ephemeral_containers.iter().flatten().next().is_some() {
        Some("it has an ephemeral container, which can read what the sidecar holds")
    } else if spec.share_process_namespace == Some(true) || spec.host_pid == Some(true) {
        Some("its containers see each other's processes")
    } else if others_hold_our_token(spec) {
        Some("a container beside the sidecar mounts a token of audience pillion")
    } else {
        None
    }
}

fn others_hold_our_token(spec: &PodSpec) -> bool {
    let volumes = spec.volumes.iter().flatten().filter(|volume| {
        let sources = volume.projected.iter().flat_map(|projected| projected.sources.iter().flatten());
        sources
            .filter_map(|source| source.service_account_token.as_ref())
            .any(|token| token.audience.as_deref() == Some(AUDIENCE))
    });
    let ours: Vec<&str> = volumes.map(|volume| volume.name.as_str()).collect();
    let containers = spec.containers.iter().chain(spec.init_containers.iter().flatten());
    let others = containers.filter(|container| container.name != CONTAINER);
    others
        .flat_map(|container| container.volume_mounts.iter().flatten())
        .any(|mount| ours.contains(&mount.name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::inject::{InjectContext, inject};
    use serde_json::{Value, json};

    fn injected() -> Value {
        let config = Config::parse("sidecar: {image: 'pillion-sidecar:1'}").unwrap();
        let context = InjectContext { config: &config, ca_bundle: "ca", seal: Some("sealed"), namespace_labels: None };
        let pod = json!({
            "metadata": {"name": "p", "labels": {"pillion.dev/inject": "true"}},
            "spec": {"containers": [{"name": "app", "image": "app"}]},
        });
        inject(&pod, &context).pod
    }

    fn intact(change: impl Fn(&mut Value)) -> Intact {
        let mut pod = injected();
        change(&mut pod);
        Intact::of(&serde_json::from_value(pod).unwrap())
    }

    #[track_caller]
    fn faulty(fault: &str, change: impl Fn(&mut Value)) {
        let found = intact(change).fault.unwrap_or_default();
        assert!(found.contains(fault), "{found}");
    }

    #[test]
    fn a_pod_as_injection_leaves_it_is_intact() {
        let untouched = Intact { fault: None, image: "pillion-sidecar:1".into(), seal: "sealed".into() };
        assert_eq!(intact(|_| ()), untouched);
        // Other webhooks may add variables and volumes of theirs.
        let added = intact(|pod| {
            let sidecar = &mut pod["spec"]["initContainers"][0];
            sidecar["env"].as_array_mut().unwrap().push(json!({"name": "AZURE_CLIENT_ID", "value": "a"}));
            sidecar["volumeMounts"]
                .as_array_mut()
                .unwrap()
                .push(json!({"name": "azure", "mountPath": "/var/run/secrets/azure"}));
        });
        assert_eq!(added, untouched);
        assert_eq!(intact(|pod| pod["spec"]["initContainers"][0]["image"] = "evil".into()).image, "evil");
    }

    #[test]
    fn whatever_lets_somebody_else_see_what_the_sidecar_holds_is_a_fault() {
        let sidecar = |member: &'static str, value: Value| {
            move |pod: &mut Value| pod["spec"]["initContainers"][0][member] = value.clone()
        };
        let spec = |member: &'static str, value: Value| move |pod: &mut Value| pod["spec"][member] = value.clone();
        faulty("no sidecar", spec("initContainers", json!([])));
        faulty("restartPolicy", sidecar("restartPolicy", Value::Null));
        faulty("another command", sidecar("command", json!(["/bin/sh"])));
        faulty("another command", sidecar("args", json!(["serve", "--log", "trace"])));
        faulty("another command", sidecar("args", Value::Null));
        faulty("settings", sidecar("env", json!([{"name": "PILLION_CREDENTIALS_DIR", "value": "/app"}])));
        faulty("settings", sidecar("envFrom", json!([{"configMapRef": {"name": "a"}}])));
        faulty("a hook", sidecar("lifecycle", json!({"postStart": {"exec": {"command": ["/app/steal"]}}})));
        faulty("a hook", sidecar("readinessProbe", json!({"exec": {"command": ["/app/steal"]}})));
        faulty("own files", sidecar("volumeMounts", json!([{"name": "mine", "mountPath": "/pillion-sidecar"}])));
        faulty("ephemeral", spec("ephemeralContainers", json!([{"name": "debug", "image": "busybox"}])));
        faulty("each other's processes", spec("shareProcessNamespace", json!(true)));
        faulty("each other's processes", spec("hostPID", json!(true)));
        let mount = json!([{"name": "pillion-tokens", "mountPath": "/stolen"}]);
        faulty("beside the sidecar", |pod| pod["spec"]["containers"][0]["volumeMounts"] = mount.clone());
        faulty("beside the sidecar", |pod| {
            let token = json!({"serviceAccountToken": {"path": "t", "audience": "pillion"}});
            let volume = json!({"name": "mine", "projected": {"sources": [token]}});
            pod["spec"]["volumes"].as_array_mut().unwrap().push(volume);
            pod["spec"]["containers"][0]["volumeMounts"] = json!([{"name": "mine", "mountPath": "/t"}]);
        });
    }
}
