//! Receives the upload form of `/statistics/imports`. The access log is streamed to disk before it is imported.

use axum::Router;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request, State};
use axum::response::Response;
use axum::routing::post;
use callsheet::model::{Actor, Problem, ProblemDetails, ProblemKind, problem};
use callsheet::stats::access_log::Tail;
use callsheet::stats::{AccessLog, ImportResult, StatsError};
use callsheet_app::imports::{self, UploadForm};
use callsheet_app::{Texts, UiError};

use super::AppState;
use crate::uploads::{Upload, UploadError};

/// Maximum length of a text field in bytes.
const TEXT_LIMIT: usize = 1_000;
/// Maximum length of a file name in characters.
const NAME_LIMIT: usize = 200;

pub(super) fn routes() -> Router<AppState> {
    // Files are limited while they are received, text fields by `TEXT_LIMIT`.
    Router::new().route(imports::PATH, post(upload).layer(DefaultBodyLimit::disable()))
}

/// An error in the form.
#[derive(Debug, thiserror::Error)]
enum FormError {
    #[error("the form contains no file")]
    NoFile,
    #[error("invalid form, or one of its values is too long")]
    NotTheForm,
    #[error(transparent)]
    Upload(#[from] UploadError),
}

impl Problem for FormError {
    fn details(&self) -> ProblemDetails {
        match self {
            Self::NoFile => problem(ProblemKind::Invalid, "upload_no_file").field("file"),
            Self::NotTheForm => problem(ProblemKind::Invalid, "bad_request"),
            Self::Upload(e) => e.details(),
        }
    }
}

/// Converts an error of the form's body.
fn broken(error: MultipartError) -> FormError {
    UploadError::Broken(Box::new(error)).into()
}

/// The fields of the form. Missing text fields are empty.
#[derive(Default)]
struct Form {
    format: String,
    domain: String,
    /// File name and content.
    file: Option<(String, Upload)>,
}

async fn upload(State(app): State<AppState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let upload_form = UploadForm::of(&parts, app.console.shown.base);
    let Some(actor) = parts.extensions.get::<Actor>().cloned() else { return upload_form.login_redirect() };
    let (texts, mut form) = (upload_form.texts, Form::default());
    let outcome = match receive(&app, &actor, Request::from_parts(parts, body), texts, &mut form).await {
        Ok((name, upload)) => import(&app, &actor, &form, &name, upload).await.map_err(|e| UiError::of(texts, &e)),
        Err(error) => Err(error),
    };
    upload_form.respond(&form.format, &form.domain, outcome).await
}

/// Reads the form. Text fields stay in `form` even if the file is refused.
async fn receive(
    app: &AppState,
    actor: &Actor,
    request: Request,
    texts: Texts,
    form: &mut Form,
) -> Result<(String, Upload), UiError> {
    app.console.stats.may_add(actor).map_err(|e| UiError::of(texts, &e))?;
    let read = async {
        let multipart = Multipart::from_request(request, app).await;
        let mut fields = multipart.map_err(|_| FormError::NotTheForm)?;
        while let Some(field) = fields.next_field().await.map_err(broken)? {
            match field.name() {
                Some("format") => form.format = text(field).await?,
                Some("domain") => form.domain = text(field).await?,
                Some("file") if form.file.is_none() => {
                    let name = file_name(field.file_name().unwrap_or_default());
                    form.file = Some((name, Upload::receive(field, &app.data_dir).await?));
                }
                _ => return Err(FormError::NotTheForm),
            }
        }
        form.file.take().filter(|(name, _)| !name.is_empty()).ok_or(FormError::NoFile)
    };
    read.await.map_err(|error| UiError::of(texts, &error))
}

async fn text(mut field: Field<'_>) -> Result<String, FormError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(broken)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > TEXT_LIMIT {
            return Err(FormError::NotTheForm);
        }
    }
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}

/// Returns the file name without folders, which some browsers send.
fn file_name(sent: &str) -> String {
    sent.rsplit(['/', '\\']).next().unwrap_or_default().chars().take(NAME_LIMIT).collect()
}

async fn import(
    app: &AppState,
    actor: &Actor,
    form: &Form,
    name: &str,
    upload: Upload,
) -> Result<(String, ImportResult), StatsError> {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let format = given(&form.format).map(|format| format.parse()).transpose();
    let log = AccessLog {
        name: name.to_owned(),
        format: format.map_err(|_| StatsError::UnknownFormat)?,
        domain: given(&form.domain),
        tail: Tail::Finished,
        open: move || upload.open(),
    };
    let imported = app.console.stats.import(actor, log, |_| ()).await?;
    Ok((name.to_owned(), imported))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_removed_from_a_file_name() {
        for (sent, name) in [
            ("play.log.gz", "play.log.gz"),
            ("C:\\logs\\play.log", "play.log"),
            ("../../etc/passwd", "passwd"),
            ("", ""),
        ] {
            assert_eq!(file_name(sent), name);
        }
        assert_eq!(file_name(&"日".repeat(300)).chars().count(), NAME_LIMIT);
    }
}
