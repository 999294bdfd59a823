package import MirrorCore
package import MirrorSettings

/// Where traces go, and what is traced.
package struct TracingConfiguration: Sendable, Equatable {
    /// A header field of the requests to the collector.
    package struct Field: Sendable, Equatable {
        package let name: String
        package let value: Secret
    }

    /// With the path.
    package var endpoint: ArtifactURL
    package var headers: [Field] = []
    /// The share of requests on the slow path, of copies and of sweeps that is traced if no caller says otherwise; 0 to 1.
    package var sample = 0.1
    /// How many requests per second are traced because their callers say so, in the long run.
    package var askedPerSecond = 10
    package var serviceName = "cloud-mirror"
    /// Further attributes of the process, by their names.
    package var attributes: [String: String] = [:]
    /// Whether requests to origins name the span that they belong to.
    package var sendToOrigins = false

    package init(endpoint: ArtifactURL) {
        self.endpoint = endpoint
    }

    /// What is known about the process, in the order of the names.
    var resource: [Attribute] {
        var all: [String: String] = [
            "service.name": serviceName, "service.version": CloudMirrorVersion.current, "telemetry.sdk.language": "swift",
            "telemetry.sdk.name": "cloud-mirror", "telemetry.sdk.version": CloudMirrorVersion.current,
        ]
        all.merge(attributes) { _, configured in configured }
        return all.sorted { $0.key < $1.key }.map { Attribute(key: $0.key, value: .string($0.value)) }
    }
}
