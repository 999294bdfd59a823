"""What the harness reads and computes; `make check` runs this. Needs no server."""

import contextlib
import re
import sqlite3
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import document  # noqa: E402
from bench_hot_many import Seen, rows_of  # noqa: E402
from bench_large_state import call_rows  # noqa: E402
from bench_links import served_row  # noqa: E402
from bench_retention_redirect import least_learned, paired_ratio, requests_in  # noqa: E402
from bench_selected_redirect import SelectedMirror, SelectingMirror  # noqa: E402
from bench_state import calls_of, median  # noqa: E402
from bench_waiting import files  # noqa: E402
from bucket_mirror import AzureMirror, GCSMirror  # noqa: E402
from bucket_rows import alternate, rows  # noqa: E402
from cloud_servers import port_in  # noqa: E402
from crowd import PER_ADDRESS, address_of  # noqa: E402
from compilers import module_of  # noqa: E402
from directory_server import Directories  # noqa: E402
from filled_mirror import digest, fill, url  # noqa: E402
from http_socket import answer_in  # noqa: E402
from load import Load, read  # noqa: E402
from main import benchmark  # noqa: E402
from mirror import Mirror, sum_of_metric  # noqa: E402
from object_files import footer  # noqa: E402
from package_servers import ports_in  # noqa: E402
from percentiles import percentile  # noqa: E402
from process import TICKS, Ran, free_ports, measure, parse_cpu, parse_memory  # noqa: E402
from redis_server import changes_of, encode, latencies_in, netstrings, parse, tells_present  # noqa: E402
from s3_mirror import S3Mirror  # noqa: E402
from seaweedfs import sizes_in  # noqa: E402
from settings import BENCHMARKS, MAIN  # noqa: E402
from table import HEAD, Row, Run, line, number, render, spread  # noqa: E402

WRK = (
    "Running 8s test\n"
    '{"requests":800000,"duration_us":8000000,"bytes":1,"other":%d,"status":%d,"connect":0,"read":0,"write":0,"timeout":0,'
    '"p50_us":600,"p99_us":1300,"max_us":9000}\n')


class Harness(unittest.TestCase):
    def test_load_is_read_from_the_line_of_json(self):
        load = read(WRK % (0, 0), cpu=8.0, rss=40, name="x")
        self.assertEqual(load.requests_per_second, 100_000)
        self.assertAlmostEqual(load.cpu_us, 10)
        self.assertEqual((load.p50_ms, load.p99_ms), (0.6, 1.3))

    def test_ports_are_read_once_their_line_is_whole(self):
        self.assertEqual(ports_in("x\nlistening on npm=12 python=345\nGET / 200\n"), {"npm": "12", "python": "345"})
        self.assertIsNone(ports_in("listening on npm=12 python=3"))

    def test_an_answer_that_is_no_redirect_ends_the_measurement(self):
        for wrong in ((3, 0), (0, 1)):
            with self.assertRaisesRegex(RuntimeError, "not every answer was a 302"):
                read(WRK % wrong, 8.0, 40, "x")
        with self.assertRaises(RuntimeError):
            read("wrk: command failed\n", 8.0, 40, "x")

    def test_processor_time_is_read_past_a_name_with_parentheses(self):
        fields = ["S"] + ["0"] * 10 + [str(TICKS * 2), str(TICKS)] + ["0"] * 30
        self.assertEqual(parse_cpu("12 (a ) b) " + " ".join(fields)), 3.0)

    def test_children_that_a_process_waited_for_count(self):
        ran = measure(["sh", "-c", "timeout 1 sh -c 'while :; do :; done' || true"], Path("/dev/null"))
        self.assertGreater(ran.cpu, 0.1)

    def test_memory_is_in_mebibytes(self):
        self.assertEqual(parse_memory("Name:\tx\nVmHWM:\t  2048 kB\nVmRSS:\t1024 kB\n"), {"VmHWM": 2.0, "VmRSS": 1.0})

    def test_a_ratio_above_one_is_better_whichever_way_the_figure_points(self):
        self.assertEqual(Row("a", "b", 200, "c", 100).ratio, 2)
        self.assertEqual(Row("a", "b", 200, "c", 100, higher_is_better=False).ratio, 0.5)
        self.assertIsNone(Row("a", "b", 200).ratio)

    def test_figures_say_how_far_their_rounds_are_apart(self):
        self.assertAlmostEqual(spread([90, 100, 130]), 0.2)
        self.assertEqual([spread([5]), spread([0, 0])], [None, None])
        self.assertIn("| a | b | 100 ±20% | c | 50.0 |", line(Row("a", "b", 100, "c", 50, spread=(0.2, None)), "run"))

    def test_rounds_are_compared_with_those_that_they_alternated_with(self):
        self.assertEqual(paired_ratio([100, 50, 99], [100, 50, 100]), 1)
        with self.assertRaises(ValueError):
            paired_ratio([1], [1, 2])

    def test_recorded_requests_are_read_from_an_explanation(self):
        more = ["It was requested 12 times in local/dev, every 5 minutes on average, last 1 second ago.", "It is kept for 3 days."]
        once = ["It was requested once in local/dev, last 1 second ago."]
        none = ["It is in local/dev, but no request for it was recorded: it is kept as after a first request."]
        self.assertEqual([requests_in(text) for text in (more, once, none, [])], [12, 1, 0, 0])

    def test_a_run_that_is_over_before_a_use_is_written_need_not_learn(self):
        self.assertEqual([least_learned(seconds) for seconds in (10, 60, 660)], [0, 0, 1])

    def test_quick_stands_for_benchmarks_that_exist(self):
        self.assertLess(set(MAIN), set(BENCHMARKS))

    def test_the_script_says_which_benchmarks_there_are(self):
        usage = Path(__file__).with_name("run.sh").read_text(encoding="utf-8").partition("set -euo")[0]
        self.assertEqual([name for name in BENCHMARKS if not re.search(rf"(?<![\w-]){name}(?![\w-])", usage)], [])

    def test_the_table_says_what_was_missed_and_what_failed(self):
        text = render([Row("a", "b", 1.234, budget="under 1", met=False, cpu=(1, None), cpu_unit="s")], Run("day", "facts"), ["x: broken"])
        self.assertIn("| a | b | 1.23 |", text)
        self.assertIn("under 1: **missed**", text)
        self.assertIn("- **not measured** x: broken", text)
        self.assertEqual({line.count("|") for line in text.splitlines() if line.startswith("|")}, {12})
        self.assertIn("\n- **day**: facts\n", text)
        self.assertEqual([number(value) for value in (None, 0.5, 12.34, 123456)], ["", "0.50", "12.3", "123,456"])

    def test_a_fallback_is_not_taken_for_a_copy(self):
        self.assertTrue(Mirror.is_copy("http://127.0.0.1:1/local/dev/ab/c.bin"))
        self.assertFalse(Mirror.is_copy("http://127.0.0.1:1/artifacts/local/dev/c.bin"))
        self.assertEqual(Mirror.path("http://a/b?c"), "/v1/redirect/local/dev/http%3A%2F%2Fa%2Fb%3Fc")

    def test_a_selected_pool_is_not_in_the_url(self):
        self.assertEqual(SelectedMirror.path("http://a/b?c"), "/v1/redirect/http%3A%2F%2Fa%2Fb%3Fc")
        self.assertEqual(SelectingMirror.path("http://a/b?c"), Mirror.path("http://a/b?c"))
        self.assertTrue(SelectedMirror.is_copy("/local/dev/ab/c.bin"))

    def test_a_copy_in_a_bucket_is_told_from_its_origin(self):
        self.assertTrue(S3Mirror.is_copy("http://127.0.0.1:1/mirror-pool/ab/c.bin?X-Amz-Expires=60"))
        self.assertFalse(S3Mirror.is_copy("http://127.0.0.1:1/mirror-origin/c.bin"))
        self.assertEqual(S3Mirror.path("http://a/b"), "/v1/redirect/s3/eu-central-1/http%3A%2F%2Fa%2Fb")
        self.assertEqual(GCSMirror.path("http://a/b"), "/v1/redirect/gcs/us-central1/http%3A%2F%2Fa%2Fb")
        self.assertTrue(AzureMirror.is_copy("http://127.0.0.1:1/account/mirror-pool/ab/c.bin?sig=x"))
        self.assertFalse(AzureMirror.is_copy("http://127.0.0.1:1/copy-1/c.bin"))

    def test_every_name_is_of_a_benchmark(self):
        for name in BENCHMARKS:
            self.assertTrue(callable(benchmark(name)), name)

    def test_the_port_is_read_once_the_line_is_whole(self):
        self.assertEqual(port_in("a warning\nlistening on 1234, over TLS on 5678\n"), "1234")
        self.assertIsNone(port_in("listening on 12"))

    def test_samples_of_one_metric_are_added_up(self):
        text = '# TYPE a counter\na{pool="x"} 1\na{pool="y"} 2.5\na_b{pool="x"} 9\nc 4\n'
        self.assertEqual([sum_of_metric(text, name) for name in ("a", "c", "absent")], [3.5, 4, 0])

    def test_sizes_are_read_from_a_listing(self):
        self.assertEqual(sizes_in('{"type":"file","size":7}\n{"type":"directory"}\n{"type":"file","size":0}\n{"type":"file"}\n'), [7, 0, 0])

    def test_every_way_is_in_every_round_and_begins_one(self):
        order = []
        server = type("Server", (), {"cpu": lambda self: 0.0})()
        ways = [(name, lambda _, name=name: order.append(name) or Ran(len(order), 1, 2, "")) for name in ("ours", "b", "c")]
        with contextlib.redirect_stdout(None):
            seen = alternate(ways, 3, server)
        self.assertEqual(order, ["ours", "b", "c", "b", "c", "ours", "c", "ours", "b"])
        made = rows("x", "MiB/s", 60, seen, "ours", lambda name: "at least b" if name == "b" else "")
        # Medians: ours 6 of (1, 6, 8), b 4 of (2, 4, 9), c 5 of (3, 5, 7).
        self.assertEqual([(row.peer_name, row.ours, row.peer, row.met) for row in made], [("b", 10, 15, False), ("c", 10, 12, None)])

    def test_replies_of_redis_are_read_whole_or_not_at_all(self):
        whole = b"*4\r\n$7\r\nmessage\r\n$-1\r\n:-12\r\n*1\r\n+OK\r\n"
        self.assertEqual(parse(whole + b"rest"), ([b"message", None, -12, [b"OK"]], len(whole)))
        for length in range(len(whole)):
            self.assertEqual(parse(whole[:length])[1], 0)
        self.assertEqual(str(parse(b"-ERR no\r\n")[0]), "ERR no")
        with self.assertRaises(ValueError):
            parse(b"?\r\n")
        self.assertEqual(encode(["SET", b"\xff", 7]), b"*3\r\n$3\r\nSET\r\n$1\r\n\xff\r\n$1\r\n7\r\n")

    def test_only_the_transition_of_this_artifact_to_present_is_taken(self):
        def message(*words: str) -> list:
            return [b"message", b"c", b"".join(b"%d:%s" % (len(word), word.encode()) for word in words)]

        self.assertTrue(tells_present(message("http://a/b", "status", "present", "size", "7"), "http://a/b"))
        self.assertFalse(tells_present(message("http://a/b", "status", "pending"), "http://a/b"))
        self.assertFalse(tells_present(message("http://a/present", "status", "error", "message", "present"), "http://a/present"))
        self.assertFalse(tells_present(message("http://a/bc", "status", "present"), "http://a/b"))
        self.assertFalse(tells_present([b"subscribe", b"c", 1], "http://a/b"))
        with self.assertRaises(ValueError):
            netstrings(b"9:short")
        self.assertEqual(changes_of("s3/one"), "bench:2:{s3/one}:changes")

    def test_figures_of_redis_benchmark_are_read_past_its_progress(self):
        text = (
            '"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"\n'
            'GET: rps=0.0\r"GET k","45475.22","0.922","0.136","0.863","1.239","3.767","7.919"\n')
        self.assertEqual(latencies_in(text), {"GET k": (45475.22, 0.863, 3.767)})

    def test_an_answer_is_whole_when_its_body_is(self):
        text = b"HTTP/1.1 302 Found\r\nLocation: http://a/b\r\ncontent-length: 2\r\n\r\n{}"
        self.assertEqual(answer_in(text), (302, {"location": "http://a/b", "content-length": "2"}))
        self.assertEqual([answer_in(text[:length]) for length in (0, 30, len(text) - 1)], [None, None, None])
        with self.assertRaises(ValueError):
            answer_in(b"HTTP/1.1 302 Found\r\n\r\n")

    def test_percentiles_are_figures_that_were_seen(self):
        figures = list(range(100, 0, -1))
        self.assertEqual([percentile(figures, part) for part in (0, 0.5, 0.99, 1)], [1, 50, 99, 100])
        self.assertEqual(percentile([3.5], 0.99), 3.5)

    def test_processor_time_of_state_calls_is_for_each_of_them(self):
        seen = {"operation": "touch", "seconds": 2.0, "units": 1000, "calls": {"p50_us": 500, "p99_us": 1500}}
        calls = calls_of(seen, client=0.01, server=0.02, resident=9)
        self.assertEqual((calls.rate, calls.p50, calls.p99), (500, 0.5, 1.5))
        self.assertAlmostEqual(calls.client_us, 10)
        self.assertAlmostEqual(calls.server_us, 20)
        with self.assertRaises(RuntimeError):
            calls_of({**seen, "units": 0}, 1, 1, 1)

    def test_rounds_of_state_calls_have_a_median_and_a_spread(self):
        seen = {"operation": "touch", "units": 1000, "calls": {"p50_us": 500, "p99_us": 1500}}
        found = median([calls_of({**seen, "seconds": seconds}, 0, 0, 0) for seconds in (1.0, 2.0, 4.0)])
        self.assertEqual((found.rate, found.spread), (500, 0.75))

    def test_free_ports_are_different(self):
        self.assertEqual(len(set(free_ports(20))), 20)

    def test_a_command_is_measured_and_its_failure_seen(self):
        ran = measure(["sh", "-c", "echo out; sleep 0.05"], Path("/dev/null"))
        self.assertEqual(ran.output, "out\n")
        self.assertGreaterEqual(ran.seconds, 0.05)
        self.assertGreater(ran.peak_mib, 0)
        with self.assertRaises(RuntimeError):
            measure(["false"], Path("/dev/null"))
        with self.assertRaises(TimeoutError):
            measure(["sleep", "30"], Path("/dev/null"), timeout=0.1)


class Documents(unittest.TestCase):
    def setUp(self):
        rows = [line(Row("copy", "a", 1), "old"), line(Row("serve", "b", 2), "older"), line(Row("gone", "c", 3), "older")]
        table = "\n".join([document.BEGIN, *HEAD, *rows, "", "- **old**: A.", "- **older**: B.", document.END])
        self.text = f"before\n{table}\nbehind\n"

    def rewritten(self, *rows: Row) -> list[str]:
        text = document.rewritten(self.text, list(rows), Run("new", "C."))
        self.assertTrue(text.startswith(f"before\n{document.BEGIN}\n") and text.endswith(f"{document.END}\nbehind\n"))
        return [each for each in text.splitlines() if each.startswith(("| ", "- "))][1:]

    def test_a_run_replaces_the_rows_of_what_it_measured_in_their_place(self):
        found = self.rewritten(Row("copy", "d", 4), Row("machine", "e", 5), Row("copy", "f", 6))
        self.assertEqual(found, [
            line(Row("machine", "e", 5), "new"), line(Row("copy", "d", 4), "new"), line(Row("copy", "f", 6), "new"),
            line(Row("serve", "b", 2), "older"), "- **older**: B.", "- **new**: C."])

    def test_rows_of_other_benchmarks_stay_but_not_of_those_that_are_gone(self):
        self.assertEqual(self.rewritten(), [line(Row("copy", "a", 1), "old"), line(Row("serve", "b", 2), "older"), "- **old**: A.", "- **older**: B."])

    def test_a_document_without_the_marks_of_the_table_is_not_touched(self):
        for mark in (document.BEGIN, document.END):
            with self.assertRaises(ValueError):
                document.rewritten(self.text.replace(mark, ""), [], Run("new", "C."))

    def test_the_document_has_a_table_that_can_be_rewritten(self):
        text = document.DOCUMENT.read_text(encoding="utf-8")
        rows = [each for each in text.splitlines() if each.startswith("| ")]
        self.assertEqual({each.count("|") for each in rows}, {HEAD[0].count("|")})
        self.assertEqual(document.rewritten(text, [], Run("new", "C.")), text)


class LargeState(unittest.TestCase):
    def test_a_filled_state_has_its_indexes_and_its_log_as_before(self):
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(None):
            state = Path(folder) / "state.sqlite"
            with contextlib.closing(sqlite3.connect(state)) as database:
                database.execute("PRAGMA journal_mode = WAL").fetchall()
                database.execute("CREATE TABLE replicas (pool, hash, url, status, size, sha256, stored_at, last_used)")
                database.execute("CREATE UNIQUE INDEX replicas_by_name ON replicas (pool, hash)")
            fill(state, "s3/a", 3)
            with contextlib.closing(sqlite3.connect(state)) as database:
                self.assertEqual(database.execute("PRAGMA journal_mode").fetchall(), [("wal",)])
                self.assertEqual(database.execute("SELECT name FROM sqlite_master WHERE type = 'index'").fetchall(), [("replicas_by_name",)])
                found = database.execute("SELECT pool, hash, url FROM replicas ORDER BY rowid").fetchall()
        self.assertEqual(found, [("s3/a", digest(number), url(number)) for number in range(3)])
        self.assertEqual(len(url(0)), 100)

    def test_the_slowest_call_decides_and_not_the_99th_percentile(self):
        def calls(p99: int, worst: int) -> dict:
            return {name: {"count": 9, "p99_us": p99, "max_us": worst} for name in ("claim", "lookup")}

        seen = {"units": 10, "seconds": 2.0, "steps": calls(500, 10_001), "alone": calls(100, 200)}
        with contextlib.redirect_stdout(None):
            rate, *rows = call_rows(seen, 100, 10)
            self.assertEqual(rate.ours, 5)
            self.assertEqual([(row.ours, row.peer, row.p99, row.met) for row in rows], [(0.5, 0.1, (10.001, 0.2), False)] * 2)
            with self.assertRaises(RuntimeError):
                call_rows(seen | {"units": 9}, 100, 10)

    def test_a_compiler_is_counted_for_the_module_that_it_compiles(self):
        self.assertEqual(module_of(["swift-frontend", "-c", "a.swift", "-module-name", "NIOCore", "-o", "/b/Other.build/a.o"]), "NIOCore")
        self.assertEqual(module_of(["clang", "-c", "/x/a.c", "-o", "/b/release/CNIOBoringSSL.build/crypto/a.o"]), "CNIOBoringSSL")
        self.assertEqual(module_of(["clang", "--version"]), "")

    def test_copies_that_are_set_aside_no_longer_count(self):
        with tempfile.TemporaryDirectory() as folder:
            server = Directories("test")
            server.directory = Path(folder)
            ours, theirs = Path(folder) / "mirror-pool" / "files" / "ab", Path(folder) / "mirror-pool" / "peer"
            for place in (ours, theirs):
                place.mkdir(parents=True)
            (ours / ("ab" * 32)).write_bytes(b"12345" + footer(f"{'ab' * 32}/x.bin", 5, "0" * 64, "http://a/x.bin", 1))
            (theirs / "x.bin").write_bytes(b"1234567")
            self.assertEqual(server.sizes("mirror-pool"), [5, 7])
            server.set_aside("mirror-pool")
            self.assertEqual(server.sizes("mirror-pool"), [7])
            server.empty("mirror-pool")
            self.assertEqual(server.sizes("mirror-pool"), [])

    def test_an_object_without_its_footer_has_the_size_that_it_says(self):
        with tempfile.TemporaryDirectory() as folder:
            server = Directories("test")
            server.directory = Path(folder)
            place = Path(folder) / "mirror-pool" / "files" / "ab"
            place.mkdir(parents=True)
            (place / ("ab" * 32)).write_bytes(b"12345" + footer(f"{'ab' * 32}/x.bin", 5, "0" * 64, "http://a/x.bin", 1))
            self.assertEqual(server.sizes("mirror-pool"), [5])

    def test_fewer_artifacts_are_the_peer_of_more_and_the_loop_of_all(self):
        few, many, loop = (Seen(count, [Load(rate, 1, 1, 1, 1)] * 2) for count, rate in ((5, 100), (9, 80), (9, 400)))
        with contextlib.redirect_stdout(None):
            self.assertEqual([row.peer for row in rows_of("hot-many", many, few, loop, "x", True)], [100, 400])
            self.assertEqual([row.peer for row in rows_of("hot-many", few, few, loop, "x", True)], [400])


class Crowds(unittest.TestCase):
    def test_no_address_has_more_clients_than_it_has_ports(self):
        self.assertEqual([address_of(number) for number in (0, PER_ADDRESS - 1, PER_ADDRESS)], ["127.0.0.1", "127.0.0.1", "127.0.0.2"])
        self.assertLess(PER_ADDRESS, 28_000)

    def test_a_sixteenth_of_the_connections_of_a_server_is_left(self):
        for count in (200, 10_000, 100_000):
            self.assertGreater(files(count) - count, files(count) / 16)


class LinkRows(unittest.TestCase):
    def test_each_side_has_its_own_medians(self):
        row = served_row("JSON", 1_100_000, [(10.0, 3.0, 60.0), (12.0, 2.0, 70.0), (11.0, 1.0, 65.0)], [(20.0, 4.0, 80.0)] * 3)
        self.assertEqual((row.ours, row.peer, row.cpu, row.memory), (11.0, 20.0, (2.0, 4.0), (70.0, 80.0)))
        self.assertFalse(row.met)


if __name__ == "__main__":
    unittest.main()
