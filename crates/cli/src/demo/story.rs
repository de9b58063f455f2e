//! The demonstration's story: who posted what on a small platform in the last three days, and what people decided.
//!
//! All of it is made up. Pictures are named by their number; numbers below 12 are in the confirmed bank, below 18 in the one that is
//! not confirmed, the rest is in neither. The platform's people are birds.

use moderation::model::{Audience, ItemKind, Outcome, PolicyCode, Queue};

use super::files::{Edit, Unscannable};

/// A bank and the pictures in it.
pub struct StoryBank {
    /// Its name.
    pub name: &'static str,
    /// What belongs in it.
    pub description: &'static str,
    /// Whether people have confirmed what is in it.
    pub confirmed: bool,
    /// Numbers of the pictures in it.
    pub pictures: std::ops::Range<u64>,
    /// Labels of its entries.
    pub labels: &'static [&'static str],
}

/// The banks.
pub const BANKS: [StoryBank; 2] = [
    StoryBank {
        name: "Demo: known pictures",
        description: "Stands for a list that people have confirmed. Abstract pictures, drawn by the demonstration.",
        confirmed: true,
        pictures: 0..12,
        labels: &["demo", "confirmed-list"],
    },
    StoryBank {
        name: "Demo: watch list",
        description: "Stands for a list that nobody here has confirmed yet. Abstract pictures, drawn by the demonstration.",
        confirmed: false,
        pictures: 12..18,
        labels: &["demo", "to-be-checked"],
    },
];

/// A person at the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colleague {
    /// A moderator.
    Amal,
    /// A lead.
    Ben,
}

/// Something posted, and what became of it.
pub struct Post {
    /// How long ago.
    pub minutes_ago: u32,
    /// The platform's name for it.
    pub id: &'static str,
    /// What kind of thing.
    pub kind: ItemKind,
    /// Who posted it.
    pub account: &'static str,
    /// Where, and who could see it.
    pub place: Option<(&'static str, Audience)>,
    /// What it said.
    pub text: &'static str,
    /// Its files.
    pub files: &'static [(&'static str, Content)],
    /// Why someone reported it.
    pub report: Option<&'static str>,
    /// Where its case has to wait, if it gets one: checked by a test.
    pub queue: Option<Queue>,
    /// What a person did with the case, and how many minutes after.
    pub then: Option<(u32, Colleague, Act)>,
}

/// A file of a post.
pub enum Content {
    /// A picture, edited.
    Picture(u64, Edit),
    /// A picture that lies on its side, with a note to turn it.
    Sideways(u64),
    /// Pictures one after the other.
    Animation(&'static [u64]),
    /// A file that cannot be scanned.
    Bad(Unscannable),
    /// Not the picture, but the hash that the platform computed.
    Hash(u64, Edit),
}

/// What a person did with a case.
pub enum Act {
    /// Decided.
    Decide(Outcome, Option<PolicyCode>, &'static str),
    /// Passed on to a lead.
    Escalate(&'static str),
    /// Took it to work on.
    Take,
}

/// Items that the stand-in refuses orders about.
pub const REFUSED: &str = "post-2107";
/// Items that are gone when the order comes.
pub const GONE: &str = "post-2112";
/// Items that the stand-in restricted by itself before it was told to.
pub const RESTRICTED_BEFORE: &str = "message-88";
/// Items about which every order fails.
pub const FAILING: [&str; 2] = ["post-2103", "post-2143"];

const LOUNGE: Option<(&str, Audience)> = Some(("the-lounge", Audience::Public));
const GALLERY: Option<(&str, Audience)> = Some(("gallery", Audience::Public));
const WORKSHOP: Option<(&str, Audience)> = Some(("workshop", Audience::AutoAdmit));
const COURTYARD: Option<(&str, Audience)> = Some(("courtyard", Audience::HumanAdmit));

use Content::{Animation, Bad, Hash, Picture, Sideways};

/// A post with nothing special about it.
const POST: Post = Post {
    minutes_ago: 0,
    id: "",
    kind: ItemKind::Post,
    account: "",
    place: LOUNGE,
    text: "",
    files: &[],
    report: None,
    queue: None,
    then: None,
};

const CONFIRM: Act = Act::Decide(
    Outcome::Restrict,
    Some(PolicyCode::TerroristContent),
    "The picture is the known one, saved again; the text does not report on it or criticise it.",
);
const REVERSE: Act = Act::Decide(
    Outcome::Allow,
    None,
    "The picture is shown to warn of it, in a report by a journalist. That is allowed by our terms.",
);

/// The posts, the oldest first.
#[rustfmt::skip] // A few lines for each post can be read as a story; a screen for each cannot.
pub const POSTS: &[Post] = &[
    Post { minutes_ago: 4310, id: "post-2101", account: "heron", place: GALLERY, text: "First light over the bay.",
        files: &[("morning.jpg", Picture(20, Edit::Recompress(85)))], ..POST },
    Post { minutes_ago: 4255, id: "post-2102", account: "wren", text: "Found this one on an old drive.",
        files: &[("scan_004.jpg", Picture(1, Edit::Recompress(45)))], queue: Some(Queue::Matches),
        then: Some((31, Colleague::Amal, CONFIRM)), ..POST },
    Post { minutes_ago: 4180, id: "post-2103", account: "plover", place: WORKSHOP, text: "again, for those who missed it",
        files: &[("again.jpg", Picture(2, Edit::Resize(0.5)))], queue: Some(Queue::Matches),
        then: Some((44, Colleague::Ben, CONFIRM)), ..POST },
    Post { minutes_ago: 4020, id: "post-2104", account: "kestrel", place: WORKSHOP, text: "Glaze test, second firing.",
        files: &[("glaze-1.png", Picture(22, Edit::None)), ("glaze-2.jpg", Picture(26, Edit::Recompress(80)))], ..POST },
    Post { minutes_ago: 3895, id: "post-2105", account: "teal", place: GALLERY, text: "What this picture is used for, and why you will see it a lot this week. A thread.",
        files: &[("explainer.jpg", Picture(4, Edit::Brighten(20)))], queue: Some(Queue::Matches),
        then: Some((52, Colleague::Amal, REVERSE)), ..POST },
    Post { minutes_ago: 3710, id: "post-2106", account: "swift", text: "Numbers for the quarter are in.",
        files: &[("chart.png", Picture(23, Edit::None))], ..POST },
    Post { minutes_ago: 3600, id: "post-2107", account: "curlew", place: COURTYARD, text: "pass it on",
        files: &[("img.jpg", Picture(5, Edit::Recompress(60)))], queue: Some(Queue::Matches),
        then: Some((18, Colleague::Amal, CONFIRM)), ..POST },
    Post { minutes_ago: 3455, id: "post-2108", account: "dunlin", place: WORKSHOP, text: "does anyone know who made this?",
        files: &[("unknown.jpg", Picture(12, Edit::Recompress(70)))], queue: Some(Queue::Matches),
        then: Some((75, Colleague::Ben, Act::Decide(Outcome::Restrict, Some(PolicyCode::ViolentExtremism),
            "Checked against the source of the watch list: it is what the list says it is."))), ..POST },
    Post { minutes_ago: 3290, id: "post-2109", account: "avocet", place: GALLERY, text: "Walking, week three.",
        files: &[("w3.jpg", Picture(21, Edit::Recompress(90)))], ..POST },
    Post { minutes_ago: 3180, id: "post-2110", account: "linnet", text: "my new wallpaper",
        files: &[("wall.jpg", Picture(13, Edit::Contrast(-10.0)))], queue: Some(Queue::Matches),
        then: Some((26, Colleague::Amal, Act::Decide(Outcome::Allow, None,
            "A chart of somebody's savings. The entry of the watch list is a mistake; told the lead."))), ..POST },
    Post { minutes_ago: 3040, id: "profile-311", kind: ItemKind::Profile, account: "siskin", place: None, text: "Here for the pictures.",
        files: &[("avatar.jpg", Picture(28, Edit::Resize(0.4)))], ..POST },
    Post { minutes_ago: 2905, id: "post-2112", account: "wren", place: COURTYARD, text: "mirror, before it is gone",
        files: &[("m.jpg", Picture(9, Edit::Recompress(55)))], queue: Some(Queue::Matches),
        then: Some((22, Colleague::Amal, CONFIRM)), ..POST },
    Post { minutes_ago: 2790, id: "post-2113", account: "jay", place: GALLERY, text: "Discs, lots of them.",
        files: &[("discs.png", Picture(27, Edit::None))], ..POST },
    Post { minutes_ago: 2650, id: "message-88", kind: ItemKind::ReportedMessage, account: "plover", place: Some(("direct message", Audience::Interpersonal)),
        text: "you know what to do with this", files: &[("forwarded.jpg", Picture(7, Edit::Mirror))],
        report: Some("This was sent to me by someone I do not know. I have seen the picture before, the other way round."), queue: Some(Queue::Matches),
        then: Some((64, Colleague::Ben, Act::Decide(Outcome::Restrict, Some(PolicyCode::TerroristContent),
            "The mirrored copy of a known picture. Sent unasked to a stranger."))) },
    Post { minutes_ago: 2500, id: "post-2115", account: "heron", place: GALLERY, text: "Tide tables, decorative.",
        files: &[("tides.jpg", Picture(25, Edit::Recompress(88)))], ..POST },
    Post { minutes_ago: 2380, id: "post-2116", account: "snipe", text: "full clip in the comments",
        files: &[("clip.mp4", Bad(Unscannable::Video))], queue: Some(Queue::Unscanned),
        then: Some((90, Colleague::Amal, Act::Decide(Outcome::Allow, None, "Watched it on the platform: a kettle, for eleven minutes."))), ..POST },
    Post { minutes_ago: 2210, id: "post-2117", account: "rook", place: WORKSHOP, text: "Studio floor, from above.",
        files: &[("floor.jpg", Picture(26, Edit::Recompress(75)))], ..POST },
    Post { minutes_ago: 1995, id: "post-2118", account: "curlew", place: COURTYARD, text: "better quality",
        files: &[("hq.png", Picture(3, Edit::None))], queue: Some(Queue::Matches),
        then: Some((12, Colleague::Amal, CONFIRM)), ..POST },
    Post { minutes_ago: 1800, id: "post-2119", account: "teal", place: GALLERY, text: "Sources for yesterday's thread.",
        files: &[("source-a.jpg", Picture(11, Edit::Recompress(65))), ("source-b.jpg", Picture(21, Edit::Recompress(65)))], queue: Some(Queue::Matches),
        then: Some((35, Colleague::Amal, Act::Escalate("Journalist again. The first one was allowed, but this one has no text of its own. Which way?"))), ..POST },
    Post { minutes_ago: 1610, id: "post-2120", account: "finch", text: "good night",
        files: &[("night.jpg", Picture(18, Edit::Recompress(80)))], ..POST },
    // From here on, most cases are still open.
    Post { minutes_ago: 1420, id: "post-2121", account: "magpie", place: WORKSHOP, text: "Rate my pattern!",
        files: &[("pattern.jpg", Picture(14, Edit::Tint(35)))], queue: Some(Queue::Matches), ..POST },
    Post { minutes_ago: 1335, id: "post-2122", account: "snipe", text: "",
        files: &[("IMG_7781.jpg", Bad(Unscannable::Truncated))], queue: Some(Queue::Unscanned), ..POST },
    Post { minutes_ago: 1250, id: "channel-17", kind: ItemKind::Channel, account: "curlew", place: Some(("mirrors-and-more", Audience::AutoAdmit)),
        text: "Everything they do not want you to see.", files: &[("banner.jpg", Picture(8, Edit::Recompress(70)))],
        queue: Some(Queue::Matches), ..POST },
    Post { minutes_ago: 1130, id: "post-2124", account: "jay", text: "anyone else get this as an advert?",
        files: &[("advert.png", Picture(19, Edit::None))],
        report: Some("I think this is the symbol from the news. I am not sure."), queue: Some(Queue::Reported), ..POST },
    Post { minutes_ago: 1010, id: "post-2125", account: "avocet", place: GALLERY, text: "It was windy at the fair.",
        files: &[("flag.jpg", Picture(6, Edit::UntilLead))], queue: Some(Queue::Leads), ..POST },
    Post { minutes_ago: 905, id: "post-2126", account: "linnet", place: WORKSHOP, text: "Four from the workshop.",
        files: &[("a.jpg", Picture(20, Edit::Recompress(80))), ("b.jpg", Picture(10, Edit::Noise(14))),
            ("c.png", Bad(Unscannable::Document)), ("d.jpg", Picture(28, Edit::Recompress(80)))], queue: Some(Queue::Matches), ..POST },
    Post { minutes_ago: 820, id: "post-2127", account: "dunlin", place: GALLERY, text: "Larger than life.",
        files: &[("huge.png", Bad(Unscannable::Enormous))], queue: Some(Queue::Unscanned), ..POST },
    Post { minutes_ago: 745, id: "post-2128", account: "rook", place: COURTYARD, text: "phone photo, sorry",
        files: &[("photo.jpg", Sideways(1))], queue: Some(Queue::Matches), ..POST },
    Post { minutes_ago: 660, id: "post-2129", account: "kestrel", place: WORKSHOP, text: "Kiln log.",
        files: &[("kiln.png", Picture(23, Edit::Resize(0.8)))], ..POST },
    Post { minutes_ago: 540, id: "post-2130", account: "wren", text: "wait for it",
        files: &[("loop.gif", Animation(&[25, 27, 5, 29]))], queue: Some(Queue::Matches), ..POST },
    Post { minutes_ago: 475, id: "post-2131", account: "plover", place: COURTYARD, text: "new account, same pictures",
        files: &[("p.jpg", Picture(0, Edit::Recompress(50)))], queue: Some(Queue::Matches), ..POST },
    Post { minutes_ago: 410, id: "image-5502", kind: ItemKind::Image, account: "swift", place: GALLERY, text: "",
        files: &[("5502", Hash(9, Edit::Grey))], queue: Some(Queue::Matches), ..POST },
    Post { minutes_ago: 350, id: "post-2133", account: "magpie", text: "this is the one they showed at the meeting",
        files: &[("meeting.jpg", Picture(16, Edit::Brighten(15)))],
        report: Some("He keeps posting this and tags people who asked him to stop."), queue: Some(Queue::Matches), ..POST },
    Post { minutes_ago: 290, id: "post-2134", account: "siskin", place: WORKSHOP, text: "grey study",
        files: &[("study.png", Picture(2, Edit::Grey))], queue: Some(Queue::Matches), ..POST },
    Post { minutes_ago: 240, id: "post-2135", account: "heron", place: GALLERY, text: "Evening. Different hill.",
        files: &[("evening.jpg", Picture(20, Edit::Tint(150)))], ..POST },
    Post { minutes_ago: 200, id: "post-2136", account: "finch", place: GALLERY, text: "this print for the cover?",
        files: &[("cover.jpg", Picture(12, Edit::UntilLead))], queue: Some(Queue::Leads), ..POST },
    Post { minutes_ago: 180, id: "image-5511", kind: ItemKind::Image, account: "swift", place: GALLERY, text: "",
        files: &[("framed.jpg", Picture(9, Edit::Framed))], queue: Some(Queue::Matches), ..POST },
    Post { minutes_ago: 170, id: "image-5512", kind: ItemKind::Image, account: "swift", place: GALLERY, text: "seen on a wall",
        files: &[("wall.jpg", Picture(15, Edit::Turned(11.0)))], queue: Some(Queue::Matches), ..POST },
    Post { minutes_ago: 155, id: "profile-340", kind: ItemKind::Profile, account: "ruff", place: None, text: "back again",
        files: &[("me.jpg", Picture(5, Edit::Resize(0.35)))], queue: Some(Queue::Matches), ..POST },
    Post { minutes_ago: 120, id: "post-2138", account: "teal", text: "Is this safe to open?",
        files: &[("attachment.jpg", Bad(Unscannable::Empty))],
        report: Some("A stranger sent this to our group and asked everyone to open it."), queue: Some(Queue::Reported), ..POST },
    Post { minutes_ago: 88, id: "post-2139", account: "jay", place: WORKSHOP, text: "discs, discs, discs",
        files: &[("discs.jpg", Picture(27, Edit::Blur(1.2)))], ..POST },
    Post { minutes_ago: 61, id: "post-2140", account: "magpie", place: COURTYARD, text: "last one for today",
        files: &[("last.jpg", Picture(7, Edit::Recompress(40)))], queue: Some(Queue::Matches),
        then: Some((55, Colleague::Ben, Act::Take)), ..POST },
    Post { minutes_ago: 42, id: "post-2141", account: "rook", place: GALLERY, text: "Night sky, a friend took it.",
        files: &[("sky.jpg", Picture(17, Edit::Recompress(72)))], queue: Some(Queue::Matches), ..POST },
    Post { minutes_ago: 25, id: "post-2142", account: "snipe", place: GALLERY, text: "looks familiar to anyone?",
        files: &[("q.jpg", Picture(3, Edit::UntilLead))], queue: Some(Queue::Leads), ..POST },
    Post { minutes_ago: 14, id: "post-2143", account: "curlew", text: "try and stop me",
        files: &[("1.jpg", Picture(1, Edit::Noise(20))), ("2.jpg", Picture(2, Edit::Recompress(35)))], queue: Some(Queue::Matches), ..POST },
    Post { minutes_ago: 6, id: "post-2144", account: "avocet", place: WORKSHOP, text: "Work in progress.",
        files: &[("wip.jpg", Picture(26, Edit::Recompress(70)))], ..POST },
    Post { minutes_ago: 2, id: "post-2145", account: "dunlin", place: GALLERY, text: "so pretty",
        files: &[("pretty.jpg", Picture(11, Edit::Badge))], queue: Some(Queue::Matches), ..POST },
];
