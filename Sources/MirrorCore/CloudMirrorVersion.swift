/// The version of this package; the only place that states it.
public enum CloudMirrorVersion {
    /// As semantic versioning writes it, without a leading `v`.
    public static let current = "0.1.0"
}
