import Synchronization

/// Runs the jobs of tasks that prefer it only when a test says so: after ``run()`` each of them waits for something.
final class StepExecutor: TaskExecutor {
    private let jobs = Mutex<[UnownedJob]>([])

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        jobs.withLock { $0.append(job) }
    }

    /// Runs what is there, and what comes of it, in order, until nothing is left.
    func run() {
        while let job = jobs.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) {
            job.runSynchronously(on: asUnownedTaskExecutor())
        }
    }

    /// Goes on running until `task` is done, or until the test has taken too long.
    func finish<Success: Sendable>(_ task: Task<Success, any Error>) async -> Result<Success, any Error> {
        let isDone = Watched(false)
        let watcher = Task {
            _ = await task.result
            isDone.change { $0 = true }
        }
        while !isDone.current {
            if Task.isCancelled { return .failure(CancellationError()) }
            run()
            await Task.yield()
        }
        await watcher.value
        return await task.result
    }
}
