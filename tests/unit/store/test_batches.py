"""The batch numbers of what goes again and again."""

from __future__ import annotations

from hub.store.batches import next_batch

BATCH = "2016121309000000000001000001"


def test_every_time_has_a_number_of_its_own_that_fits_the_far_sides_column() -> None:
    numbers = [BATCH]
    for generation in range(5000):
        numbers.append(next_batch(numbers[-1], generation))
    assert len(set(numbers)) == len(numbers)
    assert max(map(len, numbers)) == 32
    assert all(number.startswith(BATCH) for number in numbers)


def test_the_first_times_are_counted_in_digits() -> None:
    assert [next_batch(f"{BATCH}R7", again)[28:] for again in (0, 8, 998, 999, 1000)] == ["R1", "R9", "R999", "RA00", "RA01"]
