//! The API as its clients see it: requests through the whole router, over a real store and a real media worker; where it
//! matters, over real sockets. Start with [`world`].

mod access;
mod banks;
mod errors;
mod fetch;
mod films;
mod health;
mod hma;
mod items;
mod lists;
mod mistakes;
mod openapi;
#[path = "../../../moderation/tests/suite/pictures.rs"]
#[expect(dead_code, reason = "the tests of moderation use the rest")]
mod pictures;
mod proposals;
mod reach;
mod recordings;
mod rules;
mod scans;
mod search;
mod sockets;
mod streams;
mod world;
