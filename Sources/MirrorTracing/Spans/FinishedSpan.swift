/// A span that has ended, as it is exported. Its texts and lists are bounded.
struct FinishedSpan: Sendable, Equatable {
    /// Something that happened during the span, at a moment.
    struct Event: Sendable, Equatable {
        let name: String
        /// Nanoseconds since 1970.
        let time: UInt64
        let attributes: [Attribute]
    }

    /// A span that this one has to do with, other than its parent.
    struct Link: Sendable, Equatable {
        let context: TraceContext
        let attributes: [Attribute]
    }

    let context: TraceContext
    /// `nil` for the first span of a trace.
    let parent: SpanID?
    /// Whether another process has the parent.
    let isParentRemote: Bool
    let name: String
    let kind: MirrorSpan.Kind
    /// Nanoseconds since 1970.
    let start: UInt64
    /// Not before `start`.
    let end: UInt64
    let attributes: [Attribute]
    /// How many attributes were left out because there were too many.
    let droppedAttributes: Int
    let events: [Event]
    let links: [Link]
    /// `nil` if it was not recorded how it ended.
    let status: MirrorSpan.Status?
}

/// One thing that is known of a span.
struct Attribute: Sendable, Equatable {
    let key: String
    let value: AttributeValue
}
