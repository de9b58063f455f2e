//! Quality: how right decisions are, and how alike people decide. Second answers that are asked for blindly, what became of them, past cases whose right answer is known.
//!
//! Owns the tables `quality_*`. An answer in here never changes an item, orders nothing and is no decision: what a lead makes of it is a case like any other.
//! It must never know how a decision was come to. The statistics are in [`stats`], which is pure; what people on shift could do in [`staffing`].

pub mod figures;
pub mod golden;
pub mod numbers;
pub mod reviews;
pub mod staffing;
pub mod stats;
pub mod strata;
