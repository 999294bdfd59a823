public import MirrorStorage

/// What every `ObjectStore` must do: one case for each line of the *Behavior* lists of `ObjectStore` and `ObjectUpload`.
///
/// The cases use their own keys and remove what they store, so that they can run concurrently, and in a pool that holds other objects.
/// The store must use the system's clock.
public enum ObjectStoreSuite {
    /// A case runs with an open store.
    public typealias Case = ConformanceCase<any ObjectStore>

    /// For every store.
    public static var cases: [Case] {
        head + get + upload + uploadFailure + condition + delete + list + location + concurrency
    }
}
