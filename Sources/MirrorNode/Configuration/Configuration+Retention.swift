package import MirrorCore
package import MirrorEngine
import MirrorSettings
package import Retention

extension Configuration {
    /// What the policy `cost` goes by.
    package struct Retention: Sendable, Equatable {
        /// Of pools that name none; `nil` if each has that of its kind.
        package var policy: RetentionConfiguration.Policy?
        package var admission = Admission.always
        /// How many artifacts' uses are remembered.
        package var history = 1_000_000
        /// See ``ClassPatterns``.
        package var classes: [String] = []
        /// Where origins are; `nil` for the internet.
        package var origin: PoolID?
        /// `nil` for those that the program comes with.
        package var prices: PriceTable?

        /// The prices that apply; `nil` only if those of the program cannot be read.
        package var table: PriceTable? { prices ?? PriceTable.builtIn }

        /// Whether the price table has all prices of a pool.
        func hasPrices(of pool: PoolID) -> Bool {
            table?.prices(service: pool.service, region: pool.region, origin: origin.map { ($0.service, $0.region) }) != nil
        }
    }

    mutating func readRetention(_ reader: SettingsReader) {
        reader.section("retention", doc: "How long copies are worth keeping, for pools with the policy `cost`.") { section in
            section.value(
                "policy", &retention.policy, .choice(), defaultNote: "cost in the clouds, ttl elsewhere", example: "ttl",
                doc: Self.policyDoc)
            section.value("admission", &retention.admission, .choice(), doc: Self.admissionDoc)
            section.value(
                "history", &retention.history, .integer(in: 1_000...100_000_000),
                doc:
                    "Number of artifacts whose use is remembered, at about 100 bytes each. The least recently used ones are forgotten."
            )
            section.list(
                "classes", &retention.classes, .classPattern, example: "[https://downloads.example.org/nightly/]",
                doc:
                    "URL prefixes of artifacts that are used alike; `*` stands for any characters except `/`. The first match decides. All "
                    + "other artifacts of one origin and directory form a class.")
            if retention.classes.count > ClassPatterns.maxCount {
                section.report("has more than \(ClassPatterns.maxCount) patterns", key: "classes")
            }
            section.value(
                "origin", &retention.origin, .pool, none: PriceTable.internet, example: "\(Self.exampleRegion)",
                doc:
                    "The service and region that most origins are in, which decides what egress costs; `\(PriceTable.internet)` if they are in none. "
                    + "A pool in that region with the policy `cost` gets no copies on request if reading from there is free (`never-pays` in "
                    + "`cloud_mirror_fallbacks_total`).")
            var file: String?
            section.value(
                "prices", &file, .path, defaultNote: "the built-in list prices", example: "/etc/cloud-mirror/prices.json",
                doc: "A file with prices, in the format of the built-in ones (docs/money.md).")
            guard let file, let bytes = section.readFile("prices", file, limit: PriceTable.maxBytes, isSecret: false) else { return }
            do throws(PriceFileError) {
                retention.prices = try PriceTable(json: bytes)
            } catch {
                section.report("\(file) \(error)", key: "prices")
            }
        }
    }

    private static let exampleRegion = "gcs/us-central1"
    private static let policyDoc =
        "The policy of pools that do not set one: `ttl` keeps a replica for `timeToLive` after its last use, `cost` for as long as it is "
        + "expected to save more than its storage costs. If it is left out, pools in the clouds' own services have `cost`, unless they set "
        + "`timeToLive`; pools in directories and on servers of one's own have `ttl`."
    private static let admissionDoc =
        "What is copied in pools with the policy `cost`: `always` copies each artifact at its first request, `cost` only if a copy is expected to "
        + "save more than it costs (`unlikely-to-pay` in `cloud_mirror_fallbacks_total`). That saves little money and loses many hits."

    /// How long replicas of a pool can stay without a use, apart from those that are so small that fees decide about them.
    ///
    /// By cost, a life is at most four times the break-even life, which for large artifacts depends on prices alone.
    func longestLife(in pool: Pool) -> Duration {
        guard pool.retention.policy == .cost else { return pool.retention.timeToLive }
        let large = 1e12
        return .seconds(min(4 * retentionPrices[pool.id].costs(of: large).breakEven, Self.longestLife))
    }

    /// Seconds: ten years, the longest `retention.timeToLive`.
    private static let longestLife = 3_650.0 * 86_400

    /// What a pool's traffic and storage cost; `nil` where neither the price table nor the pool's settings have it.
    package func prices(of pool: Pool) -> PoolPrices? {
        (retention.table ?? PriceTable.empty).prices(
            service: pool.id.service, region: pool.id.region, origin: retention.origin.map { ($0.service, $0.region) },
            part: copy.partSize, override: pool.retention.price)
    }

    /// Pools that go by cost although their prices are unknown.
    var unpricedPools: [PoolID] { pools.filter { $0.retention.policy == .cost && prices(of: $0) == nil }.map(\.id) }
}

extension SettingKind where Value == String {
    fileprivate static var classPattern: Self {
        SettingKind(name: "pattern", problem: "is not the beginning of a URL; write https://host/path/, with * for any characters but /") {
            text in
            let isBeginning = text.hasPrefix("https://") || text.hasPrefix("http://")
            let isValid = isBeginning && text.utf8.count <= ClassRule.maxLength && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
            return isValid && !text.utf8.contains(UInt8(ascii: "?")) ? text : nil
        }
    }
}
