/// What a look into the state has shown for a request, on the way to what answers the request.
package enum StateLook: Sendable {
    /// The state did not have the replica. As many requests had come as far as a claim with it before the state was read: if there are more by now, the
    /// state has to be read again.
    case absent(ReplicaID, landed: Int)
    /// The state has not answered. The request may still wait for it, for this long.
    case silent(rest: Duration)

    package func absentSince(of id: ReplicaID) -> Int? {
        if case .absent(id, let landed) = self { landed } else { nil }
    }

    package var rest: Duration? {
        if case .silent(let rest) = self { rest } else { nil }
    }
}
