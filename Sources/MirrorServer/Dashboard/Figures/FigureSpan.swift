import MirrorCore

/// What happened between two samples, or since the process started.
struct FigureSpan: Sendable {
    /// `nil` for the start of the process.
    let first: FigureSample?
    let last: FigureSample
    /// Seconds; more than 0.
    let seconds: Double

    /// - Parameter started: When the process started.
    init(from first: FigureSample?, to last: FigureSample, started: ContinuousClock.Instant) {
        self.first = first
        self.last = last
        seconds = max((first?.time ?? started).duration(to: last.time).inSeconds, 0.001)
    }

    func count(_ name: String, where isWanted: (FigureSample.Labels) -> Bool = { _ in true }) -> Double {
        max(last.total(name, where: isWanted) - (first?.total(name, where: isWanted) ?? 0), 0)
    }

    /// Per second.
    func rate(_ name: String, where isWanted: (FigureSample.Labels) -> Bool = { _ in true }) -> Double {
        count(name, where: isWanted) / seconds
    }

    func counts(_ name: String, by label: String) -> [String: Double] {
        let before = first?.totals(name, by: label) ?? [:]
        return last.totals(name, by: label).reduce(into: [:]) { $0[$1.key] = max($1.value - (before[$1.key] ?? 0), 0) }
    }

    func buckets(_ name: String, where isWanted: (FigureSample.Labels) -> Bool = { _ in true }) -> [UInt64] {
        let after = last.buckets(name, where: isWanted)
        guard let before = first?.buckets(name, where: isWanted) else { return after }
        return zip(after, before).map { $0 > $1 ? $0 - $1 : 0 }
    }
}

/// The last samples, for rates, and the course of some rates. It grows only while there are viewers.
struct FigureHistory: Sendable {
    /// Rates are over about this long.
    static let window = Duration.seconds(10)
    /// Samples that are older than this are not usable: there were no viewers for a while.
    static let maxAge = Duration.seconds(60)
    /// How many values of a course are kept.
    static let courseLength = 60

    private var samples: [FigureSample] = []
    private var courses: [String: [Double]] = [:]

    /// Adds a sample.
    ///
    /// - Returns: The span that it ends: about ``window`` long, or since the start if there is no sample from shortly before.
    mutating func add(_ sample: FigureSample, started: ContinuousClock.Instant) -> FigureSpan {
        samples.removeAll { $0.time.duration(to: sample.time) > Self.maxAge }
        if samples.isEmpty { courses = [:] }
        // One sample that is at least as old as the window is kept.
        while samples.count > 1, samples[1].time.duration(to: sample.time) >= Self.window { samples.removeFirst() }
        defer { samples.append(sample) }
        return FigureSpan(from: samples.first, to: sample, started: started)
    }

    /// Adds the current rate of something to its course.
    ///
    /// - Returns: The whole course, oldest first.
    mutating func course(_ name: String, _ rate: Double) -> [Double] {
        let course = (courses[name] ?? []).suffix(Self.courseLength - 1) + [rate]
        courses[name] = Array(course)
        return Array(course)
    }
}
