import Testing

@testable import MirrorNode

@Suite struct WorkerNameTests {
    @Test(
        "A worker is called by its machine, in letters that every list can show",
        arguments: [
            ("build-7.eu.example.org", "build-7.eu.example.org-0a0b"), ("a b_{c}\n\"é", "abc-0a0b"), ("", "worker-0a0b"),
            ("__", "worker-0a0b"),
            (String(repeating: "x", count: 100), String(repeating: "x", count: 64) + "-0a0b"),
        ])
    func name(host: String, expected: String) {
        #expect(WorkerName.make(host: host, number: 0x0A0B) == expected)
    }

    @Test("The machine that the tests run on has a name")
    func here() {
        #expect(!WorkerName.make().hasPrefix("worker-"))
        #expect(WorkerName.make() != WorkerName.make() || WorkerName.make() != WorkerName.make())
    }
}
