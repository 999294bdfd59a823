package import MirrorCore

/// How requests for a target are answered, in addition to what is known about its replica. The server defines what the numbers mean.
package struct HotAnswer: Sendable {
    /// The part of the target before ``target``; the form and the variant imply it, so it is not kept.
    package var prefix: [UInt8]
    /// The part of the target that is kept.
    package var target: [UInt8]
    /// Distinguishes requests with the same target.
    package var variant: UInt32
    /// The parts that the answer is composed of, apart from those in the record.
    package var form: UInt16
    /// The settings that the answer was made with; it is valid as long as they are.
    package var epoch: UInt16
    /// Whether HEAD gets the same answer.
    package var answersHead: Bool
    /// How many of the target's last bytes the location repeats after the object's hash; 0...255.
    package var shared: Int
    /// What follows them in the location.
    package var literal: [UInt8]
    /// When the answer becomes invalid; `nil` for never.
    package var end: End?

    /// Both by the time of day and by the uptime, so that a clock that is set back never extends the life of a location.
    package struct End: Sendable, Equatable {
        package var time: Timestamp
        /// Nanoseconds of the system's uptime.
        package var instant: UInt64

        package init(time: Timestamp, instant: UInt64) {
            self.time = time
            self.instant = instant
        }
    }

    package init(
        prefix: [UInt8] = [], target: [UInt8], variant: UInt32, form: UInt16, epoch: UInt16, answersHead: Bool, shared: Int,
        literal: [UInt8], end: End? = nil
    ) {
        self.prefix = prefix
        self.target = target
        self.variant = variant
        self.form = form
        self.epoch = epoch
        self.answersHead = answersHead
        self.shared = shared
        self.literal = literal
        self.end = end
    }
}
