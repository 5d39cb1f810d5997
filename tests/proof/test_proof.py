"""The page of proof is made of what the runs noted, and of nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.proof import page as page_module
from tests.proof import results
from tests.proof.page import page
from tests.proof.results import KEPT, Run, append, fresh, next_seed, read
from tests.proof.totals import by_suite, folded


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGWEIR_PROOF", str(tmp_path))
    monkeypatch.setattr(results, "KEPT", tmp_path / "kept.jsonl")


def a_run(**members: object) -> Run:
    given = {"suite": "power", "command": "python -m tests.power", "seconds": 2.0, "commit": "c0"}
    return Run(**(given | members))  # type: ignore[arg-type]


def test_a_run_comes_back_as_it_was_noted() -> None:
    run = a_run(seeds=(3, 7), counts={"images": 5}, faults={"power cut": 5}, findings=["lost: x"])
    append(run)
    append(a_run(suite="kills"))
    assert read(fresh()) == [run, read(fresh())[1]]


def test_a_soak_goes_on_after_the_last_seed_of_all_runs() -> None:
    assert next_seed("power") == 0
    append(a_run(seeds=(0, 9)))
    append(a_run(suite="simulation", seeds=(0, 99)))
    assert next_seed("power") == 10
    results.KEPT.write_text(results.line_of(a_run(seeds=(0, 49))))
    assert next_seed("power") == 50


def test_runs_are_added_up_and_their_largest_figures_kept() -> None:
    first = a_run(
        seeds=(0, 9),
        counts={"images": 5},
        faults={"cut": 1},
        maxima={"s": 3.0},
        outcomes={"a": "x"},
    )
    second = a_run(
        seeds=(10, 19), counts={"images": 6, "logs": 1}, maxima={"s": 2.0}, findings=["lost"]
    )
    (total,) = folded([first, second])
    assert (total.seconds, total.seeds) == (4.0, (0, 19))
    assert total.counts == {"images": 11, "logs": 1}
    assert (total.faults, total.maxima, total.outcomes) == ({"cut": 1}, {"s": 3.0}, {"a": "x"})
    assert total.findings == ["lost"]


def test_runs_on_another_commit_are_kept_apart_and_shown_together() -> None:
    runs = [a_run(counts={"images": 1}), a_run(counts={"images": 2}, commit="c1")]
    assert [run.commit for run in folded(runs)] == ["c0", "c1"]
    assert by_suite(runs)["power"].counts == {"images": 3}


def test_the_page_has_a_line_for_each_suite_and_each_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prose = tmp_path / "page.md"
    prose.write_text("# Proof\n{{runs}}\n{{faults}}\n{{count power: images}} images\n")
    monkeypatch.setattr(page_module, "PROSE", prose)
    made = page([a_run(counts={"images": 20_000}, faults={"cut|torn": 3}, findings=["lost"])])
    assert "| power | 20,000 images |  | 2 s | 1 | `c0` | `python -m tests.power` |" in made
    assert "| power | cut\\|torn | 3 | see its findings |" in made
    assert "\n20,000 images\n" in made


def test_a_count_that_no_run_has_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prose = tmp_path / "page.md"
    prose.write_text("{{count simulation: seeds}}")
    monkeypatch.setattr(page_module, "PROSE", prose)
    with pytest.raises(KeyError):
        page([a_run()])


def test_the_page_of_the_project_is_made_of_the_runs_that_it_keeps() -> None:
    assert (results.ROOT / "docs" / "proof.md").read_text() == page(read(KEPT))
