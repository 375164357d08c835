{{/*
Both webhook configurations, as YAML documents. Takes a dict:
  root      the chart's root context
  complete  true: as objects of the release, where `caBundle` and `failurePolicy` are the program's; false: as the file that
            the program reads, with the failure policies that are wanted

As objects of the release they say the same in every revision, whatever stands in the cluster: no `caBundle`, and `Ignore`. helm
leaves alone what no revision names, and puts back what the new one names: the authority that the program wrote stays, and its
`Fail` stands again once the program has looked. A value of the cluster in here would come back with a rollback, long after it
was true: an authority that is gone, or `Fail` where nobody answers.
*/}}
{{- define "flink-admission.configurations" -}}
{{- range $kind, $path := dict "MutatingWebhookConfiguration" "mutate" "ValidatingWebhookConfiguration" "validate" }}
---
{{ include "flink-admission.configuration" (dict "root" $.root "complete" $.complete "kind" $kind "path" $path) }}
{{- end }}
{{- end }}

{{/*
One of them; takes besides `kind` and `path`.

The program sets the label of the installation; it is a value of at most 63 characters, hence the digest. In program mode it
carries none of helm's labels, by which GitOps tools would take it for an object that belongs into the repository.
*/}}
{{- define "flink-admission.configuration" -}}
{{- $root := .root -}}
{{- $name := include "flink-admission.fullname" $root -}}
{{- $annotations := dict -}}
{{- with $root.Values.certificates -}}
{{- if .certManager.caInjection -}}
{{- $_ := set $annotations "cert-manager.io/inject-ca-from" (printf "%s/%s-tls" $root.Release.Namespace $name) -}}
{{- end -}}
{{- end -}}
apiVersion: admissionregistration.k8s.io/v1
kind: {{ .kind }}
metadata:
  name: {{ $name }}
  labels:
    {{- with $root.Values.webhooks.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- if .complete }}
    {{- include "flink-admission.labels" $root | nindent 4 }}
    {{- else }}
    app.kubernetes.io/name: {{ $root.Chart.Name }}
    app.kubernetes.io/managed-by: {{ $root.Chart.Name }}
    {{- end }}
    flink-admission.io/installation: {{ include "flink-admission.installation" $root }}
  {{- with merge $annotations $root.Values.webhooks.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
webhooks:
  {{- include "flink-admission.entries" (dict "root" $root "path" .path "complete" .complete) | trim | nindent 2 }}
{{- end }}

{{/*
Its entries; takes `root`, `path` (mutate or validate) and `complete`.

The probe's is always `Fail`: it matches nothing but the program's own dry run, and under `Ignore` the API server would not say
why a call failed. Its call ends before that dry run does (10 s), or what swallows packets would go unnoticed.
*/}}
{{- define "flink-admission.entries" -}}
{{- $root := .root -}}
{{- $path := .path -}}
{{- range $entry := list "clusters" "workloads" "recorded" "probe" }}
- name: {{ $entry }}.flink-admission.io
  clientConfig:
    service:
      name: {{ include "flink-admission.fullname" $root }}
      namespace: {{ $root.Release.Namespace }}
      path: /{{ eq $entry "probe" | ternary $entry $path }}
      port: 443
  {{- if eq $entry "probe" }}
  # The program sees by it that the API server reaches a replica: a dry run of a ConfigMap that must be refused.
  rules:
    - apiGroups: [""]
      apiVersions: [v1]
      resources: [configmaps]
      operations: [CREATE]
      scope: Namespaced
  namespaceSelector:
    matchExpressions:
      - key: kubernetes.io/metadata.name
        operator: In
        values: [{{ $root.Release.Namespace }}]
  objectSelector:
    matchLabels:
      flink-admission.io/probe: {{ $path }}
  {{- else }}
  {{- include "flink-admission.scope" (dict "root" $root "entry" $entry) | nindent 2 }}
  {{- end }}
  matchPolicy: Equivalent
  {{- if and (eq $path "mutate") (ne $entry "probe") }}
  # Another webhook may bring in a container after us; a second call on a complete object changes nothing.
  reinvocationPolicy: IfNeeded
  {{- end }}
  {{- if eq $entry "probe" }}
  failurePolicy: Fail
  {{- else if $.complete }}
  failurePolicy: Ignore
  {{- else }}
  failurePolicy: {{ get $root.Values.webhooks.failurePolicy (eq $entry "recorded" | ternary $entry $path) }}
  {{- end }}
  sideEffects: None
  timeoutSeconds: {{ eq $entry "probe" | ternary (min 5 $root.Values.webhooks.timeoutSeconds) $root.Values.webhooks.timeoutSeconds }}
  admissionReviewVersions: [v1]
{{- end }}
{{- end }}

{{/* What an entry other than the probe sees. Takes a dict: root, entry. */}}
{{- define "flink-admission.scope" -}}
{{- $conditions := dict -}}
{{- range .root.Files.Get "files/match-conditions.yaml" | fromYamlArray -}}
{{- $_ := set $conditions .name .expression -}}
{{- end -}}
{{- $operations := eq .entry "recorded" | ternary (list "UPDATE") (list "CREATE" "UPDATE") | toJson -}}
rules:
  {{- if ne .entry "workloads" }}
  - apiGroups: [flink.apache.org]
    apiVersions: [v1beta1]
    resources: [flinkdeployments, flinkbluegreendeployments, flinksessionjobs]
    operations: {{ $operations }}
    scope: Namespaced
  {{- end }}
  {{- if ne .entry "clusters" }}
  - apiGroups: [apps]
    apiVersions: [v1]
    resources: [deployments, statefulsets]
    operations: {{ $operations }}
    scope: Namespaced
  - apiGroups: [batch]
    apiVersions: [v1]
    resources: [jobs]
    operations: {{ $operations }}
    scope: Namespaced
  {{- end }}
matchConditions:
  - name: not-being-deleted
    expression: >-
      {{ get $conditions "not-being-deleted" }}
  {{- with .root.Values.webhooks.exemptGroups }}
  - name: not-exempt
    expression: >-
      !has(request.userInfo.groups) || !request.userInfo.groups.exists(g, g in {{ toRawJson . }})
  {{- end }}
  {{- if eq .entry "recorded" }}
  # What is no longer Flink, and carries the record still, is not ours either.
  - name: recorded
    expression: >-
      {{- get $conditions "recorded" | nindent 6 }} &&
      (request.kind.group == 'flink.apache.org' ||
      {{- get $conditions "starts-flink" | nindent 6 }})
  {{- else }}
  - name: not-recorded
    expression: >-
      !({{ get $conditions "recorded" }})
  {{- end }}
  {{- if eq .entry "workloads" }}
  - name: starts-flink
    expression: >-
      {{- get $conditions "starts-flink" | nindent 6 }}
  {{- end }}
namespaceSelector:
  matchExpressions:
    - key: kubernetes.io/metadata.name
      operator: NotIn
      values:
        {{- append .root.Values.webhooks.excludedNamespaces .root.Release.Namespace | uniq | toYaml | nindent 8 }}
{{- end }}
