//! Routing: which case goes to whom, and when. What people found is counted here for each source of cases, how long they took, what they can do, and
//! when they are on shift.
//!
//! Owns the tables `routing_*`. It never knows a case's row or a person's name: it is given what it needs and gives a place back. Start with
//! [`order`], which is pure and makes the place; [`settings`] is what the operator chose.

pub mod coverage;
pub mod order;
pub mod outcomes;
pub mod pace;
pub mod people;
pub mod settings;
pub mod shifts;
pub mod told;
pub mod warnings;
pub mod wishes;

pub use coverage::{Gap, OnShift, WeekOf, gaps, week_in};
pub use order::{Learned, place};
pub use people::{Choice, Skills};
pub use settings::{QueueSettings, RoutingSettings};
pub use shifts::{Shift, ShiftId};
pub use wishes::Wishes;
