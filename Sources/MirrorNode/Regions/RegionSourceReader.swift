import CloudRegions
import MirrorCore
import MirrorEngine
import MirrorNet
import MirrorSystem
import NIOCore
import NIOPosix

/// Reads a cloud's address list from its configured source.
struct RegionSourceReader: Sendable {
    /// Why a list was not read; the text follows the list's source in a message.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// For URLs; may fetch only the lists. `nil` if all sources are files.
    let client: GuardedClient?

    /// - Throws: An error that says why the list could not be read.
    func read(_ source: CloudRegionSources.Source, of cloud: Cloud, at date: Timestamp) async throws -> RegionList {
        let bytes: [UInt8]
        switch source {
        case .file(let path): bytes = try await NIOThreadPool.singleton.runIfActive { try Self.readFile(path) }
        case .url(let url): bytes = try await fetch(url)
        }
        return try PublishedRanges.read(bytes, of: cloud, date: date)
    }

    private static func readFile(_ path: String) throws -> [UInt8] {
        try SmallFile.read(path, limit: PublishedRanges.maxLength).bytes
    }

    private func fetch(_ url: ArtifactURL) async throws -> [UInt8] {
        guard let client else { throw Failure(description: "there is no client for it") }
        let response = try await client.send(OutboundRequest(.get, url))
        guard response.status == 200 else { throw Failure(description: "the server answered with status \(response.status)") }
        var bytes: [UInt8] = []
        for try await part in response.body {
            guard bytes.count + part.readableBytes <= PublishedRanges.maxLength else { throw Failure(description: "it is too large") }
            bytes.append(contentsOf: part.readableBytesView)
        }
        return bytes
    }
}
