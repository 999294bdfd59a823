/// How long each call took.
struct Samples: Sendable {
    private var nanoseconds: [Int64] = []

    mutating func add(_ duration: Duration) {
        nanoseconds.append(duration.components.seconds * 1_000_000_000 + duration.components.attoseconds / 1_000_000_000)
    }

    mutating func add(_ others: Samples) {
        nanoseconds.append(contentsOf: others.nanoseconds)
    }

    var count: Int { nanoseconds.count }

    /// `{"count":…,"p50_us":…,"p99_us":…,"max_us":…}`
    var json: String {
        let sorted = nanoseconds.sorted()
        func microseconds(_ part: Double) -> Double {
            guard let last = sorted.indices.last else { return 0 }
            return Double(sorted[Int(Double(last) * part)]) / 1_000
        }
        return "{\"count\":\(count),\"p50_us\":\(microseconds(0.5)),\"p99_us\":\(microseconds(0.99)),\"max_us\":\(microseconds(1))}"
    }
}

/// Samples of an operation, and of the steps that it has.
struct Measured: Sendable {
    var whole = Samples()
    var steps: [String: Samples] = [:]

    mutating func add(_ others: Measured) {
        whole.add(others.whole)
        for (step, samples) in others.steps { steps[step, default: Samples()].add(samples) }
    }

    /// One line for who reads the output.
    ///
    /// - Parameter units: What one call did.
    func json(_ operation: String, units: Int, took: Duration) -> String {
        let seconds = Double(took.components.seconds) + Double(took.components.attoseconds) / 1e18
        return
            "{\"operation\":\"\(operation)\",\"seconds\":\(seconds),\"units\":\(whole.count * units),\"calls\":\(whole.json),\"steps\":\(stepsJSON)}"
    }

    /// The steps by their names.
    var stepsJSON: String {
        let parts = steps.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value.json)" }.joined(separator: ",")
        return "{\(parts)}"
    }
}
