import MirrorCore
import MirrorState
import Retention

/// What this process has observed since it last added to the sums of all processes.
struct ActivityDeltas: Sendable {
    private var sums: ContextSums
    /// What the sums call classes, by their numbers in records; and the other way round.
    private var classes: [UInt32: UInt32] = [:]
    private var numbers: [UInt32] = []
    private let began: Double

    init(at time: Timestamp) {
        began = Double(time.milliseconds) / 1_000
        sums = ContextSums(landmark: ContextSums.landmark(at: began))
    }

    mutating func add(_ use: RecordedUse) {
        let artifactClass = own(use.artifactClass)
        use.observations.add(to: &sums, as: artifactClass)
    }

    /// An artifact was forgotten: nobody will know when it is used next.
    mutating func addCensored(_ record: ActivityRecord) {
        let artifactClass = own(record.artifactClass)
        for uses in record.pools {
            let activity = uses.activity(of: artifactClass)
            sums.addCensored(activity.context, gap: max(0, began - activity.clock), since: activity.clock)
        }
    }

    private mutating func own(_ number: UInt32) -> UInt32 {
        if let known = classes[number] { return known }
        let own = UInt32(numbers.count)
        classes[number] = own
        numbers.append(number)
        return own
    }

    /// As the state adds them up.
    var named: [String: Double] {
        let numbers = numbers
        return sums.named { numbers[Int($0)] }
    }
}
