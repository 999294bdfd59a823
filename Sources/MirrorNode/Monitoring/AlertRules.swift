import MirrorEngine
import MirrorNet
import MirrorServer
import MirrorStorage

/// The alerting rules for Prometheus: `deploy/monitoring/alert-rules.yaml`. docs/runbook.md says what to do about each.
package enum AlertRules {
    private typealias Engine = EngineMetrics.Name
    private typealias Connections = ConnectionMetrics.Name
    private typealias Housekeeping = HousekeepingMetrics.Name
    private typealias Process = ProcessMetrics.Name

    static let all: [AlertRule] = service + copies + pools + origins + process

    package static var yaml: String {
        "\(MonitoringText.note)groups:\n  - name: cloud-mirror-alerts\n    rules:\n\(all.map(\.yaml).joined())"
    }

    /// Process metrics have the same names in every program, so this selects the mirror's.
    private static let isMirror = "and on (job, instance) \(Process.buildInfo)"

    private static func errors(_ kinds: String, in window: String = "15m") -> String {
        "sum by (job, kind) (increase(\(Engine.errors){kind=~\"\(kinds)\"}[\(window)])) > 0"
    }

    private static let service = [
        AlertRule(
            "CloudMirrorDown", .critical, for: "2m", "{{ $labels.instance }} does not answer.", "up{job=~\".*cloud-mirror.*\"} == 0"),
        AlertRule(
            "CloudMirrorStateUnavailable", .critical, for: "2m",
            "{{ $labels.instance }} cannot reach its state: requests that memory cannot answer go to the origins.",
            "\(Engine.stateAvailable) == 0"),
        AlertRule(
            "CloudMirrorFallbacks", .warning, for: "15m", "More than a quarter of the requests are redirected to the origins.",
            "\(RecordingRules.fallbackRatio) > 0.25\nand sum by (job) (\(RecordingRules.redirects)) > 0.1"),
        AlertRule(
            "CloudMirrorSilent", .critical, for: "5m",
            "Requests for {{ $labels.pool }} go to the origins because its pool or the state does not answer.",
            "sum by (job, pool) (rate(\(Engine.fallbacks){reason=~\"\(Fallback.silent.rawValue)|\(Fallback.unavailable.rawValue)\"}[5m])) > 0"
        ),
        AlertRule(
            "CloudMirrorSlow", .warning, for: "10m",
            "One answer in a hundred takes more than half a second, not counting waits for a copy.",
            "\(RecordingRules.answerSeconds) > 0.5"),
        AlertRule(
            "CloudMirrorUnexpectedErrors", .warning, for: "0m", "An unexpected error was counted as {{ $labels.kind }}.",
            errors(ErrorKind.other)),
        AlertRule(
            "CloudMirrorWrongTokens", .warning, for: "0m", "Someone is making admin calls with wrong tokens.",
            "sum by (job) (increase(\(AdminRefusals.metric){reason=\"wrong-token\"}[15m])) > 20"),
    ]

    private static let copies = [
        AlertRule(
            "CloudMirrorCopiesFail", .warning, for: "15m", "Most copies into {{ $labels.pool }} fail.",
            """
            sum by (job, pool) (rate(\(Engine.copies){result="error"}[15m]))
            / (sum by (job, pool) (rate(\(Engine.copies)[15m])) > 0) > 0.5
            """),
        AlertRule(
            "CloudMirrorQueueOld", .warning, for: "10m",
            "A copy into {{ $labels.pool }} has waited for a worker for more than five minutes.",
            "max by (job, pool) (\(Engine.oldestQueued)) > 300"),
        AlertRule(
            "CloudMirrorCopySetAside", .warning, for: "0m",
            "A copy into {{ $labels.pool }} was in progress during two crashes and was set aside.",
            "sum by (job, pool) (increase(\(Engine.copies){result=\"set-aside\"}[1h])) > 0"),
        AlertRule(
            "CloudMirrorWrongBytes", .critical, for: "0m", "Bytes arrived that do not match their checksum ({{ $labels.kind }}).",
            errors("storage\\\\.checksumMismatch|origin\\\\.checksumMismatch|copy\\\\.content")),
    ]

    private static let pools = [
        AlertRule(
            "CloudMirrorNoRoom", .warning, for: "5m", "A pool is full of artifacts that are in use: new ones are not copied.",
            errors("copy\\\\.noRoom")),
        AlertRule(
            "CloudMirrorStorageFull", .critical, for: "0m", "A pool's storage filled up although it seemed to have room.",
            errors("storage\\\\.full")),
        AlertRule(
            "CloudMirrorDiskNearlyFull", .warning, for: "10m", "The disk of {{ $labels.pool }} has less than 1 GiB left.",
            "min by (job, instance, pool) (\(Engine.poolFreeBytes)) < 1073741824"),
        AlertRule(
            "CloudMirrorLostReplicas", .warning, for: "0m",
            "Objects in {{ $labels.pool }} were deleted by something other than the mirror.",
            "sum by (job, pool) (increase(\(Engine.lost)[1h])) > 10"),
        AlertRule(
            "CloudMirrorStoreErrors", .warning, for: "10m", "The storage of {{ $labels.pool }} answers with errors ({{ $labels.code }}).",
            "sum by (job, pool, code) (rate(\(StoreMetrics.Name.errors){code!=\"notFound\"}[5m])) > 0.1"),
    ]

    private static let origins = [
        AlertRule(
            "CloudMirrorOriginFails", .warning, for: "10m", "Most requests to {{ $labels.origin }} fail.",
            """
            sum by (job, origin) (rate(\(OriginMetrics.Name.requests){status=~"5xx|429|none"}[5m]))
            / (sum by (job, origin) (rate(\(OriginMetrics.Name.requests)[5m])) > 0) > 0.5
            """),
        AlertRule(
            "CloudMirrorOriginRefusesCredentials", .warning, for: "0m", "An origin's bucket refuses the credentials of the mirror.",
            errors("origin\\\\.permissionDenied")),
        AlertRule(
            "CloudMirrorRegionListsOld", .info, for: "1h",
            "The list of addresses of {{ $labels.cloud }} is two weeks old, and newer ones are refused.",
            """
            time() - \(RegionMetrics.Name.dates) > 1209600
            and on (job, instance, cloud) increase(\(RegionMetrics.Name.updates){result="refused"}[1d]) > 0
            """),
    ]

    private static let process = [
        AlertRule(
            "CloudMirrorRestarts", .critical, for: "0m", "{{ $labels.instance }} was started more than three times within half an hour.",
            "changes(\(Process.start)[30m]) > 3\n\(isMirror)"),
        AlertRule(
            "CloudMirrorDescriptors", .warning, for: "5m",
            "{{ $labels.instance }} uses more than four fifths of the descriptors that it may open.",
            "\(Process.openDescriptors) / \(Process.maxDescriptors) > 0.8\n\(isMirror)"),
        AlertRule(
            "CloudMirrorAcceptPauses", .warning, for: "0m",
            "{{ $labels.instance }} could not accept connections for lack of descriptors or memory.",
            "increase(\(Connections.pauses)[15m]) > 0"),
        AlertRule(
            "CloudMirrorProxyHeaders", .warning, for: "10m",
            "Connections are closed because of their PROXY protocol header ({{ $labels.reason }}).",
            "sum by (job, reason) (rate(\(Connections.proxyHeaders)[5m])) > 0"),
        AlertRule(
            "CloudMirrorReloadRefused", .warning, for: "0m",
            "{{ $labels.instance }} refused to reload its configuration; the old one stays in force.",
            "increase(\(Housekeeping.reloads){result=\"refused\"}[15m]) > 0"),
        AlertRule(
            "CloudMirrorLogLinesDropped", .info, for: "0m", "{{ $labels.instance }} dropped log lines because they were not read in time.",
            "increase(\(Housekeeping.droppedLogLines)[15m]) > 0"),
    ]
}
