/// What a change of records has done.
package struct ActivityUpdate<Outcome: Sendable>: Sendable {
    /// What the changes have returned, in the order of the keys; `nil` for those that could not be made, for one because a server is away.
    package var outcomes: [Outcome?]
    /// Records that had to make room. Nobody will know when those artifacts are used next: what they waited for counts as censored.
    package var dropped: [ActivityRecord]

    package init(outcomes: [Outcome?], dropped: [ActivityRecord] = []) {
        self.outcomes = outcomes
        self.dropped = dropped
    }
}
