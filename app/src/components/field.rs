//! Labelled inputs with their help and their error.

use html_escape::encode_text;
use leptos::prelude::*;

/// One labelled input. An error is tied to it and is where the keyboard starts.
#[component]
pub(crate) fn Field(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    /// Where the name alone is not unique on the page.
    #[prop(optional, into)]
    id: Option<String>,
    #[prop(optional, into)] help: Option<String>,
    #[prop(optional, into)] value: Option<String>,
    #[prop(default = None)] error: Option<String>,
    /// The id of a message elsewhere on the page that says what is wrong.
    #[prop(default = None)]
    mistake: Option<String>,
    #[prop(default = "text")] kind: &'static str,
    #[prop(optional)] autocomplete: Option<&'static str>,
    #[prop(optional)] inputmode: Option<&'static str>,
    #[prop(optional)] placeholder: Option<&'static str>,
    #[prop(optional)] required: bool,
    #[prop(optional)] autofocus: bool,
    /// A text of several lines.
    #[prop(optional)]
    lines: bool,
    #[prop(optional)] class: &'static str,
    /// The id of a `datalist` to choose from.
    #[prop(optional)]
    list: Option<&'static str>,
) -> impl IntoView {
    let id = id.unwrap_or_else(|| name.clone());
    let (help_id, error_id) = (format!("{id}-help"), format!("{id}-error"));
    let (helps, wrong) = (help.as_ref().map(|_| help_id.as_str()), error.as_ref().map(|_| error_id.as_str()));
    let described: Vec<&str> = [helps, wrong, mistake.as_deref()].into_iter().flatten().collect();
    let described = (!described.is_empty()).then(|| described.join(" "));
    let invalid = (error.is_some() || mistake.is_some()).then_some("true");
    let focus = autofocus || invalid.is_some();
    let value = value.unwrap_or_default();
    let input = if lines {
        // As text: browsers show the markers that the framework leaves between views. They drop a first line break.
        let content = format!("\n{}", encode_text(&value));
        view! {
            <textarea class="input" id=id.clone() name=name.clone() aria-describedby=described aria-invalid=invalid
                required=required autofocus=focus placeholder=placeholder spellcheck="false" inner_html=content></textarea>
        }
        .into_any()
    } else {
        view! {
            <input class=format!("input {class}") id=id.clone() name=name.clone() type=kind value=value
                aria-describedby=described aria-invalid=invalid autocomplete=autocomplete inputmode=inputmode list=list
                placeholder=placeholder required=required autofocus=focus spellcheck="false" autocapitalize="none"/>
        }
        .into_any()
    };
    view! {
        <div class="field">
            <label for=id>{label}</label>
            {input}
            {error.map(|text| view! { <p class="error-text" id=error_id>{text}</p> })}
            {help.map(|text| view! { <p class="help" id=help_id>{text}</p> })}
        </div>
    }
}

/// One option of a [`Select`].
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) text: String,
}

/// A labelled list to choose one from.
#[component]
pub(crate) fn Select(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    /// Where the name alone is not unique on the page.
    #[prop(optional, into)]
    id: Option<String>,
    choices: Vec<Choice>,
    /// The value that is chosen.
    #[prop(into)]
    value: String,
    #[prop(default = None)] error: Option<String>,
    /// The id of a message elsewhere on the page that says what is wrong.
    #[prop(default = None)]
    mistake: Option<String>,
) -> impl IntoView {
    let id = id.unwrap_or_else(|| name.clone());
    let invalid = (error.is_some() || mistake.is_some()).then_some("true");
    let error_id = format!("{id}-error");
    let options: Vec<_> = choices
        .into_iter()
        .map(
            |choice| view! { <option value=choice.value.clone() selected=choice.value == value>{choice.text}</option> },
        )
        .collect();
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <select class="input" id=id name=name aria-describedby=error.as_ref().map(|_| error_id.clone()).or(mistake)
                aria-invalid=invalid>
                {options}
            </select>
            {error.map(|text| view! { <p class="error-text" id=error_id>{text}</p> })}
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_tied_to_its_field() {
        let owner = Owner::new();
        let html = owner.with(|| {
            let error = Some("Enter a name.".to_owned());
            view! { <Field name="pushDomain" label="Push domain" value="x\"y" error help="A host name."/> }.to_html()
        });
        assert!(html.contains("aria-describedby=\"pushDomain-help pushDomain-error\""), "{html}");
        assert!(html.contains("id=\"pushDomain-error\""), "{html}");
        assert!(html.contains("aria-invalid=\"true\""), "{html}");
        assert!(html.contains("value=\"x&quot;y\""), "what was typed stays: {html}");
    }
}
