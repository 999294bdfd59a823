import MirrorCore
import Retention

/// Reads logs and replays their uses.
struct PlanRun {
    /// Of a log, in milliseconds: a hundred years. A table is made for each day.
    private static let maxSpan: Int64 = 100 * 366 * 86_400_000

    private let options: PlanOptions
    private let regions: LogRegions
    private let region: LogRegionNames?

    init(_ options: PlanOptions) {
        self.options = options
        regions = LogRegions(options.networks, fallback: options.region ?? "")
        region = options.region.map { LogRegionNames([Array($0.utf8)]) }
    }

    /// - Throws: ``CommandFailure``; also if more than one line in a hundred cannot be read.
    func result() throws -> PlanResult {
        let formats = try options.traces.compactMap { path in try format(of: path).map { (path: path, format: $0) } }
        let state = try PlanState(options, classRule: formats.contains { !$0.format.hasPlainNames } ? .origin : .directory)
        let progress = options.showsProgress ? PlanProgress(try formats.map { try LogFile($0.path).size }.reduce(0, +)) : nil
        // If lines may state less than the artifact's size, all sizes are read first.
        if formats.contains(where: { $0.format.guessesSizes }) {
            let merge = try logs(formats, state)
            while let source = try merge.next() {
                // A compact trace has already registered its artifacts.
                if source.artifact == nil { _ = state.register(source.use.name, bytes: source.use.bytes) }
                progress?.show("reading sizes", merge)
            }
        }
        let merge = try logs(formats, state)
        var first: Int64?
        while let source = try merge.next() {
            let time = source.use.time
            let start = first ?? time
            guard abs(time - start) <= Self.maxSpan else { throw CommandFailure("the log has times that are more than 100 years apart") }
            first = start
            try state.use(source)
            progress?.show("replaying", merge)
        }
        progress?.clear()
        let lines = merge.lines
        guard lines.unreadable * 100 <= lines.uses + lines.others + lines.unreadable else {
            throw CommandFailure("\(lines.unreadable) lines cannot be read, of which the first is \(lines.firstUnreadable ?? "")")
        }
        guard let result = state.end(lines: lines) else {
            throw CommandFailure("the log has no uses of artifacts")
        }
        return result
    }

    /// - Returns: `nil` for a log that is empty, as one is after it was rotated.
    private func format(of path: String) throws -> LogFormat? {
        if let format = options.format { return format }
        let beginning = try LogFile.beginning(of: path)
        guard !beginning.isEmpty else { return nil }
        guard let format = LogFormat(beginning: beginning) else {
            throw CommandFailure("\(path): the format of the log is not recognized; state it with --format")
        }
        return format
    }

    private func logs(_ formats: [(path: String, format: LogFormat)], _ state: PlanState) throws -> LogMerge {
        // A compact trace has a table of artifacts, which is read when it is opened.
        let known = Dictionary(formats.map { ($0.path, $0.format) }) { first, _ in first }
        return try LogMerge(formats.map(\.path)) { path in
            let file = try LogFile(path)
            guard let lines = known[path]?.lineFormat(regions: regions) else {
                return try CompactTrace(file.blocks, name: path, region: region?.names[0]) { state.register($0, bytes: $1) }
            }
            return LineSource(file.blocks, lines, name: path, region: region?.names[0])
        }
    }
}
