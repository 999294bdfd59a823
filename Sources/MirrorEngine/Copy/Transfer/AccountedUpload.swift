import MirrorCore
import MirrorStorage
import Synchronization

/// An upload that holds the memory of a part that is the whole artifact, because the store may keep the part's bytes until the upload is completed or
/// aborted. Then it gives the memory back at once, whatever else its copy still waits for.
final class AccountedUpload: UploadLayer {
    let base: any ObjectUpload
    private let kept = Mutex<PartMemory?>(nil)

    init(_ base: any ObjectUpload) {
        self.base = base
    }

    /// - Parameter memory: Replaces what was kept before; `nil` if no part is the whole artifact.
    func keep(_ memory: PartMemory?) {
        let former = kept.withLock { kept in
            defer { kept = memory }
            return kept
        }
        // Given back outside the lock, because that resumes tasks that wait for memory.
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
