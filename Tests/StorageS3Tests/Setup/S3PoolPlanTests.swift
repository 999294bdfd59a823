import MirrorCore
import MirrorStorage
import NIOCore
import StorageCloud
import Testing

@testable import StorageS3

@Suite struct S3PoolPlanTests {
    private static func target(
        _ access: BucketAccess = .public, prefix: String = "", retention: Duration = .seconds(86_400),
        isReadElsewhere: Bool = false
    ) -> S3PoolTarget {
        let elsewhere = isReadElsewhere ? try? ArtifactURL("https://cdn.example.org/") : nil
        return S3PoolTarget(
            bucket: "b", endpoint: .aws(region: "eu-central-1"),
            reading: BucketReading(access: access, publicURL: elsewhere, keyPrefix: prefix), retention: retention)
    }

    /// A bucket that is as a public pool wants it.
    private static func rightState(_ target: S3PoolTarget = target()) -> S3BucketState {
        let isPublic = target.reading.access == .public
        return S3BucketState(
            exists: .value(true), region: "eu-central-1",
            policy: .value(isPublic ? S3BucketPolicy().adding(target.publicRead) : nil),
            publicAccess: .value(isPublic ? .policyOnly : .all), ownership: .value("BucketOwnerEnforced"),
            lifecycle: .value(S3Lifecycle().adding(target)))
    }

    private static func steps(_ target: S3PoolTarget, _ state: S3BucketState) -> [S3PoolPlan.Step] {
        S3PoolPlan(target, state).lines.compactMap(\.step)
    }

    private static func policy(_ json: String) throws -> S3BucketPolicy {
        try S3BucketPolicy(json: Array(json.utf8))
    }

    @Test("A bucket that is right is left alone", arguments: [BucketAccess.public, .presigned], ["", "x/", "team/a/"])
    func right(access: BucketAccess, prefix: String) {
        let target = Self.target(access, prefix: prefix)
        let plan = S3PoolPlan(target, Self.rightState(target))
        #expect(!plan.hasChanges && !plan.hasProblems)
        #expect(plan.lines.allSatisfy { $0.mark == .ok && $0.step == nil })
        #expect(plan.lines.count == 5)
    }

    @Test(
        "Of a bucket that is missing everything is made, and the guard against public buckets goes before the policy that it would refuse")
    func missing() {
        let target = Self.target()
        #expect(
            Self.steps(target, S3BucketState(exists: .value(false))) == [
                .createBucket, .setOwnership, .setPublicAccess(.policyOnly), .setPolicy(S3BucketPolicy().adding(target.publicRead)),
                .setLifecycle(S3Lifecycle().adding(target)),
            ])
        let presigned = Self.target(.presigned)
        #expect(
            Self.steps(presigned, S3BucketState(exists: .value(false))) == [
                .createBucket, .setOwnership, .setPublicAccess(.all), .setLifecycle(S3Lifecycle().adding(presigned)),
            ])
    }

    struct Difference: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var change: @Sendable (inout S3BucketState) -> Void
        var steps: @Sendable (S3PoolTarget) -> [S3PoolPlan.Step]
    }

    @Test(
        "Only what differs is changed",
        arguments: [
            Difference(testDescription: "ownership", change: { $0.ownership = .value("ObjectWriter") }, steps: { _ in [.setOwnership] }),
            Difference(testDescription: "no ownership", change: { $0.ownership = .value(nil) }, steps: { _ in [.setOwnership] }),
            Difference(
                testDescription: "all is blocked", change: { $0.publicAccess = .value(.all) },
                steps: { _ in [.setPublicAccess(.policyOnly)] }),
            Difference(
                testDescription: "nothing is blocked", change: { $0.publicAccess = .value(nil) },
                steps: { _ in [.setPublicAccess(.policyOnly)] }),
            Difference(
                testDescription: "no policy", change: { $0.policy = .value(nil) },
                steps: { [.setPolicy(S3BucketPolicy().adding($0.publicRead))] }),
            Difference(
                testDescription: "no lifecycle", change: { $0.lifecycle = .value(nil) },
                steps: { [.setLifecycle(S3Lifecycle().adding($0))] }),
            Difference(
                testDescription: "calls that the server does not know",
                change: {
                    $0.ownership = .unsupported; $0.publicAccess = .unsupported
                }, steps: { _ in [] }),
            Difference(testDescription: "what may not be read", change: { $0.policy = .unknown("permit it") }, steps: { _ in [] }),
        ])
    func differences(_ difference: Difference) {
        let target = Self.target()
        var state = Self.rightState(target)
        difference.change(&state)
        #expect(Self.steps(target, state) == difference.steps(target))
    }

    @Test("What the server does not support is said and is no problem; what may not be read is one")
    func unreadable() {
        var state = Self.rightState()
        state.publicAccess = .unsupported
        var plan = S3PoolPlan(Self.target(), state)
        #expect(plan.lines.contains { $0.mark == .note && $0.text == "public access block: not supported by this server" })
        #expect(!plan.hasProblems)
        state.policy = .unknown("permit s3:GetBucketPolicy")
        plan = S3PoolPlan(Self.target(), state)
        #expect(plan.hasProblems && !plan.hasChanges)
    }

    @Test("A bucket in another region, or that may not be looked at, is not touched")
    func elsewhere() {
        var state = Self.rightState()
        state.region = "us-east-1"
        state.ownership = .value(nil)
        let plan = S3PoolPlan(Self.target(), state)
        #expect(plan.hasProblems && !plan.hasChanges)
        #expect(plan.lines.last?.text.contains("write `region: us-east-1`") == true)
        for exists in [KnownSetting<Bool>.unknown("no"), .unsupported] {
            let plan = S3PoolPlan(Self.target(), S3BucketState(exists: exists))
            #expect(plan.hasProblems && !plan.hasChanges && plan.lines.count == 1)
        }
    }

    @Test("Who reads at another address has its own ways: the bucket is not opened for it")
    func elsewhereRead() {
        let target = Self.target(isReadElsewhere: true)
        var state = Self.rightState(Self.target(.presigned))
        state.lifecycle = .value(S3Lifecycle().adding(target))
        #expect(Self.steps(target, state).isEmpty)
    }

    @Test("A presigned pool takes back what made it public, and leaves the statements of others")
    func becomesPrivate() throws {
        let target = Self.target(.presigned)
        var state = Self.rightState(target)
        state.policy = .value(S3BucketPolicy().adding(target.publicRead))
        #expect(Self.steps(target, state) == [.removePolicy])
        let foreign = try Self.policy(
            #"{"Version":"2012-10-17","Statement":{"Sid":"Theirs","Effect":"Allow","Principal":{"AWS":["*"]},"Action":"s3:ListBucket","Resource":"arn:aws:s3:::b"}}"#
        )
        state.policy = .value(foreign.adding(target.publicRead))
        let plan = S3PoolPlan(target, state)
        guard case .setPolicy(let policy)? = plan.lines.compactMap(\.step).first else {
            Issue.record("no step sets the policy")
            return
        }
        #expect(policy.hasStatement(named: "Theirs") && !policy.hasStatement(named: "cloud-mirror-public-read"))
        #expect(plan.lines.contains { $0.mark == .note && $0.text.contains("Theirs") })
    }

    // MARK: Policies

    @Test(
        "A server may write the statement in its own way",
        arguments: [
            #"{"Version":"2012-10-17","Statement":[{"Sid":"cloud-mirror-public-read","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}]}"#,
            #"{"Statement":{"Resource":["arn:aws:s3:::b/*"],"Action":["s3:GetObject"],"Principal":{"AWS":["*"]},"Effect":"Allow","Sid":"cloud-mirror-public-read"}}"#,
        ])
    func sameStatement(_ json: String) throws {
        #expect(try Self.policy(json).has(Self.target().publicRead))
    }

    @Test(
        "A statement that means something else is replaced",
        arguments: [
            #"{"Sid":"cloud-mirror-public-read","Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}"#,
            #"{"Sid":"cloud-mirror-public-read","Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/*"}"#,
            #"{"Sid":"cloud-mirror-public-read","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/other/*"}"#,
            #"{"Sid":"cloud-mirror-public-read","Effect":"Allow","Principal":{"AWS":"1"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}"#,
            #"{"Sid":"cloud-mirror-public-read","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}"#,
            #"{"Sid":"Other","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}"#,
        ])
    func otherStatement(_ json: String) throws {
        let read = Self.target().publicRead
        let policy = try Self.policy("{\"Statement\":[\(json)]}")
        #expect(!policy.has(read))
        #expect(policy.adding(read).has(read))
        #expect(policy.adding(read).hasStatement(named: "Other") == json.contains("Other"))
    }

    @Test("What others wrote into a policy comes back as it was")
    func foreignPolicy() throws {
        let json =
            #"{"Id":"x","Statement":[{"Action":["s3:Get*"],"Condition":{"Null":{"a":false},"NumericLessThan":{"s3:max-keys":10}},"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::1:root"},"Resource":"*","Sid":"A b"}],"Version":"2008-10-17"}"#
        let policy = try Self.policy(json)
        #expect(String(decoding: policy.json, as: UTF8.self) == json)
        let read = Self.target().publicRead
        #expect(policy.adding(read).removing(read.sid) == policy)
        #expect(throws: (any Error).self) { try Self.policy("[]") }
        #expect(throws: (any Error).self) { try Self.policy("<html>") }
    }

    @Test("Resources are named in the partition that the bucket is in")
    func partitions() {
        func resource(_ region: String) -> String {
            S3PoolTarget(
                bucket: "b", endpoint: .aws(region: region), reading: BucketReading(keyPrefix: "p/"), retention: .zero
            ).publicRead
                .resource
        }
        #expect(resource("eu-central-1") == "arn:aws:s3:::b/p/*")
        #expect(resource("cn-north-1") == "arn:aws-cn:s3:::b/p/*")
        #expect(resource("us-gov-west-1") == "arn:aws-us-gov:s3:::b/p/*")
    }

    // MARK: Lifecycle

    @Test(
        "The rule says whole days, a day more than anything is kept, and not less than a month",
        arguments: [
            (Duration.seconds(1), 2, 30), (.seconds(86_400), 2, 30), (.seconds(86_401), 3, 30), (.seconds(30 * 86_400), 31, 31),
            (.seconds(3_650 * 86_400), 3_651, 3_651),
        ])
    func days(retention: Duration, least: Int, new: Int) {
        let target = Self.target(retention: retention)
        #expect(target.leastExpiryDays == least)
        #expect(target.newExpiryDays == new)
        #expect(S3Lifecycle().adding(target).hasExpiry(of: target))
        #expect(S3Lifecycle().adding(target).premature(for: target).isEmpty)
    }

    private static func lifecycle(_ xml: String) throws -> S3Lifecycle {
        S3Lifecycle(try XMLTree(parsing: ByteBuffer(string: xml)), transitionDefault: nil)
    }

    @Test("Rules of others stay as they are, also those of old, and are seen for what they do")
    func foreignRules() throws {
        let rules =
            "<Rule><ID>old &amp; odd</ID><Prefix>logs/</Prefix><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule>"
            + "<Rule><ID>all</ID><Filter><Prefix></Prefix></Filter><Status>Enabled</Status><Transition><Days>5</Days><StorageClass>GLACIER</StorageClass></Transition>"
            + "<Expiration><Days>1</Days></Expiration></Rule>"
            + "<Rule><ID>off</ID><Filter></Filter><Status>Disabled</Status><Expiration><Days>1</Days></Expiration></Rule>"
            + "<Rule><ID>small</ID><Filter><And><Prefix>mirror/x</Prefix><ObjectSizeLessThan>9</ObjectSizeLessThan></And></Filter><Status>Enabled</Status>"
            + "<Expiration><Date>2030-01-01T00:00:00Z</Date></Expiration></Rule>"
        let before = try Self.lifecycle("<LifecycleConfiguration xmlns=\"x\">\(rules)</LifecycleConfiguration>")
        let target = Self.target(prefix: "mirror/")
        let after = before.adding(target)
        #expect(
            after.xml.hasPrefix(
                "<LifecycleConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\(rules)<Rule><ID>cloud-mirror-expiry-mirror</ID>"
            ))
        #expect(
            after.rules.map(\.id) == [
                "old & odd", "all", "off", "small", "cloud-mirror-expiry-mirror", "cloud-mirror-abort-uploads-mirror",
            ])
        #expect(after.premature(for: target).map(\.id) == ["all", "small"])
        #expect(try Self.lifecycle(after.xml) == after)
        #expect(after.adding(target) == after)
    }

    @Test("A rule of ours that says more days stays; one that says fewer, is off or is for something else is replaced in its place")
    func ownRules() throws {
        let target = Self.target(retention: .seconds(5 * 86_400))
        func rule(_ days: Int, status: String = "Enabled", filter: String = "<Prefix></Prefix>") throws -> S3Lifecycle {
            try Self.lifecycle(
                "<LifecycleConfiguration><Rule><ID>cloud-mirror-expiry</ID><Filter>\(filter)</Filter><Status>\(status)</Status>"
                    + "<Expiration><Days>\(days)</Days></Expiration></Rule></LifecycleConfiguration>")
        }
        #expect(try rule(6).adding(target).rules.first?.expiryDays == 6)
        #expect(try rule(400).adding(target).rules.first?.expiryDays == 400)
        for lifecycle in [
            try rule(5), try rule(400, status: "Disabled"), try rule(400, filter: "<Prefix>a/</Prefix>"),
            try rule(400, filter: "<Tag><Key>k</Key></Tag>"),
        ] {
            let after = lifecycle.adding(target)
            #expect(after.rules.map(\.id) == ["cloud-mirror-expiry", "cloud-mirror-abort-uploads"])
            #expect(after.rules.first?.expiryDays == 30)
        }
    }

    @Test("Pools that share a bucket do not share names in it, and no name is too long")
    func identifiers() {
        let prefixes = [
            "", "a/", "b/", "a/b/", "a-b/", "a.b/", String(repeating: "x", count: 499) + "/", String(repeating: "x", count: 498) + "y/",
        ]
        let names = prefixes.map { S3PoolTarget.identifier("cloud-mirror-abort-uploads", $0) }
        #expect(Set(names).count == prefixes.count)
        #expect(names.allSatisfy { $0.utf8.count <= 255 })
        #expect(names.prefix(2) == ["cloud-mirror-abort-uploads", "cloud-mirror-abort-uploads-a"])
    }
}
