import Testing

@testable import CloudRegions

@Suite("Where regions are")
struct RegionLocationsTests {
    private func region(_ text: String) throws -> CloudRegion { try #require(CloudRegion(text)) }

    @Test(
        "Distances are those on the globe, in kilometres",
        arguments: [
            ("aws/eu-west-1", "aws/eu-west-1", 0.0, 0.001), ("aws/eu-west-3", "google/europe-west9", 0, 0.001),
            ("aws/eu-west-3", "azure/francecentral", 0, 0.001),
            // Paris and London, Virginia and Oregon, Tokyo and São Paulo, over the date line.
            ("aws/eu-west-3", "aws/eu-west-2", 340, 30), ("aws/us-east-1", "aws/us-west-2", 3_500, 100),
            ("aws/ap-northeast-1", "aws/sa-east-1", 18_500, 200), ("aws/ap-southeast-6", "google/us-west2", 10_500, 200),
        ] as [(String, String, Double, Double)])
    func distances(one: String, other: String, expected: Double, tolerance: Double) throws {
        let distance = try #require(RegionLocations.distance(from: region(one), to: region(other)))
        #expect(abs(distance - expected) <= tolerance, "\(distance)")
        #expect(try RegionLocations.distance(from: region(other), to: region(one)) == distance)
    }

    @Test("Of a region that is not known nothing is said")
    func unknown() throws {
        #expect(try RegionLocations.distance(from: region("aws/xx-new-1"), to: region("aws/us-east-1")) == nil)
        #expect(try RegionLocations.distance(from: region("aws/us-east-1"), to: region("google/us-east-1")) == nil)
    }
}
