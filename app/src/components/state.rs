//! States told by colour and word, messages, and texts to copy.

use leptos::prelude::*;

use super::CopyButton;
use crate::texts::Texts;

/// How a state is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Ok,
    Warn,
    Bad,
    /// Neither good nor bad.
    Plain,
    /// Turned off.
    Off,
}

impl Tone {
    const fn class(self) -> &'static str {
        match self {
            Self::Ok => "success",
            Self::Warn => "warning",
            Self::Bad => "error",
            Self::Plain => "",
            Self::Off => "inactive",
        }
    }
}

/// A state in a word.
#[component]
pub(crate) fn Badge(tone: Tone, #[prop(into)] text: String) -> impl IntoView {
    view! { <span class=format!("badge {}", tone.class())>{text}</span> }
}

/// A message; bad ones are announced at once.
#[component]
pub(crate) fn Note(tone: Tone, children: Children) -> impl IntoView {
    let role = if tone == Tone::Bad { "alert" } else { "status" };
    view! { <div class=format!("notice {}", tone.class()) role=role>{children()}</div> }
}

/// A text in code type with its copy button.
pub(crate) fn copyable(texts: Texts, text: &str, what: &str) -> AnyView {
    view! {
        <code>{text.to_owned()}</code>
        <CopyButton text=text.to_owned() label=texts.get("copy.label") done=texts.get("copy.done") what=what.to_owned()/>
    }
    .into_any()
}
