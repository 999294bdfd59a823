import Logging

extension LogOutput {
    /// The last word of a process that cannot run, or that ended by a failure: one line, in the form of the log.
    package func report(failure error: any Error) {
        let reason = String(describing: error).split(whereSeparator: \.isNewline).joined(separator: " ")
        guard isJSON else { return writer.write("cloud-mirror: cannot run: \(reason)\n") }
        write(LogLine(level: .critical, logger: "cloud-mirror", message: "cannot run", metadata: ["error": "\(reason)"]))
    }
}
