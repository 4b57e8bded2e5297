//! Domain groups.

use callsheet::domains::{Cnames, DomainError, DomainFilter, DomainView, NewDomain};
use callsheet::model::{DomainName, Page};
use serde_json::{Value, json};

use super::params::{page_of, write_time};
use super::{Call, Outcome};

/// `describeLiveDomains`
pub(super) async fn list(call: &Call<'_>) -> Outcome {
    let (domains, page) = (&call.console.domains, call.params.page()?);
    let found = match call.params.optional("publishDomain") {
        None => {
            let listed = domains.list(&call.actor, DomainFilter::default(), page).await?;
            let rows = listed.rows.into_iter().map(|row| row.domain).collect();
            Page { rows, total: listed.total, exact: listed.exact, number: listed.number, size: listed.size }
        }
        Some(exact) => {
            let rows = match domains.get(&call.actor, exact).await {
                Ok(domain) => vec![domain],
                Err(DomainError::Unknown(_)) => Vec::new(),
                Err(error) => return Err(error.into()),
            };
            let total = i64::from(!rows.is_empty());
            let rows = if page.number == 1 { rows } else { Vec::new() };
            Page { rows, total, exact: true, number: page.number, size: page.size }
        }
    };
    Ok(page_of(found, "domainDetails", |domain| {
        let (publish, play) = details(&domain, &call.console.cnames);
        json!({ "publishDomains": publish, "playDomains": play })
    }))
}

/// `describeLiveDomainDetail`
pub(super) async fn describe(call: &Call<'_>, push: &str) -> Outcome {
    let domain = call.console.domains.get(&call.actor, push).await?;
    let (publish, play) = details(&domain, &call.console.cnames);
    Ok(json!({ "sourceId": domain.id, "publishDomains": publish, "playDomains": play }))
}

/// `addLiveDomain`
pub(super) async fn add(call: &Call<'_>) -> Outcome {
    let (push, play) = (call.params.required("publishDomain")?, call.params.required("playDomain")?);
    call.console.domains.create(&call.actor, NewDomain::parse(push, &[play])?).await?;
    Ok(json!({}))
}

/// `startLiveDomain`, `stopLiveDomain`
pub(super) async fn set_enabled(call: &Call<'_>, enabled: bool) -> Outcome {
    call.console.domains.set_enabled(&call.actor, call.params.required("publishDomain")?, enabled).await?;
    Ok(json!({}))
}

/// `deleteLiveDomain`: only a stopped domain.
pub(super) async fn delete(call: &Call<'_>, push: &str) -> Outcome {
    let name = DomainName::parse(push).map_or_else(|_| push.to_owned(), |name| name.ascii().to_owned());
    call.console.domains.delete(&call.actor, push, &name).await?;
    Ok(json!({}))
}

/// Formats the push domain and the play domains of a group.
fn details(domain: &DomainView, cnames: &Cnames) -> (Value, Value) {
    let cname = |name: &Option<DomainName>| name.as_ref().map(|name| name.ascii().to_owned());
    let status = if domain.enabled { "online" } else { "offline" };
    let (created, updated) = (write_time(domain.created_at), write_time(domain.updated_at));
    let publish = json!([{
        "publishDomain": domain.push,
        "publishDomainCname": cname(&cnames.push),
        "domainStatus": status,
        "createTime": created,
        "updateTime": updated,
    }]);
    let play = domain.play.iter().map(|play| {
        json!({
            "playDomain": play.name,
            "playDomainCname": cname(&cnames.play),
            "domainStatus": status,
            "playType": "normal",
            "createTime": created,
            "updateTime": updated,
        })
    });
    (publish, play.collect())
}
