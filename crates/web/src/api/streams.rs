//! Live streams: opened, sent piece by piece, closed; and what is known of them. What was found is told by `stream_events.rs`.

use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use moderation::flows::streams::{self as flow, PIECE_BYTES_MAX, PIECE_FRAMES_MAX, Pcm, StreamError, StreamInput};
use moderation::media::ScanError;
use moderation::model::{NewStream, Stream, StreamId, TranscriptLine};
use moderation::signal::pdq::PdqSignal;
use moderation::signal::video::Frame;
use moderation::views;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::banks::{CreatedJson, CreatedResponse, created_response};
use super::media::{TranscriptLineInput, at_most_if_present, present, read_transcript};
use super::pages::Rows;
use super::words::{Audience, StreamState, bounded_option};
use crate::extract::{Caller, JsonBody, Object, PathId, QueryParams, content_type, parse_json, whole_body};
use crate::problem::ApiError;
use crate::state::WebState;
use crate::streams::{Place, Turn};

/// Longest time that a piece waits for those before it to be looked at.
const BEHIND_MAX: Duration = Duration::from_secs(20);

/// A live stream.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Stream)]
pub(crate) struct StreamJson {
    /// Its id here.
    #[schema(example = "stream_01kagy2s3q4v5w6x7y8z9a0b1c")]
    pub id: String,
    /// The platform's own name for it, and of the item that it becomes when something is found in it.
    pub item: String,
    /// Who streams.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub account: Option<String>,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub channel: Option<String>,
    /// Who can see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub audience: Option<Audience>,
    /// Where it stands on the platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub url: Option<String>,
    /// Whether it goes on. What comes after it was `interrupted` was looked at by nobody: open it anew.
    pub state: StreamState,
    /// Why it is over: a stable word such as `ended`, `idle` or `stopped`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<String>,
    /// When it was opened.
    #[schema(format = DateTime)]
    pub opened_at: String,
    /// When something last came of it.
    #[schema(format = DateTime)]
    pub seen_at: String,
    /// When it was over.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub closed_at: Option<String>,
    /// How far it was looked at, in milliseconds of its own time.
    pub at_ms: u32,
    /// Bytes that came.
    pub bytes: u64,
}

/// A stream to be followed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewStream, example = json!({"item": "live-7", "account": "user-7", "audience": "public"}))]
pub(crate) struct NewStreamJson {
    /// The platform's own name for it. The orders that come back name it so.
    #[schema(
        min_length = 1,
        max_length = 256,
        pattern = r"^[^\s\x00-\x1f\x7f-\x9f]([^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f])?$"
    )]
    item: String,
    /// Who streams, by the platform's own name.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, max_length = 2000, pattern = r"^[^\x00]*$")]
    account: Option<String>,
    /// Where, by the platform's own name.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, max_length = 2000, pattern = r"^[^\x00]*$")]
    channel: Option<String>,
    /// Who can see it.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    audience: Option<Audience>,
    /// Where it stands on the platform. Shown to moderators as text; never fetched.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, max_length = 2000, pattern = r"^[^\x00]*$")]
    url: Option<String>,
    /// What comes of it: its bytes, or frames that the platform hashes itself.
    #[serde(default)]
    #[schema(required = false)]
    input: StreamInputJson,
}

/// What comes of a stream.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = StreamInput)]
pub(crate) enum StreamInputJson {
    /// MPEG-TS or fragmented MP4.
    #[default]
    Bytes,
    /// PDQ hashes of frames, and PCM beside them.
    Frames,
}

/// Frames that the platform hashed itself, what is said in the stream, or both.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StreamFrames, min_properties = 1)]
pub(crate) struct FramesJson {
    /// In the order of the stream. Only of one that was opened for frames.
    #[serde(default, deserialize_with = "at_most_if_present::<_, _, PIECE_FRAMES_MAX>")]
    #[schema(value_type = Vec<StreamFrameJson>, required = false, nullable = false, min_items = 1, max_items = 1000)]
    frames: Option<Vec<Object<StreamFrameJson>>>,
    /// What is said in any stream, if the platform writes that down: for reviewers, and for rules. Lines of a piece are in the order of time; a piece may come late.
    #[serde(
        default,
        deserialize_with = "at_most_if_present::<_, _, { TranscriptLine::LINES_MAX }>"
    )]
    #[schema(value_type = Vec<TranscriptLineInput>, required = false, nullable = false, min_items = 1, max_items = 2000)]
    transcript: Option<Vec<Object<TranscriptLineInput>>>,
}

/// A frame that the platform hashed itself.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StreamFrame)]
pub(crate) struct StreamFrameJson {
    /// When it is shown, in milliseconds of the stream's own time.
    at_ms: u32,
    /// Its PDQ hash in hexadecimal.
    #[schema(pattern = "^[0-9a-fA-F]{64}$")]
    pdq: String,
    /// 0 to 100, how much structure it had.
    #[schema(minimum = 0, maximum = 100)]
    quality: u8,
}

/// What became of a piece.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StreamPiece)]
pub(crate) struct PieceJson {
    /// It was taken before; nothing was done. Absent when it is new.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    repeated: bool,
}

impl From<Stream> for StreamJson {
    fn from(stream: Stream) -> Self {
        Self {
            id: stream.id.to_string(),
            item: stream.item.to_string(),
            account: stream.account,
            channel: stream.channel,
            audience: stream.audience.map(Audience::from),
            url: stream.url,
            state: stream.state.into(),
            reason: stream.reason,
            opened_at: stream.opened_at.to_string(),
            seen_at: stream.seen_at.to_string(),
            closed_at: stream.closed_at.map(|at| at.to_string()),
            at_ms: stream.at_ms,
            bytes: stream.n_bytes,
        }
    }
}

/// Open a stream
///
/// From then on send its pieces, in order. A stream of the same item that is open already is answered with; nothing is opened twice.
#[utoipa::path(
    post, path = "/api/v1/streams", tag = "Streams", operation_id = "open_stream",
    request_body = NewStreamJson,
    responses(
        (status = 201, description = "The stream was opened.", body = CreatedJson, headers(("Location" = String, description = "Where it is."))),
        (status = 200, description = "It is open already.", body = CreatedJson, headers(("Location" = String, description = "Where it is."))),
    ),
)]
pub(crate) async fn open_stream(
    State(state): State<WebState>,
    caller: Caller,
    JsonBody { value, .. }: JsonBody<NewStreamJson>,
) -> Result<CreatedResponse, ApiError> {
    let item = value.item.parse();
    let new = NewStream {
        item: item.map_err(|error| ApiError::invalid("item", format!("cannot be taken: {error}")))?,
        account: bounded_option("account", value.account, TEXT_LENGTH_MAX)?,
        channel: bounded_option("channel", value.channel, TEXT_LENGTH_MAX)?,
        audience: value.audience.map(Into::into),
        url: bounded_option("url", value.url, TEXT_LENGTH_MAX)?,
    };
    let input = match value.input {
        StreamInputJson::Bytes => StreamInput::Bytes,
        StreamInputJson::Frames => StreamInput::Frames,
    };
    let opened = flow::open_stream(&state.app, &caller.actor, new, input).await?;
    Ok(created_response(opened, "streams"))
}

/// Most characters of an account, a channel or an address.
const TEXT_LENGTH_MAX: usize = moderation::flows::submit::Submission::FIELD_LENGTH_MAX;

/// List streams
///
/// The last opened first.
#[utoipa::path(
    get, path = "/api/v1/streams", tag = "Streams", operation_id = "list_streams",
    params(
        ("state" = Option<StreamState>, Query, description = "Only those in this state.", nullable = false),
        ("limit" = Option<u32>, Query, description = "Most rows of the page.", minimum = 1, maximum = 200, nullable = false),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before.", nullable = false,
            pattern = "^stream_[0-7][0-9a-hjkmnp-tv-z]{25}$"),
    ),
    responses((status = 200, description = "A page of streams.", body = Rows<StreamJson>)),
)]
pub(crate) async fn list_streams(
    State(state): State<WebState>,
    caller: Caller,
    mut query: QueryParams,
) -> Result<Json<Rows<StreamJson>>, ApiError> {
    let page = query.take_page()?;
    let in_state = query.take("state")?;
    query.finish()?;
    let rows = views::list_streams(&state.app, &caller.actor, in_state, &page).await?;
    Ok(Json(Rows::of(rows, StreamJson::from)))
}

/// Get a stream
#[utoipa::path(
    get, path = "/api/v1/streams/{stream}", tag = "Streams", operation_id = "get_stream",
    params(("stream" = String, Path, description = "The stream's id.", pattern = "^stream_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses((status = 200, description = "The stream.", body = StreamJson)),
)]
pub(crate) async fn get_stream(
    State(state): State<WebState>,
    caller: Caller,
    PathId(id): PathId<StreamId>,
) -> Result<Json<StreamJson>, ApiError> {
    let stream = views::stream(&state.app, &caller.actor, id).await?;
    Ok(Json(stream.ok_or(ApiError::NotFound { thing: "stream" })?.into()))
}

/// Send the next piece of a stream
///
/// MPEG-TS or fragmented MP4 as it comes, cut anywhere, one piece after the other; or, of a stream that was opened for frames, their hashes as JSON, and its sound as `audio/L16`
/// (RFC 2586: 16 bits, the high byte first; `rate` and `channels` are parameters of the type, one channel if nothing is said), a minute at most, with `at_ms`. Of any stream what is said
/// in it may come as JSON with a `transcript`, as soon as it is written down; a line that came before is passed over. With a
/// `sequence` number that grows from piece to piece a retry does no harm: what was taken is not taken twice. A piece that was not taken before later ones were is
/// missing in the stream for good: the answer is 409. An answer says that the piece was
/// taken, not what was found in it: that is told by the events and the webhook. When pieces come faster than they can be looked at, the answer is 429 or 503.
#[utoipa::path(
    post, path = "/api/v1/streams/{stream}/segments", tag = "Streams", operation_id = "push_segment",
    params(
        ("stream" = String, Path, description = "The stream's id.", pattern = "^stream_[0-7][0-9a-hjkmnp-tv-z]{25}$"),
        ("sequence" = Option<u64>, Query, description = "Which piece this is; later ones have greater numbers.", nullable = false),
        ("at_ms" = Option<u32>, Query, description = "Of sound, when its first sample is heard, in milliseconds of the stream's own time. A gap of ten seconds at most is silence, after a longer one what is heard begins anew; what was heard before is passed over.",
            nullable = false),
    ),
    request_body(content((FramesJson = "application/json"), (Vec<u8> = "video/mp2t"), (Vec<u8> = "video/mp4"), (Vec<u8> = "audio/L16"), (Vec<u8> = "application/octet-stream"))),
    responses((status = 200, description = "It was taken.", body = PieceJson)),
)]
pub(crate) async fn push_segment(
    State(state): State<WebState>,
    caller: Caller,
    PathId(id): PathId<StreamId>,
    mut query: QueryParams,
    request: Request,
) -> Result<Json<PieceJson>, ApiError> {
    let sequence: Option<u64> = query.take("sequence")?;
    let at_ms: Option<u32> = query.take("at_ms")?;
    query.finish()?;
    let kind = content_type(request.headers());
    let format = pcm_format(request.headers());
    let body = whole_body(request, &state).await?;
    // The flow checks this again; here it keeps others from learning which pieces came.
    caller.actor.require(moderation::model::Right::SubmitItems)?;
    let Some(mut turn) = state.shared.sequences.turn(id) else {
        return Err(ApiError::RateLimited {
            retry_after: Duration::from_secs(1),
        });
    };
    match turn.place(sequence) {
        Place::Next => {}
        Place::Taken => return Ok(Json(PieceJson { repeated: true })),
        Place::Missed => {
            return Err(ApiError::Conflict {
                what: "The piece came too late: later ones were taken before it.",
                remedy: "Go on with the next piece. Send each only once the one before it was taken.",
            });
        }
    }
    let pushed = async {
        match kind.as_deref() {
            Some("application/json") => {
                let (frames, lines) = read_piece(parse_json(&body)?, &turn)?;
                // First: what is shown then is judged with what is said.
                if !lines.is_empty() {
                    flow::push_transcript(&state.app, &caller.actor, id, lines).await?;
                }
                let last_ms = frames.last().map(|frame| frame.at_ms);
                let n_frames = frames.len() as u64;
                if !frames.is_empty() {
                    flow::push_frames(&state.app, &caller.actor, id, frames).await?;
                }
                Ok(last_ms.map(|last_ms| (last_ms, n_frames)))
            }
            Some("video/mp2t" | "video/mp4" | "application/octet-stream") => {
                flow::push_segment(&state.app, &caller.actor, id, body).await?;
                Ok(None)
            }
            Some("audio/l16") => {
                let piece = read_sound(&body, format?, at_ms)?;
                flow::push_sound(&state.app, &caller.actor, id, piece).await?;
                Ok(None)
            }
            Some(_) | None => Err(ApiError::UnsupportedMediaType {
                expected: "video/mp2t, video/mp4, application/octet-stream, audio/L16 or application/json",
            }),
        }
    };
    let pushed = tokio::time::timeout(BEHIND_MAX, pushed).await;
    let seen = pushed.map_err(|_| ApiError::Busy {
        what: "The stream comes faster than it can be looked at.",
    })??;
    if let Some((last_ms, n_frames)) = seen {
        turn.saw(last_ms, n_frames);
    }
    turn.taken(sequence);
    Ok(Json(PieceJson { repeated: false }))
}

/// Samples a second and channels, as the type of the body says.
fn pcm_format(headers: &HeaderMap) -> Result<(u32, u16), ApiError> {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let (mut rate, mut channels) = (None, Ok(1));
    for parameter in value.unwrap_or_default().split(';').skip(1) {
        let Some((name, value)) = parameter.split_once('=') else {
            continue;
        };
        let value = value.trim().trim_matches('"');
        match name.trim().to_ascii_lowercase().as_str() {
            "rate" => rate = value.parse().ok(),
            "channels" => channels = value.parse(),
            _ => {}
        }
    }
    let rate = rate.ok_or_else(|| ApiError::invalid("rate", "is a parameter of the type: audio/L16;rate=16000"))?;
    let channels = channels.map_err(|_| ApiError::invalid("channels", "is a whole number"))?;
    Ok((rate, channels))
}

fn read_sound(body: &[u8], (rate, channels): (u32, u16), at_ms: Option<u32>) -> Result<Pcm, ApiError> {
    let at_ms = at_ms.ok_or_else(|| ApiError::invalid("at_ms", "is missing: when is the first sample heard?"))?;
    let (samples, rest) = body.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(ApiError::invalid("sound", "breaks off in the middle of a sample"));
    }
    Ok(Pcm {
        at_ms,
        rate,
        channels,
        samples: samples.iter().map(|bytes| i16::from_be_bytes(*bytes)).collect(),
    })
}

fn read_piece(input: FramesJson, turn: &Turn) -> Result<(Vec<Frame>, Vec<TranscriptLine>), ApiError> {
    let is_empty = input.frames.as_ref().is_some_and(Vec::is_empty);
    if is_empty || (input.frames.is_none() && input.transcript.is_none()) {
        return Err(ApiError::invalid("frames", "is empty"));
    }
    if input.transcript.as_ref().is_some_and(Vec::is_empty) {
        return Err(ApiError::invalid("transcript", "is empty"));
    }
    let frames = read_frames(input.frames.unwrap_or_default(), turn)?;
    Ok((frames, read_transcript(input.transcript.unwrap_or_default())))
}

fn read_frames(input: Vec<Object<StreamFrameJson>>, turn: &Turn) -> Result<Vec<Frame>, ApiError> {
    let mut latest_ms = turn.latest_ms();
    let mut frames = Vec::with_capacity(input.len());
    for (idx, Object(frame)) in input.into_iter().enumerate() {
        let wrong = |part: &str, what: String| Err(ApiError::invalid(format!("frames[{idx}].{part}"), what));
        let hash = match frame.pdq.parse() {
            Ok(hash) => hash,
            Err(error) => return wrong("pdq", format!("cannot be read: {error}")),
        };
        if frame.quality > 100 {
            return wrong("quality", "is a number from 0 to 100".to_owned());
        }
        if frame.at_ms < latest_ms {
            return wrong("at_ms", "lies before the frame before it".to_owned());
        }
        latest_ms = frame.at_ms;
        frames.push(Frame {
            at_ms: frame.at_ms,
            number: turn.n_frames() + idx as u64,
            is_scene: false,
            is_vpdq: true,
            pdq: PdqSignal {
                hash,
                quality: frame.quality,
            },
            glimpse: None,
        });
    }
    Ok(frames)
}

/// Close a stream
///
/// No more will come. What came is still looked at. Closing it twice changes nothing.
#[utoipa::path(
    post, path = "/api/v1/streams/{stream}/close", tag = "Streams", operation_id = "close_stream",
    params(("stream" = String, Path, description = "The stream's id.", pattern = "^stream_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses((status = 204, description = "No more is expected.")),
)]
pub(crate) async fn close_stream(
    State(state): State<WebState>,
    caller: Caller,
    PathId(id): PathId<StreamId>,
) -> Result<StatusCode, ApiError> {
    flow::close_stream(&state.app, &caller.actor, id).await?;
    state.shared.sequences.forget(id);
    Ok(StatusCode::NO_CONTENT)
}

/// The largest piece, for the layer that holds it.
pub(crate) const BYTES_MAX: usize = PIECE_BYTES_MAX;

impl From<StreamError> for ApiError {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Denied(denied) => ApiError::Denied(denied),
            StreamError::NotOpen => ApiError::NotFound { thing: "open stream" },
            StreamError::Elsewhere => ApiError::Conflict {
                what: "Another server follows the stream.",
                remedy: "Close it at the server that its pieces go to.",
            },
            StreamError::Invalid { field, what } => ApiError::invalid(field, what),
            StreamError::TooFast { .. } => ApiError::RateLimited {
                retry_after: Duration::from_secs(1),
            },
            StreamError::TooMany { .. } => ApiError::Busy {
                what: "As many streams are open as the operator allows.",
            },
            StreamError::Undecodable(error @ ScanError::AvUnavailable { .. }) => ApiError::Unscannable(error),
            StreamError::Undecodable(error) if error.is_about_the_file() => ApiError::Unscannable(error),
            StreamError::Undecodable(_) => ApiError::Busy {
                what: "No worker is free for a stream just now.",
            },
            StreamError::NotJudged(error) => (*error).into(),
            StreamError::Store(error) => ApiError::Store(error),
        }
    }
}
