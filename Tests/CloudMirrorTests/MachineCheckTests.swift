import Foundation
import MirrorCore
import MirrorServer
import NIOCore
import NIOPosix
import TestServers
import MirrorEngine
import Testing

@testable import MirrorNode

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What a configuration needs of the machine.
@Suite(.timeLimit(.minutes(1)))
struct MachineCheckTests {
    private func configuration(in directory: TemporaryDirectory, _ change: (inout Configuration) throws -> Void = { _ in }) throws
        -> Configuration
    {
        var configuration = Configuration(services: .standard, stateDirectory: "\(directory.path)/state")
        configuration.listen.port = 0
        configuration.pools[0].move(to: "\(directory.path)/pool")
        try change(&configuration)
        return configuration
    }

    private func findings(in directory: TemporaryDirectory, _ change: (inout Configuration) throws -> Void = { _ in }) throws -> [Finding] {
        MachineCheck(try configuration(in: directory, change)).all().filter { $0.key != "server.maxConnections" }
    }

    @Test("What can be made and written to is fine, and nothing is left behind")
    func fine() throws {
        let directory = try TemporaryDirectory()
        #expect(try findings(in: directory) == [])
        #expect(try directory.contents() == [])
        for name in ["pool", "pool/files", "pool/uploads", "state"] {
            try FileManager.default.createDirectory(atPath: "\(directory.path)/\(name)", withIntermediateDirectories: false)
        }
        #expect(try findings(in: directory) == [])
        #expect(try directory.contents() == ["pool/", "pool/files/", "pool/uploads/", "state/"])
    }

    @Test(
        "A directory that is not one, or is below what is not one, is named with what to do",
        arguments: ["pool", "pool/dev", "pool/a/b", "dangling", "dangling/dev"])
    func notADirectory(name: String) throws {
        let directory = try TemporaryDirectory()
        try directory.write("a file", to: "pool")
        try #require(symlink("nowhere", "\(directory.path)/dangling") == 0)
        let path = "\(directory.path)/\(name)"
        let pool = try findings(in: directory) { $0.pools[0].move(to: path) }
        #expect(pool.map(\.severity) == [.fatal])
        #expect(pool.map(\.key) == ["pools.local/dev.directory"])
        #expect(pool.first?.text.contains(path) == true)
        let state = try findings(in: directory) {
            $0.pools[0].move(to: "\(directory.path)/other")
            $0.state = .sqlite(path: "\(path)/state.sqlite")
        }
        #expect(state.map(\.key) == ["state.sqlite.path"])
        #expect(state.map(\.severity) == [.fatal])
    }

    @Test("What is inside a pool's directory, or in the place of the state's files, is looked at, too")
    func insides() throws {
        let directory = try TemporaryDirectory()
        for name in ["pool", "pool/lock", "state", "state/state.sqlite"] {
            try FileManager.default.createDirectory(atPath: "\(directory.path)/\(name)", withIntermediateDirectories: false)
        }
        try directory.write("", to: "pool/uploads")
        #expect(try findings(in: directory).map(\.key) == ["state.sqlite.path", "pools.local/dev.directory"])
        try FileManager.default.removeItem(atPath: "\(directory.path)/pool/uploads")
        let lock = try findings(in: directory).first { $0.key == "pools.local/dev.directory" }
        #expect(lock?.text.contains("\(directory.path)/pool/lock") == true)
    }

    #if os(Linux)
        /// A file system in memory.
        private func withDisk(_ options: String, _ body: (TemporaryDirectory) throws -> Void) throws {
            let directory = try TemporaryDirectory()
            let flags = options.contains("ro,") ? UInt(MS_RDONLY) : 0
            try #require(mount("tmpfs", directory.path, "tmpfs", flags, options.replacing("ro,", with: "")) == 0)
            defer { umount2(directory.path, Int32(MNT_DETACH)) }
            try body(directory)
        }

        @Test("A directory that this account may not write to is fatal", .enabled(if: Privileges.mounts, "mounting needs root"))
        func readOnly() throws {
            try withDisk("ro,size=1m") { disk in
                for name in ["", "/pool"] {
                    let found = try findings(in: disk) {
                        $0.pools[0].move(to: disk.path + name)
                        $0.state = .sqlite(path: "/tmp/cloud-mirror-test-state.sqlite")
                        $0.admin.localToken = false
                    }
                    #expect(found.map(\.severity) == [.fatal])
                    #expect(found.first?.text.contains("read-only file system") == true)
                }
                let state = try findings(in: disk) { $0.pools[0].move(to: "/tmp/cloud-mirror-test-pool") }
                #expect(state.map(\.key) == ["admin.localToken", "state.sqlite.path"])
                #expect(state.map(\.severity) == [.warning, .fatal])
            }
        }

        @Test("A disk smaller than what is wanted of it is told of", .enabled(if: Privileges.mounts, "mounting needs root"))
        func smallDisk() throws {
            try withDisk("size=24m") { disk in
                let tooSmall = try findings(in: disk) { $0.pools[0].retention.maxBytes = .bytes(500 << 30) }
                #expect(tooSmall.map(\.key) == ["pools.local/dev.retention.minFreeBytes", "pools.local/dev.retention.maxBytes"])
                #expect(tooSmall.map(\.severity) == [.error, .warning])
                #expect(tooSmall[0].text.contains("24MiB in total, but 64MiB must stay free"))
                #expect(tooSmall[1].text.contains("500GiB is more than"))
                let large = try findings(in: disk) {
                    $0.pools[0].retention.maxBytes = .bytes(25 << 20)
                    $0.pools[0].retention.minFreeBytes = 4 << 20
                }
                #expect(large.map(\.key) == ["pools.local/dev.retention.maxBytes"])
                #expect(large[0].text.contains("set it to at most 20MiB"))
                #expect(
                    try findings(in: disk) {
                        $0.pools[0].retention.maxBytes = .bytes(20 << 20)
                        $0.pools[0].retention.minFreeBytes = 4 << 20
                    } == [])
                try disk.write([UInt8](repeating: 1, count: 20 << 20), to: "other")
                let full = try findings(in: disk) { $0.pools[0].retention.minFreeBytes = 8 << 20 }
                #expect(full.map(\.severity) == [.warning])
                #expect(full[0].text.contains("4MiB free, less than minFreeBytes (8MiB)"))
            }
        }

        @Test("Pools that fit on a disk only one by one are told of", .enabled(if: Privileges.mounts, "mounting needs root"))
        func sharedDisk() throws {
            try withDisk("size=24m") { disk in
                func pool(_ region: String, _ size: Int64) throws -> Configuration.Pool {
                    var pool = Configuration.Pool(
                        id: try #require(PoolID("local/\(region)")), directory: "\(disk.path)/\(region)")
                    pool.retention.maxBytes = .bytes(size)
                    pool.retention.minFreeBytes = 1 << 20
                    return pool
                }
                let found = try findings(in: disk) { $0.pools = [try pool("a", 13 << 20), try pool("b", 12 << 20)] }
                #expect(found.map(\.severity) == [.warning])
                #expect(found.first?.text.contains("25MiB together, but it has 24MiB") == true)
                #expect(try findings(in: disk) { $0.pools = [try pool("a", 12 << 20), try pool("b", 12 << 20)] } == [])
            }
        }
    #endif

    @Test("Two pools in one directory by way of a link are found")
    func linkedDirectories() throws {
        let directory = try TemporaryDirectory()
        try FileManager.default.createDirectory(atPath: "\(directory.path)/one", withIntermediateDirectories: false)
        try #require(symlink("one", "\(directory.path)/two") == 0)
        let other = try #require(PoolID("local/two"))
        for (path, isSame) in [("two", true), ("two/sub", true), ("three", false), ("one-more", false)] {
            let found = try findings(in: directory) {
                $0.pools[0].move(to: "\(directory.path)/one")
                $0.pools.append(.init(id: other, directory: "\(directory.path)/\(path)"))
            }
            #expect(found.map(\.severity) == (isSame ? [.fatal] : []), "\(path)")
        }
    }

    @Test("Addresses that cannot be listened on are told of; one in use may be this service's")
    func addresses() async throws {
        let directory = try TemporaryDirectory()
        let taken = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(taken.localAddress?.port)
        let inUse = try findings(in: directory) { $0.listen.port = port }
        try await taken.close().get()
        #expect(inUse.map(\.severity) == [.warning])
        #expect(inUse.first?.text.contains("in use by another process; if that is not this service") == true)
        // RFC 5737: for documentation alone.
        let nowhere = try findings(in: directory) { $0.admin.listen = ListenAddress(host: "192.0.2.1", port: 9_090) }
        #expect(nowhere.map(\.key) == ["admin.listen"])
        #expect(nowhere.map(\.severity) == [.fatal])
        let unknown = try findings(in: directory) { $0.listen = ListenAddress(host: "nowhere.invalid", port: 8_080) }
        #expect(unknown.first?.text.contains("the host is not known") == true)
    }

    @Test("Fewer descriptors than connections are a warning")
    func descriptors() throws {
        let found = MachineCheck(try configuration(in: try TemporaryDirectory()) { $0.server.maxConnections = 1_000_000_000 }).service()
        #expect(found.map(\.severity) == [.warning])
        #expect(found.first?.text.contains("LimitNOFILE") == true)
    }

    // MARK: TLS

    @Test("The time that a certificate is good for is looked at")
    func certificates() async throws {
        let directory = try TemporaryDirectory()
        try await ChildProcess.run(
            "openssl",
            ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost"]
                + ["-days", "60", "-keyout", "\(directory.path)/key.pem", "-out", "\(directory.path)/cert.pem"])
        let file = try directory.write(
            minimalFile.replacing("/pool", with: "pool") + "tls: {certificate: cert.pem, key: key.pem}\n", to: "mirror.yaml")
        let configuration = try Configuration.load(file: file, services: .standard)
        func found(days: Double) -> [Finding] {
            let now = SystemClock().now + .seconds(days * 86_400)
            return MachineCheck(configuration, now: now).service().filter { $0.key != "server.maxConnections" }
        }
        #expect(found(days: 0) == [])
        #expect(found(days: 50).map(\.severity) == [.warning])
        #expect(found(days: 61).map(\.severity) == [.error])
        #expect(found(days: 61).first?.text.contains("expired on 2") == true)
        #expect(found(days: -2).map(\.severity) == [.error])
    }
}
