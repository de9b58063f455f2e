//! A worker that has been taken over, as far as the host can tell: it starts like any other, locked up, and then does what
//! the file it is given asks for. The tests in `jail.rs` show that each attempt ends the worker and nothing else.

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::process::{Command, ExitCode};
use std::time::Duration;

fn main() -> ExitCode {
    media::worker::main_with(|bytes| {
        let Some(act) = bytes.strip_prefix(b"hostile:") else {
            return;
        };
        let act = std::str::from_utf8(act).unwrap_or_default();
        // Each attempt that the kernel lets pass, even with an error, is told to the test: it must never arrive.
        let outcome = match act {
            "open-file" => format!("{:?}", std::fs::File::open("/etc/passwd").map(drop)),
            "write-file" => format!("{:?}", std::fs::write("/tmp/seawall-hostile-worker", "was here")),
            "list-folder" => format!("{:?}", std::fs::read_dir("/").map(drop)),
            "tcp-connect" => format!("{:?}", TcpStream::connect((Ipv4Addr::LOCALHOST, 1)).map(drop)),
            "tcp-listen" => format!("{:?}", TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map(drop)),
            "udp" => format!("{:?}", UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map(drop)),
            "unix-socket" => format!("{:?}", UnixStream::connect("/run/none").map(drop)),
            "spawn" => format!("{:?}", Command::new("/bin/true").status()),
            "exec" => {
                use std::os::unix::process::CommandExt as _;
                format!("{:?}", Command::new("/bin/true").exec())
            }
            "thread" => format!("{:?}", std::thread::Builder::new().spawn(|| ()).map(drop)),
            "kill-parent" => {
                let parent = nix::unistd::getppid();
                format!(
                    "{:?}",
                    nix::sys::signal::kill(parent, nix::sys::signal::Signal::SIGKILL)
                )
            }
            "raise-limit" => {
                let (resource, max) = (nix::sys::resource::Resource::RLIMIT_DATA, 1 << 40);
                format!("{:?}", nix::sys::resource::setrlimit(resource, max, max))
            }
            "read-other-descriptor" => {
                let mut buffer = [0];
                // Standard error is a pipe of which the worker has the writing end; any other than 0 will do.
                format!("{:?}", nix::unistd::read(std::io::stderr(), &mut buffer))
            }
            "allocate" => {
                let mut hoard: Vec<Vec<u8>> = Vec::new();
                loop {
                    hoard.push(vec![1; 8 << 20]);
                }
            }
            "spin" => loop {
                std::hint::spin_loop();
            },
            "overflow-stack" => format!("{}", deep(1)),
            "abort" => std::process::abort(),
            "exit" => std::process::exit(0),
            "panic" => panic!("hostile:panic"),
            "garbage" => answer(&[0x5a; 64]),
            "huge-answer" => answer(&[b"SWMW".as_slice(), &[0; 8], &[0xff; 4]].concat()),
            "flood" => loop {
                answer(&[b"SWMW".as_slice(), &[0; 8], &[0, 0, 1, 0], &[0; 1 << 16]].concat());
            },
            "flood-errors" => loop {
                let _ = std::io::stderr().write_all(&[b'x'; 4096]);
            },
            _ => "unknown act".to_owned(),
        };
        answer(format!("escaped: {outcome}").as_bytes());
    })
}

fn answer(bytes: &[u8]) -> String {
    let mut output = std::io::stdout().lock();
    let _ = output.write_all(bytes).and_then(|()| output.flush());
    std::thread::sleep(Duration::from_secs(1));
    String::new()
}

#[expect(unconditional_recursion, reason = "the point")]
fn deep(n: u64) -> u64 {
    std::hint::black_box(deep(std::hint::black_box(n + 1)) + 1)
}
