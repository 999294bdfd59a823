import MirrorCore
import MirrorEngine
import MirrorSystem
import TestServers
import Testing

@testable import MirrorNode

@Suite("What a local pool may hold when nothing is said of it")
struct ShareOfDiskTests {
    private func pool(_ name: String, in directory: TemporaryDirectory, _ maxBytes: RetentionConfiguration.MaxBytes) throws
        -> Configuration.Pool
    {
        Configuration.Pool(
            id: try #require(PoolID("local/\(name)")), directory: "\(directory.path)/\(name)",
            retention: .init(maxBytes: maxBytes))
    }

    @Test("It is 80% of the file system, and pools on one file system share that")
    func share() throws {
        let directory = try TemporaryDirectory()
        let total = try #require(DirectoryCheck(directory.path).space).total
        var configuration = Configuration(services: .standard, stateDirectory: directory.path)
        #expect(configuration.maxBytes(of: configuration.pools[0]) == total / 100 * 80)
        #expect(configuration.sharesOfDisks.count == 1)
        configuration.pools = [
            try pool("a", in: directory, .shareOfDisk), try pool("b", in: directory, .bytes(5)), try pool("c", in: directory, .none),
            try pool("d", in: directory, .shareOfDisk),
        ]
        #expect(configuration.pools.map(configuration.maxBytes(of:)) == [total / 100 * 40, 5, nil, total / 100 * 40])
    }

    @Test("Left out it is a share of the disk for a local pool, and no limit for another; none is none")
    func read() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(
            """
            origins: {allow: [https://example.org/]}
            pools:
              local/a: {directory: a}
              local/b: {directory: b, retention: {maxBytes: none}}
              s3/c: {bucket: bucket-c}
            """, to: "mirror.yaml")
        let configuration = try Configuration.load(file: file, services: .standard)
        #expect(configuration.pools.map(\.retention.maxBytes) == [.shareOfDisk, .none, .none])
    }
}
