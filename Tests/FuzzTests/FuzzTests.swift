import Foundation
import Testing

/// `make fuzz` runs these for as long as it is told to; otherwise each tries a few thousand inputs, the same in each run.
@Suite("Parsers, fed with nonsense", .serialized)
struct FuzzTests {
    @Test("Whatever the bytes are, the parser returns", arguments: Self.chosen)
    func stands(_ target: FuzzTarget) throws {
        let environment = ProcessInfo.processInfo.environment
        let seconds = environment["CLOUD_MIRROR_FUZZ_SECONDS"].flatMap(Double.init)
        let seed = environment["CLOUD_MIRROR_FUZZ_SEED"].flatMap(UInt64.init) ?? (seconds == nil ? 1 : UInt64.random(in: 1...1_000_000))
        let count = try FuzzRun(target: target, seconds: seconds, seed: seed).run()
        #expect(count > target.seeds.count)
        if seconds != nil { print("\(target.name): \(count) inputs, seed \(seed)") }
    }

    @Test("Each target takes its good input, so that the nonsense gets further than the first byte", arguments: FuzzTarget.all)
    func takesItsSeeds(_ target: FuzzTarget) throws {
        for seed in target.seeds {
            #expect(throws: Never.self, "\(target.name): \(String(decoding: seed, as: UTF8.self))") { try target.run(seed) }
        }
    }

    /// Those that the environment names, or all.
    private static let chosen: [FuzzTarget] = {
        guard let names = ProcessInfo.processInfo.environment["CLOUD_MIRROR_FUZZ_TARGETS"]?.split(separator: " ") else {
            return FuzzTarget.all
        }
        return FuzzTarget.all.filter { target in names.contains { $0 == target.name } }
    }()

    @Test("Each name that was asked for is a target's")
    func namesAreKnown() {
        #expect(!Self.chosen.isEmpty)
    }

    @Test("A name stands for one target")
    func names() {
        #expect(Set(FuzzTarget.all.map(\.name)).count == FuzzTarget.all.count)
    }
}
