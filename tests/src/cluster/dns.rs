//! The cluster's name server: CoreDNS in a pod, as every cluster has it.

use std::time::Duration;

use anyhow::Result;

use super::{Cluster, node};
use crate::{images, wait};

/// Installs it and waits until it answers for the API server's Service.
pub(super) async fn install(cluster: &Cluster) -> Result<()> {
    cluster.api().apply(&manifest())?;
    cluster.rolled_out("kube-system", "deployment/coredns")?;
    wait::until("an answering name server", Duration::from_secs(30), || async {
        let answer = cluster.kubectl([
            "get",
            "endpoints",
            "-n",
            "kube-system",
            "kube-dns",
            "-o",
            "jsonpath={.subsets[*].addresses[*].ip}",
        ])?;
        wait::holds(!answer.is_empty(), "the name server's Service has no address")
    })
    .await
}

fn manifest() -> String {
    format!(
        r#"apiVersion: v1
kind: ServiceAccount
metadata: {{name: coredns, namespace: kube-system}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: "system:coredns"}}
rules:
- {{apiGroups: [""], resources: [endpoints, services, pods, namespaces], verbs: [list, watch]}}
- {{apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [list, watch]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: "system:coredns"}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "system:coredns"}}
subjects: [{{kind: ServiceAccount, name: coredns, namespace: kube-system}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: coredns, namespace: kube-system}}
data:
  Corefile: |
    .:53 {{
      errors
      health
      ready
      kubernetes cluster.local in-addr.arpa ip6.arpa {{
        ttl 5
      }}
    }}
---
apiVersion: v1
kind: Service
metadata: {{name: kube-dns, namespace: kube-system}}
spec:
  clusterIP: {dns}
  selector: {{k8s-app: kube-dns}}
  ports:
  - {{name: dns, port: 53, protocol: UDP}}
  - {{name: dns-tcp, port: 53, protocol: TCP}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: coredns, namespace: kube-system}}
spec:
  selector: {{matchLabels: {{k8s-app: kube-dns}}}}
  template:
    metadata: {{labels: {{k8s-app: kube-dns}}}}
    spec:
      serviceAccountName: coredns
      dnsPolicy: Default
      containers:
      - name: coredns
        image: {image}
        imagePullPolicy: Never
        args: ["-conf", "/etc/coredns/Corefile"]
        readinessProbe: {{httpGet: {{path: /ready, port: 8181}}, periodSeconds: 1}}
        volumeMounts: [{{name: config, mountPath: /etc/coredns}}]
      volumes: [{{name: config, configMap: {{name: coredns}}}}]
"#,
        dns = node::DNS,
        image = images::COREDNS,
    )
}
