"""Letters in print, on one core: wording, check, PDF/A and payment code. There is nothing bare to compare with."""

import time
from collections.abc import Callable
from dataclasses import replace
from itertools import product

from activities.letter_content import KINDS
from activities.letter_sample import sample_content
from activities.letters import write_letter
from activities.wording import LANGUAGES
from bench.figures import Figure, compared


def letters_rate(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """Letters per second of processor time, each of another number; every kind in every language in turn."""
    rounds, size = (2, 100) if quick else (5, 300)
    every = list(product(KINDS, LANGUAGES))
    rates, bytes_made = [], 0
    for n in range(rounds + 1):
        contents = []
        for i in range(size if n else len(every)):
            kind, language = every[i % len(every)]
            content = sample_content(kind, language)
            lines = tuple(replace(line, number=f"{line.number}-{n}-{i}") for line in content.invoices)
            contents.append((kind, language, replace(content, invoices=lines)))
        begun = time.process_time()
        made = [write_letter(kind, language, content) for kind, language, content in contents]
        if n:  # the first is for warming up
            rates.append(size / (time.process_time() - begun))
            bytes_made += sum(len(letter.pdf or b"") for letter in made)
        say(f"letters_rate: round {n} of {rounds}")
    kilobytes = bytes_made / (rounds * size) / 1024
    note = f"{len(KINDS)} kinds in {len(LANGUAGES)} languages, {kilobytes:.0f} KB each; seconds of processor time"
    return [compared("letters_rate", "letters/s", rates, [], note)]
