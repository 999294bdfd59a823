import StorageCloud
import Synchronization

@testable import StorageGCS

/// Credentials in their order: each time that some are refused, the next ones are given.
final class GivenCredentials: CredentialsProvider {
    private let sets: [GCSCredentials?]
    private let index = Mutex(0)

    init(_ sets: [GCSCredentials?] = [GCSCredentials(.token("FIRST"), signer: nil), GCSCredentials(.token("SECOND"), signer: nil)]) {
        self.sets = sets
    }

    static var keys: GivenCredentials { GivenCredentials([GCSCredentials(keys: GCSKeys(accessID: "GOOG1", secret: "the-hmac-secret"))]) }

    var invalidations: Int { index.withLock { $0 } }

    func credentials() async throws -> GCSCredentials? {
        let index = index.withLock { $0 }
        return sets[min(index, sets.count - 1)]
    }

    func invalidate(_ refused: GCSCredentials) {
        index.withLock { $0 += 1 }
    }
}
