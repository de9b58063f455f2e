//! The words of the house as types: ids, time, actors, items, banks, matches, decisions, cases, actions, events.
//!
//! Values only. Nothing here is async, reads a clock, or knows the store, a status code or a page. Start with
//! [`verdict`], which names what a submission ends in, then [`case`] and [`action`], which are state machines.

pub mod access;
pub mod action;
pub mod actor;
pub mod assessment;
pub mod bank;
pub mod care;
pub mod case;
pub mod chance;
pub mod comment;
pub mod decision;
pub mod event;
pub mod facts;
pub mod id;
pub mod item;
pub mod lane;
pub mod measure;
pub mod notice;
pub mod page;
pub mod proposal;
mod queues;
pub mod role;
pub mod rules;
pub mod stream;
pub mod strike;
pub mod strip;
pub mod time;
pub mod transcript;
pub mod translation;
pub mod verdict;
mod work;
pub mod zone;

pub use access::{Key, Scope, Session, SessionId, SessionLine, User, UserState};
pub use action::{Action, ActionKind, ActionState, Answer, Found, Recheck};
pub use actor::{Actor, Denied, Right, Token};
pub use assessment::{Assessment, InvalidAssessment, Purpose, RabatFactor};
pub use bank::{Bank, BankChange, Crops, Entry, EntryState, Judged, KeptSound, KeptVideo, NewBank, NewEntry};
pub use care::Exposure;
pub use case::{Case, CaseState, InvalidTransition, Lease, TakenOver};
pub use chance::Chance;
pub use comment::Comment;
pub use decision::{Author, Decision, Judgement, Versions};
pub use event::Event;
pub use facts::PlatformFacts;
pub use id::{
    ActionId, AlarmId, BankId, CaseId, ChangeId, CommentId, DecisionId, EntryId, GoldenId, ItemId, KeyId, MediaId,
    ProposalId, ReviewId, StreamId, UserId,
};
pub use item::{Audience, Item, ItemKind, Media, MediaStatus, Plays, PreviewKind};
pub use lane::{Factors, Lane, LearnedFrom, Place, PlaceFacts, WorkKind};
pub use measure::{InvalidMeasure, Lasts, Measure, MeasureSettings, Restricted, Stands};
pub use notice::Notice;
pub use page::{Page, PageRequest};
pub use proposal::{
    Proposal, ProposalRefused, ProposalState, ProposedItem, ProposedState, SecondReason, TwoPersonSettings,
    reasons_for_second,
};
pub use queues::QueueSet;
pub use role::{Role, Roles};
pub use rules::{
    Alarm, AlarmKind, Backtest, Change, ChangeState, Label, LabelOn, ListEntry, Measured, RuleFile, RuleList,
    RulesSource, RulesVersion, ShadowExample, ShadowResult, Standing,
};
pub use stream::{NewStream, Stream, StreamState, StreamStats, StreamVerdict};
pub use strike::{AccountHistory, PastDecision, Strike, StrikeRule, StrikeSettings, Suggestion};
pub use strip::{NewStripPicture, StripPlace};
pub use time::{Clock, ManualClock, SystemClock, Timestamp};
pub use transcript::{TranscriptLine, spoken};
pub use translation::Translation;
pub use verdict::{Match, MatchSegment, MatchTarget, MediaVerdict, SegmentKind, Sighted, Tier, Verdict};
pub use work::off_thread;
pub use zone::Zone;

pub use signal::Span;

pub use policy::{Outcome, PolicyCode, Queue, Ruling};
