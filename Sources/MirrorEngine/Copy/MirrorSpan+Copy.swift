import MirrorCore
import MirrorState
import MirrorTracing

extension MirrorTracer {
    /// The span of an attempt at a copy; `nil` if it is not recorded.
    func copySpan(of lease: CopyLease) -> MirrorSpan? {
        let span =
            if let request = claims.context(of: lease.id) { begin("copy", .internal, continuing: request) } else {
                begin("copy", .internal)
            }
        span?.set("cloud_mirror.artifact", "\(lease.id.artifact.redacted)")
        span?.set("cloud_mirror.pool", "\(lease.id.pool)")
        span?.set("cloud_mirror.attempt", .integer(Int64(lease.attempt)))
        return span
    }
}

extension MirrorSpan {
    /// States how an attempt at a copy has ended, and whether another one follows in the same trace.
    func describe(_ result: CopyResult, of id: ReplicaID) {
        switch result {
        case .present(let object):
            set("cloud_mirror.bytes", .integer(object.size))
            tracer.claims.forget(id)
        case .failed(let failure):
            fail(ErrorKind.of(failure.reason))
            tracer.claims.forget(id)
        case .retry: fail("retry")
        case .handBack: set("cloud_mirror.handed_back", true)
        }
    }
}
