"""What the harness reads and computes; `make check` runs this. Needs no server."""

import contextlib
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from bench_links import served_row  # noqa: E402
from bench_retention_redirect import least_learned, paired_ratio, requests_in  # noqa: E402
from bench_selected_redirect import SelectedMirror, SelectingMirror  # noqa: E402
from bench_state import calls_of  # noqa: E402
from bucket_mirror import AzureMirror, GCSMirror  # noqa: E402
from bucket_rows import alternate, rows  # noqa: E402
from cloud_servers import port_in  # noqa: E402
from http_socket import answer_in  # noqa: E402
from load import read  # noqa: E402
from main import benchmark  # noqa: E402
from mirror import Mirror, sum_of_metric  # noqa: E402
from package_servers import ports_in  # noqa: E402
from percentiles import percentile  # noqa: E402
from process import TICKS, Ran, free_ports, measure, parse_cpu, parse_memory  # noqa: E402
from redis_server import changes_of, encode, latencies_in, netstrings, parse, tells_present  # noqa: E402
from s3_mirror import S3Mirror  # noqa: E402
from seaweedfs import sizes_in  # noqa: E402
from settings import BENCHMARKS, MAIN  # noqa: E402
from table import Row, number, render, spread  # noqa: E402

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
        text = render([Row("a", "b", 100, "c", 50, spread=(0.2, None))], [], [])
        self.assertIn("| a | b | 100 ±20% | c | 50.0 |", text)

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

    def test_the_table_says_what_was_missed_and_what_failed(self):
        text = render([Row("a", "b", 1.234, budget="under 1", met=False, cpu=(1, None), cpu_unit="s")], ["fact"], ["x: broken"])
        self.assertIn("| a | b | 1.23 |", text)
        self.assertIn("under 1: **missed**", text)
        self.assertIn("- **not measured** x: broken", text)
        self.assertEqual({line.count("|") for line in text.splitlines() if line.startswith("|")}, {11})
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


class LinkRows(unittest.TestCase):
    def test_each_side_has_its_own_medians(self):
        row = served_row("JSON", 1_100_000, [(10.0, 3.0, 60.0), (12.0, 2.0, 70.0), (11.0, 1.0, 65.0)], [(20.0, 4.0, 80.0)] * 3)
        self.assertEqual((row.ours, row.peer, row.cpu, row.memory), (11.0, 20.0, (2.0, 4.0), (70.0, 80.0)))
        self.assertFalse(row.met)


if __name__ == "__main__":
    unittest.main()
