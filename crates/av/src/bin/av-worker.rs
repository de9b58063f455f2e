//! The worker for videos, sounds and streams. See [`av`].

fn main() -> std::process::ExitCode {
    av::main()
}
