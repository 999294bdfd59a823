import Foundation
import TestServers

/// A library that is loaded into a process under test, in front of the C library: its time of day is set, and calls hang.
struct Preload: Sendable {
    /// What hangs for as long as a file is there.
    enum Call: String, Sendable {
        /// All that makes what was written durable.
        case sync
        /// Asking for the time of day in a thread of Swift's tasks, which is how each of them is blocked sooner or later.
        case tasks
        /// Opening anything below a directory that is named in the file.
        case disk
    }

    private let directory: TemporaryDirectory
    private let library: String

    init() async throws {
        library = "\(try await Self.built.value.path)/preload.so"
        directory = try TemporaryDirectory()
        try directory.write(String(repeating: "\0", count: 8), to: "clock")
    }

    /// A command that runs another in its place.
    var command: [String] {
        ["env", "LD_PRELOAD=\(library)", "PRELOAD_DIRECTORY=\(directory.path)"]
    }

    /// Sets the process's time of day, by so many seconds off the machine's.
    func setClock(by seconds: Int64) throws {
        // In its place: the file is mapped.
        let file = try FileHandle(forWritingTo: URL(filePath: "\(directory.path)/clock"))
        try file.write(contentsOf: withUnsafeBytes(of: seconds) { Data($0) })
        try file.close()
    }

    /// From now on such a call does not return.
    ///
    /// - Parameter place: Of `disk`.
    func hang(_ call: Call, in place: String = "") throws {
        try directory.write(place, to: call.rawValue)
    }

    /// Such calls go on.
    func letGo(_ call: Call) throws {
        try directory.remove(call.rawValue)
    }

    private static let built = Task {
        let directory = try TemporaryDirectory()
        let source = try directory.write(text, to: "preload.c")
        try await ChildProcess.run("clang", ["-shared", "-fPIC", "-O1", "-o", "\(directory.path)/preload.so", source, "-ldl"])
        return directory
    }

    private static let text = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <fcntl.h>
        #include <semaphore.h>
        #include <stdarg.h>
        #include <stdint.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/mman.h>
        #include <sys/prctl.h>
        #include <sys/syscall.h>
        #include <sys/time.h>
        #include <time.h>
        #include <unistd.h>

        static volatile int64_t *offset;
        static const char *directory;

        __attribute__((constructor)) static void load(void) {
            char path[4096];
            directory = getenv("PRELOAD_DIRECTORY");
            if (!directory) return;
            snprintf(path, sizeof path, "%s/clock", directory);
            int file = open(path, O_RDONLY | O_CLOEXEC);
            if (file < 0) return;
            void *page = mmap(NULL, sizeof *offset, PROT_READ, MAP_SHARED, file, 0);
            if (page != MAP_FAILED) offset = page;
            close(file);
        }

        static int64_t now_off(void) { return offset ? *offset : 0; }

        static void hang(const char *call) {
            char path[4096];
            if (!directory) return;
            snprintf(path, sizeof path, "%s/%s", directory, call);
            while (access(path, F_OK) == 0) usleep(100000);
        }

        static int in_task(void) {
            char name[16] = "";
            // What libdispatch calls them, as far as the kernel keeps it.
            return prctl(PR_GET_NAME, name) == 0 && strcmp(name, "oot.default-qos") == 0;
        }

        int clock_gettime(clockid_t id, struct timespec *time) {
            if (directory && id == CLOCK_REALTIME && in_task()) hang("tasks");
            int result = syscall(SYS_clock_gettime, id, time);
            if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) time->tv_sec += now_off();
            return result;
        }

        int gettimeofday(struct timeval *restrict value, void *restrict zone) {
            struct timespec now;
            clock_gettime(CLOCK_REALTIME, &now);
            if (value) *value = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
            return 0;
        }

        time_t time(time_t *value) {
            struct timespec now;
            clock_gettime(CLOCK_REALTIME, &now);
            if (value) *value = now.tv_sec;
            return now.tv_sec;
        }

        int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict end) {
            static int (*next)(sem_t *, const struct timespec *);
            if (!next) next = dlsym(RTLD_NEXT, "sem_timedwait");
            struct timespec real = *end;
            real.tv_sec -= now_off();
            return next(semaphore, &real);
        }

        int fsync(int file) { hang("sync"); return syscall(SYS_fsync, file); }
        int fdatasync(int file) { hang("sync"); return syscall(SYS_fdatasync, file); }

        static int is_on_disk(int below) {
            char path[4096], wanted[4096], place[4096];
            snprintf(path, sizeof path, "%s/disk", directory);
            int file = open(path, O_RDONLY | O_CLOEXEC);
            if (file < 0) return 0;
            ssize_t count = read(file, wanted, sizeof wanted);
            close(file);
            snprintf(path, sizeof path, "/proc/self/fd/%d", below);
            ssize_t length = readlink(path, place, sizeof place);
            return count > 0 && length >= count && memcmp(place, wanted, count) == 0;
        }

        static int open_below(int below, const char *path, int flags, mode_t mode) {
            if (directory && below != AT_FDCWD && is_on_disk(below)) hang("disk");
            return syscall(SYS_openat, below, path, flags, mode);
        }

        int openat(int below, const char *path, int flags, ...) {
            va_list rest;
            va_start(rest, flags);
            mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
            va_end(rest);
            return open_below(below, path, flags, mode);
        }

        int openat64(int below, const char *path, int flags, ...) {
            va_list rest;
            va_start(rest, flags);
            mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
            va_end(rest);
            return open_below(below, path, flags, mode);
        }
        """
}

extension MirrorProcess {
    /// The same as ``run(_:isolation:_:)``, with a library in front of the C library.
    static func run<Result>(
        _ settings: MirrorSettings, with preload: Preload, isolation: isolated (any Actor)? = #isolation,
        _ body: (MirrorProcess) async throws -> Result
    ) async throws -> Result {
        let directory = try TemporaryDirectory()
        let file = try directory.write(settings.yaml(in: directory.path), to: "config.yaml")
        let mirror = MirrorProcess(before: preload.command, ["--config", file], in: directory, token: settings.token)
        return try await mirror.whileRunning(body)
    }
}
