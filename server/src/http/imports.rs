//! Where the form of the page `/statistics/imports` posts to: an access log, kept on disk as it comes.

use axum::Router;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request, State};
use axum::response::Response;
use axum::routing::post;
use callsheet::model::{Actor, Problem, ProblemDetails, ProblemKind, problem};
use callsheet::stats::access_log::Tail;
use callsheet::stats::{AccessLog, Imported, StatsError};
use callsheet_app::imports::{self, Visitor};
use callsheet_app::{Texts, UiError};

use super::AppState;
use crate::uploads::{Upload, UploadError};

/// Of a field that is typed or chosen, bytes.
const TEXT_LIMIT: usize = 1_000;
/// Of a file's name, characters.
const NAME_LIMIT: usize = 200;

pub(super) fn routes() -> Router<AppState> {
    // The file is counted while it is kept, all else is short.
    Router::new().route(imports::PATH, post(take_in).layer(DefaultBodyLimit::disable()))
}

/// Why a form cannot be read.
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

/// It broke off within the form.
fn broken(error: MultipartError) -> FormError {
    UploadError::Broken(Box::new(error)).into()
}

/// What the form holds. A text is empty where it is not given.
#[derive(Default)]
struct Form {
    format: String,
    domain: String,
    /// With its name.
    file: Option<(String, Upload)>,
}

async fn take_in(State(app): State<AppState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let visitor = Visitor::of(&parts, app.console.shown.base);
    let Some(actor) = parts.extensions.get::<Actor>().cloned() else { return visitor.sign_in() };
    let (texts, mut form) = (visitor.texts, Form::default());
    let outcome = match receive(&app, &actor, Request::from_parts(parts, body), texts, &mut form).await {
        Ok((name, upload)) => import(&app, &actor, &form, &name, upload).await.map_err(|e| UiError::of(texts, &e)),
        Err(error) => Err(error),
    };
    visitor.answer(&form.format, &form.domain, outcome).await
}

/// Reads the form; what was typed stays in it, whatever becomes of the file.
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

/// Without folders, which some browsers send.
fn file_name(sent: &str) -> String {
    sent.rsplit(['/', '\\']).next().unwrap_or_default().chars().take(NAME_LIMIT).collect()
}

async fn import(
    app: &AppState,
    actor: &Actor,
    form: &Form,
    name: &str,
    upload: Upload,
) -> Result<(String, Imported), StatsError> {
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
    fn folders_are_no_part_of_a_name() {
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
