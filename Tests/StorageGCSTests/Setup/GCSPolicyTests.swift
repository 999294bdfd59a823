import MirrorCore
import StorageCloud
import Testing

@testable import StorageGCS

@Suite("Policies of buckets")
struct GCSPolicyTests {
    private static func policy(_ bindings: String) throws -> GCSPolicy {
        GCSPolicy(try #require(JSONValue(parsing: #"{"etag": "e", "version": 3, "kind": "k", "bindings": [\#(bindings)]}"#.utf8)))
    }

    private static let owner = #"{"role": "roles/storage.legacyBucketOwner", "members": ["projectOwner:p"]}"#
    private static let reader = #"{"role": "roles/storage.legacyObjectReader", "members": ["allUsers"]}"#

    @Test("Everybody is added to the binding that there is, or to a new one, and everything else stays")
    func adding() throws {
        #expect(try Self.policy(Self.owner).addingEverybody() == Self.policy("\(Self.owner), \(Self.reader)"))
        let some = #"{"role": "roles/storage.legacyObjectReader", "members": ["user:a"]}"#
        let both = #"{"role": "roles/storage.legacyObjectReader", "members": ["user:a", "allUsers"]}"#
        #expect(try Self.policy("\(some), \(Self.owner)").addingEverybody() == Self.policy("\(both), \(Self.owner)"))
        let narrow = #"{"role": "roles/storage.legacyObjectReader", "members": ["user:a"], "condition": {"expression": "true"}}"#
        #expect(try Self.policy(narrow).addingEverybody() == Self.policy("\(narrow), \(Self.reader)"))
        #expect(GCSPolicy(.object([:])).addingEverybody().hasEverybody)
    }

    @Test("Removing everybody takes back what adding has done, and nothing else")
    func removing() throws {
        let before = try Self.policy(Self.owner)
        #expect(before.addingEverybody().removingEverybody() == before)
        let viewer = #"{"role": "roles/storage.objectViewer", "members": ["allUsers"]}"#
        #expect(try Self.policy(viewer).removingEverybody() == Self.policy(viewer))
        #expect(try Self.policy(viewer).otherPublicRoles == ["roles/storage.objectViewer"])
    }

    @Test(
        "Everybody may read by any role that reads, without a condition",
        arguments: [
            (#"{"role": "roles/storage.legacyObjectReader", "members": ["allUsers"]}"#, true),
            (#"{"role": "roles/storage.objectViewer", "members": ["user:a", "allUsers"]}"#, true),
            (#"{"role": "roles/storage.objectViewer", "members": ["allAuthenticatedUsers"]}"#, false),
            (#"{"role": "roles/storage.objectCreator", "members": ["allUsers"]}"#, false),
            (#"{"role": "roles/storage.objectViewer", "members": ["allUsers"], "condition": {"expression": "false"}}"#, false),
            (#"{"role": "roles/storage.objectViewer", "members": "allUsers"}"#, false), ("7", false),
        ])
    func reading(_ binding: String, _ isPublic: Bool) throws {
        #expect(try Self.policy(binding).letsEverybodyRead == isPublic)
    }
}
