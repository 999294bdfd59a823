import ArgumentParser
import CloudRegions
import MirrorCore
import MirrorSystem

/// `cloud-mirror generate-cloud-regions`: writes the built-in lists of cloud regions, `Sources/CResources/cloud-regions.bin`.
struct GenerateRegionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate-cloud-regions",
        abstract: "Write the built-in lists of cloud regions, from the files that the clouds publish.",
        discussion: "A cloud whose file is not given keeps its built-in list.", shouldDisplay: false)

    @Option(help: ArgumentHelp("AWS's ip-ranges.json.", valueName: "file"))
    var aws: String?

    @Option(help: ArgumentHelp("Google's cloud.json.", valueName: "file"))
    var google: String?

    @Option(help: ArgumentHelp("Azure's ServiceTags_Public_….json.", valueName: "file"))
    var azure: String?

    @Option(
        help: ArgumentHelp("The day on which they were published.", valueName: "yyyy-mm-dd"),
        transform: { text in
            guard let date = Timestamp(rfc3339: "\(text)T00:00:00Z") else { throw ValidationError("'\(text)' is not a date.") }
            return date
        })
    var date: Timestamp

    @Option(help: ArgumentHelp("The file to write.", valueName: "file"))
    var output: String

    func run() async throws {
        try await reportingFailures {
            var table = CloudRegionTable.bundled
            for (cloud, file) in [(Cloud.aws, aws), (.google, google), (.azure, azure)] {
                guard let file else { continue }
                do {
                    let bytes = try SmallFile.read(file, limit: PublishedRanges.maxLength).bytes
                    table = table.replacing(with: try PublishedRanges.read(bytes, of: cloud, date: date))
                } catch {
                    throw CommandFailure("\(file): \(error)")
                }
            }
            do {
                try SmallFile.write(RegionSnapshot.write(table.lists), to: output)
            } catch {
                throw CommandFailure("cannot write \(output): \(error)")
            }
        }
    }
}
