import HTTPTypes
import MirrorCore
import MirrorState
import MirrorStorage
import NIOCore
import NIOPosix
import Testing

@testable import MirrorEngine
@testable import MirrorServer

/// What is composed from a record is what the slow path answers, byte by byte.
@Suite struct AnswerFormTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        var status = HTTPResponse.Status.found
        var choice = PoolChoice.named
        var artifact = "https://artifacts.example.org/builds/a.tar.gz"
        /// `%` stands for the key as it is in URLs.
        var location = "https://bucket.s3.example/prefix/%"
        var target: String?
        var hasDigest = true
        var size: Int64 = 1_234_567
        var expires: Timestamp?

        var testDescription: String { name }
    }

    static let cases = [
        Case(name: "a public bucket"),
        Case(name: "307", status: .temporaryRedirect),
        Case(name: "a local pool", location: "/local/dev/%"),
        Case(name: "a local pool behind a public URL with a path", location: "https://mirror.example/sub/local/dev/%"),
        Case(name: "without a digest", hasDigest: false),
        Case(name: "307 without a digest", status: .temporaryRedirect, choice: .chosen(0, .nearest), hasDigest: false),
        Case(name: "chosen by network", choice: .chosen(0, .network)),
        Case(name: "chosen by region", choice: .chosen(0, .region)),
        Case(name: "chosen by default", choice: .chosen(0, .fallback)),
        Case(name: "named in a field", choice: .chosen(0, .named)),
        Case(
            name: "signed", location: "https://bucket.s3.example/%?X-Amz-Signature=0123&x=%2F", expires: Timestamp(milliseconds: .max / 2)),
        Case(name: "a name that is encoded", artifact: "https://artifacts.example.org/a%20b+c~d_%C3%9F.txt"),
        Case(name: "no name", artifact: "https://artifacts.example.org/"),
        Case(name: "a name in a query", artifact: "https://artifacts.example.org/get?file=a.txt"),
        Case(name: "a name of 200 bytes", artifact: "https://artifacts.example.org/" + String(repeating: "n", count: 200)),
        Case(
            name: "a name that is longer when it is encoded",
            artifact: "https://artifacts.example.org/" + String(repeating: "%2B", count: 150)),
        Case(name: "base64url", target: "/v1/redirect/local/dev/aHR0cHM6Ly9hcnRpZmFjdHMuZXhhbXBsZS5vcmcvYnVpbGRzL2EudGFyLmd6"),
        Case(name: "a service that writes the name in its own way", location: "https://bucket.example/@/a.tar%2Egz"),
        Case(name: "an empty object", size: 0),
    ]

    @Test(arguments: cases) func `composed and slow answers are the same`(testCase: Case) throws {
        let index = HotIndex(MemoryStateStore())
        let table = FastPathTable(index: index, forms: AnswerForms(status: testCase.status, registry: MetricsRegistry()))
        let id = ReplicaID(artifact: try ArtifactURL(testCase.artifact), pool: try require(World.pool))
        let key = ObjectKey(id.artifact)
        let location = testCase.location.replacing("/%", with: "/" + key.percentEncoded).replacing("/@", with: "/" + key.hash)
        let digest = testCase.hasDigest ? Digest(.sha256, bytes: (0..<32).map { UInt8($0 * 8 + 3) }) : nil
        let now = Timestamp(milliseconds: 1_700_000_000_000)
        let redirect = ReplicaRedirect(
            id: id, outcome: .hit, object: StoredObject(key: key, size: testCase.size, sha256: digest, storedAt: now, lastUsed: now),
            location: ObjectLocation(url: location, expires: testCase.expires), notAfter: testCase.expires, token: index.token(of: id))
        let target = Array((testCase.target ?? "/v1/redirect/local/dev/" + PercentCoding.encode(testCase.artifact)).utf8)
        table.remember(redirect, location: location, to: target, testCase.choice, epoch: table.epoch, at: now)
        let slow = WholeResponse.redirect(
            testCase.status, to: location, pool: id.pool, reason: testCase.choice.reason, outcome: .hit, digest: digest)
        for (isHead, isLast) in [(false, false), (true, false), (false, true), (true, true)] {
            var expected = slow.bytes(at: now, toHead: isHead)
            if isLast {
                expected = ByteBuffer(string: String(buffer: expected).replacing("GMT\r\n\r\n", with: "GMT\r\nConnection: close\r\n\r\n"))
            }
            var composed = ByteBuffer()
            let isFound = target.withUnsafeBytes { bytes in
                let target = HotTarget(bytes)
                return table.find(target, testCase.choice, at: now) { record, pool in
                    let form = table.forms.counted(on: MultiThreadedEventLoopGroup.singleton.next())[Int(record.form)].form
                    form.write(
                        record, target: target.words, date: table.dates.bytes(at: now), isHead: isHead, isLast: isLast, to: &composed)
                    let isNamed = testCase.choice == .named
                    #expect(pool.isEmpty != isNamed)
                    return record.answersHead == (testCase.expires == nil) && (pool.isEmpty || form.isNamed(by: pool))
                }
            }
            #expect(isFound)
            #expect(String(buffer: composed) == String(buffer: expected))
        }
        #expect(index.count == 1)
    }

    @Test func `numbers, digests and hashes are written as everywhere else`() {
        let bytes = (0...100).map { UInt8(truncatingIfNeeded: $0 * 37) }
        for count in 0...100 {
            var buffer = ByteBuffer()
            buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 1_000) { space in
                var out = ByteCursor(space)
                bytes[..<count].withUnsafeBytes { part in
                    out.append(hex: part)
                    out.append(UInt8(ascii: " "))
                    out.append(base64: part)
                }
                return out.position
            }
            #expect(String(buffer: buffer) == Hex.encode(bytes[..<count]) + " " + Base64.encode(Array(bytes[..<count])))
        }
        for number in [0, 1, 9, 10, 99, 100, 101, 65_535, 1_000_000, Int(Int32.max), 999_999_999_999] {
            var buffer = ByteBuffer()
            buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 64) { space in
                var out = ByteCursor(space)
                out.append(decimal: number)
                return out.position
            }
            #expect(String(buffer: buffer) == String(number))
        }
        // What does not fit is left out.
        var buffer = ByteBuffer()
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 4) { space in
            var out = ByteCursor(UnsafeMutableRawBufferPointer(rebasing: space[..<4]))
            for byte in bytes { out.append(byte) }
            out.append(bytes)
            return out.position
        }
        #expect(buffer.readableBytes == 4)
    }

    @Test func `forms are few: one for each choice and place, and each event loop counts for itself`() throws {
        let registry = MetricsRegistry()
        let forms = AnswerForms(status: .found, registry: registry)
        let pool = try require(World.pool)
        let base = Array("/local/dev/".utf8)
        #expect(forms.number(.named, pool: pool, base: base) == 0)
        #expect(forms.number(.chosen(0, .region), pool: pool, base: base) == 1)
        let loops = [MultiThreadedEventLoopGroup(numberOfThreads: 2)].flatMap { Array($0.makeIterator()) }
        for loop in loops {
            let counted = forms.counted(on: loop)
            #expect(counted.count == 2)
            counted[0].hits.add(2)
            counted[1].hits.add(3)
            counted[1].choices?.add(5)
            counted[1].egressAvoided.add(7)
            #expect(counted[0].choices == nil)
        }
        #expect(forms.number(.named, pool: pool, base: base) == 0)
        #expect(forms.number(.named, pool: pool, base: Array("https://mirror.example/".utf8)) == 2)
        #expect(forms.counted(on: loops[0]).count == 3)
        let hits = registry.values(of: EngineMetrics.Name.redirects).filter { $0.labels["outcome"] == "hit" }
        #expect(hits.map(\.value) == [10])
        #expect(registry.values(of: EngineMetrics.Name.poolChoices).map(\.value) == [10])
        #expect(registry.values(of: EngineMetrics.Name.egressAvoided).map(\.value) == [14])
        #expect(registry.prometheusText().contains(#"cloud_mirror_redirects_total{pool="local/dev",outcome="hit"} 10"#))
    }
}
