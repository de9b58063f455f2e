//! Forms with files, read part by part: a video or a sound goes to a temporary file as it comes, never wholly into memory; all else is held in
//! memory, whose size is limited for all requests together.
//!
//! [`stream_form`] keeps a client to the same pace as `body.rs` does; [`Form`] is what handlers read.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes};
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, Multipart, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use bytes::BytesMut;
use futures_util::stream;
use http_body_util::BodyExt;
use moderation::flows::files::{FileContent, Spool};
use moderation::media::av::is_av;
use tokio::time::{Instant, timeout_at};

use crate::body::{NoMemory, Share, TOO_MUCH_AT_ONCE, deadline};
use crate::extract::content_type;
use crate::layers;
use crate::problem::ApiError;
use crate::settings::WebLimits;
use crate::state::WebState;

/// So many bytes tell whether a file is a video or a sound.
const SNIFF_BYTES: usize = 512;
/// Most parts of one form.
const PARTS_MAX: usize = 1_000;

/// Why the body of a form ended early, for the handler that reads it.
#[derive(Debug, Clone, Default)]
struct Failure(Arc<Mutex<Option<Ended>>>);

#[derive(Debug, Clone, Copy)]
enum Ended {
    Slow,
    TooLarge { bytes_max: usize },
    Broken,
}

impl Failure {
    fn set(&self, ended: Ended) -> std::io::Error {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(ended);
        std::io::Error::other("the body ended early")
    }

    fn get(&self) -> Option<Ended> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was wrong with a form: its body, or else the form itself.
    fn explain(&self, error: &MultipartError) -> ApiError {
        match self.get() {
            Some(Ended::Slow) => ApiError::SlowBody,
            Some(Ended::TooLarge { bytes_max }) => ApiError::TooLarge { bytes_max },
            Some(Ended::Broken) => ApiError::Malformed {
                what: "The body broke off or is not framed as HTTP says.".to_owned(),
            },
            None => ApiError::Malformed {
                what: format!("The form cannot be read: {error}."),
            },
        }
    }
}

/// Lets a form with files come piece by piece, in the time that an upload has; reads any other body whole.
pub(crate) async fn stream_form(State(state): State<WebState>, request: Request, next: Next) -> Response {
    let limits = state.settings.limits.clone();
    if content_type(request.headers()).as_deref() != Some("multipart/form-data") {
        let time_max = limits.request_time_max;
        // The time runs from when the body is here.
        let bytes_max = limits.body_bytes_max;
        return layers::hold_body_then(state, request, bytes_max, |request| {
            layers::limit_time(time_max, next.run(request))
        })
        .await;
    }
    let time_max = limits.upload_time_max;
    let failure = Failure::default();
    let (mut parts, body) = request.into_parts();
    let body = paced(body, limits, failure.clone());
    parts.extensions.insert(failure.clone());
    let mut response = layers::limit_time(time_max, next.run(Request::from_parts(parts, body))).await;
    if failure.get().is_some() {
        // The rest of the body is not read, so the connection cannot carry another request.
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The same body, which ends with an error when it comes too slowly or is too large.
fn paced(body: Body, limits: WebLimits, failure: Failure) -> Body {
    let limits = WebLimits {
        body_time_max: limits.upload_time_max,
        ..limits
    };
    let start = Instant::now();
    let pieces = stream::unfold((body, 0_usize), move |(mut body, n_received)| {
        let (limits, failure) = (limits.clone(), failure.clone());
        async move {
            let bytes_max = limits.upload_bytes_max;
            loop {
                let ended = match timeout_at(deadline(start, n_received, &limits), body.frame()).await {
                    Err(_) => Ended::Slow,
                    Ok(None) => return None,
                    Ok(Some(Err(_))) => Ended::Broken,
                    Ok(Some(Ok(frame))) => match frame.into_data() {
                        Err(_) => continue,
                        Ok(data) if n_received + data.len() > bytes_max => Ended::TooLarge { bytes_max },
                        Ok(data) => {
                            let n_received = n_received + data.len();
                            return Some((Ok(data), (body, n_received)));
                        }
                    },
                };
                return Some((Err(failure.set(ended)), (Body::empty(), n_received)));
            }
        }
    });
    Body::from_stream(pieces)
}

/// A form that is read part by part.
pub(crate) struct Form<'a> {
    state: &'a WebState,
    form: Multipart,
    failure: Failure,
    n_parts: usize,
}

/// A part of a form.
pub(crate) struct Part<'a> {
    state: &'a WebState,
    field: Field<'a>,
    failure: Failure,
}

impl<'a> Form<'a> {
    pub async fn of(state: &'a WebState, request: Request) -> Result<Self, ApiError> {
        let failure = request.extensions().get::<Failure>().cloned().unwrap_or_default();
        let form = Multipart::from_request(request, state)
            .await
            .map_err(|error| ApiError::Malformed {
                what: format!("The form cannot be read: {error}."),
            })?;
        Ok(Self {
            state,
            form,
            failure,
            n_parts: 0,
        })
    }

    /// The next part. It has to be read before the one after it.
    pub async fn next(&mut self) -> Result<Option<Part<'_>>, ApiError> {
        self.n_parts += 1;
        if self.n_parts > PARTS_MAX {
            return Err(ApiError::invalid("body", format!("has more than {PARTS_MAX} parts")));
        }
        let failure = self.failure.clone();
        let field = self.form.next_field().await.map_err(|error| failure.explain(&error))?;
        Ok(field.map(|field| Part {
            state: self.state,
            field,
            failure,
        }))
    }
}

impl Part<'_> {
    pub fn name(&self) -> String {
        self.field.name().unwrap_or_default().to_owned()
    }

    /// The file's own name; none if it has none or an empty one.
    pub fn file_name(&self) -> Option<String> {
        self.field.file_name().map(str::to_owned)
    }

    async fn piece(&mut self) -> Result<Option<Bytes>, ApiError> {
        let piece = self.field.chunk().await;
        piece.map_err(|error| self.failure.explain(&error))
    }

    /// The part whole, in memory, of at most so many bytes.
    pub async fn bytes(mut self, bytes_max: usize) -> Result<(Bytes, Share), ApiError> {
        let (mut held, mut share) = (BytesMut::new(), Share::default());
        self.hold(&mut held, &mut share, bytes_max).await?;
        Ok((held.freeze(), share))
    }

    /// The part as a file, of a video or a sound in a temporary file; and the share of memory or disk that it takes until that is dropped.
    pub async fn file(mut self) -> Result<(FileContent, Share), ApiError> {
        let mut held = BytesMut::new();
        while held.len() < SNIFF_BYTES
            && let Some(piece) = self.piece().await?
        {
            held.extend_from_slice(&piece);
        }
        if is_av(&held) {
            return self.spool(held.freeze()).await;
        }
        let mut share = Share::default();
        self.hold(&mut held, &mut share, self.state.settings.limits.body_bytes_max)
            .await?;
        Ok((FileContent::Bytes(held.freeze()), share))
    }

    /// Holds what comes besides what is held already.
    async fn hold(&mut self, held: &mut BytesMut, share: &mut Share, bytes_max: usize) -> Result<(), ApiError> {
        loop {
            if held.len() > bytes_max {
                return Err(ApiError::TooLarge { bytes_max });
            }
            share
                .grow_to(held.len(), &self.state.shared.memory)
                .map_err(|NoMemory| TOO_MUCH_AT_ONCE)?;
            match self.piece().await? {
                Some(piece) => held.extend_from_slice(&piece),
                None => return Ok(()),
            }
        }
    }

    async fn spool(mut self, first: Bytes) -> Result<(FileContent, Share), ApiError> {
        let folder = self.state.app.settings.recordings.spool_folder.clone();
        let mut spool = Spool::begin(folder.as_deref()).map_err(|error| no_disk(&error))?;
        let (mut share, mut n_bytes) = (Share::default(), 0);
        let mut piece = Some(first);
        while let Some(bytes) = piece {
            n_bytes += bytes.len();
            share
                .grow_to(n_bytes, &self.state.shared.disk)
                .map_err(|NoMemory| TOO_MUCH_AT_ONCE)?;
            spool.write(bytes).await.map_err(|error| no_disk(&error))?;
            piece = self.piece().await?;
        }
        let file = spool.finish().map_err(|error| no_disk(&error))?;
        Ok((FileContent::Spooled(file), share))
    }
}

/// The operator is told what is wrong with the folder; the client, that it may try again.
fn no_disk(error: &std::io::Error) -> ApiError {
    tracing::error!(
        error = error as &dyn std::error::Error,
        "cannot write a temporary file: see video.spool_dir"
    );
    ApiError::Busy {
        what: "There is no room for a large file just now.",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn limits() -> WebLimits {
        WebLimits {
            body_idle_max: Duration::from_secs(10),
            body_rate_min: 1_000,
            body_time_max: Duration::from_secs(60),
            upload_time_max: Duration::from_secs(3_600),
            upload_bytes_max: 1 << 20,
            ..WebLimits::default()
        }
    }

    /// What is left of a body of `n` pieces of `size` bytes with a pause before each, and why it ended.
    async fn read(n: usize, size: usize, pause_s: u64) -> (Option<usize>, Option<Ended>) {
        let pieces = stream::unfold(0, move |at| async move {
            if at == n {
                return None;
            }
            tokio::time::sleep(Duration::from_secs(pause_s)).await;
            Some((Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; size])), at + 1))
        });
        let failure = Failure::default();
        let body = paced(Body::from_stream(pieces), limits(), failure.clone());
        let whole = body.collect().await.ok().map(|whole| whole.to_bytes().len());
        (whole, failure.get())
    }

    #[tokio::test(start_paused = true)]
    async fn a_form_has_more_time_than_other_bodies_and_no_more_patience() {
        assert!(
            matches!(read(200, 2_000, 1).await, (Some(400_000), None)),
            "for 200 seconds"
        );
        assert!(matches!(read(2, 2_000, 11).await, (None, Some(Ended::Slow))), "silence");
        assert!(
            matches!(read(200, 100, 1).await, (None, Some(Ended::Slow))),
            "a trickle"
        );
        assert!(matches!(
            read(200, 6_000, 1).await,
            (None, Some(Ended::TooLarge { .. }))
        ));
    }
}
