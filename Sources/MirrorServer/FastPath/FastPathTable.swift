import MirrorCore
import MirrorEngine
import MirrorState
import MirrorStorage
import NIOCore
import Synchronization

/// The answers to hot redirect requests, by the exact bytes of the request target and, if that names no pool, by the chosen pool.
///
/// The records are in the memory of the ``HotIndex``, next to what it knows of the replicas, and are dropped with it. They are added when the slow
/// path or a look into the state has found a hit.
final class FastPathTable: Sendable {
    let forms: AnswerForms
    let dates = HTTPDates()
    private let index: HotIndex
    private let current: Atomic<Int>

    init(index: HotIndex, forms: AnswerForms) {
        self.index = index
        self.forms = forms
        current = Atomic(index.memory.beginEpoch())
    }

    /// Calls `body` with the record of a request target, if its answer is still valid.
    ///
    /// - Parameter instant: The same moment as `now`; only read for answers that are valid for a limited time.
    /// - Parameter body: Must be quick. It compares `pool`, unless that is empty, with the form's pool, and returns whether it used the record.
    /// - Returns: Whether there was a record, and `body` used it.
    func find(
        _ target: HotTarget, _ choice: PoolChoice, at now: Timestamp, instant: @autoclosure () -> NIODeadline = .now(),
        _ body: (HotRecord, _ pool: UnsafeRawBufferPointer) -> Bool
    ) -> Bool {
        let epoch = UInt16(truncatingIfNeeded: epoch)
        func isValid(_ record: HotRecord) -> Bool {
            guard record.epoch == epoch else { return false }
            guard let end = record.end else { return true }
            return now < end.time && instant() < .uptimeNanoseconds(end.instant)
        }
        if choice == .named, target.length > 0 {
            let isFound = index.memory.find(target.url, target.hash, variant: choice.variant(.behindPool)) {
                isValid($0) && body($0, target.prefix)
            }
            if isFound { return true }
        }
        return index.memory.find(target.words, target.hash, variant: choice.variant(target.isRedirect ? .route : .other)) {
            isValid($0) && body($0, UnsafeRawBufferPointer(start: nil, count: 0))
        }
    }

    /// Changes with the settings that answers depend on.
    var epoch: Int { current.load(ordering: .acquiring) }

    /// Makes all answers invalid that were made with the previous settings.
    func beginEpoch() {
        current.store(index.memory.beginEpoch(), ordering: .releasing)
    }

    /// Lets memory answer the same request from now on, unless something has changed since the redirect's token or `epoch` was taken.
    ///
    /// - Parameter location: As the client gets it.
    func remember(_ redirect: ReplicaRedirect, location: String, to target: [UInt8], _ choice: PoolChoice, epoch: Int, at now: Timestamp) {
        guard redirect.object.markedAt == nil, let answer = answer(redirect, location, to: target, choice, epoch: epoch, at: now) else {
            return
        }
        index.remember(answer, of: redirect.id, redirect.object, token: redirect.token)
    }

    private func answer(
        _ redirect: ReplicaRedirect, _ location: String, to target: [UInt8], _ choice: PoolChoice, epoch: Int, at now: Timestamp
    ) -> HotAnswer? {
        let (location, key) = (Array(location.utf8), redirect.object.key)
        // It is also written into JSON, unescaped.
        guard location.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) else {
            return nil
        }
        let hash = Array(key.hash.utf8) + [UInt8(ascii: "/")]
        guard location.count >= hash.count,
            let start = (0...(location.count - hash.count)).first(where: { location[$0...].starts(with: hash) }),
            let form = forms.number(choice, pool: redirect.id.pool, base: Array(location[..<start]))
        else { return nil }
        let (prefix, words, kind) = target.withUnsafeBytes { bytes in
            let target = HotTarget(bytes)
            let isBehindPool = choice == .named && target.prefix.elementsEqual("\(redirect.id.pool)/".utf8)
            guard isBehindPool else { return ([UInt8](), Array(target.words), target.isRedirect ? HotTarget.Kind.route : .other) }
            return (Array(target.prefix), Array(target.url), .behindPool)
        }
        let rest = location[(start + hash.count)...]
        let name = PercentCoding.encode(String(key.name)).utf8
        let isShared = name.count <= 255 && rest.starts(with: name) && words.suffix(name.count).elementsEqual(name)
        let shared = isShared ? name.count : 0
        let end = redirect.notAfter.map { end in
            HotAnswer.End(time: end, instant: (NIODeadline.now() + TimeAmount(now.duration(to: end))).uptimeNanoseconds)
        }
        return HotAnswer(
            prefix: prefix, target: words, variant: choice.variant(kind), form: form,
            epoch: UInt16(truncatingIfNeeded: epoch), answersHead: redirect.location.expires == nil && !NamedRoutes.isBelow(target),
            shared: shared,
            literal: Array(rest.dropFirst(shared)), end: end)
    }
}

extension PoolChoice {
    /// A different number for each choice and kind of target.
    fileprivate func variant(_ kind: HotTarget.Kind) -> UInt32 {
        switch self {
        case .named: return kind.rawValue
        case .origin: return 4 | kind.rawValue
        case .chosen(let index, let reason): return UInt32(truncatingIfNeeded: index + 1) << 8 | reason.number << 4 | kind.rawValue
        }
    }
}

extension PoolReason {
    fileprivate var number: UInt32 {
        switch self {
        case .named: 0
        case .network: 1
        case .region: 2
        case .nearest: 3
        case .fallback: 4
        }
    }
}
