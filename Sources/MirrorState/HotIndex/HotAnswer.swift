package import MirrorCore

/// How requests for a target are answered, beside what is known of its replica. What the numbers mean is for the server to know.
package struct HotAnswer: Sendable {
    /// Words before ``target`` that the form and the variant imply, so that they need not be kept.
    package var prefix: [UInt8]
    /// The words that are asked for.
    package var target: [UInt8]
    /// What else tells requests apart that have the same words.
    package var variant: UInt32
    /// Which parts the answer is composed of, beside those in the record.
    package var form: UInt16
    /// The settings that it was made by: it is given while these hold.
    package var epoch: UInt16
    /// Whether HEAD gets the same answer.
    package var answersHead: Bool
    /// How many of the target's last bytes the location repeats behind the object's hash; 0...255.
    package var shared: Int
    /// What follows them in the location.
    package var literal: [UInt8]
    /// When it is not given any more; `nil` for an answer that does not end.
    package var end: End?

    /// Both by the time of day and by the time that passes, because nobody is to get a location that has ended because the clock was set back.
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
