{{- define "cloud-mirror.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "cloud-mirror.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "cloud-mirror.labels" -}}
{{ include "cloud-mirror.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "cloud-mirror.image" -}}
{{ .Values.image.repository }}{{ if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "cloud-mirror.configuration" -}}
{{- $own := dict "listen" "0.0.0.0:8080" -}}
{{ mustMergeOverwrite (deepCopy .Values.config) $own | toYaml }}
{{- end }}

{{/* What the pods of front ends and copiers have in common: a list of the context, the part ("front-end", "copier"), and its values. */}}
{{- define "cloud-mirror.pod" -}}
{{- $context := index . 0 }}{{ $part := index . 1 }}{{ $values := index . 2 -}}
metadata:
  annotations:
    checksum/config: {{ include "cloud-mirror.configuration" $context | sha256sum }}
    {{- with $context.Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  labels:
    {{- include "cloud-mirror.labels" $context | nindent 4 }}
    app.kubernetes.io/component: {{ $part }}
    {{- with $context.Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "cloud-mirror.name" $context }}
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: {{ $context.Values.terminationGracePeriodSeconds }}
  {{- with $context.Values.imagePullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $context.Values.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $context.Values.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    seccompProfile: {type: RuntimeDefault}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: topology.kubernetes.io/zone
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "cloud-mirror.selector" $context | nindent 10 }}
          app.kubernetes.io/component: {{ $part }}
  containers:
    - name: cloud-mirror
      image: {{ include "cloud-mirror.image" $context | quote }}
      imagePullPolicy: {{ $context.Values.image.pullPolicy }}
      args:
        {{- if eq $part "copier" }}
        - copier
        - --config=/etc/cloud-mirror/cloud-mirror.yaml
        - --listen=0.0.0.0:8080
        {{- with $values.pools }}
        - --pools={{ join "," . }}
        {{- end }}
        {{- else }}
        - serve
        - --config=/etc/cloud-mirror/cloud-mirror.yaml
        {{- if gt (int $context.Values.copier.replicas) 0 }}
        - --no-copiers
        {{- end }}
        {{- end }}
      {{- with $context.Values.existingSecret }}
      envFrom:
        - secretRef: {name: {{ . | quote }}}
      {{- end }}
      ports:
        - {name: http, containerPort: 8080}
      # Opening pools may take a minute.
      startupProbe:
        httpGet: {path: /healthz, port: http}
        periodSeconds: 2
        failureThreshold: 60
      livenessProbe:
        httpGet: {path: /healthz, port: http}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      # A pool that hangs takes two seconds to be found out.
      readinessProbe:
        httpGet: {path: /readyz, port: http}
        periodSeconds: 10
        timeoutSeconds: 3
      resources: {{- toYaml $values.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      volumeMounts:
        - {name: config, mountPath: /etc/cloud-mirror, readOnly: true}
        - {name: state, mountPath: /var/lib/cloud-mirror}
  volumes:
    - name: config
      configMap: {name: {{ include "cloud-mirror.name" $context }}}
    - name: state
      {{- if and (eq $part "front-end") $context.Values.persistence.enabled }}
      persistentVolumeClaim: {claimName: {{ include "cloud-mirror.name" $context }}}
      {{- else }}
      emptyDir: {}
      {{- end }}
{{- end }}
