import HTTPTypes
import MirrorCore
import MirrorEngine
import MirrorState
import NIOCore

/// What all answers for one pool, one reason and one base of locations have in common: everything but the contents of a ``HotRecord``.
///
/// Cut out of an answer of the slow path, so that the order of the fields is defined only once.
final class AnswerForm: Sendable {
    let choice: PoolChoice
    let pool: PoolID
    /// What locations begin with, up to the object's hash.
    let base: [UInt8]
    /// The pool's name followed by a slash, as in targets.
    private let name: [UInt8]
    private let beforeLocation: [UInt8]
    private let beforeDigest: [UInt8]
    private let digestStart: [UInt8]
    private let digestEnd: [UInt8]
    private let beforeLength: [UInt8]
    private let beforeDate: [UInt8]
    private let bodyStart: [UInt8]
    private let bodyEnd: [UInt8]

    init?(_ status: HTTPResponse.Status, _ choice: PoolChoice, pool: PoolID, base: [UInt8]) {
        self.choice = choice
        self.pool = pool
        self.base = base
        name = Array("\(pool)/".utf8)
        let location = "https://location.invalid/"
        guard let digest = Digest(.sha256, bytes: Array(repeating: 0, count: 32)) else { return nil }
        func sample(_ digest: Digest?) -> WholeResponse {
            .redirect(status, to: location, pool: pool, reason: choice.reason, outcome: .hit, digest: digest)
        }
        let (whole, plain) = (sample(digest), sample(nil))
        guard let head = whole.headBytes.split(around: location), let plainHead = plain.headBytes.split(around: location),
            let body = whole.body.split(around: location), let length = head.after.split(around: ": \(whole.body.count)\r\n"),
            let plainLength = plainHead.after.split(around: ": \(whole.body.count)\r\n"),
            let digests = length.before.split(around: digest.base64)
        else { return nil }
        // The field lies between the parts that are the same with and without it.
        let before = Array(zip(digests.before, plainLength.before).prefix { $0 == $1 }.map(\.0))
        let line = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        guard let end = digests.after.split(around: "\r\n") else { return nil }
        beforeLocation = head.before
        beforeDigest = Array(before[..<line])
        digestStart = Array(digests.before[line...])
        digestEnd = end.before + Array("\r\n".utf8)
        beforeLength = end.after + Array(": ".utf8)
        beforeDate = Array("\r\n".utf8) + length.after
        (bodyStart, bodyEnd) = (body.before, body.after)
    }

    /// Whether this part of a target names the form's pool.
    func isNamed(by words: UnsafeRawBufferPointer) -> Bool { words.elementsEqual(name) }

    /// Writes the answer, completed by a record.
    ///
    /// - Parameter target: The request's target, or its end, which locations repeat.
    /// - Parameter date: The value of the field `Date`.
    func write(
        _ record: HotRecord, target: UnsafeRawBufferPointer, date: [UInt8], isHead: Bool, isLast: Bool, to buffer: inout ByteBuffer
    ) {
        let name = UnsafeRawBufferPointer(rebasing: target[max(0, target.count - record.shared)...])
        let location = base.count + 65 + name.count + record.literal.count
        let body = bodyStart.count + location + bodyEnd.count
        // The digits of the length, the end of the head and `Connection: close` need less than 64 bytes.
        let head = beforeLocation.count + location + beforeDigest.count + digestStart.count + 44 + digestEnd.count
        let most = head + beforeLength.count + beforeDate.count + date.count + 64 + (isHead ? 0 : body)
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: most) { space in
            var out = ByteCursor(space)
            out.append(beforeLocation)
            let start = out.position
            out.append(base)
            out.append(hex: record.name)
            out.append(UInt8(ascii: "/"))
            out.append(name)
            out.append(record.literal)
            let end = out.position
            out.append(beforeDigest)
            if let digest = record.digest {
                out.append(digestStart)
                out.append(base64: digest)
                out.append(digestEnd)
            }
            out.append(beforeLength)
            out.append(decimal: body)
            out.append(beforeDate)
            out.append(date)
            out.append(isLast ? "\r\nConnection: close\r\n\r\n" : "\r\n\r\n")
            if !isHead {
                out.append(bodyStart)
                out.append(UnsafeRawBufferPointer(rebasing: space[start..<end]))
                out.append(bodyEnd)
            }
            return out.position
        }
    }
}

extension [UInt8] {
    /// What comes before and after the first occurrence of `words`.
    fileprivate func split(around words: String) -> (before: [UInt8], after: [UInt8])? {
        let words = Array(words.utf8)
        guard count >= words.count else { return nil }
        let start = (0...(count - words.count)).first { self[$0..<($0 + words.count)].elementsEqual(words) }
        return start.map { (Array(self[..<$0]), Array(self[($0 + words.count)...])) }
    }
}
