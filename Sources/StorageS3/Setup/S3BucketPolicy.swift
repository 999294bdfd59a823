import MirrorCore
import StorageCloud

/// A bucket's policy: existing statements, and our own.
struct S3BucketPolicy: Sendable, Equatable {
    private var document: JSONValue

    /// Policy language elements of 2012 (IAM User Guide, "Version").
    init() {
        document = .object(["Version": .string("2012-10-17"), "Statement": .array([])])
    }

    /// - Throws: `StorageError` if it is not a policy.
    init(json: [UInt8]) throws {
        guard let tree = JSONValue(parsing: json), case .object = tree else {
            throw CloudErrors.s3.invalid("the bucket's policy is not a JSON object", "getBucketPolicy")
        }
        document = tree
    }

    /// As it is sent.
    var json: [UInt8] { document.encoded }

    var isEmpty: Bool { statements.isEmpty }

    /// A single statement may appear without a list around it.
    private var statements: [JSONValue] {
        get {
            switch document["Statement"] {
            case .array(let statements): statements
            case .object(let statement): [.object(statement)]
            default: []
            }
        }
        set { document["Statement"] = .array(newValue) }
    }

    // MARK: Our statement

    /// Allows everybody to read the objects under a prefix.
    struct PublicRead: Sendable, Equatable {
        var partition: String
        var bucket: String
        var keyPrefix: String

        /// Includes the prefix, so that two pools in one bucket each have a statement.
        var sid: String { S3PoolTarget.identifier("cloud-mirror-public-read", keyPrefix) }
        var resource: String { "arn:\(partition):s3:::\(bucket)/\(keyPrefix)*" }

        fileprivate var statement: JSONValue {
            .object([
                "Sid": .string(sid), "Effect": .string("Allow"), "Principal": .string("*"), "Action": .string("s3:GetObject"),
                "Resource": .string(resource),
            ])
        }
    }

    /// Whether the policy contains the statement with the right meaning, however the server writes it.
    func has(_ read: PublicRead) -> Bool {
        let ours = statements.filter { $0["Sid"] == .string(read.sid) }
        return ours.count == 1 && ours.allSatisfy { $0.means(read.statement) }
    }

    func hasStatement(named sid: String) -> Bool {
        statements.contains { $0["Sid"] == .string(sid) }
    }

    /// Replaces the statement of the same name; all others stay.
    func adding(_ read: PublicRead) -> S3BucketPolicy {
        var policy = removing(read.sid)
        policy.statements.append(read.statement)
        return policy
    }

    func removing(_ sid: String) -> S3BucketPolicy {
        var policy = self
        policy.statements.removeAll { $0["Sid"] == .string(sid) }
        return policy
    }

    /// Other statements that allow everybody something without a condition; by name, or by number if they have none.
    func publicStatements(besides sid: String) -> [String] {
        statements.enumerated().compactMap { position, statement in
            guard statement["Sid"] != .string(sid), statement["Effect"] == .string("Allow"), statement["Condition"] == nil,
                statement["Principal"]?.isEverybody == true
            else { return nil }
            if case .string(let name) = statement["Sid"], !name.isEmpty { return name }
            return "number \(position + 1)"
        }
    }
}

extension JSONValue {
    /// `"*"`, `{"AWS": "*"}`, `{"AWS": ["*"]}` (IAM User Guide, "Principal").
    fileprivate var isEverybody: Bool {
        switch self {
        case .string(let text): text == "*"
        case .object(let members): members["AWS"]?.list.contains(.string("*")) == true
        case .null, .bool, .integer, .number, .array: false
        }
    }

    /// A single value means the same as a list of it.
    private var list: [JSONValue] {
        if case .array(let values) = self { return values }
        return [self]
    }

    /// Whether two statements allow the same, without conditions.
    fileprivate func means(_ other: JSONValue) -> Bool {
        self["Effect"] == other["Effect"] && self["Principal"]?.isEverybody == true && self["Condition"] == nil
            && self["Action"]?.list == other["Action"]?.list && self["Resource"]?.list == other["Resource"]?.list
            && self["NotAction"] == nil && self["NotResource"] == nil && self["NotPrincipal"] == nil
    }
}
