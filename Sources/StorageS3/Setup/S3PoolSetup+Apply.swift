import MirrorCore
import MirrorStorage
import NIOCore
import NIOHTTP1
import StorageCloud

/// Performs a plan, and reverts steps that make the bucket useless.
extension S3PoolSetup {
    enum Outcome: Sendable, Equatable {
        case done
        /// There was nothing to do; the line says why.
        case noted
        case unsupported
        /// The step was performed, made the server refuse writes, and was reverted.
        case takenBack(String)
        /// Why it failed, and what to do.
        case failed(String)
    }

    /// Performs the planned steps one after the other; stops if the bucket cannot be created.
    ///
    /// Writes an object before and after. If that works before but not after, the setting that causes it is reverted: on some servers, a setting
    /// that is harmless elsewhere makes a bucket read-only.
    ///
    /// - Parameter report: Called with the result of each line that has a step.
    func apply(_ plan: S3PoolPlan, report: (S3PoolPlan.Line, Outcome) -> Void) async throws {
        var plan = plan
        var isSettling = false
        if let creation = plan.lines.first(where: { $0.step == .createBucket }) {
            let outcome = try await perform(.createBucket, isSettling: false)
            report(creation, outcome)
            guard outcome == .done else { return }
            isSettling = true
            // A server may say only about an existing bucket what it does not support.
            let seen = try await state()
            if seen.exists == .value(true) {
                plan = S3PoolPlan(target, seen)
                for line in plan.lines where line.mark == .note || line.mark == .problem { report(line, .noted) }
            }
        }
        let steps = plan.lines.compactMap { line -> Planned? in line.step.map { (line, $0) } }.filter { $0.step != .createBucket }
        guard !steps.isEmpty else { return }
        let worksBefore = try await probe(isSettling: isSettling) == nil
        var applied: [Planned] = []
        for (line, step) in steps {
            let outcome = try await perform(step, isSettling: isSettling)
            if outcome == .done {
                applied.append((line, step))
                if case .setPublicAccess = step { isSettling = true }
            } else {
                report(line, outcome)
            }
        }
        var blame: [String: String] = [:]
        if worksBefore, !applied.isEmpty, let reason = try await probe(isSettling: true) {
            blame = try await takeBack(applied, plan.before, because: reason)
        }
        for (line, _) in applied { report(line, blame[line.text].map { .takenBack($0) } ?? .done) }
    }

    private typealias Planned = (line: S3PoolPlan.Line, step: S3PoolPlan.Step)

    /// The pauses while a new bucket or setting takes effect everywhere.
    private static let settling = Backoff(first: .milliseconds(500), limit: .seconds(60))

    // MARK: Whether it works

    /// Writes an object, reads it back and deletes it.
    ///
    /// - Returns: Why that fails; `nil` if it works.
    private func probe(isSettling: Bool) async throws -> String? {
        let key = target.keyPrefix + ProbeObjects.folder + RandomBytes.hex(8)
        let body = ByteBuffer(string: "Written by `cloud-mirror pools apply`, which removes it. It may be deleted.\n")
        var attempt = 1
        while true {
            let reason = try await probe(key, body)
            guard reason != nil, isSettling, attempt < 4 else { return reason }
            try await clock.sleep(for: Self.settling.pause(after: attempt))
            attempt += 1
        }
    }

    private func probe(_ key: String, _ body: ByteBuffer) async throws -> String? {
        do {
            let put = S3Call("put", .PUT, key: key, headers: [("content-type", "text/plain")], body: .bytes([body]))
            if let failure = try await ask(put).failure { return "\(failure)" }
            let get = S3Call("get", .GET, key: key)
            let answer = try await ask(get)
            if let failure = answer.failure { return "reading: \(failure)" }
            guard try await answer.body.collect(upTo: 4_096) == body else {
                return "the data that was read differs from the data that was written"
            }
            if let failure = try await ask(S3Call("delete", .DELETE, key: key)).failure { return "deleting: \(failure)" }
            return nil
        } catch let error as StorageError {
            return error.message
        }
    }

    // MARK: Taking back

    /// Finds the one setting without which objects can be written again; if there is none, reverts all.
    ///
    /// - Returns: The reasons, by the text of each line that was reverted.
    private func takeBack(_ applied: [Planned], _ before: S3BucketState, because reason: String) async throws -> [String: String] {
        for (line, step) in applied.sorted(by: { $0.step.traits.suspicion > $1.step.traits.suspicion }) {
            guard try await undo(step, before) else { continue }
            if try await probe(isSettling: true) == nil { return [line.text: "it makes the server refuse writes (\(reason))"] }
            _ = try await perform(step, isSettling: true)
        }
        var blame: [String: String] = [:]
        for (line, step) in applied.reversed() {
            guard try await undo(step, before) else { continue }
            blame[line.text] = "together, the settings make the server refuse writes (\(reason))"
        }
        return blame
    }

    /// - Returns: Whether the previous state was restored.
    private func undo(_ step: S3PoolPlan.Step, _ before: S3BucketState) async throws -> Bool {
        let call: S3Call?
        switch step {
        case .createBucket: call = nil
        case .setOwnership:
            call = Self.undoing(before.ownership, "ownershipControls", name: "OwnershipControls") { self.ownershipCall($0) }
        case .setPublicAccess:
            call = Self.undoing(before.publicAccess, "publicAccessBlock", name: "PublicAccess") { self.call(for: .setPublicAccess($0)) }
        case .setPolicy, .removePolicy: call = Self.undoing(before.policy, "policy", name: "Policy") { self.call(for: .setPolicy($0)) }
        case .setLifecycle: call = Self.undoing(before.lifecycle, "lifecycle", name: "Lifecycle") { self.call(for: .setLifecycle($0)) }
        }
        guard let call else { return false }
        do {
            guard let failure = try await ask(call).failure else { return true }
            return failure.status == 404
        } catch is StorageError {
            return false
        }
    }

    private static func undoing<Value>(
        _ known: KnownSetting<Value?>, _ subresource: String, name: String, _ set: (Value) -> S3Call
    ) -> S3Call? {
        guard case .value(let value) = known else { return nil }
        return value.map(set) ?? S3Call("deleteBucket\(name)", .DELETE, query: [(subresource, nil)])
    }

    // MARK: Steps

    private func perform(_ step: S3PoolPlan.Step, isSettling: Bool) async throws -> Outcome {
        let call = call(for: step)
        var attempt = 1
        while true {
            let failure: S3Failure
            do {
                guard let found = try await ask(call).failure else { return .done }
                failure = found
            } catch let error as StorageError {
                return .failed(error.message)
            }
            if failure.isUnsupported { return .unsupported }
            let maySettle = isSettling && ["AccessDenied", "NoSuchBucket", "OperationAborted"].contains(failure.code)
            guard maySettle, attempt < 6 else { return .failed(words(for: failure, call, step)) }
            try await clock.sleep(for: Self.settling.pause(after: attempt))
            attempt += 1
        }
    }

    private func words(for failure: S3Failure, _ call: S3Call, _ step: S3PoolPlan.Step) -> String {
        switch (failure.code, step) {
        case ("BucketAlreadyExists", _):
            return "another account has a bucket of this name: choose another one (\(failure))"
        case ("AccessDenied", .setPolicy):
            return
                "permit s3:PutBucketPolicy; if it is permitted, the account's own Block Public Access keeps the bucket from being public: allow it "
                + "there, or choose `access: presigned` (\(failure))"
        case ("AccessDenied", _): return "permit \(step.traits.permission) (\(failure))"
        default: return client.error(failure, call).message
        }
    }

    private func call(for step: S3PoolPlan.Step) -> S3Call {
        switch step {
        case .createBucket: return .createBucket(in: target.endpoint)
        case .setOwnership: return ownershipCall(S3BucketState.ownerEnforced)
        case .setPublicAccess(let block): return .sending("putPublicAccessBlock", subresource: "publicAccessBlock", block.xml)
        case .setPolicy(let policy):
            return .sending(
                "putBucketPolicy", subresource: "policy", String(decoding: policy.json, as: UTF8.self), type: "application/json")
        case .removePolicy: return S3Call("deleteBucketPolicy", .DELETE, query: [("policy", nil)])
        case .setLifecycle(let lifecycle):
            var call = S3Call.sending("putBucketLifecycle", subresource: "lifecycle", lifecycle.xml)
            if let value = lifecycle.transitionDefault { call.headers.append((Self.transitionField, value)) }
            return call
        }
    }

    private func ownershipCall(_ ownership: String) -> S3Call {
        .sending(
            "putBucketOwnershipControls", subresource: "ownershipControls",
            "<OwnershipControls xmlns=\"\(S3Lifecycle.namespace)\"><Rule><ObjectOwnership>\(Markup.escape(ownership))</ObjectOwnership></Rule>"
                + "</OwnershipControls>")
    }
}
