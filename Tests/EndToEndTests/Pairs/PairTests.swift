import MirrorCore
import NIOHTTP1
import TestServers
import Testing

extension EndToEnd {
    /// Every kind of origin with every kind of pool.
    @Suite(.enabled(if: CloudServers.areExpected, "the servers that play clouds were not started"), .timeLimit(.minutes(5)))
    struct PairTests {
        @Test("Every pool gets an origin's artifacts as they are, and clients get them from it", arguments: PairOrigin.allCases)
        func pairs(_ origin: PairOrigin) async throws {
            try await PairScene.run(origin) { scene in
                for pool in scene.pools {
                    for artifact in PairArtifact.all { try await check(artifact, from: origin, in: pool, scene) }
                }
                let log = scene.mirror.log
                for secret in ["X-Amz-Signature", "X-Goog-Signature", "sig="] { #expect(!log.contains(secret)) }
            }
        }

        /// Whether the pool's service copies by itself.
        private func isByService(_ artifact: PairArtifact, from origin: PairOrigin, in pool: PairScene.Pool) -> Bool {
            if pool.service == "local" { return false }
            if pool.service == origin.rawValue { return true }
            // It fetches what comes in parts from anywhere, unless there is a digest that it cannot check: the other mirror states SHA-256.
            return pool.service == "azure" && artifact.isInParts && origin != .local
        }

        private func check(_ artifact: PairArtifact, from origin: PairOrigin, in pool: PairScene.Pool, _ scene: PairScene) async throws {
            let what: Comment = "\(artifact.name) from \(origin.rawValue) in \(pool.name)"
            let url = try await scene.offer(artifact, for: pool)
            let before = try await scene.copied(in: pool)
            let first = try await scene.mirror.redirect(url, in: pool.name)
            try #require(first.outcome == "wait", what)
            let after = try await scene.copied(in: pool)
            let isByService = isByService(artifact, from: origin, in: pool)
            let size = Double(artifact.body.size)
            #expect(after.through - before.through == (isByService ? 0 : size), what)
            #expect(after.byService - before.byService == (isByService ? size : 0), what)
            // Of what the service copied, nobody here has seen the bytes.
            if !isByService || first.headers.contains(name: "Repr-Digest") {
                let digest = try artifact.body.sha256.fieldValue
                #expect(first.headers.first(name: "Repr-Digest") == digest, what)
            }

            let again = try await scene.mirror.redirect(url, in: pool.name)
            #expect(again.outcome == "hit", what)
            let location = try scene.location(again, in: pool)
            #expect(location.contains("?") == pool.isSigned, what)
            let object = try await HTTP.send(.GET, location)
            #expect(object.status == 200, what)
            let isSame = object.body == artifact.bytes
            #expect(isSame, what)
            for (name, value) in artifact.fields { #expect(object.headers.first(name: name) == value, what) }
            let isEncoded = artifact.fields.contains { $0.name == "content-encoding" }
            #expect(object.headers.contains(name: "content-encoding") == isEncoded, what)

            try await checkHead(of: object, url, pool, scene, what)
            let part = try await HTTP.send(.GET, location, headers: ["Range": "bytes=2-11"])
            #expect(part.status == 206, what)
            #expect(part.body == Array(artifact.bytes[2...11]), what)

            try await scene.mirror.purge(url, in: pool.name)
            let gone = try await HTTP.send(.GET, location)
            // What the mirror serves by itself it sends to where the artifact is asked for.
            #expect((pool.service == "local" ? [302] : [403, 404]).contains(gone.status), what)
        }

        private func checkHead(
            of object: HTTP.Answer, _ url: String, _ pool: PairScene.Pool, _ scene: PairScene, _ what: Comment
        ) async throws {
            var head = try await scene.mirror.redirect(url, in: pool.name, .HEAD)
            // Signatures are good for GET alone: there the mirror answers.
            #expect((head.status == 200) == pool.isSigned, what)
            if head.status == 302 { head = try await HTTP.send(.HEAD, try scene.location(head, in: pool)) }
            #expect(head.status == 200, what)
            #expect(head.body.isEmpty, what)
            for name in ["Content-Length", "Content-Type", "Content-Encoding", "Content-Disposition", "ETag"] {
                #expect(head.headers.first(name: name) == object.headers.first(name: name), what)
            }
        }

        /// What is tampered with in signed locations of a service.
        struct Signed: Sendable {
            let service: String
            let signature: String
            /// The beginning of the end, and one that is later.
            let end: (now: String, later: String)
        }

        @Test(
            "A signed location is good for one object, to read it, until it ends",
            arguments: [
                Signed(service: "gcs", signature: "X-Goog-Signature=", end: ("X-Goog-Expires=", "X-Goog-Expires=1")),
                Signed(service: "azure", signature: "sig=", end: ("se=20", "se=21")),
            ])
        func signatures(_ signed: Signed) async throws {
            let control = try control(of: signed.service)
            try await PairScene.run(.http, services: [signed.service]) { scene in
                let pool = try #require(scene.pools.first { $0.isSigned })
                var locations: [String] = []
                for artifact in [PairArtifact.small, .encoded] {
                    let answer = try await scene.mirror.redirect(try await scene.offer(artifact, for: pool), in: pool.name)
                    locations.append(try scene.location(answer, in: pool))
                }
                let location = locations[0]
                func status(of url: String, _ method: HTTPMethod = .GET) async throws -> Int { try await HTTP.send(method, url).status }
                #expect(try await status(of: location) == 200)

                let (plain, query) = (location.prefix { $0 != "?" }, location.drop { $0 != "?" })
                let other = locations[1].prefix { $0 != "?" }
                let mark = try #require(location.firstRange(of: signed.signature)).upperBound
                // In base64 and in hexadecimal it is still a signature.
                var broken = location
                broken.replaceSubrange(mark...mark, with: location[mark] == "1" ? "2" : "1")
                let later = location.replacing(signed.end.now, with: signed.end.later)
                try #require(later != location)
                for url in ["\(plain)", "\(other)\(query)", broken, later] {
                    let answered = try await status(of: url)
                    #expect([401, 403, 404].contains(answered), "\(url)")
                }
                for method in [HTTPMethod.PUT, .DELETE] { #expect(try await status(of: location, method) == 403, "\(method)") }
                #expect(try await status(of: location) == 200)

                let hits = try await control.with(CloudFault(pool.path) { $0.clockOffset = 8 * 86_400 }) {
                    let answered = try await status(of: location)
                    #expect([400, 403].contains(answered))
                }
                #expect(hits > 0)
            }
        }

        private func control(of service: String) throws -> CloudControl {
            try service == "gcs" ? GCSServer().control : AzureServer().control
        }

        @Test(
            "An origin's bucket that breaks off, and a pool that refuses one request in ten, are waited out", arguments: ["gcs", "azure"])
        func faults(_ service: String) async throws {
            let origin = try #require(PairOrigin(rawValue: service == "gcs" ? "azure" : "gcs"))
            try await PairScene.run(origin, services: [service]) { scene in
                let pool = try #require(scene.pools.first { $0.isSigned })
                let breaking = CloudFault(scene.homePath) {
                    $0.method = "GET"
                    $0.breakAfter = 1 << 20
                    $0.count = 2
                }
                let busy = CloudFault(pool.path) {
                    $0.status = 503
                    $0.fraction = 0.1
                    $0.seed = 5
                }
                let url = try await scene.offer(.large, for: pool)
                var location = ""
                let broken = try await control(of: origin.rawValue).with(breaking) {
                    try await control(of: service).with(busy) {
                        let answer = try await scene.mirror.redirect(url, in: pool.name)
                        #expect(answer.outcome == "wait")
                        location = try scene.location(answer, in: pool)
                    }
                }
                #expect(broken == 2)
                let isSame = try await HTTP.send(.GET, location).body == PairArtifact.large.bytes
                #expect(isSame)
            }
        }
    }
}
