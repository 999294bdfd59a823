import ArgumentParser
import MirrorCore
import MirrorSystem
import Retention

extension Admission: ExpressibleByArgument {}

/// `cloud-mirror plan`: computes from a log of reads what a mirror would have cost and saved.
struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Compute what a mirror would save, from a log of requests.",
        discussion: """
            Replays a log and adds up, at list prices, what each way to keep copies would have cost. Nothing is sent anywhere. Logs may be compressed \
            with gzip; several are merged by time. Formats: the mirror's own (log.redirects), the common and the combined format of web servers (clf), \
            CloudFront's standard logs, access logs of buckets (s3), CSV (time,key,region,bytes) and the compact binary form (cmt).
            """ + CommandExit.help(.success, .failed, .usage))

    @Option(parsing: .upToNextOption, help: ArgumentHelp("Logs to read.", valueName: "file"), completion: .file())
    var trace: [String]

    @Option(help: "The format of the logs: auto, mirror, clf, cloudfront, s3, csv or cmt.")
    var format = "auto"

    @Option(help: ArgumentHelp("Prices in place of the built-in ones.", valueName: "file"), completion: .file())
    var prices: String?

    @Option(help: ArgumentHelp("Where the origin is: a region, service/region, or internet.", valueName: "region"))
    var origin = PriceTable.internet

    @Option(help: ArgumentHelp("The service of regions that are named without one.", valueName: "service"))
    var service = "s3"

    @Option(help: ArgumentHelp("Where all clients are, whatever the log says.", valueName: "region"))
    var region: String?

    @Option(help: ArgumentHelp("Where the clients of a network are; may be given more than once.", valueName: "cidr=region"))
    var network: [String] = []

    @Option(help: ArgumentHelp("Scale the dollars to this many days instead of the log's.", valueName: "days"))
    var daysAs: Double?

    @Option(help: "Policies, separated by commas (default: all).")
    var policies: String?

    @Option(help: "What the learning policy copies: always, or only what is expected to pay (cost), as retention.admission.")
    var admission = Admission.always

    @Option(
        help: ArgumentHelp(
            "A service without egress fees to compare with, such as r2 or tigris; may be given more than once.", valueName: "service"))
    var candidate: [String] = []

    @Option(help: ArgumentHelp("What a NAT gateway costs per GiB, such as 0.045; compares with reading through it.", valueName: "dollars"))
    var natGateway: Double?

    @Flag(help: "Print JSON.")
    var json = false

    @Option(help: ArgumentHelp("Write a chart of the costs (SVG).", valueName: "file"), completion: .file())
    var plot: String?

    @Option(
        help: ArgumentHelp("Write the learning policy's decision for each request (hazard.csv).", valueName: "folder"),
        completion: .directory)
    var decisions: String?

    func validate() throws {
        if trace.isEmpty { throw ValidationError("Give a log with --trace.") }
        if format != "auto", LogFormat(rawValue: format) == nil {
            throw ValidationError("'\(TextTable.printable(format))' is not a format.")
        }
        let policies = try parsedPolicies()
        if policies.isEmpty { throw ValidationError("--policies names none; there are \(Self.names).") }
        if decisions != nil, !policies.contains(.hazard) { throw ValidationError("--decisions needs the policy hazard.") }
        _ = try parsedNetworks()
        if let daysAs, !(daysAs > 0 && daysAs < 1e6) { throw ValidationError("--days-as takes a number of days.") }
        if let natGateway, !(natGateway >= 0 && natGateway < 1e6) { throw ValidationError("--nat-gateway takes dollars.") }
    }

    func run() async throws {
        try await reportingFailures {
            let options = PlanOptions(
                traces: trace, format: LogFormat(rawValue: format), prices: try loadedPrices(), region: region,
                networks: try parsedNetworks(),
                policies: try parsedPolicies(), admission: admission, candidates: candidate, natGateway: natGateway,
                recordsDecisions: decisions != nil, showsProgress: Terminal.standardErrorIsTerminal)
            let replayed = try PlanRun(options).result()
            let result = daysAs.map { replayed.shown(as: $0) } ?? replayed
            if let decisions, let made = result.decisions { try DecisionFiles.write(made, to: decisions) }
            if let plot {
                try CommandFailure.explaining("cannot write \(plot)") { () throws(Errno) in
                    try SmallFile.write(Array(PlanPlot(result).svg.utf8), to: plot)
                }
            }
            print(json ? JSONText.text(PlanDocument(result)) : PlanText(result: result).text)
        }
    }

    private func loadedPrices() throws(CommandFailure) -> PlanPrices {
        let place = PoolID(origin).map { ($0.service, $0.region) } ?? (origin == PriceTable.internet ? nil : (service, origin))
        guard let prices else {
            guard let table = PriceTable.builtIn else { throw CommandFailure("the built-in prices cannot be read; --prices takes a file") }
            return .table(table, origin: place, service: service)
        }
        do {
            let bytes = try SmallFile.read(prices, limit: PriceTable.maxBytes).bytes
            return try PlanPrices(json: bytes, origin: place, service: service)
        } catch let error as PriceFileError {
            throw CommandFailure("\(prices): \(error)")
        } catch {
            throw CommandFailure("\(prices): cannot be read: \(error)")
        }
    }

    private func parsedPolicies() throws -> [ReplayPolicy] {
        guard let policies else { return ReplayPolicy.allCases }
        return try policies.split(separator: ",").map { name in
            guard let policy = ReplayPolicy(rawValue: String(name)) else {
                throw ValidationError("There is no policy '\(TextTable.printable(String(name)))'; there are \(Self.names).")
            }
            return policy
        }
    }

    private static let names = ReplayPolicy.allCases.map(\.rawValue).joined(separator: ", ")

    private func parsedNetworks() throws -> [(network: IPNetwork, region: String)] {
        try network.map { text in
            let parts = text.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, let network = IPNetwork(String(parts[0])) else {
                throw ValidationError("'\(TextTable.printable(text))' is not a network and its region, such as 10.0.0.0/8=us-east-1.")
            }
            return (network, String(parts[1]))
        }
    }
}
