package import MirrorCore

/// How much of what strangers can make up a state store keeps of each pool.
package enum StateLimits {
    /// Bytes of pending replicas, as ``cost(of:)`` counts them: beyond that no job is queued.
    package static let queuedBytes = 32 << 20
    /// Bytes of errors: beyond that the oldest go.
    package static let errorBytes = 32 << 20
    /// Of what went wrong with a copy.
    static let messageBytes = 512
    /// Of a record, beside its name and a message.
    package static let recordBytes = 512

    /// Bytes that a replica without an object costs.
    package static func cost(of id: ReplicaID) -> Int { id.artifact.description.utf8.count + recordBytes }
}

extension CopyFailure {
    /// With no longer a message than a store keeps.
    package var shortened: CopyFailure {
        guard message.utf8.count > StateLimits.messageBytes else { return self }
        var failure = self
        failure.message = String(decoding: message.utf8.prefix(StateLimits.messageBytes), as: UTF8.self) + "…"
        return failure
    }
}
