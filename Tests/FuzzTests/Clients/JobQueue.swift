import Synchronization

/// Runs tasks on whichever thread asks it to, and nowhere else.
final class JobQueue: TaskExecutor {
    private let jobs = Mutex<[UnownedJob]>([])

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        jobs.withLock { $0.append(job) }
    }

    /// Runs what there is, and what that adds.
    ///
    /// - Returns: Whether there was anything.
    func run() -> Bool {
        var didRun = false
        while true {
            let due = jobs.withLock { jobs in
                defer { jobs = [] }
                return jobs
            }
            guard !due.isEmpty else { return didRun }
            didRun = true
            for job in due { job.runSynchronously(on: asUnownedTaskExecutor()) }
        }
    }
}
