{{/* The arguments of the container. */}}
{{- define "flink-admission.arguments" -}}
- serve
- --listen={{ .Values.bindAddress }}:{{ .Values.ports.webhook }}
- --observe={{ .Values.bindAddress }}:{{ .Values.ports.observe }}
- --policy=/etc/flink-admission/policy.yaml
- --cluster
- --service={{ include "flink-admission.fullname" . }}
- --namespace={{ .Release.Namespace }}
- --webhooks=/etc/flink-admission-webhooks/webhooks.yaml
- --webhooks-by={{ .Values.webhooks.managedBy }}
{{- with .Values.certificates }}
{{- if eq .source "program" }}
{{- with .leafLife }}
- --leaf-life={{ . }}
{{- end }}
{{- with .authorityLife }}
- --authority-life={{ . }}
{{- end }}
{{- else }}
- --tls-cert=/etc/flink-admission-tls/tls.crt
- --tls-key=/etc/flink-admission-tls/tls.key
{{- if not .certManager.caInjection }}
- --ca=/etc/flink-admission-tls/ca.crt
{{- end }}
{{- end }}
{{- if .clientCa }}
- --client-ca=/etc/flink-admission-webhooks/client-ca.crt
{{- end }}
{{- end }}
- --webhook-timeout={{ .Values.webhooks.timeoutSeconds }}s
- --drain={{ .Values.drainSeconds }}s
- --finish={{ .Values.finishSeconds }}s
{{- with .Values.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end }}
