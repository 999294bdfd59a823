import MirrorCore
import MirrorEngine
import MirrorState
import NIOCore

/// Answers hot redirects of one connection from memory, with the same bytes as the slow path.
struct FastPath {
    /// What comes next in the client's input.
    enum Next {
        /// Nothing, or there are enough answers for one write: the rest is answered after they are written.
        case pause
        /// Nothing more: the last request of the connection has been answered.
        case end
        /// A plain request that memory has no answer for.
        case plain(Request)
        /// Something for the full parser.
        case other
    }

    /// A plain request, as positions in the input.
    struct Request {
        let length: Int
        let target: Range<Int>
        let isHead: Bool
        /// Its pool; `nil` if only the full parser can tell.
        let choice: PoolChoice?
    }

    /// A use that is to be recorded or logged.
    private struct Use {
        let pool: PoolID
        let bytes: Int64
        /// When the last one was; `nil` where that is too soon to be recorded.
        let last: Timestamp?
    }

    /// Bytes of answers that are written at a time. After that, the connection checks whether the client reads them.
    private static let batch = 8_192

    var chooser: PoolChooser
    /// `nil` answers nothing.
    private let table: FastPathTable?
    private let uses: TargetUses
    private let clock: any WallClock
    private let maxHeadLength: Int
    private let readsTraces: Bool
    private let loop: any EventLoop
    private var forms: [AnswerForms.Counted] = []
    private var answers = ByteBuffer()
    private var date = (second: Int64.min, bytes: [UInt8]())

    /// - Parameter maxHeadLength: Bytes of a head that the HTTP decoder accepts.
    /// - Parameter readsTraces: Whether requests that want to be traced are left to the slow path.
    init(
        table: FastPathTable?, chooser: PoolChooser, uses: TargetUses, clock: any WallClock, maxHeadLength: Int, readsTraces: Bool = false,
        on loop: any EventLoop
    ) {
        self.table = table
        self.chooser = chooser
        self.uses = uses
        self.clock = clock
        self.maxHeadLength = maxHeadLength
        self.readsTraces = readsTraces
        self.loop = loop
    }

    /// Answers requests at the front of `input` as long as it can, and removes them from `input`.
    mutating func answer(_ input: inout ByteBuffer) -> Next {
        let now = clock.now
        while input.readableBytes > 0, answers.readableBytes < Self.batch {
            var next: Next?
            let length = input.withUnsafeReadableBytes { bytes -> Int in
                let verdict = RequestScanner.scan(bytes, limit: maxHeadLength, readsTraces: readsTraces)
                guard case .plain(let length, let target, let isHead, let isLast) = verdict else {
                    next = .other
                    return 0
                }
                let head = UnsafeRawBufferPointer(rebasing: bytes[..<length])
                let (isAnswered, choice) = answer(head, target, isHead: isHead, isLast: isLast, at: now)
                if isAnswered {
                    if isLast { next = .end }
                    return length
                }
                // A connection's last request does not wait with others: their connections stay open.
                next = isLast ? .other : .plain(Request(length: length, target: target, isHead: isHead, choice: choice))
                return 0
            }
            input.moveReaderIndex(forwardBy: length)
            if let next { return next }
        }
        return .pause
    }

    /// The answers that have not been written yet.
    mutating func takeAnswers() -> ByteBuffer? {
        guard answers.readableBytes > 0 else { return nil }
        // The channel keeps the buffer until it is sent.
        defer { answers = ByteBuffer() }
        return answers
    }

    /// - Returns: Whether it was answered; if not, its pool where known. The pool is chosen only if there is no answer to the target alone: requests
    ///   that name their pool do not pay for those that do not, and the target need not be parsed.
    private mutating func answer(
        _ head: UnsafeRawBufferPointer, _ range: Range<Int>, isHead: Bool, isLast: Bool, at now: Timestamp
    ) -> (isAnswered: Bool, choice: PoolChoice?) {
        guard let table else { return (false, chooser.choice(ofPlain: head)) }
        let target = HotTarget(UnsafeRawBufferPointer(rebasing: head[range]))
        var use: Use?
        var result: (isAnswered: Bool, choice: PoolChoice?) = (true, .named)
        if !answer(table, target, .named, isHead: isHead, isLast: isLast, at: now, &use) {
            guard let choice = chooser.choice(ofPlain: head) else { return (false, nil) }
            result = (answer(table, target, choice, isHead: isHead, isLast: isLast, at: now, &use), choice)
        }
        if let use {
            // Reading who the client is takes time, which only the log is worth.
            let client = uses.areLogged ? chooser.client(ofPlain: head) : nil
            uses.record(target, in: use.pool, bytes: use.bytes, lastUsed: use.last, by: client, isHead: isHead, at: now)
        }
        return result
    }

    private mutating func answer(
        _ table: FastPathTable, _ target: HotTarget, _ choice: PoolChoice, isHead: Bool, isLast: Bool,
        at now: Timestamp, _ use: inout Use?
    ) -> Bool {
        table.find(target, choice, at: now) { record, pool in
            // Not every answer is for HEAD.
            (record.answersHead || !isHead) && write(record, pool, table, target, isHead: isHead, isLast: isLast, at: now, &use)
        }
    }

    /// - Parameter pool: The part of the target that names the pool, if it is not part of the record's key; otherwise empty.
    /// - Returns: `false` if the record is for another pool.
    private mutating func write(
        _ record: HotRecord, _ pool: UnsafeRawBufferPointer, _ table: FastPathTable, _ target: HotTarget, isHead: Bool, isLast: Bool,
        at now: Timestamp,
        _ use: inout Use?
    ) -> Bool {
        let number = Int(record.form)
        if number >= forms.count { forms = table.forms.counted(on: loop) }
        guard number < forms.count, pool.isEmpty || forms[number].form.isNamed(by: pool) else { return false }
        let (counted, date) = (forms[number], date(now, table))
        counted.form.write(record, target: target.words, date: date, isHead: isHead, isLast: isLast, to: &answers)
        counted.hits.add(1)
        counted.choices?.add(1)
        if !isHead { counted.egressAvoided.add(record.size) }
        let lastUsed = record.lastUsed
        if uses.isDue(now, lastUsed: lastUsed) {
            use = Use(pool: counted.form.pool, bytes: record.size, last: lastUsed)
            record.lastUsed = now
        } else if uses.areLogged {
            use = Use(pool: counted.form.pool, bytes: record.size, last: nil)
        }
        return true
    }

    private mutating func date(_ now: Timestamp, _ table: FastPathTable) -> [UInt8] {
        if now.second != date.second { date = (now.second, table.dates.bytes(at: now)) }
        return date.bytes
    }
}
