/// Takes what is observed when an artifact is used.
package protocol ObservationSink {
    /// A use ended a gap that began at `start`.
    mutating func addEvent(_ context: Context, gap: Double, since start: Double)

    /// The waiting that began at `start` ended without a use.
    mutating func addCensored(_ context: Context, gap: Double, since start: Double)

    /// A waiting for the next use began.
    mutating func addSize(_ context: Context, bytes: Double)
}

/// What one use of an artifact adds to sums: kept until it is certain that the use was recorded.
package struct Observations: ObservationSink, Sendable, Equatable {
    private enum Observation: Equatable {
        case event(Context, gap: Double, start: Double)
        case censored(Context, gap: Double, start: Double)
        case size(Context, bytes: Double)
    }

    private var observations: [Observation] = []

    package init() {}

    package mutating func addEvent(_ context: Context, gap: Double, since start: Double) {
        observations.append(.event(context, gap: gap, start: start))
    }

    package mutating func addCensored(_ context: Context, gap: Double, since start: Double) {
        observations.append(.censored(context, gap: gap, start: start))
    }

    package mutating func addSize(_ context: Context, bytes: Double) {
        observations.append(.size(context, bytes: bytes))
    }

    /// Adds them to the sums of a process.
    ///
    /// - Parameter artifactClass: What the process calls the artifact's class.
    package func add(to sums: inout some ObservationSink, as artifactClass: UInt32) {
        for observation in observations {
            switch observation {
            case .event(let context, let gap, let start): sums.addEvent(context.of(artifactClass), gap: gap, since: start)
            case .censored(let context, let gap, let start): sums.addCensored(context.of(artifactClass), gap: gap, since: start)
            case .size(let context, let bytes): sums.addSize(context.of(artifactClass), bytes: bytes)
            }
        }
    }
}
