import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from modeling.errors import OperatorError
from ressenti.broker.ports import free_ports
from ressenti.broker.process import (
    LocalProcess,
    ending_like_ctrl_c,
    listens,
    nothing_interrupts,
)


def python(code: str, folder: Path) -> LocalProcess:
    return LocalProcess("the program", [sys.executable, "-c", code], folder / "log")


def test_a_process_that_ends_while_it_is_waited_for_is_told_with_its_last_lines(
    tmp_path: Path,
) -> None:
    process = python("print('no such disk'); raise SystemExit(3)", tmp_path)
    process.start()
    with pytest.raises(
        OperatorError, match=r"the program ended by itself \(exit code 3\)(.|\n)*no such disk"
    ):
        process.wait_until(lambda: False, timeout_seconds=20)


def test_a_process_that_is_not_ready_in_time_is_told_with_its_last_lines(tmp_path: Path) -> None:
    process = python("import time; print('hm', flush=True); time.sleep(60)", tmp_path)
    process.start()
    process.wait_until(lambda: "hm" in process.last_lines(), timeout_seconds=20)
    with pytest.raises(OperatorError, match=r"not ready after 0 s(.|\n)*hm"):
        process.wait_until(lambda: False, timeout_seconds=0.2)
    process.kill()


def test_a_process_that_ignores_the_polite_signal_is_killed(tmp_path: Path) -> None:
    process = python(
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print('deaf', flush=True); time.sleep(60)",
        tmp_path,
    )
    process.start()
    process.wait_until(lambda: "deaf" in process.last_lines(), timeout_seconds=20)
    begun = time.monotonic()
    process.stop(grace_seconds=0.3)
    assert not process.running()
    assert time.monotonic() - begun < 10


def test_a_stopped_process_can_start_again_and_its_log_goes_on(tmp_path: Path) -> None:
    process = python("import time; print('here', flush=True); time.sleep(60)", tmp_path)
    process.start()
    process.wait_until(lambda: "here" in process.last_lines(), timeout_seconds=20)
    process.stop(grace_seconds=5)
    assert not process.running()
    process.start()
    process.wait_until(lambda: process.last_lines().count("here") == 2, timeout_seconds=20)
    process.kill()


@pytest.mark.parametrize(
    ("number", "ignored"),
    [
        (signal.SIGINT, "SIGUSR1"),
        (signal.SIGTERM, "SIGUSR1"),
        (signal.SIGHUP, "SIGUSR1"),
        (signal.SIGTERM, "SIGINT"),  # as a shell's background jobs ignore Ctrl-C
    ],
)
def test_children_end_with_a_parent_that_is_interrupted(
    tmp_path: Path, number: signal.Signals, ignored: str
) -> None:
    (port,) = free_ports(1)
    child = f"""
import socket, time
listening = socket.create_server(("127.0.0.1", {port}))
time.sleep(60)
"""
    parent = f"""
import signal, sys, time
from pathlib import Path
from ressenti.broker.process import LocalProcess, ending_like_ctrl_c, listens
signal.signal(signal.{ignored}, signal.SIG_IGN)
process = LocalProcess("child", [sys.executable, "-c", {child!r}], Path({str(tmp_path / "log")!r}))
with ending_like_ctrl_c():
    process.start()
    process.wait_until(lambda: listens({port}), 20)
    print("up", flush=True)
    time.sleep(60)
"""
    running = subprocess.Popen(
        [sys.executable, "-c", parent], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert running.stdout is not None
    assert running.stdout.readline() == b"up\n"
    running.send_signal(number)
    running.wait(20)
    running.stdout.close()
    assert not listens(port)


def test_a_closed_terminal_interrupts_once_though_it_says_so_twice() -> None:
    with ending_like_ctrl_c():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGTERM)


def test_under_nohup_a_closed_terminal_changes_nothing() -> None:
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ending_like_ctrl_c():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, former)


def test_who_tidies_up_is_not_interrupted() -> None:
    with nothing_interrupts():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.raise_signal(number)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_free_ports_are_different_free_and_not_given_to_outgoing_connections() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    assert max(ports) < 32_768
    for port in ports:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
