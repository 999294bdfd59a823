import MirrorCore
import MirrorStorage
import MirrorTesting
import NIOCore
import TestServers
import Testing

@Suite(
    "Whatever goes wrong in a cloud on the way, what is stored is right",
    .enabled(if: FaultCloud.areExpected, "the servers that play clouds were not started"), .timeLimit(.minutes(10)))
struct CloudFaultTests {
    /// What may go wrong with any request.
    enum Trouble: String, CaseIterable, Sendable {
        case busy = "503"
        case throttled = "429 with Retry-After"
        case broken = "the connection ends in the request"
        case lost = "the answer does not come"
        case refused = "401"

        func make(_ fault: inout CloudFault) {
            switch self {
            case .busy: fault.status = 503
            case .throttled: (fault.status, fault.retryAfter) = (429, 1)
            case .broken: fault.breakRequestAfter = 100
            case .lost: fault.dropAnswer = true
            case .refused: fault.status = 401
            }
        }
    }

    /// In one request, and in two parts.
    private static let sizes = [1_000, 1_000 + Int(FaultScene.partSize)]

    @Test("Whichever request of an upload it is that fails once", arguments: FaultCloud.allCases, Trouble.allCases)
    func everyRequest(_ cloud: FaultCloud, _ trouble: Trouble) async throws {
        try await FaultScene.run(cloud) { scene in
            var stored: Set<String> = []
            for size in Self.sizes {
                var hits = 1
                var passed = 0
                while hits > 0 {
                    let object = try SampleObject(size: size)
                    stored.insert("\(object.key)")
                    hits = try await scene.with({ fault in
                        trouble.make(&fault)
                        (fault.skip, fault.count) = (passed, 1)
                    }) { try await scene.put(object) }
                    #expect(try await scene.holds(object), "of \(size) bytes, after \(passed) requests")
                    passed += 1
                }
                // The last upload had no fault left.
                #expect(passed > (size == Self.sizes[0] ? 1 : 3))
            }
            // Nothing else is left of what was tried.
            #expect(try await scene.opened.names() == stored)
        }
    }

    /// As listings have them.
    private static func keys(_ objects: [SampleObject]) -> [ObjectKey] {
        objects.map(\.key).sorted { $0.precedes($1) }
    }

    @Test("One request in ten fails, by chance", arguments: FaultCloud.allCases, [false, true])
    func chance(_ cloud: FaultCloud, overTLS isOverTLS: Bool) async throws {
        try await FaultScene.run(cloud, overTLS: isOverTLS) { scene in
            let small = try (0..<20).map { try SampleObject(size: 1_000 * $0, seed: UInt8($0)) }
            let large = try (0..<3).map { try SampleObject(size: Self.sizes[1] + $0) }
            let streamed = try SampleObject(size: 17 << 20)
            // This seed never fails four requests in a row, which is what the layers bear.
            let hits = try await scene.with({ fault in
                Trouble.busy.make(&fault)
                (fault.fraction, fault.seed) = (0.1, 5)
            }) {
                for object in small + large { try await scene.put(object) }
                try await Self.asOftenAsNeeded { try await scene.stream(streamed) }
                #expect(try await scene.keys(limit: 7) == Self.keys(small + large + [streamed]))
                for object in small + large { #expect(try await scene.store.head(object.key).size == object.size) }
                #expect(try await scene.store.delete(small.map(\.key)).isEmpty)
                #expect(try await scene.keys(limit: 2) == Self.keys(large + [streamed]))
            }
            #expect(hits > 5)
            for object in large + [streamed] { #expect(try await scene.holds(object)) }
            #expect(try await scene.read(large[0]) == large[0].bytes)
        }
    }

    /// A copy is attempted again when its stream is gone.
    private static func asOftenAsNeeded(_ body: () async throws -> Void) async throws {
        for _ in 1...4 {
            do {
                return try await body()
            } catch let error as StorageError where error.code.isTransient {
                continue
            }
        }
        try await body()
    }

    @Test("Tokens end in the middle of an upload", arguments: FaultCloud.allCases)
    func tokens(_ cloud: FaultCloud) async throws {
        try await FaultScene.run(cloud) { scene in
            let object = try SampleObject(size: Self.sizes[1])
            let upload = try await scene.store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
            for part in object.parts(of: FaultScene.partSize) {
                _ = try await upload.write(part, from: object.stream(part))
                try await scene.revoke()
            }
            _ = try await upload.complete(size: object.size, sha256: object.sha256, condition: .absent)
            #expect(try await scene.holds(object))
            let refused = try await scene.requests().count { $0.status == 401 }
            #expect(refused == 2)
        }
    }

    @Test("The service's clock is an hour off", arguments: FaultCloud.allCases, [3_600, -3_600])
    func clock(_ cloud: FaultCloud, _ offset: Int) async throws {
        for credentials in FaultScene.Credentials.allCases {
            try await FaultScene.run(cloud, credentials) { scene in
                try await scene.with({ $0.clockOffset = offset }) {
                    // Those of before are of another time.
                    try await scene.revoke()
                    for size in Self.sizes {
                        let object = try SampleObject(size: size)
                        try await scene.put(object)
                        #expect(try await scene.holds(object), "\(credentials)")
                        // A client reads by what was signed for the service's time.
                        #expect(try await scene.read(object) == object.bytes, "\(credentials)")
                    }
                }
            }
        }
    }

    @Test("The service says that it has something other than what it was sent", arguments: FaultCloud.allCases, sizes)
    func checksums(_ cloud: FaultCloud, _ size: Int) async throws {
        try await FaultScene.run(cloud) { scene in
            let object = try SampleObject(size: size)
            let hits = try await scene.with({ fault in
                fault.wrongChecksum = true
                (fault.method, fault.count) = ("PUT", 1)
            }) { try await scene.put(object) }
            #expect(hits == 1)
            #expect(try await scene.holds(object))
        }
    }

    @Test("What is read arrives as something else, or in part", arguments: FaultCloud.allCases)
    func reading(_ cloud: FaultCloud) async throws {
        try await FaultScene.run(cloud) { scene in
            let object = try SampleObject(size: 200_000)
            try await scene.put(object)
            try await scene.with({ $0.corrupt = true }) {
                try await requireStorageError(.checksumMismatch, "the first byte is another") { try await scene.holds(object) }
            }
            try await scene.with({ $0.breakAfter = 100_000 }) {
                let error = await #expect(throws: StorageError.self) { try await scene.holds(object) }
                #expect(error?.code.isTransient == true)
            }
            #expect(try await scene.holds(object))
        }
    }

    @Test("Listings come in pages of one entry, between things of others", arguments: FaultCloud.allCases)
    func pages(_ cloud: FaultCloud) async throws {
        try await FaultScene.run(cloud) { scene in
            let names = ["a%20b", "%25", "+", "%C3%BC", "e%CC%81", "%F0%9F%A6%8A", "%22%27%3C%3E&", "~", "%E6%97%A5.tar.gz"]
            let objects = try names.map { try SampleObject($0, size: 10) }
            for object in objects { try await scene.put(object) }
            for name in ["!", "0/ü +%<&>\"'", "f/\u{7f}", "~~", "日本"] { try await scene.opened.putOther(name) }
            let keys = Self.keys(objects)
            try await scene.with({ $0.pageSize = 1 }) {
                for limit in [1, 2, 1_000] {
                    let listed = try await scene.keys(limit: limit)
                    #expect(listed == keys, "\(limit)")
                }
            }
            #expect(try await scene.store.delete(keys).isEmpty)
            #expect(try await scene.keys(limit: 1) == [])
        }
    }
}
