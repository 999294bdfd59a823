import Foundation

/// Inputs that once found something, and other odd ones.
enum FuzzCorpus {
    /// - Parameter name: Of a folder in `Corpus`, which need not be there.
    static func inputs(of name: String) throws -> [[UInt8]] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus/\(name)")
        guard FileManager.default.fileExists(atPath: folder.path) else { return [] }
        return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .sorted { $0.path < $1.path }.map { Array(try Data(contentsOf: $0)) }
    }
}
