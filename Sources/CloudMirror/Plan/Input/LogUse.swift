/// Bytes of a log, valid until the next line is read.
typealias LogBytes = UnsafeRawBufferPointer

/// A request that a log tells of.
struct LogUse {
    /// Milliseconds since 1970, or since whatever the log counts from.
    var time: Int64 = 0
    /// What the log calls the artifact.
    var name = LogBytes(start: nil, count: 0)
    /// Where the client was, or the pool; empty where the log does not say.
    var region = LogBytes(start: nil, count: 0)
    /// Of the artifact, as far as the log says.
    var bytes: Int64 = 0
}

/// What a line is.
enum LogLine {
    case use
    /// Readable, but no use of an artifact: a header, an upload, an error.
    case other
    case unreadable
}

/// Reads the lines of one kind of log. A value reads one file: some logs begin with what their columns are.
protocol LineFormat {
    /// - Parameter line: Without the line break.
    mutating func read(_ line: LogBytes, _ use: inout LogUse) -> LogLine
}

/// The kinds of logs.
enum LogFormat: String, CaseIterable {
    /// The mirror's own, see `log.redirects`.
    case mirror
    /// Common or combined, as of nginx and Apache.
    case clf
    case cloudfront
    /// Server access logs of a bucket.
    case s3
    case csv
    /// Compact binary.
    case cmt

    /// Whether a line may tell less than the size of the artifact: the largest of all lines counts.
    var guessesSizes: Bool {
        switch self {
        case .mirror, .clf, .cloudfront, .s3: true
        case .csv, .cmt: false
        }
    }

    /// Whether artifacts have names that were made for a comparison, and not URLs or paths.
    var hasPlainNames: Bool { self == .csv || self == .cmt }

    /// `nil` for what has no lines.
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

    /// Recognizes a log by how it begins.
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
