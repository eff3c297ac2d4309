# SPDX-License-Identifier: Apache-2.0
# service_manager.py: as much of a service manager as a test needs. Starts a daemon as systemd would, and writes what it
# is told, one line a NAME=VALUE, to a file; "--" stands between two messages. Ends with the daemon, with its exit code.
#
#   service_manager.py LOG NOTIFY [--watchdog USEC] [--listen PATH [--fds N]] COMMAND...
#
# NOTIFY is a path or, with a leading @, an abstract name. With --listen the daemon gets a listening socket as descriptor
# 3, and LISTEN_FDS=N (1). The pid of the daemon is the first line of the file: MAINPID=n.
import os
import signal
import socket
import sys


def take(args, name, default=None):
    if args and args[0] == name:
        args.pop(0)
        return args.pop(0)
    return default


def start(command, notify, watchdog, listener, fds):
    pid = os.fork()
    if pid != 0:
        return pid
    env = dict(os.environ, NOTIFY_SOCKET=notify)
    if watchdog is not None:
        env.update(WATCHDOG_USEC=watchdog, WATCHDOG_PID=str(os.getpid()))
    if listener is not None:
        if listener.fileno() == 3:
            os.set_inheritable(3, True)
        else:
            os.dup2(listener.fileno(), 3, inheritable=True)
        env.update(LISTEN_FDS=fds, LISTEN_PID=str(os.getpid()))
    os.execvpe(command[0], command, env)


def main():
    args = sys.argv[1:]
    log = open(args.pop(0), "w", buffering=1)
    notify = args.pop(0)
    inbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    inbox.bind("\0" + notify[1:] if notify.startswith("@") else notify)
    inbox.settimeout(0.05)
    watchdog = take(args, "--watchdog")
    path = take(args, "--listen")
    fds = take(args, "--fds", "1")
    listener = None
    if path is not None:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(path)
        listener.listen(16)
    pid = start(args, notify, watchdog, listener, fds)
    log.write("MAINPID=%d\n" % pid)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda number, frame: os.kill(pid, number))
    ended = False
    while True:
        try:
            log.write(inbox.recv(65536).decode() + "\n--\n")
        except socket.timeout:
            if ended:
                break
            done, status = os.waitpid(pid, os.WNOHANG)
            ended = done == pid  # and one more look at what it said last
            code = os.waitstatus_to_exitcode(status) if ended else 0
    return code if code >= 0 else 128 - code


sys.exit(main())
