{{/*
The entries of a webhook configuration. Takes a dict: root, path ("/mutate" or "/validate"), and stored, the configuration as
it is in the cluster, or nothing.

`caBundle` is the program's to write. An upgrade that replaces the object instead of merging would drop it, so what is stored
is kept.
*/}}
{{- define "flink-admission.webhooks" -}}
{{- $root := .root -}}
{{- $path := .path -}}
{{- $bundles := dict -}}
{{- range $entry := dig "webhooks" list (.stored | default dict) -}}
{{- $_ := set $bundles $entry.name (dig "clientConfig" "caBundle" "" $entry) -}}
{{- end -}}
{{- range $name := list "clusters.flink-admission.io" "workloads.flink-admission.io" }}
- name: {{ $name }}
  clientConfig:
    service:
      name: {{ include "flink-admission.fullname" $root }}
      namespace: {{ $root.Release.Namespace }}
      path: {{ $path }}
      port: 443
    {{- with get $bundles $name }}
    caBundle: {{ . }}
    {{- end }}
  {{- if eq $name "clusters.flink-admission.io" }}
  rules:
    - apiGroups: [flink.apache.org]
      apiVersions: [v1beta1]
      resources: [flinkdeployments, flinkbluegreendeployments, flinksessionjobs]
      operations: [CREATE, UPDATE]
      scope: Namespaced
  {{- else }}
  rules:
    - apiGroups: [apps]
      apiVersions: [v1]
      resources: [deployments, statefulsets]
      operations: [CREATE, UPDATE]
      scope: Namespaced
    - apiGroups: [batch]
      apiVersions: [v1]
      resources: [jobs]
      operations: [CREATE, UPDATE]
      scope: Namespaced
  matchConditions:
    {{- $root.Files.Get "files/match-conditions.yaml" | fromYamlArray | toYaml | nindent 4 }}
  {{- end }}
  namespaceSelector:
    matchExpressions:
      - key: kubernetes.io/metadata.name
        operator: NotIn
        values:
          {{- append $root.Values.webhooks.excludedNamespaces $root.Release.Namespace | uniq | toYaml | nindent 10 }}
  matchPolicy: Equivalent
  {{- if eq $path "/mutate" }}
  # Another webhook may bring in a container after us; a second call on a complete object changes nothing.
  reinvocationPolicy: IfNeeded
  {{- end }}
  failurePolicy: {{ $root.Values.webhooks.failurePolicy }}
  sideEffects: None
  timeoutSeconds: {{ $root.Values.webhooks.timeoutSeconds }}
  admissionReviewVersions: [v1]
{{- end }}
{{- end }}
