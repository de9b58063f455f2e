//! The console as browsers see it, without a browser: requests through the whole router, over a real store and a real
//! media worker. How it looks and feels is tested in a browser, in `crates/cli/tests/browser`. Start with [`people`].

#[path = "../http/world.rs"]
#[expect(dead_code, reason = "the tests of the API use the rest")]
mod world;

#[path = "../http/films.rs"]
mod films;

#[path = "../../../moderation/tests/suite/pictures.rs"]
#[expect(dead_code, reason = "the tests of moderation use the rest")]
mod pictures;

#[path = "../../../moderation/tests/suite/stand_in_provider.rs"]
#[expect(dead_code, reason = "the tests of moderation use the rest")]
mod stand_in_provider;

mod access;
mod account;
mod attacks;
mod banks;
mod cases;
mod desk;
mod people;
mod provider;
mod quality;
mod reach;
mod recordings;
mod rules;
mod safety;
mod search;
mod together;
