import CloudRegions
import MirrorCore

/// Prints how long it takes to find the cloud region of an address, to read the lists that the program comes with, and to make a table of as many
/// prefixes as AWS and Google publish: one line of JSON.
@main
enum RegionBenchmark {
    private static let prefixes = 15_000
    private static let addresses = 4_096
    private static let lookups = 20_000_000

    static func main() throws {
        let clock = ContinuousClock()
        let bundled = CloudRegionTable.bundled
        var numbers = Numbers()

        let ipv4 = sample { numbers.bytes(4) }
        // In what is given to the internet, so that not all are outside of every range.
        let ipv6 = sample { [0x20 | numbers.bytes(1)[0] & 0x0F] + numbers.bytes(15) }
        var found = 0
        func measure(_ addresses: [IPAddress]) -> Double {
            let took = clock.measure {
                for number in 0..<lookups where bundled.index(of: addresses[number % addresses.count]) != nil { found += 1 }
            }
            return took.inSeconds / Double(lookups) * 1e9
        }
        let (ipv4Lookup, ipv6Lookup) = (measure(ipv4), measure(ipv6))

        let entries = (0..<prefixes).map { _ in
            let length = 16 + Int(numbers.next() % 13)
            let start = UInt32(truncatingIfNeeded: numbers.next()) & ~(UInt32.max >> length)
            let bytes = (0..<4).map { String(start >> (24 - 8 * $0) & 0xFF) }
            return (network: "\(bytes.joined(separator: "."))/\(length)", region: "region-\(numbers.next() % 100)")
        }
        let build = try clock.measure {
            let list = try RegionList(.aws, date: Timestamp(milliseconds: 0), entries: entries)
            found += CloudRegionTable([list]).regions.count
        }
        let snapshot = RegionSnapshot.write(bundled.lists)
        let read = try clock.measure { found += CloudRegionTable(try RegionSnapshot.read(snapshot)).regions.count }
        print(
            "{\"ipv4_ns\":\(ipv4Lookup),\"ipv6_ns\":\(ipv6Lookup),\"build_ms\":\(build.inSeconds * 1_000),"
                + "\"snapshot_ms\":\(read.inSeconds * 1_000),\"found\":\(found)}")
    }

    private static func sample(_ bytes: () -> [UInt8]) -> [IPAddress] {
        (0..<addresses).compactMap { _ in IPAddress(bytes: bytes()) }
    }

    /// The same in each run (SplitMix64).
    private struct Numbers {
        private var state: UInt64 = 7

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }

        mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }
    }
}
