//! Everything that flows and views need, in one value.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use media::MediaHost;
use media::av::{AvHost, Sampling};

use crate::access::provider::{Provider, ProviderSettings, ProviderSetupError};
use crate::actions::mail::{MailError, MailSettings, Mailer};
use crate::actions::probe::{Probe, ProbeError};
use crate::actions::rechecks::{HowRechecked, RecheckSettings};
use crate::actions::webhook::{Webhook, WebhookError, WebhookSettings};
use crate::flows::calibrate::{self, Sample};
use crate::flows::follow::{self, OpenMatcherError};
use crate::flows::hma::Memory;
use crate::flows::hunts::Searched;
use crate::flows::lookup::Remembered;
use crate::flows::rules;
use crate::flows::scans::Scans;
use crate::flows::streams::{StreamSettings, Streams};
use crate::matching::{MatchSettings, Matcher};
use crate::model::care::CareSettings;
use crate::model::{Chance, Clock, MeasureSettings, PolicyCode, StrikeSettings, TwoPersonSettings};
use crate::routing::RoutingSettings;
use crate::rules::Judge;
use crate::store::{Store, StoreError};

/// Everything that flows and views need. Cheap to clone.
#[derive(Clone)]
pub struct Seawall {
    /// What is remembered.
    pub store: Store,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where ids and secrets come from.
    pub chance: Arc<Chance>,
    /// Where foreign bytes are decoded.
    pub media: Arc<MediaHost>,
    /// Where videos and sounds are decoded; none where the program for that is missing, and then they are unscanned.
    pub av: Option<AvHost>,
    /// What is banked, in memory.
    pub matcher: Arc<Matcher>,
    /// How orders reach the platform; none while the operator has named no address.
    pub webhook: Option<Arc<Webhook>>,
    /// Writes to people who are to be woken.
    pub mailer: Option<Arc<Mailer>>,
    /// Who looks whether items are there, if the operator named an address for that.
    pub probe: Option<Arc<Probe>>,
    /// Where people of the platform sign in, if the operator named an identity provider.
    pub provider: Option<Arc<Provider>>,
    /// What the operator chose.
    pub settings: Arc<Settings>,
    /// The live streams of this process.
    pub streams: Arc<Streams>,
    /// The files that are being decoded in this process.
    pub scans: Scans,
    /// Who asks the rules.
    pub judge: Arc<Judge>,
    pub(crate) bells: Arc<Bells>,
    pub(crate) hma: Arc<Memory>,
    pub(crate) remembered: Arc<Remembered>,
    pub(crate) searched: Arc<Searched>,
    /// Whether the matcher follows the banks. It does not where nothing is looked up.
    pub(crate) follows_banks: bool,
    pub(crate) sample: Arc<Sample>,
}

/// Wakes those who wait for work of this process.
#[derive(Debug, Default)]
pub(crate) struct Bells {
    /// A job was written.
    pub jobs: tokio::sync::Notify,
    /// An entry is to be looked for in what is there already.
    pub hunts: tokio::sync::Notify,
    /// A proposal was agreed to on many items.
    pub proposals: tokio::sync::Notify,
    /// Entries came that nobody has judged.
    pub unjudged: tokio::sync::Notify,
    /// Held while the change feed is applied.
    pub feed: tokio::sync::Mutex<()>,
}

/// What the operator chose.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where orders are sent; with none, they wait.
    pub webhook: Option<WebhookSettings>,
    /// How people are woken by e-mail; with none, they are not.
    pub mail: Option<MailSettings>,
    /// Where people of the platform sign in; with none, here alone.
    pub provider: Option<ProviderSettings>,
    /// How near is near.
    pub matching: MatchSettings,
    /// The most files of one item.
    pub media_per_item_max: usize,
    /// How videos and sounds are dealt with.
    pub recordings: RecordingSettings,
    /// How live streams are dealt with.
    pub streams: StreamSettings,
    /// How much one person looks at before they rest.
    pub care: CareSettings,
    /// How people's decisions are dealt with.
    pub desk: DeskSettings,
    /// What can be done about an item and who posted it.
    pub measures: MeasureSettings,
    /// How it is found out whether what the platform confirmed is so.
    pub rechecks: RecheckSettings,
    /// What decisions weigh against an account.
    pub strikes: StrikeSettings,
    /// In which order cases are handed out, and to whom.
    pub routing: RoutingSettings,
    /// When a second person has to agree.
    pub two_person: TwoPersonSettings,
}

/// How people's decisions are dealt with.
#[derive(Debug, Clone)]
pub struct DeskSettings {
    /// For how long a decision can be undone: its orders leave after that. Zero: they leave at once, and nothing can be undone.
    pub undo: Duration,
    /// What is restricted under these policies is ordered after a random part of [`DeskSettings::delay_max`], so that who posts it learns less of
    /// what gave it away. Never about live streams.
    pub delay_policies: Vec<PolicyCode>,
    /// The longest such delay.
    pub delay_max: Duration,
    /// What one account or channel posted within so long of an item can be decided with it.
    pub run: Duration,
    /// The share of a person's turns in which they are asked for a second opinion, where one is waiting and nothing presses: 0 to 1.
    pub second_opinions: f64,
}

impl Default for DeskSettings {
    fn default() -> Self {
        Self {
            undo: Duration::from_secs(10),
            delay_policies: Vec::new(),
            delay_max: Duration::ZERO,
            run: Duration::from_secs(24 * 3_600),
            second_opinions: 0.1,
        }
    }
}

/// How videos and sounds are dealt with.
#[derive(Debug, Clone)]
pub struct RecordingSettings {
    /// Which frames of a video are decoded.
    pub sampling: Sampling,
    /// Where large files lie while they are scanned; with none, in the system's folder for temporary files.
    pub spool_folder: Option<PathBuf>,
    /// For how long the codes of items' videos are kept, so that they can be looked for when an entry becomes part of an incident.
    pub traces_kept: Duration,
}

impl Default for RecordingSettings {
    fn default() -> Self {
        Self {
            sampling: Sampling::Full,
            spool_folder: None,
            traces_kept: Duration::from_secs(72 * 3600),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            webhook: None,
            mail: None,
            provider: None,
            matching: MatchSettings::default(),
            media_per_item_max: 20,
            recordings: RecordingSettings::default(),
            streams: StreamSettings::default(),
            care: CareSettings::default(),
            desk: DeskSettings::default(),
            measures: MeasureSettings::default(),
            rechecks: RecheckSettings::default(),
            strikes: StrikeSettings::default(),
            routing: RoutingSettings::default(),
            two_person: TwoPersonSettings::default(),
        }
    }
}

/// What a [`Seawall`] is made of.
pub struct Parts {
    /// The open store.
    pub store: Store,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The source of chance.
    pub chance: Arc<Chance>,
    /// The running media host.
    pub media: Arc<MediaHost>,
    /// The host of videos and sounds, if its program is there.
    pub av: Option<AvHost>,
    /// What the operator chose.
    pub settings: Settings,
    /// Where the index lies; with none, it is read from the banks at each start.
    pub index_folder: Option<PathBuf>,
}

/// Seawall cannot start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The store failed.
    #[error("cannot read the banks or the rules")]
    Store(#[from] StoreError),
    /// The index cannot be used.
    #[error("cannot open the index")]
    Index(#[source] OpenMatcherError),
    /// Mail is set up wrongly.
    #[error("cannot set mail up")]
    Mail(#[from] MailError),
    /// The webhook is set up wrongly.
    #[error("cannot set the webhook up")]
    Webhook(#[from] WebhookError),
    /// The identity provider is set up wrongly.
    #[error("cannot set the identity provider up")]
    Provider(#[from] ProviderSetupError),
    /// The address that tells whether an item is there is set up wrongly.
    #[error("cannot set the probe up")]
    Probe(#[from] ProbeError),
}

/// Seawall cannot serve just now.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// The store does not answer.
    #[error("the store does not answer")]
    Store(#[from] StoreError),
}

impl Seawall {
    /// Opens the index, reads from the banks what it lacks, and is ready.
    pub async fn open(parts: Parts) -> Result<Self, OpenError> {
        let folder = parts.index_folder.clone();
        let mut app = Self::open_for_upkeep(parts)?;
        app.follows_banks = true;
        rules::install(&app).await?;
        // Loaded before anybody waits for it.
        app.judge.follow(&app.store).await?;
        if let Some(folder) = folder {
            let opened = follow::open_matcher(&app.store, app.settings.matching, &folder).await;
            app.matcher = Arc::new(opened.map_err(OpenError::Index)?);
            follow::open_recordings(&app.store, &app.matcher).await?;
        }
        calibrate::learn_videos(&app).await?;
        follow::catch_up(&app).await?;
        Ok(app)
    }

    /// Opens without reading the banks, now or later: for commands that look nothing up.
    pub fn open_for_upkeep(parts: Parts) -> Result<Self, OpenError> {
        let webhook = match &parts.settings.webhook {
            Some(settings) => Some(Arc::new(Webhook::new(settings.clone())?)),
            None => None,
        };
        let mailer = match &parts.settings.mail {
            Some(settings) => Some(Arc::new(Mailer::new(settings)?)),
            None => None,
        };
        let provider = match &parts.settings.provider {
            Some(settings) => Some(Arc::new(Provider::new(settings.clone())?)),
            None => None,
        };
        let probe = match &parts.settings.rechecks.how {
            HowRechecked::Probe(settings) => Some(Arc::new(Probe::new(settings.clone())?)),
            HowRechecked::Not | HowRechecked::Ask => None,
        };
        Ok(Self {
            store: parts.store,
            clock: parts.clock,
            chance: parts.chance,
            media: parts.media,
            av: parts.av,
            matcher: Arc::new(Matcher::in_memory(parts.settings.matching)),
            webhook,
            mailer,
            probe,
            provider,
            settings: Arc::new(parts.settings),
            streams: Arc::default(),
            scans: Scans::default(),
            judge: Arc::default(),
            bells: Arc::default(),
            hma: Arc::default(),
            remembered: Arc::default(),
            searched: Arc::default(),
            follows_banks: false,
            sample: Arc::default(),
        })
    }

    /// Nothing, if the store answers and all that is banked is matched against.
    pub async fn ready(&self) -> Result<(), NotReady> {
        follow::catch_up(self).await?;
        Ok(())
    }
}
