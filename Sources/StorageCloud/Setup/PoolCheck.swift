package import MirrorCore
package import MirrorStorage

/// Tries everything that a pool needs from its bucket, and reports what is wrong and what to do about it.
///
/// It writes objects of its own, whose keys say what they are, and removes them again.
package protocol PoolCheck: Sendable {
    associatedtype Store: CloudStore
    /// What is known of the bucket when it has been examined.
    associatedtype Bucket

    typealias Say = (SetupLine.Mark, String) -> Void

    /// The pool's store, with a key prefix whose name says what the objects are.
    var probeStore: Store { get }
    /// The source of the credentials, for messages.
    var credentialsSource: String { get }
    /// The service's words in messages.
    var words: PoolCheckWords { get }

    /// What the service calls credentials.
    func name(of credentials: Store.Client.Credentials) -> String
    /// The end of the line for credentials that expire.
    func ending(of credentials: Store.Client.Credentials, _ expires: Timestamp) -> String

    /// - Returns: `nil` if the rest cannot be checked.
    func checkBucket(_ say: Say) async throws -> Bucket?
    /// Checks what the bucket does with forgotten objects.
    func checkLifecycle(_ bucket: Bucket, _ say: Say) async throws

    /// Writes an object in parts.
    func uploadInParts(_ objects: ProbeObjects, in store: Store) async throws
    /// The source for a copy of an object of the store by the service.
    func source(_ object: ObjectInfo, in store: Store) -> CopySource
    /// Checks what only this service does.
    func checkMore(_ written: ObjectInfo, _ objects: ProbeObjects, in store: Store, _ say: Say) async throws
    func delete(_ keys: [ObjectKey], in store: Store) async throws
}

/// The words of a service in the messages of a ``PoolCheck``.
package struct PoolCheckWords: Sendable {
    /// Says how to grant a permission: `grant storage.objects.get`.
    package var grant: @Sendable (_ permission: String) -> String
    /// The permissions for one object.
    package var write: String
    package var read: String
    package var list: String
    package var delete: String
    /// What an upload is divided into, and the permission for it.
    package var parts: (name: String, permission: String)
    /// The header field with a condition on an upload.
    package var condition: String
    /// What signed URLs are called.
    package var signed = "presigned"
    /// What it is called if the service may copy objects; `nil` for the usual words.
    package var copies: String?
    /// What artifacts are read from in the service.
    package var buckets = "buckets"
    /// What to do if clients may not read, at plain and at signed URLs.
    package var publicAdvice: String
    package var signedAdvice: String

    package init(
        grant: @escaping @Sendable (_ permission: String) -> String, write: String, read: String, list: String, delete: String,
        parts: (name: String, permission: String), condition: String, publicAdvice: String, signedAdvice: String
    ) {
        self.grant = grant
        self.write = write
        self.read = read
        self.list = list
        self.delete = delete
        self.parts = parts
        self.condition = condition
        self.publicAdvice = publicAdvice
        self.signedAdvice = signedAdvice
    }
}

extension PoolCheck {
    package func ending(of credentials: Store.Client.Credentials, _ expires: Timestamp) -> String {
        ", they expire at \(expires.iso8601) and are renewed before"
    }

    package func checkMore(_ written: ObjectInfo, _ objects: ProbeObjects, in store: Store, _ say: Say) async throws {}

    package func delete(_ keys: [ObjectKey], in store: Store) async throws {
        for key in keys { try await store.delete(key) }
    }

    /// - Parameter report: Called with each line as soon as it is known.
    /// - Returns: Whether nothing is wrong.
    package func run(report: (SetupLine) -> Void) async throws -> Bool {
        var isFine = true
        func say(_ mark: SetupLine.Mark, _ text: String) {
            if mark == .error { isFine = false }
            report(SetupLine(mark, text))
        }
        let client = probeStore.client
        guard try await checkCredentials(of: client, say), try await checkEndpoint(of: client, say),
            let bucket = try await checkBucket(say)
        else { return false }
        try await checkObjects(say)
        try await checkLifecycle(bucket, say)
        return isFine
    }

    /// Tries with its own objects what a running mirror does with artifacts.
    private func checkObjects(_ say: Say) async throws {
        let (store, words) = (probeStore, words)
        let features = store.capabilities.features
        let objects = try ProbeObjects(now: store.client.clock.now, errors: Store.Client.Failure.errors)
        var written: ObjectInfo?
        try await attempt(say, "write an object", words.write) { written = try await objects.upload(to: store) }
        if let written {
            try await attempt(say, "read an object", words.read) { try await objects.requireBody(objects.whole, in: store) }
            try await attempt(say, "look at an object (HEAD)", words.read) { try await objects.requireSize(in: store) }
            try await attempt(say, "list objects", words.list) { try await objects.requireListed(in: store) }
            // Without it, the condition was refused, and the check says so elsewhere.
            if store.capabilities.features.contains(.conditionalWrites) {
                try await attemptReplacing(say, field: words.condition) { _ = try await objects.upload(to: store, isSecond: true) }
            }
            try await checkReading(objects, in: store, say)
            if features.contains(.serverSideCopy) {
                try await attemptByService(
                    say, "copy objects", success: words.copies, otherwise: "artifacts from its own \(words.buckets) pass through the mirror"
                ) {
                    let source = source(written, in: store)
                    _ = try await store.copy(objects.copy, from: source, metadata: objects.metadata, condition: .absent)
                    try await objects.requireBody(objects.copy, in: store)
                }
            }
            try await checkMore(written, objects, in: store, say)
        }
        try await attempt(say, "upload in \(words.parts.name)", words.parts.permission) {
            try await uploadInParts(objects, in: store)
            try await objects.requireBody(objects.inParts, in: store)
        }
        // Even if nothing seems to have been written, because an answer may have been lost.
        try await attempt(say, "delete an object", words.delete) { try await delete(objects.keys, in: store) }
    }
}
