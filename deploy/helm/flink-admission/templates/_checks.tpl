{{/* Values that the schema takes one by one, and that do not go together. */}}
{{- define "flink-admission.checks" -}}
{{- with .Values.certificates -}}
{{- if and (eq .source "files") (not .secretName) -}}
{{- fail "certificates.secretName is empty, and certificates.source is `files`, so there is no certificate to serve with; name a Secret of this namespace with tls.crt, tls.key and ca.crt" -}}
{{- end -}}
{{- if and .secretName (ne .source "files") -}}
{{- fail (printf "certificates.secretName is %q, and certificates.source is %q, so that Secret would not be used; set certificates.source to `files`, or leave secretName empty" .secretName .source) -}}
{{- end -}}
{{- if and .certManager.caInjection (ne .source "cert-manager") -}}
{{- fail (printf "certificates.certManager.caInjection is true, and certificates.source is %q, so cert-manager's injector and the program would both write caBundle; set certificates.source to `cert-manager`, or caInjection to false" .source) -}}
{{- end -}}
{{- if and (or .leafLife .authorityLife) (ne .source "program") -}}
{{- fail (printf "certificates.leafLife and certificates.authorityLife are of the certificates that the program makes, and certificates.source is %q; leave them empty" .source) -}}
{{- end -}}
{{- end -}}
{{- with .Values.autoscaling -}}
{{- if and .enabled (gt (int .minReplicas) (int .maxReplicas)) -}}
{{- fail (printf "autoscaling.minReplicas is %d, more than autoscaling.maxReplicas, which is %d" (int .minReplicas) (int .maxReplicas)) -}}
{{- end -}}
{{- end -}}
{{- $image := .Values.image.repository | splitList "/" | last -}}
{{- if or (contains ":" $image) (contains "@" $image) -}}
{{- fail (printf "image.repository is %q, which holds a tag or a digest, so another one would be put behind it; name them in image.tag or image.digest" .Values.image.repository) -}}
{{- end -}}
{{- if and .Values.hostNetwork (has 10250 (list (int .Values.ports.webhook) (int .Values.ports.observe))) -}}
{{- fail "hostNetwork is true, and one of ports is 10250, which the kubelet of each node listens on, so no replica would start; take a port that is free on the nodes" -}}
{{- end -}}
{{- if eq (int .Values.ports.webhook) (int .Values.ports.observe) -}}
{{- fail (printf "ports.webhook and ports.observe are both %d; the program listens on two" (int .Values.ports.webhook)) -}}
{{- end -}}
{{- end }}
