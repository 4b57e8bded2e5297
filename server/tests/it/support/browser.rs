//! A browser without script: it follows links, and shows the page that answers a form.

use callsheet::model::{Actor, Role};
use reqwest::{Client, Response, header};

use super::TestConsole;

/// Somebody's browser, signed in.
pub(crate) struct Browser {
    client: Client,
    origin: String,
}

/// What it shows.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) status: u16,
    /// Path and query.
    pub(crate) address: String,
    /// Without the marks that the pages' framework leaves between texts.
    pub(crate) html: String,
}

impl Browser {
    /// Creates a user of this role and signs in.
    pub(crate) async fn of(console: &TestConsole, role: Role) -> Self {
        let (name, password) = (role.as_str(), "correct horse");
        console.console.accounts.create_user(&Actor::cli(), name, role, password).await.expect("a user");
        let client = Client::builder().cookie_store(true).build().expect("a client");
        let browser = Self { client, origin: console.url("") };
        let sign_in = console.function("sign_in");
        let shown = browser.submit("/login", &sign_in, &[("name", name), ("password", password), ("next", "")]).await;
        assert_eq!(shown.address, "/", "signed in");
        browser
    }

    pub(crate) async fn open(&self, path: &str) -> Shown {
        let request = self.client.get(format!("{}{path}", self.origin)).header(header::ACCEPT, "text/html");
        self.shown(request.send().await.expect("an answer")).await
    }

    /// Sends a form of `page`.
    pub(crate) async fn submit(&self, page: &str, action: &str, fields: &[(&str, &str)]) -> Shown {
        let request = self.client.post(format!("{}{action}", self.origin)).header(header::ACCEPT, "text/html");
        let request = request.header(header::REFERER, format!("{}{page}", self.origin)).form(fields);
        self.shown(request.send().await.expect("an answer")).await
    }

    /// Calls a server function as a script does, and returns the body of the response.
    pub(crate) async fn call(&self, action: &str, fields: &[(&str, &str)]) -> String {
        let request = self.client.post(format!("{}{action}", self.origin)).header(header::ACCEPT, "application/json");
        request.form(fields).send().await.expect("an answer").text().await.expect("text")
    }

    /// Sends a form with a file in it, as `multipart/form-data`.
    pub(crate) async fn upload(&self, action: &str, body: Vec<u8>) -> Shown {
        let request = self.client.post(format!("{}{action}", self.origin)).header(header::ACCEPT, "text/html");
        let request = request.header(header::CONTENT_TYPE, "multipart/form-data; boundary=cut").body(body);
        self.shown(request.send().await.expect("an answer")).await
    }

    /// The same, sent by a page of another origin.
    pub(crate) async fn upload_from(&self, origin: &str, action: &str, body: Vec<u8>) -> Response {
        let request = self.client.post(format!("{}{action}", self.origin)).header(header::ORIGIN, origin);
        let request = request.header(header::CONTENT_TYPE, "multipart/form-data; boundary=cut").body(body);
        request.send().await.expect("an answer")
    }

    pub(crate) async fn shown(&self, answer: Response) -> Shown {
        let status = answer.status().as_u16();
        let address = answer.url().as_str().strip_prefix(&self.origin).expect("a page of the console").to_owned();
        let html = without_markers(&answer.text().await.expect("text")).replace('\u{a0}', " ");
        Shown { status, address, html }
    }
}

impl Shown {
    /// Whether all of these texts stand in the page.
    #[track_caller]
    pub(crate) fn says(&self, texts: &[&str]) {
        for text in texts {
            assert!(self.html.contains(text), "{text} is not in {}: {}", self.address, self.html);
        }
    }
}

/// A page without the marks that its framework leaves between views. Browsers do not show them either, except in titles and text areas.
#[track_caller]
pub(crate) fn without_markers(html: &str) -> String {
    for element in ["title", "textarea"] {
        assert!(!html.contains(&format!("<!></{element}>")), "a marker is shown in {element}: {html}");
    }
    html.replace("<!>", "")
}

/// A multipart body with text fields and a file, cut at `cut`.
pub(crate) fn multipart(texts: &[(&str, &str)], file: Option<(&str, &[u8])>) -> Vec<u8> {
    let mut body = Vec::new();
    if let Some((name, content)) = file {
        let head = format!(
            "--cut\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\ncontent-type: text/plain\r\n\r\n"
        );
        body.extend([head.as_bytes(), content, b"\r\n"].concat());
    }
    for (name, text) in texts {
        let part = format!("--cut\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n");
        body.extend(part.as_bytes());
    }
    body.extend(b"--cut--\r\n");
    body
}
