"""`python -m tests.screens --update` writes the snapshots anew; `--gallery FILE` draws every screen on one page."""

import argparse
from pathlib import Path

from tests.screens import gallery, snapshots
from tests.unit.bot_samples import translations


def main() -> None:
    """Do what is asked for on the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.screens", description=__doc__)
    parser.add_argument("--update", action="store_true", help="write the snapshots anew, for all languages")
    parser.add_argument("--gallery", type=Path, metavar="FILE", help="write one HTML page with every screen")
    wanted = parser.parse_args()
    every = [translations.texts(language) for language in translations.languages]
    if wanted.update:
        for texts in every:
            snapshots.update(texts)
        print(f"{len(every)} languages in {snapshots.FOLDER}")  # noqa: T201 - a command
    if wanted.gallery:
        wanted.gallery.parent.mkdir(parents=True, exist_ok=True)
        wanted.gallery.write_text(gallery.page(every), "utf-8")
        print(f"Open {wanted.gallery} in a browser")  # noqa: T201 - a command


if __name__ == "__main__":
    main()
