//! The few static files, compiled in. Their names hold a hash of their content, so that a browser may keep them for ever.
//!
//! Start with [`Assets`]. Nothing here knows a page.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

/// A static file.
#[derive(Debug)]
struct Asset {
    url: String,
    content_type: &'static str,
    bytes: Vec<u8>,
}

impl Asset {
    fn new(stem: &str, ending: &str, content_type: &'static str, parts: &[&[u8]]) -> Self {
        let bytes = parts.concat();
        let hash = hex::encode(&Sha256::digest(&bytes)[..8]);
        Self {
            url: format!("/static/{stem}.{hash}.{ending}"),
            content_type,
            bytes,
        }
    }
}

/// All static files.
#[derive(Debug)]
pub struct Assets {
    style: Asset,
    script: Asset,
    icon: Asset,
}

static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets {
    style: Asset::new(
        "console",
        "css",
        "text/css; charset=utf-8",
        &[
            include_bytes!("../../static/base.css"),
            include_bytes!("../../static/parts.css"),
            include_bytes!("../../static/pages.css"),
        ],
    ),
    script: Asset::new(
        "console",
        "js",
        "text/javascript; charset=utf-8",
        &[
            include_bytes!("../../static/console.js"),
            include_bytes!("../../static/palette.js"),
            include_bytes!("../../static/next.js"),
        ],
    ),
    icon: Asset::new(
        "icon",
        "svg",
        "image/svg+xml",
        &[include_bytes!("../../static/icon.svg")],
    ),
});

/// Where the style sheet is.
pub fn style_url() -> &'static str {
    &ASSETS.style.url
}

/// Where the script is.
pub fn script_url() -> &'static str {
    &ASSETS.script.url
}

/// Where the icon is.
pub fn icon_url() -> &'static str {
    &ASSETS.icon.url
}

/// `GET /static/{name}`
pub async fn show_asset(Path(name): Path<String>) -> Response {
    let assets = [&ASSETS.style, &ASSETS.script, &ASSETS.icon];
    match assets
        .into_iter()
        .find(|asset| asset.url.strip_prefix("/static/") == Some(&name))
    {
        Some(asset) => (
            [
                (header::CONTENT_TYPE, asset.content_type),
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            ],
            asset.bytes.clone(),
        )
            .into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_served_under_its_hash_alone() {
        let name = style_url().strip_prefix("/static/").unwrap().to_owned();
        let found = show_asset(Path(name)).await;
        assert_eq!(found.status(), StatusCode::OK);
        assert_eq!(
            found.headers()[header::CACHE_CONTROL],
            "public, max-age=31536000, immutable"
        );
        assert_eq!(
            show_asset(Path("console.css".to_owned())).await.status(),
            StatusCode::NOT_FOUND
        );
        assert_eq!(
            show_asset(Path("../Cargo.toml".to_owned())).await.status(),
            StatusCode::NOT_FOUND
        );
    }

    /// The policy forbids style attributes and inline scripts, so a template that has one is broken.
    #[test]
    fn no_template_needs_what_the_policy_forbids() {
        fn walk(folder: &std::path::Path) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                for forbidden in [
                    " style=",
                    "<style",
                    " onclick=",
                    " onload=",
                    "javascript:",
                    "http://",
                    "https://",
                ] {
                    let allowed = forbidden == "http://" && text.contains("http://www.w3.org/2000/svg");
                    assert!(
                        allowed || !text.contains(forbidden),
                        "`{forbidden}` in {}",
                        path.display()
                    );
                }
                assert_eq!(
                    text.matches("<script").count(),
                    text.matches("<script src=").count(),
                    "{}",
                    path.display()
                );
            }
        }
        walk(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates"));
    }
}
