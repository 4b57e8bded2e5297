//! A browser without script: it keeps cookies, posts forms and follows no redirect by itself.

use leptos::server_fn::axum::server_fn_paths;
use reqwest::redirect::Policy;
use reqwest::{Client, Response};

use crate::support::{TestConsole, without_markers};

pub(crate) struct Browser {
    client: Client,
    origin: String,
}

/// What came of a request.
pub(crate) struct Shown {
    pub(crate) status: u16,
    /// Where a redirect leads.
    pub(crate) to: String,
    /// The header that leads on without a redirect.
    pub(crate) refresh: String,
    /// The session's cookie, where it was set.
    pub(crate) cookie: Option<String>,
    pub(crate) html: String,
}

impl Shown {
    async fn of(response: Response) -> Self {
        let header = |name: &str| response.headers().get(name).map(|value| value.to_str().expect("text").to_owned());
        Self {
            status: response.status().as_u16(),
            to: header("location").unwrap_or_default(),
            refresh: header("refresh").unwrap_or_default(),
            cookie: header("set-cookie").and_then(|line| Some(line.split(';').next()?.to_owned())),
            html: without_markers(&response.text().await.expect("text")),
        }
    }
}

impl Browser {
    pub(crate) fn of(console: &TestConsole) -> Self {
        Self::at(console.url(""))
    }

    /// `origin`: of a console, such as `http://127.0.0.1:3000`.
    pub(crate) fn at(origin: String) -> Self {
        let client = Client::builder().redirect(Policy::none()).cookie_store(true).build().expect("a client");
        Self { client, origin }
    }

    /// One that a proxy says to be at this IP address.
    pub(crate) fn from(origin: String, address: &str) -> Self {
        let address = [("x-forwarded-for".try_into().expect("a name"), address.try_into().expect("an address"))];
        let client = Client::builder().redirect(Policy::none()).cookie_store(true);
        let client = client.default_headers(address.into_iter().collect()).build().expect("a client");
        Self { client, origin }
    }

    /// A page of the console by its path, or a whole address.
    pub(crate) async fn open(&self, page: &str) -> Shown {
        let address = if page.starts_with('/') { format!("{}{page}", self.origin) } else { page.to_owned() };
        let request = self.client.get(address).header("accept", "text/html").header("user-agent", "Firefox/1 Windows");
        Shown::of(request.send().await.expect("an answer")).await
    }

    /// With nothing but this cookie.
    pub(crate) async fn open_with(&self, page: &str, cookie: &str) -> Shown {
        let client = Client::builder().redirect(Policy::none()).build().expect("a client");
        let request =
            client.get(format!("{}{page}", self.origin)).header("accept", "text/html").header("cookie", cookie);
        Shown::of(request.send().await.expect("an answer")).await
    }

    /// Posts the form of a server function from a page.
    pub(crate) async fn post(&self, page: &str, function: &str, fields: &[(&str, &str)]) -> Shown {
        let path = server_fn_paths().find(|(path, _)| path.ends_with(&format!("/{function}"))).expect(function).0;
        let request = self.client.post(format!("{}{path}", self.origin)).form(fields);
        let request = request.header("accept", "text/html").header("referer", format!("{}{page}", self.origin));
        Shown::of(request.header("user-agent", "Firefox/1 Windows").send().await.expect("an answer")).await
    }

    pub(crate) async fn sign_in(&self, name: &str, password: &str) -> Shown {
        self.post("/login", "sign_in", &[("name", name), ("password", password)]).await
    }
}
