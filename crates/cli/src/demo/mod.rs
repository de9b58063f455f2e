//! The demonstration: generated, benign data that go the way real data go.

pub mod canvas;
pub mod pictures;
pub mod platform;
