"""INT and QUIT as a terminal's foreground has them, whoever started the tests.

A shell makes what it starts in the background ignore both, and so does everything below inherit
it. Tests send both, and what they start is to hear them. (ctest starts every test with all signals as
they are by default.)
"""

import signal


def hear_int_and_quit():
    """Undoes it for this process and for all that it starts from now on."""
    for number, usual in ((signal.SIGINT, signal.default_int_handler),
                          (signal.SIGQUIT, signal.SIG_DFL)):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, usual)
