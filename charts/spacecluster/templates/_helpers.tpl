{{/* The prefix of every object's name. Cluster-wide objects carry the release's name too. */}}
{{- define "spacecluster.name" -}}
{{- if contains "spacecluster" .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-spacecluster" .Release.Name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "spacecluster.selectorLabels" -}}
app.kubernetes.io/name: spacecluster-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "spacecluster.labels" -}}
{{ include "spacecluster.selectorLabels" . }}
app.kubernetes.io/component: operator
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "spacecluster.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{/* The API server's name for the operator. */}}
{{- define "spacecluster.operatorUser" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ include "spacecluster.name" . }}
{{- end }}
