public import MirrorStorage

/// What every `ObjectStore` must do: one case for each line of the *Behavior* lists of `ObjectStore` and `ObjectUpload`.
///
/// The cases use keys of their own and remove what they store, so that they can run against a pool that holds other objects, and at the
/// same time. The store must tell the time by the system's clock.
public enum ObjectStoreSuite {
    /// A case is run with an open store.
    public typealias Case = ConformanceCase<any ObjectStore>

    /// For every store.
    public static var cases: [Case] {
        head + get + upload + uploadFailure + condition + delete + list + location + concurrency
    }
}
