{{- define "copilot.name" -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{/* The labels of an object. Takes a list: context, component. */}}
{{- define "copilot.labels" -}}
{{- $root := index . 0 -}}
{{ include "copilot.selector" . }}
app.kubernetes.io/version: {{ $root.Values.image.tag | default $root.Chart.AppVersion | trunc 63 | trimAll "-._" | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version }}
{{- end -}}

{{/* The labels that select the pods of a component. Takes a list: context, component. */}}
{{- define "copilot.selector" -}}
app.kubernetes.io/name: workflow-copilot
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "copilot.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (ternary (include "copilot.name" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{- define "copilot.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What the spec of every pod has: no rights, no token of the cluster, a writable /tmp. */}}
{{- define "copilot.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 1000
  runAsGroup: 1000
  seccompProfile:
    type: RuntimeDefault
volumes:
  - name: tmp
    emptyDir: { sizeLimit: 128Mi }
  {{- with .Values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* What every container has. */}}
{{- define "copilot.container" -}}
image: {{ include "copilot.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
volumeMounts:
  - name: tmp
    mountPath: /tmp
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* Variables by name. A variable in an earlier dictionary of the list hides the same one in a later dictionary. */}}
{{- define "copilot.env" -}}
{{- $all := dict -}}
{{- range . }}{{ $all = merge $all . }}{{ end -}}
{{- range $name, $value := $all }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end -}}

{{/* Spreads the pods of a component over nodes, and says on which nodes they may run. Takes a list: context, component. */}}
{{- define "copilot.placement" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "copilot.selector" . | nindent 8 }}
{{- $component := index (index . 0).Values (index . 1) }}
{{- with $component.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $component.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The budget of a component: one pod at a time, and pods that are not ready don't block a node. Takes: context, component. */}}
{{- define "copilot.disruptionBudget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "copilot.name" (index . 0) }}-{{ index . 1 }}
  labels:
    {{- include "copilot.labels" . | nindent 4 }}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "copilot.selector" . | nindent 6 }}
{{- end -}}

{{/* An autoscaler on CPU. Takes a list: context, component. */}}
{{- define "copilot.cpuAutoscaler" -}}
{{- $name := printf "%s-%s" (include "copilot.name" (index . 0)) (index . 1) -}}
{{- $autoscaling := (index (index . 0).Values (index . 1)).autoscaling -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ $name }}
  labels:
    {{- include "copilot.labels" . | nindent 4 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ $name }}
  minReplicas: {{ $autoscaling.minReplicas }}
  maxReplicas: {{ $autoscaling.maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ $autoscaling.targetCPUUtilizationPercentage }}
{{- end -}}
