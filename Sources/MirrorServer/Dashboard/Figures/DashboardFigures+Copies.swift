import MirrorCore
import MirrorEngine
import MirrorViews

/// The row "Current work".
extension DashboardFigures {
    private typealias Name = EngineMetrics.Name

    private static let maxCopies = 50

    func addDoing(_ rows: inout DashboardRows, _ span: FigureSpan, _ moment: Moment, _ history: inout FigureHistory) {
        let last = span.last
        let rate = span.rate(Name.copyBytes) + span.rate(Name.serverSideCopyBytes)
        let copied = last.total(Name.copyBytes) + last.total(Name.serverSideCopyBytes)
        let oldest = last.values(Name.oldestQueued).map(\.value).max() ?? 0
        let pending = last.total(Name.pending)
        rows.doingTiles = [
            .init("running", "Copies in progress", FigureText.count(moment.copies.count), note: "in this process"),
            .init(
                "copied", "Bytes copied", FigureText.bytes(copied), note: "\(FigureText.speed(rate)) now",
                course: history.course("copied", rate)),
            .init("pending", "Copies queued or in progress", FigureText.count(pending), note: "in any process"),
            .init(
                "oldest", "Oldest queued copy", oldest > 0 ? HumanText.seconds(Int64(exactly: oldest.rounded()) ?? .max) : "none",
                note: oldest > 0 ? "waits for a worker" : "no copy waits for a worker"),
            .init("waiting", "Clients that wait", FigureText.count(waiting), note: "\(FigureText.rate(span.rate(Name.hops))) hops"),
            .init(
                "lost", "Lost replicas", FigureText.count(last.total(Name.lost)), note: "whose object was missing, since the start",
                kind: last.total(Name.lost) > 0 ? "warn" : ""),
        ]
        rows.copies = moment.copies.prefix(Self.maxCopies).map(Self.line)
        if moment.copies.count > Self.maxCopies {
            (rows.shownCopies, rows.moreCopies) = (FigureText.count(Self.maxCopies), FigureText.count(moment.copies.count))
        }
        rows.evictions = span.bars(Name.evictions, by: "reason")
    }

    private static func line(_ copy: CopySlots.RunningCopy) -> DashboardRows.Copy {
        let (artifact, seconds) = (copy.id.artifact, copy.elapsed.inSeconds)
        let size = copy.size.map { Double($0) }
        let progress: String
        switch (copy.isInService, copy.isPublishing, size) {
        case (true, _, let size?): progress = "\(FigureText.bytes(size)), copied by the service"
        case (_, true, _): progress = "all of \(FigureText.bytes(Double(copy.received))), being published"
        case (_, _, let size?): progress = "\(FigureText.share(Double(copy.received), of: size)) of \(FigureText.bytes(size))"
        case (_, _, nil): progress = copy.received > 0 ? "\(FigureText.bytes(Double(copy.received))) of unknown size" : "asking the origin"
        }
        let hasSpeed = !copy.isInService && copy.received > 0 && seconds > 0
        // A query may be a secret, and addresses of pages get into logs.
        let query = artifact.query == nil ? "url=\(PercentCoding.encode(artifact.description))" : "state=pending"
        return DashboardRows.Copy(
            artifact: artifact.redacted, link: "dashboard/replicas?\(query)", pool: copy.id.pool.description,
            share: copy.isInService ? nil : size.map { $0 > 0 ? Double(copy.received) / $0 : 1 }, progress: progress,
            speed: hasSpeed ? FigureText.speed(Double(copy.received) / seconds) : FigureText.none, time: FigureText.duration(copy.elapsed))
    }
}
