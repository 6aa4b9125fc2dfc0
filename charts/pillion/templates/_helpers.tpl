{{/* Labels of every object. */}}
{{- define "pillion.labels" -}}
{{ include "pillion.selectorLabels" . }}
app.kubernetes.io/part-of: pillion
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The labels that select the operator's pods; they cannot change within a release. */}}
{{- define "pillion.selectorLabels" -}}
app.kubernetes.io/name: pillion-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Image reference of (dict "image" … "root" $). */}}
{{- define "pillion.image" -}}
{{- $repository := .image.repository -}}
{{- with .root.Values.global.imageRegistry -}}
{{- $repository = printf "%s/%s" (trimSuffix "/" .) $repository -}}
{{- end -}}
{{- if .image.digest -}}
{{ $repository }}@{{ .image.digest }}
{{- else -}}
{{ $repository }}:{{ .image.tag | default .root.Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* What a pod says of injection, as an optional in CEL: its label, else its annotation. */}}
{{- define "pillion.word" -}}
object.metadata.?labels[?"pillion.dev/inject"].or(object.metadata.?annotations[?"pillion.dev/inject"])
{{- end }}

{{/* Names of the namespaces that never reach the pod webhooks and policies, as a YAML list. */}}
{{- define "pillion.excludedNamespaces" -}}
{{- toYaml (append .Values.injection.excludedNamespaces .Release.Namespace | uniq) }}
{{- end }}

{{/* The operator's configuration file. */}}
{{- define "pillion.operatorConfig" -}}
sidecar:
  image: {{ include "pillion.image" (dict "image" .Values.sidecar.image "root" .) | quote }}
  imagePullPolicy: {{ .Values.sidecar.image.pullPolicy }}
  logLevel: {{ .Values.sidecar.logLevel | quote }}
  resources:
    {{- range $kind := list "requests" "limits" }}
    {{- with index $.Values.sidecar.resources $kind }}
    {{ $kind }}:
      {{- range $name, $quantity := . }}
      {{ $name }}: {{ $quantity | quote }}
      {{- end }}
    {{- else }}
    {{ $kind }}: {}
    {{- end }}
    {{- end }}
configServer:
  url: https://pillion-operator.{{ .Release.Namespace }}.svc:9444
startup:
  timeoutSeconds: {{ int .Values.injection.startupTimeoutSeconds }}
identity:
  azure: {{ toJson .Values.identity.azure }}
  aws:
    webIdentity: {{ .Values.identity.aws.webIdentity }}
    podIdentity: {{ .Values.identity.aws.podIdentity }}
  gcp:
    workloadIdentityProviders: {{ toJson .Values.identity.gcp.workloadIdentityProviders }}
  {{- if or .Values.identity.extraHosts.azure .Values.identity.extraHosts.aws .Values.identity.extraHosts.gcp }}
  extraHosts: {{ toJson .Values.identity.extraHosts }}
  {{- end }}
{{- if ne .Values.secrets.access "None" }}
secrets:
  access: {{ .Values.secrets.access }}
  onDelete: {{ .Values.secrets.onDelete }}
{{- end }}
{{- end }}
