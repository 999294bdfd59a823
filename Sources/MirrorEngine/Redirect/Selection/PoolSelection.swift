package import CloudRegions
package import MirrorCore
import Synchronization

/// The current selector. It is made from the settings and from what is known about the clouds' regions; both can be replaced while the process runs.
package final class PoolSelection: Sendable {
    private struct State {
        var settings: SelectionConfiguration
        var table: CloudRegionTable
    }

    package let selector: Reloadable<PoolSelector>
    private let pools: [PoolID]
    private let state: Mutex<State>

    /// - Parameter pools: All pools, in the order of the file.
    package init(_ settings: SelectionConfiguration, pools: [PoolID], table: CloudRegionTable = .bundled) {
        self.pools = pools
        state = Mutex(State(settings: settings, table: table))
        selector = Reloadable(PoolSelector(settings, pools: pools, regions: table))
    }

    /// What is known about the clouds' regions.
    package var table: CloudRegionTable { state.withLock { $0.table } }

    package func replaceSettings(with settings: SelectionConfiguration) {
        change { $0.settings = settings }
    }

    package func replaceList(with list: RegionList) {
        change { $0.table = $0.table.replacing(with: list) }
    }

    /// One change at a time, so that the selector is made from the latest of both.
    private func change(_ body: (inout State) -> Void) {
        state.withLock { state in
            body(&state)
            selector.replace(with: PoolSelector(state.settings, pools: pools, regions: state.table))
        }
    }
}
