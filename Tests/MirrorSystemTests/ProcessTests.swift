import MirrorSystem
import Testing

@Suite("What a process knows about itself")
struct ProcessTests {
    @Test("Its limits and what it uses")
    func figures() {
        #expect(CurrentProcess.allowedProcessors ?? 1 > 0)
        #expect(CurrentProcess.maxDescriptorLimit ?? 1 > 0)
        #if os(Linux)
            #expect(ProcessUsage.residentBytes ?? 0 > 1 << 20)
            #expect(ProcessUsage.openDescriptors ?? 0 > 2)
            #expect(ProcessUsage.startTime ?? 0 > 1_000_000_000)
        #endif
        #expect(ProcessUsage.processorSeconds > 0)
        #expect(ProcessUsage.descriptorLimit ?? 0 > 2)
        #expect(!HostName.current.isEmpty)
    }

    @Test("An address that this machine does not have cannot be listened at")
    func bindTrial() {
        #expect(BindTrial(host: "127.0.0.1", port: 0) == .possible)
        #expect(BindTrial(host: "192.0.2.1", port: 0) == .failed(.addressNotAvailable))
    }
}
