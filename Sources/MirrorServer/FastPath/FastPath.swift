import CoreMetrics
import MirrorCore
import MirrorEngine
import NIOCore
import Synchronization

/// Answers hot redirects of one connection from memory, byte by byte as the slow path would.
struct FastPath {
    /// What stands at the front of what the client has sent.
    enum Next {
        /// Nothing, or more answers than are written at a time: the rest's turn comes when these are written.
        case pause
        /// Nothing more: the last request of the connection was answered.
        case end
        /// A request that is plain, and not hot.
        case plain(Request)
        /// Something that is for the full parser.
        case other
    }

    /// A plain request, within the bytes that it was found in.
    struct Request {
        let length: Int
        let target: Range<Int>
        let isHead: Bool
        /// Its pool; `nil` when that is for the full parser to say.
        let choice: PoolChoice?
    }

    /// Bytes of answers that are written at a time. Then it is looked at whether the client takes them.
    private static let batch = 8_192

    var chooser: PoolChooser
    private let table: FastPathTable
    private let uses: UseRecorder
    private let clock: any WallClock
    private let maxHeadLength: Int
    private var answers = ByteBuffer()
    private var date = (second: Int64.min, text: "")

    /// - Parameter maxHeadLength: Bytes of a head that the HTTP decoder takes.
    init(table: FastPathTable, chooser: PoolChooser, uses: UseRecorder, clock: any WallClock, maxHeadLength: Int) {
        self.table = table
        self.chooser = chooser
        self.uses = uses
        self.clock = clock
        self.maxHeadLength = maxHeadLength
    }

    /// Answers the requests at the front of `input` for as long as it can, and takes them away.
    mutating func answer(_ input: inout ByteBuffer) -> Next {
        let now = clock.now
        let instant = NIODeadline.now()
        while input.readableBytes > 0, answers.readableBytes < Self.batch {
            var next: Next?
            let length = input.withUnsafeReadableBytes { bytes -> Int in
                guard case .plain(let length, let target, let isHead, let isLast) = RequestScanner.scan(bytes, limit: maxHeadLength) else {
                    next = .other
                    return 0
                }
                let found = table.find(UnsafeRawBufferPointer(rebasing: bytes[target]), at: (now, instant)) {
                    chooser.choice(ofPlain: UnsafeRawBufferPointer(rebasing: bytes[..<length]))
                }
                switch found {
                case .entry(let entry) where entry.answersHead || !isHead:
                    write(entry, isHead: isHead, isLast: isLast, at: now)
                    if isLast { next = .end }
                    return length
                case .entry where isLast, .nothing where isLast:
                    // It waits with no others, whose connections stay.
                    next = .other
                case .entry(let entry):
                    next = .plain(Request(length: length, target: target, isHead: isHead, choice: entry.choice))
                case .nothing(let choice):
                    next = .plain(Request(length: length, target: target, isHead: isHead, choice: choice))
                }
                return 0
            }
            input.moveReaderIndex(forwardBy: length)
            if let next { return next }
        }
        return .pause
    }

    /// What was answered and not written yet.
    mutating func takeAnswers() -> ByteBuffer? {
        guard answers.readableBytes > 0 else { return nil }
        // The channel holds the storage until it is on its way.
        defer { answers = ByteBuffer() }
        return answers
    }

    private mutating func write(_ entry: FastPathTable.Entry, isHead: Bool, isLast: Bool, at now: Timestamp) {
        if answers.writerIndex == 0 { answers.reserveCapacity(entry.head.count + entry.body.count + 128) }
        answers.writeBytes(entry.head)
        answers.writeString(httpDate(now))
        answers.writeStaticString(isLast ? "\r\nConnection: close\r\n\r\n" : "\r\n\r\n")
        entry.hits.increment()
        entry.choices?.increment()
        if !isHead {
            answers.writeBytes(entry.body)
            entry.egressAvoided.increment(by: entry.size)
        }
        let lastUsed = Timestamp(milliseconds: entry.lastUsed.load(ordering: .relaxed))
        if uses.isDue(now, lastUsed: lastUsed) {
            entry.lastUsed.store(now.milliseconds, ordering: .relaxed)
            uses.record(entry.id, lastUsed: lastUsed)
        }
    }

    private mutating func httpDate(_ now: Timestamp) -> String {
        let second = now.milliseconds / 1_000
        if second != date.second { date = (second, now.httpDate) }
        return date.text
    }
}
