//! What is measured: a way to bank a picture, a way to ask with one, and a comparison of the two. The measuring knows methods only
//! through [`Stage`] and [`Bank`], so that stages of different kinds stand in one table; a new one implements [`Method`].

use crate::picture::Picture;
use anyhow::Result;
use rayon::prelude::*;
use std::borrow::Cow;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// For a person's eyes.
    Lead,
    /// For automation.
    Match,
}

/// An entry that was found.
#[derive(Debug, Clone)]
pub struct Found {
    pub tier: Tier,
    pub distance: u32,
    /// What was compared, for the reviewer: a view of the query, a rectangle of the entry.
    pub view: Cow<'static, str>,
}

/// One way of finding copies.
pub trait Method: Sync {
    /// What is kept of a banked picture.
    type Entry: Send + Sync;
    /// What is made of a picture that is looked up.
    type Query: Send + Sync;

    fn entry(&self, picture: &Picture) -> Result<Self::Entry>;

    /// Whether it learns from benign pictures.
    fn learns(&self) -> bool {
        false
    }

    /// Learns from pictures that are known not to be the entry, asked as queries: the platform's own recent sample.
    fn calibrate(&self, _entry: &mut Self::Entry, _benign: &[Self::Query]) {}

    fn query(&self, picture: &Picture) -> Result<Self::Query>;

    /// The same, perhaps remembered from the stage before.
    fn query_again(&self, picture: &Picture) -> Result<Self::Query> {
        self.query(picture)
    }

    fn compare(&self, query: &Self::Query, entry: &Self::Entry) -> Option<Found>;

    /// Codes that are searched at match level for a query.
    fn n_codes(&self, query: &Self::Query) -> usize;

    /// Bytes that an entry takes in the index and beside it.
    fn entry_bytes(&self, entry: &Self::Entry) -> usize;
}

/// A method with its name.
pub trait Stage: Sync {
    fn name(&self) -> &'static str;

    /// Half a sentence for the table's legend.
    fn about(&self) -> &'static str;

    /// Banks pictures and calibrates each against benign ones.
    fn bank(&self, pictures: &[&Picture], benign: &[&Picture]) -> Result<Box<dyn Bank + '_>>;
}

/// Banked pictures that can be searched.
pub trait Bank: Sync {
    /// Compares a picture with the entries of these numbers, each of them.
    fn search(&self, picture: &Picture, among: &[usize]) -> Result<Answer>;

    /// Makes the query and compares nothing: what a picture costs before the search. Returns the number of codes.
    fn prepare(&self, picture: &Picture) -> Result<usize>;

    /// Mean over the entries.
    fn entry_bytes(&self) -> f64;
}

#[derive(Debug)]
pub struct Answer {
    /// The entries found, by their numbers.
    pub found: Vec<(usize, Found)>,
    pub n_codes: usize,
}

/// A [`Method`] under a name.
pub struct Named<M> {
    pub name: &'static str,
    pub about: &'static str,
    pub method: M,
}

impl<M: Method> Stage for Named<M> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn bank(&self, pictures: &[&Picture], benign: &[&Picture]) -> Result<Box<dyn Bank + '_>> {
        let benign = if self.method.learns() { benign } else { &[] };
        let benign: Vec<M::Query> = benign
            .par_iter()
            .map(|picture| self.method.query(picture))
            .collect::<Result<_>>()?;
        let entries = pictures
            .par_iter()
            .map(|picture| {
                let mut entry = self.method.entry(picture)?;
                self.method.calibrate(&mut entry, &benign);
                Ok(entry)
            })
            .collect::<Result<_>>()?;
        Ok(Box::new(Entries {
            method: &self.method,
            entries,
        }))
    }
}

struct Entries<'a, M: Method> {
    method: &'a M,
    entries: Vec<M::Entry>,
}

impl<M: Method> Bank for Entries<'_, M> {
    fn search(&self, picture: &Picture, among: &[usize]) -> Result<Answer> {
        let query = self.method.query_again(picture)?;
        let compare = |n: &usize| Some((*n, self.method.compare(&query, &self.entries[*n])?));
        Ok(Answer {
            found: among.iter().filter_map(compare).collect(),
            n_codes: self.method.n_codes(&query),
        })
    }

    fn prepare(&self, picture: &Picture) -> Result<usize> {
        Ok(self.method.n_codes(&self.method.query(picture)?))
    }

    fn entry_bytes(&self) -> f64 {
        let sum: usize = self.entries.iter().map(|entry| self.method.entry_bytes(entry)).sum();
        sum as f64 / self.entries.len().max(1) as f64
    }
}
