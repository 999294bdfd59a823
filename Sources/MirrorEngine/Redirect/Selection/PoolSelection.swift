package import CloudRegions
package import MirrorCore
import Synchronization

/// The selector that is in force. It is made of the settings and of what is known of the clouds' regions, and each of them can be replaced while the
/// process runs.
package final class PoolSelection: Sendable {
    private struct State {
        var settings: SelectionConfiguration
        var table: CloudRegionTable
    }

    package let selector: Reloadable<PoolSelector>
    private let pools: [PoolID]
    private let state: Mutex<State>

    /// - Parameter pools: Those that there are, in the order of the file.
    package init(_ settings: SelectionConfiguration, pools: [PoolID], table: CloudRegionTable = .bundled) {
        self.pools = pools
        state = Mutex(State(settings: settings, table: table))
        selector = Reloadable(PoolSelector(settings, pools: pools, regions: table))
    }

    /// What is known of the clouds' regions.
    package var table: CloudRegionTable { state.withLock { $0.table } }

    package func replaceSettings(with settings: SelectionConfiguration) {
        change { $0.settings = settings }
    }

    package func replaceList(with list: RegionList) {
        change { $0.table = $0.table.replacing(with: list) }
    }

    /// One after the other, so that the selector is made of the last of both.
    private func change(_ body: (inout State) -> Void) {
        state.withLock { state in
            body(&state)
            selector.replace(with: PoolSelector(state.settings, pools: pools, regions: state.table))
        }
    }
}
