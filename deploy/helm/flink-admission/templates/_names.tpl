{{/* The Service, both webhook configurations and what else belongs to the release carry this name. */}}
{{- define "flink-admission.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 53 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 53 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* The Secret that the program makes; its name is derived in the program from that of the Service. */}}
{{- define "flink-admission.authority" -}}
{{ include "flink-admission.fullname" . }}-authority
{{- end }}

{{/* The Secret with the files to serve with; empty where the program makes its own certificates. */}}
{{- define "flink-admission.tlsSecret" -}}
{{- if eq .Values.certificates.source "cert-manager" -}}
{{ include "flink-admission.fullname" . }}-tls
{{- else if eq .Values.certificates.source "files" -}}
{{ .Values.certificates.secretName }}
{{- end -}}
{{- end }}

{{- define "flink-admission.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (include "flink-admission.fullname" .) }}
{{- end }}

{{/* Namespace and name in one label value, which holds 63 characters. */}}
{{- define "flink-admission.installation" -}}
{{- $whole := printf "%s.%s" .Release.Namespace (include "flink-admission.fullname" .) -}}
{{- if gt (len $whole) 63 -}}
{{ $whole | trunc 52 }}-{{ sha256sum $whole | trunc 10 }}
{{- else -}}
{{ $whole }}
{{- end -}}
{{- end }}

{{- define "flink-admission.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "flink-admission.labels" -}}
{{- with .Values.commonLabels -}}
{{ toYaml . }}
{{ end -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "flink-admission.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/*
Content of an object's `metadata`. Takes a dict:
  root         the chart's root context
  suffix       of the name, after that of the release; empty if left out
  cluster      true: not in a namespace
  labels, annotations  besides those of every object
*/}}
{{- define "flink-admission.metadata" -}}
name: {{ include "flink-admission.fullname" .root }}{{ .suffix }}
{{- if not .cluster }}
namespace: {{ .root.Release.Namespace }}
{{- end }}
labels:
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- include "flink-admission.labels" .root | nindent 2 }}
{{- with merge dict (.annotations | default dict) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "flink-admission.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end }}

{{/* What a process of ours may do on its node, in `spec.securityContext`: nothing, as nobody. OpenShift chooses the ids. */}}
{{- define "flink-admission.podSecurity" -}}
runAsNonRoot: true
{{- if not .Values.openshift }}
runAsUser: 65532
runAsGroup: 65532
{{- end }}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{/* The same in the container's own. */}}
{{- define "flink-admission.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
privileged: false
capabilities: {drop: [ALL]}
{{- end }}
