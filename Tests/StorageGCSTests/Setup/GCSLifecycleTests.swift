import MirrorCore
import StorageCloud
import Testing

@testable import StorageGCS

@Suite("Lifecycle rules")
struct GCSLifecycleTests {
    private static func lifecycle(_ rules: String...) throws -> GCSLifecycle {
        GCSLifecycle(json: JSONValue(parsing: #"{"rule": [\#(rules.joined(separator: ","))]}"#.utf8))
    }

    private static func rule(_ action: String, _ condition: String) -> String {
        #"{"action": {"type": "\#(action)"}, "condition": {\#(condition)}}"#
    }

    @Test("Ours end forgotten objects, abandoned uploads and what is left of them")
    func ours() throws {
        let whole = GCSLifecycle().adding(GCSPoolPlanTests.target(retention: .seconds(86_400 * 40)))
        #expect(
            whole
                == (try Self.lifecycle(
                    Self.rule("Delete", #""age": 41"#), Self.rule("AbortIncompleteMultipartUpload", #""age": 1"#),
                    Self.rule("Delete", #""age": 1, "matchesPrefix": ["cloud-mirror-uploads/"]"#))))
        let prefixed = GCSLifecycle().adding(GCSPoolPlanTests.target(prefix: "a/b"))
        #expect(
            prefixed
                == (try Self.lifecycle(
                    Self.rule("Delete", #""age": 30, "matchesPrefix": ["a/b/"]"#),
                    Self.rule("AbortIncompleteMultipartUpload", #""age": 1, "matchesPrefix": ["a/b/"]"#),
                    Self.rule("Delete", #""age": 1, "matchesPrefix": ["a/b/cloud-mirror-uploads/"]"#))))
    }

    @Test(
        "A part of a day counts as a whole one, and a day is added",
        arguments: [(0, 1), (1, 2), (86_400, 2), (86_401, 3), (8_640_000, 101)])
    func days(_ seconds: Int64, _ least: Int) {
        let target = GCSPoolPlanTests.target(retention: .seconds(seconds))
        #expect(target.leastExpiryDays == least)
        #expect(target.newExpiryDays == max(30, least))
    }

    @Test("Rules of others stay as they are, and rules of ours are there once")
    func others() throws {
        let target = GCSPoolPlanTests.target()
        let theirs = [
            Self.rule("SetStorageClass", #""age": 10"#).replacing(#""type""#, with: #""storageClass": "NEARLINE", "type""#),
            Self.rule("Delete", #""daysSinceNoncurrentTime": 3"#), Self.rule("Delete", #""age": 500, "matchesSuffix": [".tmp"]"#),
            Self.rule("Delete", #""age": 2, "matchesPrefix": ["x/"]"#), Self.rule("Future", #""something": {"new": [1.5, null]}"#),
        ]
        let before = try Self.lifecycle(theirs[0], theirs[1], theirs[2], theirs[3], theirs[4])
        let after = before.adding(target)
        #expect(Array(after.rules.prefix(5)) == before.rules)
        #expect(after.rules.count == 8)
        #expect(after.adding(target) == after)
        #expect(GCSLifecycle(json: after.json) == after)
    }

    @Test("A rule of ours may say more days than it has to, and is corrected when it says fewer")
    func ages() throws {
        let target = GCSPoolPlanTests.target(retention: .seconds(86_400 * 40))
        let longer = try Self.lifecycle(
            Self.rule("Delete", #""age": 365"#), Self.rule("AbortIncompleteMultipartUpload", #""age": 1"#),
            Self.rule("Delete", #""age": 1, "matchesPrefix": ["cloud-mirror-uploads/"]"#))
        #expect(longer.hasExpiry(of: target) && longer.hasCleanup(of: target))
        #expect(longer.adding(target) == longer)
        let shorter = try Self.lifecycle(Self.rule("Delete", #""age": 40"#))
        #expect(!shorter.hasExpiry(of: target) && !shorter.hasCleanup(of: target))
        #expect(shorter.adding(target).rules.first?.age == 41)
        #expect(shorter.adding(target).rules.count == 3)
    }

    @Test(
        "What deletes objects before the mirror forgets them is found",
        arguments: [
            (#""age": 3"#, true), (#""age": 41"#, false), (#""age": 3, "matchesPrefix": ["p/"]"#, true),
            (#""age": 3, "matchesPrefix": ["p/q/r"]"#, true), (#""age": 3, "matchesPrefix": ["", "z/"]"#, true),
            (#""age": 3, "matchesPrefix": ["z/"]"#, false), (#""age": 3, "matchesPrefix": ["p/q/cloud-mirror-uploads/"]"#, false),
            (#""age": 3, "isLive": false"#, false), (#""numNewerVersions": 2"#, false), (#""createdBefore": "2030-01-01""#, true),
            (#""age": 0"#, true),
        ])
    func premature(_ condition: String, _ isFound: Bool) throws {
        let target = GCSPoolPlanTests.target(prefix: "p/q", retention: .seconds(86_400 * 40))
        let lifecycle = try Self.lifecycle(Self.rule("Delete", condition))
        #expect(lifecycle.premature(for: target).isEmpty == !isFound)
        #expect(try Self.lifecycle(Self.rule("SetStorageClass", condition)).premature(for: target).isEmpty)
    }

    @Test("What is no list of rules has none", arguments: ["{}", #"{"rule": {}}"#, "[]", "7"])
    func none(_ text: String) {
        #expect(GCSLifecycle(json: JSONValue(parsing: text.utf8)) == GCSLifecycle())
    }
}
