/// Bytes of a log, valid until the next line is read.
typealias LogBytes = UnsafeRawBufferPointer

/// A request that is recorded in a log.
struct LogUse {
    /// Milliseconds since 1970, or since the log's own starting point.
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

    /// Recognizes a log's format by its first bytes.
    init?(beginning bytes: [UInt8]) {
        if bytes.starts(with: CompactTrace.magic) {
            self = .cmt
            return
        }
        let text = String(decoding: bytes.prefix(8_192), as: UTF8.self)
        guard let line = text.split(whereSeparator: \.isNewline).first else { return nil }
        if line.first == "{" {
            self = .mirror
        } else if line.hasPrefix("#Version:") || line.hasPrefix("#Fields:") || line.split(separator: "\t").count > 8 {
            self = .cloudfront
        } else if line.contains(" REST.") || line.contains(" BATCH.") || line.contains(" WEBSITE.") {
            self = .s3
        } else if line.split(separator: ",").count >= 4, !line.contains("] \"") {
            self = .csv
        } else if line.contains("] \"") {
            self = .clf
        } else {
            return nil
        }
    }
}
