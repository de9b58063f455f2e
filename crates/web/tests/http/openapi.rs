//! The document and its page, as they are served.

use axum::http::StatusCode;

use crate::world::World;

#[tokio::test]
async fn the_document_is_served_and_its_page_is_quiet() {
    let world = World::new().await;
    let document = world.get("", "/api/openapi.json").await;
    assert_eq!((document.status, document.body), (StatusCode::OK, web::openapi_json()));

    let page = world.get("", "/api/docs").await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(
        page.header("content-security-policy"),
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    assert!(
        world
            .get("", "/api/docs.css")
            .await
            .header("content-type")
            .starts_with("text/css")
    );
}

#[tokio::test]
async fn the_type_of_a_problem_leads_to_its_meaning() {
    let world = World::new().await;
    let kind = world.get("", "/api/v1/items").await.text("type");
    assert_eq!(
        world.get("", &kind).await.header("location"),
        "/api/docs#problem-unauthenticated"
    );
    assert_eq!(world.get("", "/problems/none").await.problem(), "404 unknown-path");
}
