import MirrorCore
import MirrorStorage
import StorageCloud
import Testing

@testable import StorageGCS

@Suite("What has to be done to a bucket")
struct GCSPoolPlanTests {
    static func target(
        _ access: BucketAccess = .public, prefix: String = "", retention: Duration = .seconds(86_400), publicURL: String? = nil,
        project: String? = "a-project"
    ) -> GCSPoolTarget {
        let configuration = GCSConfiguration(
            bucket: "b",
            reading: BucketReading(access: access, publicURL: publicURL.flatMap { try? ArtifactURL($0) }, keyPrefix: prefix),
            credentials: StaticCredentials<GCSCredentials>.anonymous, location: "us-central1", project: project)
        return GCSPoolTarget(configuration, retention: retention)
    }

    /// A bucket that is as a pool wants it.
    static func resource(_ target: GCSPoolTarget) -> JSONValue {
        .object([
            "location": .string("US-CENTRAL1"), "metageneration": .string("3"),
            "iamConfiguration": GCSBucket.accessControl(preventsPublicAccess: target.reading.access == .presigned),
            "lifecycle": GCSLifecycle().adding(target).json,
            "softDeletePolicy": .object(["retentionDurationSeconds": .string("0")]),
        ])
    }

    private static let noPolicy = GCSPolicy(.object(["etag": .string("e")]))

    private static func policy(_ target: GCSPoolTarget) -> GCSPolicy {
        target.reading.access == .public ? noPolicy.addingEverybody() : noPolicy
    }

    private static func plan(
        _ target: GCSPoolTarget, policy: KnownSetting<GCSPolicy>? = nil, change: (inout JSONValue) -> Void = { _ in }
    ) -> GCSPoolPlan {
        var resource = Self.resource(target)
        change(&resource)
        let known = policy ?? .value(Self.policy(target))
        return GCSPoolPlan(target, GCSBucketState(bucket: .value(GCSBucket(resource)), policy: known))
    }

    private static func steps(_ plan: GCSPoolPlan) -> [GCSPoolPlan.Step] { plan.lines.compactMap(\.step) }

    @Test("A bucket that is right is left alone", arguments: [BucketAccess.public, .presigned], ["", "x/", "team/a/"])
    func right(_ access: BucketAccess, _ prefix: String) {
        let plan = Self.plan(Self.target(access, prefix: prefix))
        #expect(!plan.hasChanges)
        #expect(plan.lines.allSatisfy { $0.mark == .ok && $0.step == nil }, "\(plan.lines)")
        #expect(plan.lines.count == 4)
    }

    @Test("Of a bucket that is missing everything is made, if there is a project for it")
    func missing() {
        func steps(_ target: GCSPoolTarget) -> [GCSPoolPlan.Step] {
            Self.steps(GCSPoolPlan(target, GCSBucketState(bucket: .value(nil), policy: .unsupported)))
        }
        let (open, signed, elsewhere) = (Self.target(), Self.target(.presigned), Self.target(publicURL: "https://cdn.example.org"))
        #expect(
            steps(open) == [
                .createBucket(preventsPublicAccess: false), .setReaders(everybody: true), .setLifecycle(GCSLifecycle().adding(open)),
            ])
        #expect(steps(signed) == [.createBucket(preventsPublicAccess: true), .setLifecycle(GCSLifecycle().adding(signed))])
        #expect(steps(elsewhere) == [.createBucket(preventsPublicAccess: false), .setLifecycle(GCSLifecycle().adding(elsewhere))])
        let homeless = GCSPoolPlan(Self.target(project: nil), GCSBucketState(bucket: .value(nil), policy: .unsupported))
        #expect(!homeless.hasChanges && homeless.lines.map(\.mark) == [.problem])
        #expect(homeless.lines.first?.text.contains("write `project: …`") == true)
    }

    struct Difference: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var access = BucketAccess.public
        var policy: KnownSetting<GCSPolicy>?
        var change: @Sendable (inout JSONValue) -> Void = { _ in }
        var steps: [GCSPoolPlan.Step]
    }

    static let differences = [
        Difference(
            testDescription: "access control lists",
            change: { $0["iamConfiguration"] = .object(["uniformBucketLevelAccess": .object(["enabled": .bool(false)])]) },
            steps: [.setAccess(preventsPublicAccess: false)]),
        Difference(
            testDescription: "public access is prevented",
            change: { $0["iamConfiguration"] = GCSBucket.accessControl(preventsPublicAccess: true) },
            steps: [.setAccess(preventsPublicAccess: false)]),
        Difference(
            testDescription: "public access is possible", access: .presigned,
            change: { $0["iamConfiguration"] = GCSBucket.accessControl(preventsPublicAccess: false) },
            steps: [.setAccess(preventsPublicAccess: true)]),
        Difference(testDescription: "nobody may read", policy: .value(noPolicy), steps: [.setReaders(everybody: true)]),
        Difference(
            testDescription: "everybody may read", access: .presigned, policy: .value(noPolicy.addingEverybody()),
            steps: [.setReaders(everybody: false)]),
        Difference(
            testDescription: "everybody may list, too",
            policy: .value(GCSPolicy(.object(["bindings": .array([binding("roles/storage.objectViewer", "allUsers")])]))), steps: []),
        Difference(testDescription: "an unknown policy", policy: .unknown("grant it"), steps: []),
        Difference(
            testDescription: "no lifecycle", change: { $0["lifecycle"] = nil }, steps: [.setLifecycle(GCSLifecycle().adding(target()))]),
    ]

    private static func binding(_ role: String, _ members: String...) -> JSONValue {
        .object(["role": .string(role), "members": .array(members.map { .string($0) })])
    }

    @Test("Only what differs is changed", arguments: differences)
    func difference(_ difference: Difference) {
        let plan = Self.plan(Self.target(difference.access), policy: difference.policy, change: difference.change)
        #expect(Self.steps(plan) == difference.steps)
    }

    @Test("A bucket in another location, or that may not be looked at, is not touched")
    func elsewhere() {
        let plan = Self.plan(Self.target()) {
            $0["location"] = .string("EU")
            $0["lifecycle"] = nil
        }
        #expect(!plan.hasChanges && plan.lines.last?.mark == .problem)
        #expect(plan.lines.last?.text.contains("write `region: eu`") == true)
        for bucket in [KnownSetting<GCSBucket?>.unknown("no"), .unsupported] {
            let plan = GCSPoolPlan(Self.target(), GCSBucketState(bucket: bucket, policy: .unsupported))
            #expect(plan.lines.map(\.mark) == [.problem])
        }
    }

    @Test("A policy that may not be read is a problem, and one that the server does not know is not")
    func unread() {
        let unknown = Self.plan(Self.target(), policy: .unknown("grant storage.buckets.getIamPolicy"))
        #expect(unknown.lines.contains { $0.mark == .problem && $0.text.contains("storage.buckets.getIamPolicy") })
        let unsupported = Self.plan(Self.target(), policy: .unsupported)
        #expect(unsupported.lines.contains { $0.mark == .note && $0.text.contains("not supported by this server") })
    }

    @Test("What the operator has to know is said")
    func notes() {
        let shared = Self.plan(Self.target(prefix: "x/"), policy: .value(Self.noPolicy))
        #expect(shared.lines.contains { $0.mark == .change && $0.text.contains("also those that are not under x/") })
        let kept = Self.plan(Self.target()) { $0["softDeletePolicy"] = .object(["retentionDurationSeconds": .string("604800")]) }
        #expect(kept.lines.contains { $0.mark == .note && $0.text.contains("for 7 days") })
        let listed = Self.plan(Self.target()) { $0["iamConfiguration"] = nil }
        #expect(listed.lines.contains { $0.mark == .change && $0.text.contains("what access control lists permit now") })
        let early = Self.plan(Self.target(retention: .seconds(86_400 * 30))) {
            let rule: JSONValue = .object([
                "action": .object(["type": .string("Delete")]), "condition": .object(["age": .integer(3), "isLive": .bool(true)]),
            ])
            $0["lifecycle"] = .object(["rule": .array([rule])])
        }
        #expect(early.lines.contains { $0.mark == .note && $0.text.contains("a rule deletes objects 3 days after they were stored") })
        let viewers = GCSPolicy(.object(["bindings": .array([Self.binding("roles/viewer", "allAuthenticatedUsers")])]))
        let other = Self.plan(Self.target(.presigned), policy: .value(viewers))
        #expect(other.lines.contains { $0.mark == .note && $0.text.contains("roles/viewer is granted to everybody") })
        let elsewhere = Self.plan(Self.target(publicURL: "https://cdn.example.org"), policy: .value(Self.noPolicy))
        #expect(Self.steps(elsewhere).isEmpty && elsewhere.lines.contains { $0.mark == .note && $0.text.contains("publicURL") })
    }

    @Test("A resource that says nothing of itself is none")
    func resources() {
        #expect(GCSBucket(.object([:])) == nil)
        #expect(GCSBucket(.array([])) == nil)
        #expect(GCSBucket(.object(["location": .string("EU")])) == nil)
        let least = GCSBucket(.object(["location": .string("EU"), "metageneration": .string("1")]))
        #expect(least?.location == "eu" && least?.hasUniformAccess == false && least?.softDeleteSeconds == 0)
    }
}
