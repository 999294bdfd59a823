package import MirrorCore
package import Retention
import Synchronization

/// What this process knows of how long replicas are worth keeping; replaced as it learns more.
package final class LearnedRetention: Sendable {
    private let current: Mutex<LearnedLives>
    private let changes = Atomic(0)
    private let active: Atomic<Bool>
    private let patterns: ClassPatterns

    /// - Parameters:
    ///   - isOn: Whether any pool has the policy `cost`.
    ///   - classes: Those that the operator has named.
    package init(prices: RetentionPrices, isOn: Bool, classes: ClassPatterns = ClassPatterns(), admission: Admission = .always) {
        var lives = LearnedLives(prices: prices)
        lives.admission = admission
        current = Mutex(lives)
        active = Atomic(isOn)
        patterns = classes
    }

    package var lives: LearnedLives { current.withLock { $0 } }

    /// The number of changes to what is known.
    var version: Int { changes.load(ordering: .acquiring) }

    /// Whether uses are recorded.
    package var isOn: Bool {
        get { active.load(ordering: .relaxed) }
        set { active.store(newValue, ordering: .relaxed) }
    }

    package func replacePrices(with prices: RetentionPrices) {
        guard prices != lives.prices else { return }
        change { $0.prices = prices }
    }

    package func replaceAdmission(with admission: Admission) {
        guard admission != lives.admission else { return }
        change { $0.admission = admission }
    }

    func change(_ body: (inout LearnedLives) -> Void) {
        current.withLock { body(&$0) }
        changes.wrappingAdd(1, ordering: .releasing)
    }

    /// The name of the class that an artifact is in.
    package func artifactClass(of artifact: ArtifactURL) -> String { patterns.artifactClass(of: artifact.description) }
}
