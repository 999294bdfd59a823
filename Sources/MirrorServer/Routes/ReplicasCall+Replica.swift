import MirrorCore

extension ReplicasCall.Item {
    init(_ replica: Replica) {
        self.init(url: replica.id.artifact.description, pool: replica.id.pool.description, state: replica.state.rawValue)
        switch replica.status {
        case .present(let object):
            size = object.size
            sha256 = object.sha256?.hex
            key = object.key.description
            stored = object.storedAt.iso8601
            lastUsed = object.lastUsed.iso8601
            expiring = object.markedAt == nil ? nil : true
        case .error(let failure):
            error = ReplicasCall.Failure(failure)
        case .pending, .removing:
            break
        }
    }
}

extension ReplicasCall.Failure {
    fileprivate init(_ failure: CopyFailure) {
        self.init(
            reason: failure.reason.word, status: failure.reason.originStatus, message: failure.message, retryAt: failure.retryAt.iso8601)
    }
}
