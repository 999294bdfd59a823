import MirrorCore
import MirrorStorage
import Synchronization

/// An upload that keeps the memory of a part that is all of the artifact, for as long as the store may keep the part's bytes: until the upload is complete or
/// aborted, and not longer, whatever else its copy waits for then.
final class AccountedUpload: UploadLayer {
    let base: any ObjectUpload
    private let kept = Mutex<PartMemory?>(nil)

    init(_ base: any ObjectUpload) {
        self.base = base
    }

    /// - Parameter memory: In place of what was kept before; `nil` where no part is all of the artifact.
    func keep(_ memory: PartMemory?) {
        let former = kept.withLock { kept in
            defer { kept = memory }
            return kept
        }
        // Given back outside of the lock: whoever waits for memory is served then.
        withExtendedLifetime(former) {}
    }

    func complete(size: Int64, sha256: Digest, condition: WriteCondition) async throws -> ObjectInfo {
        let info = try await base.complete(size: size, sha256: sha256, condition: condition)
        keep(nil)
        return info
    }

    func abort() async {
        await base.abort()
        keep(nil)
    }
}
