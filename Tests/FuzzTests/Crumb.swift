#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
import Foundation

/// The file with the input that is being tried.
final class Crumb: Sendable {
    /// Where the inputs are that are being tried.
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../.build/fuzz").standardized

    private let url: URL
    private let descriptor: Int32

    init(_ name: String) throws {
        url = Self.folder.appending(path: name)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        descriptor = open(url.path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw CocoaError(.fileWriteUnknown) }
    }

    deinit { close(descriptor) }

    func write(_ bytes: [UInt8]) {
        _ = pwrite(descriptor, bytes, bytes.count, 0)
        _ = ftruncate(descriptor, off_t(bytes.count))
    }

    /// Removes what the workers of a client left whose end was wanted.
    static func removeAll(of name: String) {
        let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        for file in files where file.lastPathComponent.hasPrefix("\(name)-") { try? FileManager.default.removeItem(at: file) }
    }

    func remove() { try? FileManager.default.removeItem(at: url) }
}
