import MirrorCore
import TestServers

@testable import MirrorServer

extension RelayPlaces {
    /// Returns once `count` wait there, as ``waiting(at:for:)`` counts them.
    ///
    /// - Throws: ``NeverSo`` if that takes too long; `CancellationError`.
    func waiting(_ count: Int, at origin: String, for network: ClientNetwork? = nil) async throws {
        try await eventually("\(count) wait for a place at \(origin)") { waiting(at: origin, for: network) == count }
    }
}
