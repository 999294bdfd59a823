/// The five rows of the dashboard, with all figures as text.
package struct DashboardRows: Sendable {
    /// A figure with its name and what it means.
    package struct Tile: Sendable {
        /// For tests and scripts.
        let name: String
        let label: String
        let value: String
        let note: String
        /// `good`, `warn`, `bad` or empty.
        let kind: String
        let points: String
        let hasPoints: Bool

        /// - Parameter course: The figure's last values, oldest first, for a line; none for no line.
        package init(_ name: String, _ label: String, _ value: String, note: String = "", kind: String = "", course: [Double] = []) {
            self.name = name
            self.label = label
            self.value = value
            self.note = note
            self.kind = kind
            points = Sparkline.points(of: course)
            hasPoints = !points.isEmpty
        }
    }

    /// A line of a table with a share that is drawn as a bar.
    package struct Bar: Sendable {
        let label: String
        let value: String
        let total: String
        let percent: Int

        /// - Parameter share: From 0 to 1; other values are brought into that range.
        package init(_ label: String, _ value: String, share: Double, total: String) {
            self.label = label
            self.value = value
            self.total = total
            percent = share.percent
        }
    }

    package struct Failure: Sendable {
        let kind: String
        let count: String
        let message: String
        let age: String

        package init(kind: String, count: String, message: String, age: String) {
            self.kind = kind
            self.count = count
            self.message = message
            self.age = age
        }
    }

    package struct Times: Sendable {
        let label: String
        let half: String
        let most: String
        let count: String

        package init(_ label: String, half: String, most: String, count: String) {
            self.label = label
            self.half = half
            self.most = most
            self.count = count
        }
    }

    package struct Size: Sendable {
        let label: String
        let count: String
        let time: String
        let speed: String

        package init(_ label: String, count: String, time: String, speed: String) {
            self.label = label
            self.count = count
            self.time = time
            self.speed = speed
        }
    }

    package struct Copy: Sendable {
        let artifact: String
        let replicaLink: String
        let pool: String
        let hasBar: Bool
        let percent: Int
        let progress: String
        let speed: String
        let time: String

        /// - Parameter share: What has arrived, from 0 to 1; `nil` if that is unknown.
        package init(artifact: String, link: String, pool: String, share: Double?, progress: String, speed: String, time: String) {
            self.artifact = artifact
            replicaLink = link
            self.pool = pool
            hasBar = share != nil
            percent = (share ?? 0).percent
            self.progress = progress
            self.speed = speed
            self.time = time
        }
    }

    package struct Pool: Sendable {
        let pool: String
        let poolLink: String
        let health: String
        let healthKind: String
        let objects: String
        let bytes: String
        let hasCap: Bool
        let percent: Int
        let fill: String
        let latency: String
        let errorCount: String

        /// - Parameters:
        ///   - problem: Why the pool is not healthy; `nil` if it is.
        ///   - share: How much of what it may hold it holds, from 0 to 1; `nil` without a limit.
        package init(
            _ pool: String, link: String, problem: String?, objects: String, bytes: String, share: Double?, fill: String, latency: String,
            errorCount: String
        ) {
            self.pool = pool
            poolLink = link
            health = problem ?? "healthy"
            healthKind = problem == nil ? "good" : "bad"
            self.objects = objects
            self.bytes = bytes
            hasCap = share != nil
            percent = (share ?? 0).percent
            self.fill = fill
            self.latency = latency
            self.errorCount = errorCount
        }
    }

    package struct Lane: Sendable {
        let origin: String
        let queued: String
        let running: String
        let slow: String
        let speed: String

        package init(origin: String, queued: String, running: String, slow: String, speed: String) {
            self.origin = origin
            self.queued = queued
            self.running = running
            self.slow = slow
            self.speed = speed
        }
    }

    package struct Requests: Sendable {
        package struct Answers: Sendable {
            let status: String
            let count: String

            package init(status: String, count: String) {
                self.status = status
                self.count = count
            }
        }

        let origin: String
        /// In the order of ``DashboardRows/statuses``.
        let counts: [Answers]
        let latency: String

        /// - Parameter latency: Within which time 95 of 100 answers began.
        package init(origin: String, counts: [Answers], latency: String) {
            self.origin = origin
            self.counts = counts
            self.latency = latency
        }
    }

    // What everything below means.
    package var uptime = ""
    package var span = ""
    package var verdict = ""
    package var verdictKind = ""
    package var problems: [String] = [] { didSet { hasProblems = !problems.isEmpty } }
    private var hasProblems = false
    // Health
    package var wellTiles: [Tile] = []
    package var outcomes: [Bar] = []
    package var fallbacks: [Bar] = []
    package var errors: [Failure] = []
    // Speed
    package var times: [Times] = []
    package var sizes: [Size] = []
    // Savings
    package var payTiles: [Tile] = []
    package var ages: [Bar] = []
    // Current work
    package var doingTiles: [Tile] = []
    package var copies: [Copy] = []
    package var shownCopies = ""
    /// How many copies there are, if not all of them are shown.
    package var moreCopies: String?
    package var evictions: [Bar] = []
    // Origins and pools
    package var pools: [Pool] = []
    package var lanes: [Lane] = []
    package var statuses: [String] = []
    package var requests: [Requests] = []

    package init() {}

    /// The rows alone, in one element: what replaces them while the page is open.
    package var html: String { Templates.render(.rows, self) }
}

extension Double {
    /// A share as a whole number of percent, within 0 and 100.
    fileprivate var percent: Int { isFinite ? Int((Swift.min(Swift.max(self, 0), 1) * 100).rounded()) : 0 }
}
