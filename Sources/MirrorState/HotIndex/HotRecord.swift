package import MirrorCore

/// One record of a ``HotRing``: a view of its bytes, valid only while the ring is locked.
///
/// 88 bytes, then, where they exist: the digest (32 bytes), the answer's end (16), the packed target, the rest of the location, the representation.
package struct HotRecord {
    private static let fixedLength = 88

    private struct Flags {
        static let live: UInt8 = 1
        static let digest: UInt8 = 2
        static let answersHead: UInt8 = 4
        static let end: UInt8 = 8
        static let target: UInt8 = 16
        static let representation: UInt8 = 32
    }

    private let base: UnsafeMutableRawPointer

    init(_ base: UnsafeMutableRawPointer) {
        self.base = base
    }

    private func load<Value: BitwiseCopyable>(_ offset: Int, as type: Value.Type = Value.self) -> Value {
        base.loadUnaligned(fromByteOffset: offset, as: type)
    }

    private func store<Value: BitwiseCopyable>(_ value: Value, _ offset: Int) {
        base.storeBytes(of: value, toByteOffset: offset, as: Value.self)
    }

    // MARK: The ring's fields

    /// In bytes; a multiple of 8.
    var length: Int { Int(load(0, as: UInt16.self)) << 3 }
    private var flags: UInt8 { load(2) }
    /// A record that is not live is unused space.
    var isLive: Bool { flags & Flags.live != 0 }
    /// Whether it was used since the clock's hand last passed it.
    var isVisited: Bool {
        get { load(3, as: UInt8.self) != 0 }
        nonmutating set { store(newValue ? 1 as UInt8 : 0, 3) }
    }
    /// The hash of the target; see ``TargetHints``.
    var targetHash: UInt32 { load(4) }
    /// Where the number of the next record in the chain is stored.
    var link: UnsafeMutableRawPointer { base + 8 }
    var key: HotKey { HotKey(name: load(48), pool: load(12)) }

    /// Makes an empty record.
    func fill(_ length: Int) {
        store(UInt16(length >> 3), 0)
        store(0 as UInt16, 2)
    }

    /// - Parameter record: May overlap with this one.
    func move(from record: HotRecord, _ length: Int) { base.copyMemory(from: record.base, byteCount: length) }

    func die() { store(flags & ~Flags.live, 2) }

    // MARK: The replica

    package var size: Int64 { load(24) }
    var storedAt: Timestamp { Timestamp(milliseconds: load(32)) }
    package var lastUsed: Timestamp {
        get { Timestamp(milliseconds: load(40)) }
        nonmutating set { store(newValue.milliseconds, 40) }
    }
    /// The 32 bytes of the object's hash.
    package var name: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base + 48, count: 32) }
    /// The 32 bytes of the artifact's SHA-256, if it is known.
    package var digest: UnsafeRawBufferPointer? {
        flags & Flags.digest != 0 ? UnsafeRawBufferPointer(start: base + Self.fixedLength, count: 32) : nil
    }

    var representation: Representation? {
        guard flags & Flags.representation != 0 else { return nil }
        let count = Int(load(84, as: UInt16.self))
        return Representation(bytes: UnsafeRawBufferPointer(start: base + behindTarget + literalLength, count: count))
    }

    /// - Parameter key: The object's key; the record keeps only its hash.
    func object(_ key: ObjectKey) -> StoredObject {
        StoredObject(
            key: key, size: size, sha256: digest.flatMap { Digest(.sha256, bytes: Array($0)) }, storedAt: storedAt, lastUsed: lastUsed,
            representation: representation)
    }

    // MARK: The answer

    var hasTarget: Bool { flags & Flags.target != 0 }
    package var form: UInt16 { load(14) }
    package var epoch: UInt16 {
        get { load(16) }
        nonmutating set { store(newValue, 16) }
    }
    package var answersHead: Bool { flags & Flags.answersHead != 0 }
    /// See ``HotAnswer/shared``.
    package var shared: Int { Int(load(22, as: UInt8.self)) }
    package var end: HotAnswer.End? {
        guard flags & Flags.end != 0 else { return nil }
        let start = behindDigest
        return HotAnswer.End(time: Timestamp(milliseconds: load(start)), instant: load(start + 8))
    }
    /// See ``HotAnswer/literal``.
    package var literal: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base + behindTarget, count: literalLength) }

    func answers(_ target: UnsafeRawBufferPointer, _ variant: UInt32) -> Bool {
        guard hasTarget, load(80, as: UInt32.self) == variant else { return false }
        return PackedTarget.isEqual(packedTarget, target)
    }

    private var packedTarget: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base + behindEnd, count: Int(load(18, as: UInt16.self)))
    }
    private var literalLength: Int { Int(load(20, as: UInt16.self)) }
    private var behindDigest: Int { Self.fixedLength + (flags & Flags.digest != 0 ? 32 : 0) }
    private var behindEnd: Int { behindDigest + (flags & Flags.end != 0 ? 16 : 0) }
    private var behindTarget: Int { behindEnd + Int(load(18, as: UInt16.self)) }

    // MARK: Writing

    /// The contents of a new record, in the form in which they are stored.
    struct Content {
        let key: HotKey
        let object: StoredObject
        var answer: (answer: HotAnswer, packed: [UInt8], hash: UInt32)?
        let digest: [UInt8]
        let representation: [UInt8]

        /// - Parameter hash: Of the answer's target and variant.
        /// - Returns: `nil` if it is longer than a record can be.
        init?(_ key: HotKey, _ object: StoredObject, _ answer: HotAnswer? = nil, hash: UInt32 = 0) {
            self.key = key
            self.object = object
            digest = object.sha256?.bytes ?? []
            representation = object.representation?.bytes ?? []
            if let answer {
                guard let packed = PackedTarget.pack(answer.target), answer.literal.count <= PackedTarget.maxLength,
                    (0...255).contains(answer.shared)
                else { return nil }
                self.answer = (answer, packed, hash)
            }
        }

        var length: Int {
            var length = fixedLength + digest.count + representation.count
            if let answer { length += (answer.answer.end == nil ? 0 : 16) + answer.packed.count + answer.answer.literal.count }
            return (length + 7) & ~7
        }
    }

    /// - Parameter content: Has the length of this record's space.
    func write(_ content: Content) {
        let (object, answer) = (content.object, content.answer?.answer)
        var flags = Flags.live
        if !content.digest.isEmpty { flags |= Flags.digest }
        if !content.representation.isEmpty { flags |= Flags.representation }
        if answer != nil { flags |= Flags.target }
        if answer?.answersHead == true { flags |= Flags.answersHead }
        if answer?.end != nil { flags |= Flags.end }
        fill(content.length)
        store(flags, 2)
        store(content.answer?.hash ?? 0, 4)
        store(content.key.pool, 12)
        store(answer?.form ?? 0, 14)
        store(answer?.epoch ?? 0, 16)
        store(UInt16(content.answer?.packed.count ?? 0), 18)
        store(UInt16(answer?.literal.count ?? 0), 20)
        store(UInt8(answer?.shared ?? 0), 22)
        store(object.size, 24)
        store(object.storedAt.milliseconds, 32)
        store(object.lastUsed.milliseconds, 40)
        store(content.key.name, 48)
        store(answer?.variant ?? 0, 80)
        store(UInt16(content.representation.count), 84)
        var position = Self.fixedLength
        func append(_ bytes: [UInt8]) {
            bytes.withUnsafeBytes { if let start = $0.baseAddress { (base + position).copyMemory(from: start, byteCount: $0.count) } }
            position += bytes.count
        }
        append(content.digest)
        if let end = answer?.end {
            store(end.time.milliseconds, position)
            store(end.instant, position + 8)
            position += 16
        }
        append(content.answer?.packed ?? [])
        append(answer?.literal ?? [])
        append(content.representation)
    }
}
