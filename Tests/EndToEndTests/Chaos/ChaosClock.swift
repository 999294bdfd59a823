import Foundation
import TestServers

/// A wall clock of the mirror's own, which steps when the test says so. Time that is measured, not told, goes on as it is.
///
/// A small library in front of the C library tells the time. (libfaketime would do, if it left the timers of event loops alone.)
final class ChaosClock: Sendable {
    private let file: String
    private let library: String

    /// Compiled once, by the compiler that comes with Swift.
    private static let built = Task {
        let directory = try TemporaryDirectory()
        let file = try directory.write(source, to: "clock.c")
        try await ChildProcess.run("clang", ["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", "\(directory.path)/clock.so", file])
        return directory
    }

    init(in directory: TemporaryDirectory) async throws {
        library = "\(try await Self.built.value.path)/clock.so"
        file = try directory.write(Array(repeating: UInt8(0), count: 8), to: "clock")
    }

    /// What runs the executable under this clock.
    var prefix: [String] { ["env", "LD_PRELOAD=\(library)", "STEPPED_CLOCK=\(file)"] }

    /// - Parameter seconds: How far from the truth it is from now on.
    func step(to seconds: Int) throws {
        // In place: the mirror has mapped these very bytes.
        let handle = try FileHandle(forWritingTo: URL(filePath: file))
        withUnsafeBytes(of: Int64(seconds)) { handle.write(Data($0)) }
        try handle.close()
    }

    private static let source = """
        #define _GNU_SOURCE
        #include <fcntl.h>
        #include <stdint.h>
        #include <stdlib.h>
        #include <sys/mman.h>
        #include <sys/syscall.h>
        #include <sys/time.h>
        #include <time.h>
        #include <unistd.h>

        static volatile int64_t *offset;

        __attribute__((constructor)) static void open_clock(void) {
            int file = open(getenv("STEPPED_CLOCK"), O_RDONLY | O_CLOEXEC);
            void *page = mmap(0, sizeof *offset, PROT_READ, MAP_SHARED, file, 0);
            if (page == MAP_FAILED) abort();
            offset = page;
            close(file);
        }

        int clock_gettime(clockid_t clock, struct timespec *time) {
            int result = syscall(SYS_clock_gettime, clock, time);
            if (result == 0 && offset && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) time->tv_sec += *offset;
            return result;
        }

        int gettimeofday(struct timeval *time, void *zone) {
            struct timespec now;
            (void)zone;
            if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
            time->tv_sec = now.tv_sec;
            time->tv_usec = now.tv_nsec / 1000;
            return 0;
        }

        time_t time(time_t *out) {
            struct timespec now;
            if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
            if (out) *out = now.tv_sec;
            return now.tv_sec;
        }
        """
}
