# SPDX-License-Identifier: Apache-2.0
# on_terminal.py OUTPUT COMMAND...: runs it on a terminal of its own and copies what it draws to OUTPUT, until it ends.
# When the file OUTPUT.keys appears, what it holds is typed there. Exits with the command's code, or with 128 and the signal
# that ended it.
import os
import sys
import time

pid, terminal = os.forkpty()
if pid == 0:
    os.environ["TERM"] = "xterm"
    os.execv(sys.argv[2], sys.argv[2:])
os.set_blocking(terminal, False)
with open(sys.argv[1], "wb", buffering=0) as out:
    while True:
        try:
            drawn = os.read(terminal, 65536)
        except BlockingIOError:
            drawn = None
        except OSError:  # the last process has closed it
            break
        if drawn:
            out.write(drawn)
            continue
        if os.path.exists(sys.argv[1] + ".keys"):
            with open(sys.argv[1] + ".keys", "rb") as keys:
                os.write(terminal, keys.read())
            os.remove(sys.argv[1] + ".keys")
        time.sleep(0.02)
status = os.waitpid(pid, 0)[1]
sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
