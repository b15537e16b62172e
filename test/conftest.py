"""What holds for every test, whichever folder it is in."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "support"))

from dispositions import hear_int_and_quit  # noqa: E402

hear_int_and_quit()
