"""What the benchmark of the queue makes of its figures. No time is asserted: those are the machine's."""

import argparse

import pytest

from benchmarks import __main__ as command
from benchmarks.figures import Round
from benchmarks.queue import contest, report

FRAMEWORKS = ("slow", "wide")


def _round(p50: float, per_second: float) -> Round:
    sides = {f"many_{side}_us": 10.0 for side in ("client", "worker", "server")}
    return {"one_p50_ms": p50, "one_p99_ms": p50 * 2, "many_per_second": per_second, "many_p99_ms": 9.0, **sides}


def _rounds() -> dict[str, list[Round]]:
    return {
        "ping": [_round(0.1, 10_000), _round(0.2, 8_000), _round(0.1, 9_000)],
        "ours": [_round(0.5, 6_000), _round(1.0, 6_000), _round(0.4, 4_000)],
        "slow": [_round(2.0, 300), _round(2.0, 300), _round(2.0, 300)],
        "wide": [_round(3.0, 600), _round(3.0, 600), _round(3.0, 600)],
    }


def test_a_ratio_compares_within_each_round() -> None:
    assert report.ratio(_rounds(), "ours", "ping", "one_p50_ms") == pytest.approx(5.0)


def test_each_goal_is_against_the_framework_that_does_best_in_it() -> None:
    ping, p50, throughput = report.goals(_rounds(), FRAMEWORKS)
    assert ping.ratio == pytest.approx(5.0)
    assert "(slow)" in p50.text
    assert p50.ratio == pytest.approx(4.0)
    assert "(wide)" in throughput.text
    assert throughput.ratio == pytest.approx(10.0)
    assert {goal.verdict for goal in (ping, p50, throughput)} == {"met"}


def test_a_goal_that_is_not_reached_is_missed() -> None:
    rounds = _rounds()
    rounds["ours"] = [_round(1.5, 1_000)] * 3
    assert [goal.verdict for goal in report.goals(rounds, FRAMEWORKS)] == ["missed", "missed", "missed"]


@pytest.mark.parametrize("missing", ["ours", "ping"])
def test_without_one_side_a_goal_is_not_measured(missing: str) -> None:
    rounds = _rounds()
    del rounds[missing]
    assert report.goals(rounds, FRAMEWORKS)[0].verdict == "not measured"


def test_without_frameworks_nothing_is_compared_with_them() -> None:
    rounds = {name: its for name, its in _rounds().items() if name not in FRAMEWORKS}
    assert [goal.verdict for goal in report.goals(rounds, FRAMEWORKS)] == ["met", "not measured", "not measured"]
    assert "-  times faster" in report.goal_lines(report.goals(rounds, FRAMEWORKS))


def test_the_table_has_a_line_for_each_and_says_how_ours_compares() -> None:
    rounds = _rounds()
    lines = report.table(rounds, dict.fromkeys(rounds, "8.1.0")).splitlines()
    assert [line.split()[0] for line in lines[2:]] == list(rounds)
    assert lines[-1].split()[-2:] == ["6.00", "10.00"]
    assert max(map(len, lines)) <= 140


def test_the_table_bears_what_is_left_out() -> None:
    alone = {"slow": _rounds()["slow"]}
    assert "slow" in report.table(alone, {"slow": "5.3.1"})


def test_contestants_are_named_in_any_order_and_once() -> None:
    assert [one.name for one in command._contestants("ours,ping,ours")] == ["ping", "ours"]


def test_a_contestant_nobody_knows_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"celery: nobody .* faststream"):
        command._contestants("ping,celery")


@pytest.mark.parametrize("text", ["0", "-1", "x", "nan", "inf"])
def test_seconds_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        command._at_least(float, 0.05, "seconds")(text)


def test_a_framework_without_its_environment_is_left_out_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert not command._is_there(contest.Contestant("celery", "", ".venv-nowhere"))
    assert "make bench-queue" in capsys.readouterr().err


def test_a_contest_runs_and_leaves_nothing() -> None:
    there = [one for one in contest.CONTESTANTS if one.environment is None]
    rounds = {name: [figures] for name, _, figures in contest.hold(there, rounds=1, seconds=0.05)}
    assert rounds.keys() == {"ping", "naive", "ours"}
    assert all(figures["many_per_second"] > 0 for [figures] in rounds.values())
    assert report.goals(rounds, [])[0].verdict in {"met", "missed"}


def test_a_contestant_that_fails_is_named_with_what_it_said() -> None:
    stranger = contest.Contestant("nobody", "")
    with pytest.raises(contest.ContestantError, match=r"(?s)nobody \(worker\) did not.*No module named"):
        list(contest.hold([stranger], rounds=1, seconds=0.05))
