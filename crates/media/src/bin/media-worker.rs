//! The worker as a program of its own; `seawall media-worker` is the same. See [`media::worker`].

fn main() -> std::process::ExitCode {
    media::worker::main()
}
