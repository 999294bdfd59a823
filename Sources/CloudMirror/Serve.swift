/// Runs the service until it is told to stop.
package func serve(_ configuration: Configuration) async throws {
}
