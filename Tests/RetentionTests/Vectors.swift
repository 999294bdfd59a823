import Foundation
import Testing

@testable import Retention

/// The fixtures: what another implementation computes for units, and for a few small lists of uses.
struct Vectors: Decodable {
    struct Units: Decodable {
        struct Edges: Decodable {
            let first: [Double]
            let last: Double
            let count: Int
        }
        struct Bin: Decodable {
            let gap: Double
            let bin: Int
        }
        struct Rate: Decodable {
            let uses: UInt32
            let span: Double
            let `class`: Int
        }
        struct Age: Decodable {
            let age: Double
            let `class`: Int
        }

        let edges: Edges
        let bin: [Bin]
        let rateClass: [Rate]
        let ageClass: [Age]
        let table: Table
    }

    struct Table: Decodable {
        struct Life: Decodable {
            let T: Double
            let value: Double
            let F: Double
            let I: Double
        }
        struct Object: Decodable {
            let copy: Double
            let hit: Double
            let storage: Double
            let tstar: Double
            let root: Life
            let child: Life

            enum CodingKeys: String, CodingKey {
                case copy, hit, tstar, root, child
                case storage = "storage per second"
            }
        }

        let events: [String: Double]
        let censored: [String: Double]
        let childEvents: [String: Double]
        let childCensored: [String: Double]
        let hazard: [Double]
        let childHazard: [Double]
        let object: Object

        enum CodingKeys: String, CodingKey {
            case events, censored, hazard
            case childEvents = "child events"
            case childCensored = "child censored"
            case childHazard = "child hazard"
            case object = "object of 100 MiB at aws r0"
        }
    }

    struct Costs: Decodable {
        let storage: Double
        let egress: Double
        let requests: Double
        let total: Double
        let hits: Int
        let copies: Int
        let redirects: Int
    }

    struct Hazard: Decodable {
        struct Lives: Decodable {
            let time: Double
            let T: [String: [String: Double]]
            let guarded: [String]
        }

        let outcomes: String
        let keep: [Double]
        let tables: [Lives]
    }

    struct Trace: Decodable, CustomTestStringConvertible {
        let name: String
        let prices: String
        let requests: [Request]
        let costs: [String: Costs]
        let hazard: Hazard

        var testDescription: String { name }
    }

    struct Request: Decodable {
        let time: Double
        let key: String
        let region: String
        let bytes: Int64

        init(time: Double, key: String, region: String, bytes: Int64) {
            self.time = time
            self.key = key
            self.region = region
            self.bytes = bytes
        }

        init(from decoder: any Decoder) throws {
            var row = try decoder.unkeyedContainer()
            time = try row.decode(Double.self)
            key = try row.decode(String.self)
            region = try row.decode(String.self)
            bytes = try row.decode(Int64.self)
        }
    }

    let units: Units
    let traces: [Trace]

    static func load() throws -> Vectors { try JSONDecoder().decode(Vectors.self, from: data("vectors.json")) }

    /// - Parameter name: Such as `aws`.
    static func priceSet(_ name: String) throws -> PriceSet {
        let document = try #require(try JSONSerialization.jsonObject(with: data("price-sets.json")) as? [String: Any])
        let sets = try #require(document["sets"] as? [String: Any])
        let set = try JSONSerialization.data(withJSONObject: try #require(sets[name]))
        return try #require(PriceSet(json: Array(set)))
    }

    private static func data(_ name: String) throws -> Data {
        try Data(contentsOf: try #require(Bundle.module.resourceURL).appendingPathComponent("Fixtures").appendingPathComponent(name))
    }
}

/// A replay of requests with names.
struct NamedReplay {
    private(set) var decisions: Decisions?
    private(set) var ledgers: [ReplayPolicy: Ledger] = [:]
    /// With the names of contexts and regions.
    private(set) var tables: [(time: Double, lives: [String: [String: Double]], guarded: Int)] = []

    init(_ requests: [Vectors.Request], _ prices: PriceSet, _ options: ReplayOptions = ReplayOptions()) throws {
        var options = options
        options.recordsDecisions = true
        var replay = Replay(options)
        var classes = ClassList()
        var regions: [String] = []
        var numbers: [String: UInt64] = [:]
        let seen = SeenTables()
        replay.onTable = { seen.tables.append($0) }
        for request in requests {
            var pool = regions.firstIndex(of: request.region) ?? -1
            if pool < 0 {
                regions.append(request.region)
                pool = replay.addPool(try #require(prices.prices(region: request.region)))
            }
            let number = numbers[request.key, default: UInt64(numbers.count)]
            numbers[request.key] = number
            let artifact =
                replay.artifact(number)
                ?? replay.addArtifact(
                    number, bytes: request.bytes,
                    artifactClass: classes.number(of: ClassRule.directory.artifactClass(of: request.key.utf8)))
            replay.use(artifact, in: pool, at: Int64((request.time * 1_000).rounded()))
        }
        replay.end()
        decisions = replay.decisions
        for policy in ReplayPolicy.allCases { ledgers[policy] = replay.total(of: policy) }
        for table in seen.tables {
            var lives: [String: [String: Double]] = [:]
            for node in 0..<table.table.nodes {
                let name = node == 0 ? "all" : table.tree.words(of: node) { classes.name($0) }.joined(separator: "|")
                for (pool, region) in regions.enumerated() {
                    lives[name, default: [:]][region] = table.table.life(node: node, pool: pool).seconds
                }
            }
            tables.append((table.table.time, lives, table.guarded.count))
        }
    }

    private final class SeenTables {
        var tables: [ReplayTable] = []
    }
}
