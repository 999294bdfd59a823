/// What a replay remembers of one artifact in one pool: 64 bytes, a cache line.
///
/// Times are milliseconds since the replay began, in 48 bits.
struct ReplayKey: BitwiseCopyable {
    /// When the replica of the learning policy ends or ended, in seconds; meaningless where it has none.
    var expiry = 0.0
    /// Of the guard, see ``GuardAccount/commit(_:kept:open:)``.
    var open = 0.0
    /// Of the clairvoyant policy: how much more it has paid if the artifact is stored now.
    var difference = 0.0
    private var ownLow: UInt32 = 0
    private var clockLow: UInt32 = 0
    private var firstLow: UInt32 = 0
    private var copiedLow: UInt32 = 0
    private var ownHigh: UInt16 = 0
    private var clockHigh: UInt16 = 0
    private var firstHigh: UInt16 = 0
    private var copiedHigh: UInt16 = 0
    var earlierUses: UInt32 = 0
    /// Of the clairvoyant policy: how many uses ago what was best was known last.
    var undecided: UInt32 = 0
    /// The artifact's next pool: one more than the number of its key; 0 at the end.
    var next: UInt32 = 0
    let pool: UInt16
    var place: UInt8 = 0
    private var flags: UInt8 = 0

    init(pool: UInt16) {
        self.pool = pool
    }

    /// The last use.
    var own: Int64 {
        get { Int64(ownHigh) << 32 | Int64(ownLow) }
        set { (ownHigh, ownLow) = Self.parts(newValue) }
    }

    /// See ``PoolActivity/clock``.
    var clock: Int64 {
        get { Int64(clockHigh) << 32 | Int64(clockLow) }
        set { (clockHigh, clockLow) = Self.parts(newValue) }
    }

    /// The first use.
    var first: Int64 {
        get { Int64(firstHigh) << 32 | Int64(firstLow) }
        set { (firstHigh, firstLow) = Self.parts(newValue) }
    }

    /// When the policy with a fixed life copied it last.
    var copied: Int64 {
        get { Int64(copiedHigh) << 32 | Int64(copiedLow) }
        set { (copiedHigh, copiedLow) = Self.parts(newValue) }
    }

    /// Whether the learning policy copied it at the last use, or had it.
    var isCopied: Bool {
        get { flags & 1 != 0 }
        set { flags = newValue ? flags | 1 : flags & ~1 }
    }

    /// Of the clairvoyant policy: whether what is undecided begins with a use that is either copied or redirected.
    var beginsWithCopy: Bool {
        get { flags & 2 != 0 }
        set { flags = newValue ? flags | 2 : flags & ~2 }
    }

    private static func parts(_ time: Int64) -> (UInt16, UInt32) {
        (UInt16(truncatingIfNeeded: time >> 32), UInt32(truncatingIfNeeded: time))
    }
}

/// What a replay remembers of one artifact: 24 bytes.
struct ReplayArtifact: BitwiseCopyable {
    let hash: UInt64
    var bytes: Int64
    /// Its first pool: one more than the number of its key.
    var firstKey: UInt32 = 0
    let artifactClass: UInt16
}
