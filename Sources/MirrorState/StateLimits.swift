package import MirrorCore

/// How much of the data that strangers can make up a state store keeps for each pool.
package enum StateLimits {
    /// Bytes of pending replicas, as ``cost(of:)`` counts them; beyond that no job is queued.
    package static let queuedBytes = 32 << 20
    /// Bytes of errors; beyond that the oldest are dropped.
    package static let errorBytes = 32 << 20
    /// The maximum length of an error message, in bytes.
    static let messageBytes = 512
    /// The size of a record in bytes, without its name and message.
    package static let recordBytes = 512

    /// The cost in bytes of a replica without an object.
    package static func cost(of id: ReplicaID) -> Int { id.artifact.description.utf8.count + recordBytes }
}

extension CopyFailure {
    /// The failure with its message truncated to what a store keeps.
    package var shortened: CopyFailure {
        guard message.utf8.count > StateLimits.messageBytes else { return self }
        var failure = self
        failure.message = String(decoding: message.utf8.prefix(StateLimits.messageBytes), as: UTF8.self) + "…"
        return failure
    }
}
