/// `GET /v1/ping` and `GET /healthz`: whether the process answers. `GET /readyz`: whether its components work.
package enum HealthCall {
    /// `GET /v1/ping`, in the original's shape.
    package struct Ping: Codable, Sendable, Equatable {
        /// Always `true`.
        package var alive: Bool
        /// Seconds since startup.
        package var uptime: Double

        package init(alive: Bool, uptime: Double) {
            self.alive = alive
            self.uptime = uptime
        }
    }

    /// `GET /healthz`
    package struct Liveness: Codable, Sendable, Equatable {
        /// Always ``HealthCall/ok``.
        package var status: String

        package init(status: String) {
            self.status = status
        }
    }

    /// `GET /readyz`
    package struct Readiness: Codable, Sendable, Equatable {
        /// ``HealthCall/ok``, ``HealthCall/degraded`` or ``HealthCall/unavailable``.
        package var status: String
        /// By component, `state` or `pool service/region`: ``HealthCall/ok``, or `unavailable: ` and the reason.
        package var checks: [String: String]

        package init(status: String, checks: [String: String]) {
            self.status = status
            self.checks = checks
        }
    }

    package static let ok = "ok"
    /// A state store that many processes share does not answer; the mirror works as well as it can without it.
    package static let degraded = "degraded"
    package static let unavailable = "unavailable"
}
