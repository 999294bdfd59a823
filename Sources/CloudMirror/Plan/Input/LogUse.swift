/// Bytes of a log, valid until the next line is read.
typealias LogBytes = UnsafeRawBufferPointer

/// A request that is recorded in a log.
struct LogUse {
    /// Times that a replay can represent: up to the year 6400.
    static let times: Range<Int64> = 0..<(1 << 47)

    /// Milliseconds since 1970, or since the log's own starting point; one of ``times``.
    var time: Int64 = 0
    /// The artifact's name in the log.
    var name = LogBytes(start: nil, count: 0)
    /// The client's region, or the pool; empty if the log names none.
    var region = LogBytes(start: nil, count: 0)
    /// The artifact's size, if the log states it.
    var bytes: Int64 = 0
}

/// What a line contains.
enum LogLine {
    case use
    /// Readable, but not a use of an artifact: a header, an upload, an error.
    case other
    case unreadable
}

/// Reads the lines of one log format. A value reads a single file, because some logs begin by naming their columns.
protocol LineFormat {
    /// - Parameter line: Without the line break.
    mutating func read(_ line: LogBytes, _ use: inout LogUse) -> LogLine
}

/// The log formats.
enum LogFormat: String, CaseIterable {
    /// The mirror's own; see `log.redirects`.
    case mirror
    /// Common or combined, as written by nginx and Apache.
    case clf
    case cloudfront
    /// A bucket's server access logs.
    case s3
    case csv
    /// Compact binary.
    case cmt

    /// U+FEFF in UTF-8: spreadsheets begin a text with it.
    static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// Whether a line may state less than the artifact's size, so that the largest of all lines counts.
    var guessesSizes: Bool {
        switch self {
        case .mirror, .clf, .cloudfront, .s3: true
        case .csv, .cmt: false
        }
    }

    /// Whether artifacts have arbitrary names instead of URLs or paths.
    var hasPlainNames: Bool { self == .csv || self == .cmt }

    /// `nil` for a format without lines.
    func lineFormat(regions: LogRegions) -> (any LineFormat)? {
        switch self {
        case .mirror: MirrorLog()
        case .clf: CommonLog(regions: regions)
        case .cloudfront: CloudFrontLog()
        case .s3: BucketLog(regions: regions)
        case .csv: CSVLog()
        case .cmt: nil
        }
    }

    /// Recognizes a log's format by its first bytes: by the first line that shows it, because a log may begin with one that is cut off.
    init?(beginning bytes: [UInt8]) {
        if bytes.starts(with: CompactTrace.magic) {
            self = .cmt
            return
        }
        let text = bytes.starts(with: Self.byteOrderMark) ? bytes.dropFirst(Self.byteOrderMark.count) : bytes[...]
        let lines = String(decoding: text.prefix(8_192), as: UTF8.self).split(whereSeparator: \.isNewline)
        guard let format = lines.lazy.compactMap({ Self(line: $0) }).first else { return nil }
        self = format
    }

    private init?(line: Substring) {
        let words = line.split(separator: " ", maxSplits: 4, omittingEmptySubsequences: false)
        if line.first == "{" {
            self = .mirror
        } else if line.hasPrefix("#Version:") || line.hasPrefix("#Fields:") || line.split(separator: "\t").count > 8 {
            self = .cloudfront
        } else if words.count > 4, words[2].first == "[", words[3].last == "]" {
            // The time is the third field; in the common format it is the fourth.
            self = .s3
        } else if line.contains("] \"") {
            self = .clf
        } else if line.split(separator: ",", omittingEmptySubsequences: false).count >= 4 {
            self = .csv
        } else {
            return nil
        }
    }
}
