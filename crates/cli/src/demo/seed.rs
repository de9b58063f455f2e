//! Tells the story: brings banks, people, posts and decisions into an empty store by the very flows that real ones take.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use image::RgbImage;
use moderation::Seawall;
use moderation::access::secrets;
use moderation::flows::access::{self, Invite};
use moderation::flows::submit::{NewContent, NewMedia, Submission};
use moderation::flows::{actions, banks, cases, submit};
use moderation::model::{
    Actor, Assessment, Audience, CaseId, Judgement, NewBank, NewEntry, PlatformFacts, Queue, Role, Scope, User,
};
use moderation::views;
use serde::{Deserialize, Serialize};
use signal::Signal;

use super::clock::LaggingClock;
use super::files::{self, Edit};
use super::pictures::{self, Picture};
use super::story::{Act, BANKS, Colleague, Content, POSTS, Post, StoryBank};

/// How long ago the story begins.
const BEGINS_AGO: Duration = Duration::from_secs(75 * 3600);

/// The name of the person that a visitor is.
pub const VISITOR: &str = "admin";

/// What a visitor needs to come in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Visitor {
    /// The password of [`VISITOR`].
    pub password: String,
    /// The seed of their one-time codes, in base 32.
    pub totp_secret: String,
    /// An API key that opens everything a key can.
    pub api_key: String,
}

/// What was brought in, and what went otherwise than the story says.
#[derive(Debug)]
pub struct Seeded {
    /// What a visitor needs.
    pub visitor: Visitor,
    /// Posts whose case waits elsewhere than the story says. A fault of the story, harmless to a visitor.
    pub surprises: Vec<String>,
}

/// The people at the desk, as flows know them.
struct Desk {
    amal: Actor,
    ben: Actor,
}

/// Something that happens at a time.
enum Happening<'a> {
    Posted(&'a Post),
    Done(&'a Post, Colleague, &'a Act),
}

/// Brings the story in. The store must be empty; `clock` must be the app's. `tell` is told how far it got, from 0 to 100.
pub async fn seed(app: &Seawall, clock: &LaggingClock, tell: impl Fn(usize)) -> anyhow::Result<Seeded> {
    let pictures = draw_all().await?;
    clock.set_lag(BEGINS_AGO);
    let visitor = welcome_visitor(app).await?;
    let desk = Desk {
        amal: join(app, "amal", Role::Moderator, None).await?.0,
        ben: join(app, "ben", Role::Lead, None).await?.0,
    };
    let new_key = access::create_key(app, &Actor::Operator, "demo: the platform", Scope::of_keys()).await?;
    let platform = Actor::Key {
        key: new_key.key.id,
        scopes: Scope::of_keys(),
    };
    for bank in &BANKS {
        fill_bank(app, &desk.ben, bank, &pictures).await?;
    }

    let mut happenings: Vec<(u32, Happening<'_>)> = Vec::new();
    for post in POSTS {
        happenings.push((post.minutes_ago, Happening::Posted(post)));
        if let Some((after, colleague, act)) = &post.then {
            happenings.push((
                post.minutes_ago.saturating_sub(*after),
                Happening::Done(post, *colleague, act),
            ));
        }
    }
    // The longest ago first; what happens in the same minute keeps its order.
    happenings.sort_by_key(|(minutes_ago, _)| std::cmp::Reverse(*minutes_ago));
    let mut surprises = Vec::new();
    let mut opened: BTreeMap<&str, CaseId> = BTreeMap::new();
    let n_happenings = happenings.len();
    for (place, (minutes_ago, happening)) in happenings.into_iter().enumerate() {
        tell(place * 100 / n_happenings);
        clock.set_lag(Duration::from_secs(u64::from(minutes_ago) * 60));
        match happening {
            Happening::Posted(post) => {
                let submission = submission(post, &pictures)?;
                let submitted = submit::submit_item(app, &platform, submission, None).await;
                let verdict = submitted.with_context(|| format!("cannot submit {}", post.id))?.verdict;
                if let Some(case) = verdict.case {
                    opened.insert(post.id, case);
                }
                let queue = queue_of(app, verdict.case).await?;
                if queue != post.queue {
                    surprises.push(format!(
                        "{}: the story says {:?}, Seawall says {queue:?}",
                        post.id, post.queue
                    ));
                }
            }
            Happening::Done(post, colleague, act) => {
                let Some(case) = opened.get(post.id) else {
                    bail!("{} has no case to act on", post.id)
                };
                let actor = match colleague {
                    Colleague::Amal => &desk.amal,
                    Colleague::Ben => &desk.ben,
                };
                do_act(app, actor, *case, act)
                    .await
                    .with_context(|| format!("cannot go on with {}", post.id))?;
            }
        }
        actions::deliver_due(app, "demo")
            .await
            .context("cannot deliver orders")?;
    }
    clock.set_lag(Duration::ZERO);
    tell(100);
    Ok(Seeded {
        visitor: Visitor {
            api_key: new_key.secret,
            ..visitor
        },
        surprises,
    })
}

/// Draws every picture of the story, on all cores.
async fn draw_all() -> anyhow::Result<Vec<Picture>> {
    let n_pictures = highest_picture() + 1;
    let tasks: Vec<_> = (0..n_pictures)
        .map(|number| tokio::task::spawn_blocking(move || pictures::draw(number)))
        .collect();
    let mut drawn = Vec::with_capacity(tasks.len());
    for task in tasks {
        drawn.push(task.await.context("cannot draw")?);
    }
    Ok(drawn)
}

fn highest_picture() -> u64 {
    let of_content = |content: &Content| match content {
        Content::Picture(number, _) | Content::Sideways(number) | Content::Hash(number, _) => *number,
        Content::Animation(numbers) => numbers.iter().copied().max().unwrap_or(0),
        Content::Bad(_) => 0,
    };
    let of_posts = POSTS
        .iter()
        .flat_map(|post| post.files)
        .map(|(_, content)| of_content(content))
        .max();
    of_posts
        .into_iter()
        .chain(BANKS.iter().map(|bank| bank.pictures.end))
        .max()
        .unwrap_or(0)
}

/// The first user, as on any first start, but with the password chosen and the authenticator played by the demonstration.
async fn welcome_visitor(app: &Seawall) -> anyhow::Result<Visitor> {
    let Some(invite) = access::first_invite(app).await? else {
        bail!("the store has users already")
    };
    let password = fresh_password(app);
    let totp_secret = accept(app, &invite, &password).await?.1;
    Ok(Visitor {
        password,
        totp_secret,
        api_key: String::new(),
    })
}

async fn join(app: &Seawall, name: &str, role: Role, password: Option<String>) -> anyhow::Result<(Actor, User)> {
    let invite = access::invite_user(app, &Actor::Operator, name, role.into()).await?;
    let password = password.unwrap_or_else(|| fresh_password(app));
    let (user, _) = accept(app, &invite, &password).await?;
    Ok((access::actor_of(&user), user))
}

async fn accept(app: &Seawall, invite: &Invite, password: &str) -> anyhow::Result<(User, String)> {
    let shown = access::open_invite(app, &invite.token).await?;
    let code = secrets::totp_code(&shown.totp_secret_base32, app.clock.now())?;
    let signed_in = access::accept_invite(app, &invite.token, password, &code).await?;
    Ok((signed_in.session.user, shown.totp_secret_base32))
}

/// A password that can be typed: five words of sixteen and four digits, 33 bits, behind a lock-out and on loopback only.
fn fresh_password(app: &Seawall) -> String {
    const WORDS: [&str; 16] = [
        "amber", "basin", "cedar", "delta", "ember", "fjord", "grove", "haven", "islet", "jetty", "kelp", "lagoon",
        "mist", "north", "otter", "pebble",
    ];
    let words = app
        .chance
        .bytes::<5>()
        .map(|byte| WORDS[usize::from(byte) % WORDS.len()]);
    let number = u16::from_be_bytes(app.chance.bytes()) % 10_000;
    format!("{}-{number:04}", words.join("-"))
}

async fn fill_bank(app: &Seawall, actor: &Actor, bank: &StoryBank, pictures: &[Picture]) -> anyhow::Result<()> {
    let new = NewBank {
        name: bank.name.to_owned(),
        description: bank.description.to_owned(),
        confirmed: bank.confirmed,
    };
    let id = banks::create_bank(app, actor, new, None).await?.into_inner();
    for number in bank.pictures.clone() {
        let picture = &pictures[number as usize];
        let entry = NewEntry {
            name: picture.name.clone(),
            labels: bank.labels.iter().map(|label| (*label).to_owned()).collect(),
            source: "drawn by the demonstration".to_owned(),
            expires_at: None,
            signals: Vec::new(),
        };
        let file = Bytes::from(files::png(&picture.image)?);
        banks::add_entry(app, actor, id, entry, Some(file.into()), None)
            .await
            .with_context(|| format!("cannot bank {}", picture.name))?;
    }
    Ok(())
}

fn submission(post: &Post, pictures: &[Picture]) -> anyhow::Result<Submission> {
    let (channel, audience): (Option<&str>, Option<Audience>) = post.place.unzip();
    let mut media = Vec::new();
    for (name, content) in post.files {
        media.push(NewMedia {
            transcript: Vec::new(),
            name: (*name).to_owned(),
            content: new_content(content, pictures)?,
        });
    }
    Ok(Submission {
        id: post.id.parse()?,
        kind: post.kind,
        account: Some(post.account.to_owned()),
        channel: channel.map(str::to_owned),
        audience,
        url: Some(format!("https://platform.example/{}/{}", post.account, post.id)),
        text: Some(post.text.to_owned()).filter(|text| !text.is_empty()),
        report: post.report.map(str::to_owned),
        platform: PlatformFacts::default(),
        media,
    })
}

fn new_content(content: &Content, pictures: &[Picture]) -> anyhow::Result<NewContent> {
    let picture = |number: &u64| -> &RgbImage { &pictures[*number as usize].image };
    let bytes = match content {
        Content::Picture(number, edit) => edit.file(picture(number))?,
        Content::Sideways(number) => files::sideways_jpeg(picture(number), 82)?,
        Content::Animation(numbers) => {
            let frames: Vec<RgbImage> = numbers.iter().map(|number| Edit::None.apply(picture(number))).collect();
            files::animation(&frames)?
        }
        Content::Bad(unscannable) => unscannable.file(picture(&0))?,
        Content::Hash(number, edit) => {
            let hash = files::hash(&edit.apply(picture(number)));
            return Ok(NewContent::Signals(vec![Signal::Pdq {
                hash,
                quality: Some(100),
            }]));
        }
    };
    Ok(NewContent::Bytes(bytes.into()))
}

async fn queue_of(app: &Seawall, case: Option<CaseId>) -> anyhow::Result<Option<Queue>> {
    let Some(case) = case else { return Ok(None) };
    let view = views::case(app, &Actor::Operator, case).await?;
    Ok(view.map(|view| view.case.queue))
}

async fn do_act(app: &Seawall, actor: &Actor, case: CaseId, act: &Act) -> anyhow::Result<()> {
    match act {
        Act::Decide(outcome, policy, reason) => {
            let view = views::case(app, &Actor::Operator, case)
                .await?
                .context("a case that was just opened is gone")?;
            let judgement = Judgement {
                outcome: *outcome,
                policy: *policy,
                assessment: policy.map(|_| Assessment::no_purpose()),
                ..Judgement::allow(view.item.revision, *reason)
            };
            cases::decide_case(app, actor, case, judgement).await?;
        }
        Act::Escalate(reason) => {
            cases::escalate_case(app, actor, case, (*reason).to_owned()).await?;
        }
        Act::Take => {
            cases::take_case(app, actor, case).await?;
        }
    }
    Ok(())
}
