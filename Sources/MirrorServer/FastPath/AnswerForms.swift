import HTTPTypes
import MirrorCore
import MirrorEngine
import NIOCore
import Synchronization

/// The forms of answers made so far, by number, and the counters of each event loop for them.
///
/// Forms are never removed. There are few: one for each pool and reason, unless a pool's locations begin in several ways.
final class AnswerForms: Sendable {
    /// A form, and counters that only one event loop adds to.
    ///
    /// One object, so that an answer counts only one reference.
    final class Counted: Sendable {
        let form: AnswerForm
        let hits: CounterPart
        let egressAvoided: CounterPart
        /// `nil` for targets that name their pool.
        let choices: CounterPart?

        init(form: AnswerForm, hits: CounterPart, egressAvoided: CounterPart, choices: CounterPart?) {
            self.form = form
            self.hits = hits
            self.egressAvoided = egressAvoided
            self.choices = choices
        }
    }

    private struct State {
        var forms: [AnswerForm] = []
        var counted: [ObjectIdentifier: [Counted]] = [:]
    }

    /// Beyond this many forms, answers are not remembered.
    private static let maxCount = 4_096

    private let status: HTTPResponse.Status
    private let registry: MetricsRegistry
    private let state = Mutex(State())

    init(status: HTTPResponse.Status, registry: MetricsRegistry) {
        self.status = status
        self.registry = registry
    }

    /// The number of a form, which is made if it does not exist; `nil` if it cannot be made.
    func number(_ choice: PoolChoice, pool: PoolID, base: [UInt8]) -> UInt16? {
        state.withLock { state in
            if let known = state.forms.firstIndex(where: { $0.choice == choice && $0.pool == pool && $0.base == base }) {
                return UInt16(exactly: known)
            }
            guard state.forms.count < Self.maxCount, let form = AnswerForm(status, choice, pool: pool, base: base) else { return nil }
            state.forms.append(form)
            return UInt16(exactly: state.forms.count - 1)
        }
    }

    /// All forms, with the counters of an event loop.
    func counted(on loop: any EventLoop) -> [Counted] {
        state.withLock { state in
            var counted = state.counted[ObjectIdentifier(loop), default: []]
            counted += state.forms[counted.count...].map(count)
            state.counted[ObjectIdentifier(loop)] = counted
            return counted
        }
    }

    private func count(_ form: AnswerForm) -> Counted {
        let pool = ("pool", form.pool.description)
        let reason = form.choice.reason
        return Counted(
            form: form, hits: registry.part(of: EngineMetrics.Name.redirects, [pool, ("outcome", Outcome.hit.rawValue)]),
            egressAvoided: registry.part(of: EngineMetrics.Name.egressAvoided, [pool]),
            choices: reason == .named ? nil : registry.part(of: EngineMetrics.Name.poolChoices, [("reason", reason.rawValue)]))
    }
}
