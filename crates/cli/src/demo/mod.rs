//! The demonstration: generated, benign data that go the way real data go, and a platform to go with them.
//!
//! [`story`] says what happened, [`seed`] makes it happen by the usual flows, [`platform`] receives the orders, [`door`] lets the
//! visitor in. [`pictures`] draws on a [`canvas`]; [`files`] does to pictures what people do before they post them again.

pub mod canvas;
pub mod clock;
pub mod door;
pub mod files;
pub mod pictures;
pub mod platform;
pub mod seed;
pub mod story;
