//! An av-worker that has been taken over, as far as the host can tell: it starts like any other, locked up, and then does what the file asks for. The tests in
//! `jail.rs` show that each attempt ends the worker and nothing else.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::process::{Command, ExitCode};

use media::av::worker::Session;

fn main() -> ExitCode {
    let session = match Session::begin(|| ()) {
        Ok(session) => session,
        Err(code) => return code,
    };
    let mut act = String::new();
    let _ = av::Input::standard().read_to_string(&mut act);
    // Each attempt that the kernel lets pass, even with an error, is told to the test, but for the few that may fail.
    let outcome = match act.as_str() {
        // A file that cannot be opened is all that this may end in.
        "open-file" => failed(std::fs::File::open("/etc/passwd")),
        "write-file" => failed(std::fs::write("/tmp/seawall-hostile-worker", "was here")),
        "list-folder" => failed(std::fs::read_dir("/")),
        "open-own-memory" => failed(std::fs::OpenOptions::new().write(true).open("/proc/self/mem")),
        "remove-file" => format!("{:?}", std::fs::remove_file("/tmp/seawall-hostile-worker")),
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
        "write-to-the-file" => format!("{:?}", nix::unistd::write(std::io::stdin(), b"x")),
        "seek-another-descriptor" => {
            format!(
                "{:?}",
                nix::unistd::lseek(std::io::stdout(), 0, nix::unistd::Whence::SeekCur)
            )
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
        "flood" => loop {
            let _ = std::io::stdout().write_all(&[0x5a; 4096]);
        },
        _ => "unknown act".to_owned(),
    };
    let _ = session;
    let _ = std::io::stdout().write_all(format!("escaped: {outcome}").as_bytes());
    ExitCode::SUCCESS
}

/// The host is told by a code of its own that an attempt failed as it should.
fn failed<T>(attempt: std::io::Result<T>) -> String {
    match attempt {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => std::process::exit(42),
        Err(error) => format!("{error:?}"),
        Ok(_) => "opened".to_owned(),
    }
}
