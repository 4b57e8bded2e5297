//! `/stats`, and the same numbers on the page and in its exports.

use std::io::Cursor;

use axum::body::{Body, Bytes};
use axum::http::{Request, Response, header};
use calamine::{Data, DataType, Reader, Xlsx};
use callsheet::domains::NewDomain;
use callsheet::model::Actor;
use callsheet::stats::transcode::{Outcome, Output};
use callsheet::stats::{BinLabel, Codec, FigureFormat, ImportStep, Progress, Sums, TrafficBase, UsageRow};
use serde_json::{Value, json};

use super::support::{Api, NOW};

/// 2026-11-22T00:00:00Z
const TODAY: i64 = 1_795_305_600;

/// Some traffic of two domains, today and yesterday.
async fn feed(api: &Api) {
    let row = |domain: &str, at, bytes| UsageRow {
        domain: domain.into(),
        at,
        sums: Sums { bytes, requests: 2, s2xx: 2, ..Sums::default() },
    };
    let rows = [
        row("play.example.com", TODAY - 86_400, 32_000_000_000),
        row("play.example.com", TODAY, 64_500_000_000),
        row("play.example.com", TODAY + 300, 37_512_345),
        row("play.example.net", TODAY + 300, 1_000_000_000),
    ];
    let progress = Progress { taken: 9, prefix: [1; 32], head: [2; 32], lines: 8, bad: 0 };
    let step = ImportStep { import: None, name: "access.log".to_owned(), from: 0, progress, now: TODAY };
    api.console.stats.add_usage(&Actor::cli(), &rows, &step).await.expect("added");
}

/// What a signed-in browser gets.
async fn browse(api: &Api, path: &str) -> Response<Bytes> {
    let mut request =
        Request::get(path).header(header::HOST, "console.example").body(Body::empty()).expect("a request");
    request.extensions_mut().insert(Actor::cli());
    api.fetch(request).await
}

/// Without the marks that the pages' framework leaves between texts.
fn text(answer: &Response<Bytes>) -> String {
    assert_eq!(answer.status(), 200);
    String::from_utf8(answer.body().to_vec()).expect("text").replace('\u{a0}', " ").replace("<!>", "")
}

/// The cells of a sheet, as text.
fn cells(workbook: &[u8], sheet: usize) -> Vec<Vec<String>> {
    let mut workbook: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(workbook.to_vec())).expect("a workbook");
    let sheet = workbook.worksheet_range_at(sheet).expect("a sheet").expect("readable");
    let cell = |cell: &Data| match cell {
        Data::Float(number) => number.to_string(),
        Data::DateTime(time) => {
            let (year, month, day, hour, minute, ..) = time.to_ymd_hms_milli();
            format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}")
        }
        other => other.to_string().replace('\u{a0}', " "),
    };
    sheet.rows().map(|row| row.iter().map(cell).collect()).collect()
}

#[tokio::test]
async fn card_chart_table_exports_and_api_show_the_same_number() {
    let api = Api::start().await;
    feed(&api).await;
    let filter = "slot=1d&domain=play.example.com&metric=bandwidth";
    // 64.5 GB in five minutes.
    let exact = 1_720_000_000;

    let page = text(&browse(&api, &format!("/statistics/usage?{filter}")).await);
    assert!(page.contains("<b>1.72<small> Gbps</small></b>"), "the card: {page}");
    assert!(page.contains("data-peak-text=\"Peak 1.72 Gbps\""), "the mark in the chart");
    assert!(page.contains("<th scope=row>2026-11-22 00:00<td>1.72<td>1,720,000,000<"), "the table");
    assert!(
        page.contains(&format!("{{\"at\":[{TODAY},")) && page.contains(&format!("\"series\":[[{exact},")),
        "the chart"
    );

    let csv = text(&browse(&api, &format!("/statistics/usage.csv?{filter}")).await);
    assert!(csv.starts_with("\u{feff}Usage\r\nTime zone,UTC\r\n"), "{csv}");
    assert!(csv.contains("\r\nDomains,play.example.com\r\n"), "{csv}");
    assert!(
        csv.contains("\r\nPeak bandwidth,\"1.72 Gbps (at 2026-11-22 00:00, +101.6 % vs previous period)\"\r\n"),
        "{csv}"
    );
    assert!(
        csv.contains("\r\nStart (UTC),\"Bandwidth, Gbps\",\"Bandwidth, bps\"\r\n2026-11-22 00:00,1.72,1720000000\r\n"),
        "{csv}"
    );

    let workbook = browse(&api, &format!("/statistics/usage.xlsx?{filter}")).await;
    let disposition = "attachment; filename=\"usage-bandwidth-2026-11-22-2026-11-22.xlsx\"";
    assert_eq!(workbook.headers()[header::CONTENT_DISPOSITION], disposition);
    let rows = cells(workbook.body(), 1);
    assert!(rows.contains(&["2026-11-22 00:00", "1.72", "1720000000"].map(str::to_owned).into()), "{rows:?}");
    // The points of the day so far, and none of those to come.
    let points = rows.iter().filter(|row| row[0].starts_with("2026-11-22 ")).count();
    assert_eq!(points as i64, (NOW / 1000 - TODAY) / 300 + 1);

    let query =
        "metric=bandwidth&domain=play.example.com&from=2026-11-22T00:00:00Z&to=2026-11-23T00:00:00Z&compare=true";
    let json = api.get(&format!("/stats/usage?{query}")).await;
    assert_eq!(json["points"][0], json!([TODAY, exact]));
    assert_eq!(json["points"].as_array().map(Vec::len), Some(points));
    assert_eq!((&json["granularity"], &json["unit"]), (&json!("5m"), &json!("bit/s")));
    let summary = json!({ "total": null, "peak": exact, "peakAt": TODAY, "p95": 0, "previous": 853_333_333 });
    assert_eq!(json["summary"], summary);
    let before = json["pointsBefore"].as_array().expect("points");
    assert_eq!(before.len(), 288, "all of yesterday");
    let highest = before.iter().position(|point| point[1] == 853_333_333).expect("its peak");
    let csv = text(&browse(&api, &format!("/statistics/usage.csv?{filter}&compare=true")).await);
    let lines: Vec<_> = csv.lines().skip_while(|line| !line.starts_with("Start (UTC),")).collect();
    assert_eq!(lines[0], "Start (UTC),\"Bandwidth, Gbps\",\"Bandwidth, bps\",\"Previous period, Gbps\"");
    assert!(lines[1 + highest].ends_with(",0.85"), "{lines:?}");
}

#[tokio::test]
async fn with_base_1024_card_chart_table_and_export_agree() {
    let shown = FigureFormat { base: TrafficBase::Binary, ..FigureFormat::default() };
    let api = Api::start_with(|parts| parts.shown = shown).await;
    feed(&api).await;
    let filter = "slot=1d&domain=play.example.com&metric=traffic";
    let page = text(&browse(&api, &format!("/statistics/usage?{filter}")).await);
    // 64,537,512,345 bytes in all, 64,500,000,000 in the first point.
    assert!(page.contains("<b>60.11<small> GiB</small></b>"), "the card: {page}");
    assert!(page.contains("<b>1.72<small> Gbps</small></b>"), "bandwidth is base 1000: {page}");
    assert!(page.contains("data-peak-text=\"Highest 60.07 GiB\""), "the mark in the chart");
    assert!(page.contains("data-one=\"1073741824\""), "the axis");
    assert!(page.contains("<th scope=\"col\" data-series=\"1\">Traffic, GiB</th>"), "the table's head");
    assert!(page.contains("<td>60.07<td>64,500,000,000<"), "the table");
    assert!(page.contains("\"series\":[[64500000000,"), "the chart");
    for unit in [" KB", " MB", " GB", " TB"] {
        assert!(!page.contains(&format!("{unit}<")), "{unit} is of another base");
    }
    let csv = text(&browse(&api, &format!("/statistics/usage.csv?{filter}")).await);
    assert!(csv.contains("\r\nUnits,\"Traffic and storage use base 1024, bandwidth base 1000. "), "{csv}");
    assert!(csv.contains("\r\nTraffic,60.11 GiB (+101.7 % vs previous period)\r\n"), "{csv}");
    assert!(
        csv.contains("\r\nStart (UTC),\"Traffic, GiB\",\"Traffic, B\"\r\n2026-11-22 00:00,60.07,64500000000\r\n"),
        "{csv}"
    );
}

#[tokio::test]
async fn points_may_be_called_by_their_end_on_pages_alone() {
    let shown = FigureFormat { label: BinLabel::End, ..FigureFormat::default() };
    let api = Api::start_with(|parts| parts.shown = shown).await;
    feed(&api).await;
    let page = text(&browse(&api, "/statistics/usage?slot=1d&metric=bandwidth").await);
    assert!(page.contains("End (UTC)") && page.contains("at 2026-11-22 00:05"), "{page}");
    assert!(page.contains("<tbody><tr><th scope=row>2026-11-22 00:05<"), "{page}");
    assert!(page.contains(&format!("{{\"at\":[{},", TODAY + 300)), "{page}");
    let hours = text(&browse(&api, "/statistics/usage?slot=7d&metric=bandwidth").await);
    assert!(hours.contains("<tbody><tr><th scope=row>2026-11-16 01:00<"), "{hours}");
    let csv = text(&browse(&api, "/statistics/usage.csv?slot=1d&metric=bandwidth").await);
    assert!(csv.contains("\r\nStart (UTC),") && csv.contains("(at 2026-11-22 00:00, "), "{csv}");
    assert!(csv.contains("\r\n2026-11-22 00:00,1.72,"), "{csv}");
    let json = api.get("/stats/usage?metric=bandwidth&from=2026-11-22T00:00:00Z&to=2026-11-23T00:00:00Z").await;
    assert_eq!(json["points"][0][0], json!(TODAY));
}

#[tokio::test]
async fn classes_are_those_of_the_settings() {
    let output = |height, width| Output {
        job: format!("j-{height}"),
        output: String::new(),
        domain: None,
        codec: Codec::H264,
        width: Some(width),
        height: Some(height),
        is_audio: false,
        duration_ms: 60_000,
        finished_at: NOW,
        outcome: Outcome::Succeeded,
    };
    for (table, classes) in [(None, ["SD", "FHD"]), (Some("SD 854x480, 4K 3840x2160"), ["SD", "4K"])] {
        let api = Api::start_with(|parts| {
            if let Some(table) = table {
                parts.classes = table.parse().expect("a table");
            }
        })
        .await;
        let outputs = vec![output(360, 640), output(1080, 1920)];
        api.console.stats.add_transcode_outputs(&Actor::cli(), outputs).await.expect("added");
        let json = api.get("/stats/transcoding?from=2026-11-22T00:00:00Z&to=2026-11-23T00:00:00Z").await;
        let shown: Vec<_> = json["matrix"].as_array().expect("cells").iter().map(|cell| &cell["class"]).collect();
        assert_eq!(shown, classes, "{json}");
    }
}

#[tokio::test]
async fn domains_come_together_or_each_for_itself() {
    let api = Api::start().await;
    feed(&api).await;
    let day = "from=2026-11-22T00:00:00Z&to=2026-11-23T00:00:00Z";
    let two =
        api.get(&format!("/stats/usage?metric=traffic&domain=play.example.com&domain=play.example.net&{day}")).await;
    assert_eq!(two["points"][1], json!([TODAY + 300, 1_037_512_345]));
    assert_eq!(two["summary"]["total"], 65_537_512_345_i64);
    assert_eq!(two["summary"]["previous"], Value::Null, "not asked for");
    let each = api.get(&format!("/stats/usage?metric=traffic&groupBy=domain&granularity=1d&{day}")).await;
    assert_eq!(each["granularity"], "1d");
    let names: Vec<_> = each["series"].as_array().expect("series").iter().map(|one| &one["domain"]).collect();
    assert_eq!(names, ["play.example.com", "play.example.net"], "the most traffic first");
    assert_eq!(each["series"][1]["points"], json!([[TODAY, 1_000_000_000]]));
}

#[tokio::test]
async fn what_cannot_be_asked_is_named() {
    let api = Api::start().await;
    for (query, field) in [
        ("", "metric"),
        ("metric=speed", "metric"),
        ("metric=traffic&granularity=2m", "granularity"),
        ("metric=traffic&from=2026-11-22T00:00:01Z", "from"),
        ("metric=traffic&from=yesterday", "from"),
        ("metric=traffic&page=2", "page"),
        ("metric=traffic&groupBy=domain&format=csv", "format"),
    ] {
        let answer = api.send(&api.operator, &format!("GET /stats/usage?{query}"), Value::Null).await;
        assert_eq!(answer.status, 422, "{query}: {}", answer.json);
        assert_eq!(answer.json["field"], field, "{query}");
    }
    let unknown = api.send(&api.operator, "GET /stats/usage?metric=traffic&domain=play.example.org", Value::Null).await;
    assert_eq!(unknown.problem(), (404, "stats_unknown_domain", "domain"));
}

#[tokio::test]
async fn transcoding_is_the_same_everywhere() {
    let api = Api::start().await;
    let output = |job: &str, codec, (width, height), duration_ms, outcome| Output {
        job: job.to_owned(),
        output: "1".to_owned(),
        domain: Some("play.example.com".to_owned()),
        outcome,
        codec,
        width: Some(width),
        height: Some(height),
        is_audio: false,
        duration_ms,
        finished_at: TODAY * 1000,
    };
    let outputs = vec![
        output("a", Codec::H264, (1280, 720), 61_000, Outcome::Succeeded),
        output("b", Codec::H264, (720, 1280), 400, Outcome::Succeeded),
        output("c", Codec::H265, (3840, 2160), 5_400_300, Outcome::Succeeded),
        output("d", Codec::H265, (3840, 2160), 1_000, Outcome::Failed { reason: "no space".to_owned() }),
    ];
    assert_eq!(api.console.stats.add_transcode_outputs(&Actor::cli(), outputs).await.expect("added"), 4);

    let json = api.get("/stats/transcoding?from=2026-11-22T00:00:00Z&to=2026-11-23T00:00:00Z").await;
    let matrix = json!([
        { "codec": "H.264", "class": "HD", "minutes": 1.04, "files": 2 },
        { "codec": "H.265", "class": "4K", "minutes": 90.01, "files": 1 },
    ]);
    assert_eq!(json["matrix"], matrix);
    assert_eq!(json["points"], json!([[TODAY, 91.05, 3]]));
    assert_eq!(json["summary"], json!({ "minutes": 91.05, "files": 3, "failed": 1, "previous": null }));
    let only =
        api.get("/stats/transcoding?from=2026-11-22T00:00:00Z&to=2026-11-23T00:00:00Z&codec=H.265&class=4K").await;
    assert_eq!(only["summary"]["minutes"], 90.01);

    let page = text(&browse(&api, "/statistics/transcoding?slot=1d").await);
    assert!(page.contains("<b>91.05</b>"), "the card: {page}");
    assert!(page.contains("<td>90.01<td>1.04<td>91.05<"), "the day: {page}");
    let one = text(&browse(&api, "/statistics/transcoding?slot=1d&kind=H.264+HD").await);
    assert!(one.contains("2026-11-22<td>1.04</tbody>"), "{one}");
    let rows = cells(browse(&api, "/statistics/transcoding.xlsx?slot=1d").await.body(), 1);
    assert!(rows.contains(&["H.265", "4K", "90.01", "1"].map(str::to_owned).into()), "{rows:?}");
    let csv = text(&browse(&api, "/statistics/transcoding.csv?slot=1d").await);
    assert!(csv.contains("\r\nH.264,HD,1.04,2\r\n") && csv.ends_with("\r\n2026-11-22,90.01,1.04,91.05\r\n"), "{csv}");
}

#[tokio::test]
async fn figures_of_a_workbook_are_numbers() {
    let api = Api::start().await;
    feed(&api).await;
    let workbook = browse(&api, "/statistics/usage.xlsx?slot=1d&metric=bandwidth").await;
    let mut sheets: Xlsx<_> =
        calamine::open_workbook_from_rs(Cursor::new(workbook.body().to_vec())).expect("a workbook");
    assert_eq!(sheets.sheet_names(), ["Usage", "Bandwidth", "Top domains"]);
    let mut row = |sheet: &str, label: &str| {
        let range = sheets.worksheet_range(sheet).expect("a sheet");
        let found = range.rows().find(|row| row[0] == *label).map(<[Data]>::to_vec);
        found.unwrap_or_else(|| panic!("no {label} in {sheet}"))
    };
    let of = |row: &[Data], column: usize| row[column].as_f64();
    let peak = row("Usage", "Peak bandwidth");
    assert_eq!((of(&peak, 1), peak[2].to_string()), (Some(1_720_000_000.0), "bps".to_owned()));
    let p95 = row("Usage", "95th percentile");
    assert_eq!((of(&p95, 1), p95[2].to_string()), (Some(0.0), "bps".to_owned()));
    let top = row("Top domains", "play.example.com");
    assert_eq!((of(&top, 1), of(&top, 2)), (Some(64_537_512_345.0), Some(0.985)));

    // Rows that stay in place while one scrolls.
    let mut archive = zip::ZipArchive::new(Cursor::new(workbook.body().to_vec())).expect("an archive");
    for sheet in 1..=3 {
        let file = archive.by_name(&format!("xl/worksheets/sheet{sheet}.xml")).expect("a sheet");
        let xml = std::io::read_to_string(file).expect("text");
        assert!(xml.contains("ySplit=\"1\""), "sheet {sheet}");
    }
}

#[tokio::test]
async fn a_chart_ends_where_data_ends() {
    let api = Api::start().await;
    feed(&api).await;
    let chart = async |query: &str| {
        let page = text(&browse(&api, &format!("/statistics/usage?{query}")).await);
        let start = page.split_once("<script type=\"application/json\">").expect("a chart").1;
        serde_json::from_str::<Value>(start.split_once("</script>").expect("its end").0).expect("JSON")
    };
    let known = |chart: &Value, series: usize| {
        let values = chart["series"][series].as_array().expect("values");
        let known: Vec<usize> = (0..values.len()).filter(|at| !values[*at].is_null()).collect();
        (known.first().copied(), known.last().copied(), values.len())
    };
    let today = chart("slot=1d&metric=bandwidth").await;
    let (first, last, all) = known(&today, 0);
    assert_eq!((first, last), (Some(0), Some(1)), "two points are counted, of {all}");
    assert!(all > 2, "points that nothing is known of are there, undrawn");
    // Of a domain whose own data end earlier: nobody watched.
    assert_eq!(known(&chart("slot=1d&domain=play.example.com&metric=traffic").await, 0).1, Some(1));
    // The running day is the highest so far, else it would look like a fall.
    let days = chart("from=2026-08-01&to=2026-11-22&metric=traffic").await;
    let at = days["at"].as_array().expect("moments");
    let (first, last, _) = known(&days, 0);
    assert_eq!((&at[first.expect("known")], &at[last.expect("known")]), (&json!(TODAY - 86_400), &json!(TODAY)));
    let running_is_lower = chart("from=2026-08-01&to=2026-11-22&metric=bandwidth&domain=play.example.net").await;
    assert_eq!(known(&running_is_lower, 0).1, at.iter().position(|at| *at == json!(TODAY)));
    let compared = chart("slot=1d&metric=bandwidth&compare=true").await;
    assert_eq!(known(&compared, 1), (Some(0), Some(all - 1), all), "yesterday is known in whole");
}

#[tokio::test]
async fn what_nothing_was_counted_of_has_a_sentence_instead_of_a_chart() {
    let api = Api::start().await;
    feed(&api).await;
    let quiet = NewDomain::parse("push.example.org", &["play.example.org"]).expect("names");
    api.console.domains.create(&Actor::cli(), quiet).await.expect("created");
    for path in [
        "/statistics/usage?slot=1d&metric=storage",
        "/statistics/usage?from=2026-11-23&to=2026-11-24&metric=bandwidth",
        "/statistics/usage?slot=1d&metric=traffic&domain=play.example.org",
    ] {
        let page = text(&browse(&api, path).await);
        assert!(!page.contains("<figure"), "{path}: {page}");
        assert!(page.contains("No data for this period"), "{path}: {page}");
    }
    let output = Output {
        job: "a".to_owned(),
        output: "1".to_owned(),
        domain: Some("play.example.com".to_owned()),
        outcome: Outcome::Succeeded,
        codec: Codec::H264,
        width: Some(1280),
        height: Some(720),
        is_audio: false,
        duration_ms: 61_000,
        finished_at: (TODAY - 86_400 * 60) * 1000,
    };
    api.console.stats.add_transcode_outputs(&Actor::cli(), vec![output]).await.expect("added");
    let page = text(&browse(&api, "/statistics/transcoding?slot=30d&domain=play.example.com").await);
    assert!(page.contains("No data for this period") && page.contains("class=\"filters\""), "{page}");
    assert!(!page.contains("<figure") && !page.contains("class=\"table matrix\""), "{page}");
}

#[tokio::test]
async fn exports_are_for_people_who_are_signed_in() {
    let api = Api::start().await;
    let request = Request::get("/statistics/usage.csv?slot=7d").body(Body::empty()).expect("a request");
    let answer = api.fetch(request).await;
    assert_eq!(answer.status(), 303);
    assert_eq!(answer.headers()[header::LOCATION], "/login?next=%2Fstatistics%2Fusage.csv%3Fslot%3D7d");
    let unknown = browse(&api, "/statistics/usage.csv?domain=nobody.example").await;
    assert_eq!(unknown.status(), 404);
}

#[tokio::test]
async fn before_there_is_anything_the_page_tells_how_it_comes() {
    let api = Api::start().await;
    let page = text(&browse(&api, "/statistics/usage").await);
    assert!(page.contains("log_format callsheet escape=json"), "{page}");
    assert!(page.contains("callsheet import access-log"), "{page}");
    assert!(!page.contains("<figure"), "{page}");
    let page = text(&browse(&api, "/statistics/transcoding").await);
    assert!(page.contains("callsheet import transcode-jobs"), "{page}");
}

#[tokio::test]
async fn of_many_domains_a_hundred_are_listed_and_the_rest_is_found() {
    let api = Api::start().await;
    let row = |n: i64| UsageRow {
        domain: format!("d{n:03}.example.com").into(),
        at: TODAY,
        sums: Sums { bytes: 1_000 * n, requests: 1, ..Sums::default() },
    };
    let rows: Vec<_> = (1..=120).map(row).collect();
    let progress = Progress { taken: 9, prefix: [1; 32], head: [2; 32], lines: 8, bad: 0 };
    let step = ImportStep { import: None, name: "access.log".to_owned(), from: 0, progress, now: TODAY };
    api.console.stats.add_usage(&Actor::cli(), &rows, &step).await.expect("added");
    let boxes = |page: &str| page.matches("type=\"checkbox\" name=\"domain\"").count();

    let page = text(&browse(&api, "/statistics/usage").await);
    assert_eq!(boxes(&page), 100);
    assert!(page.contains("name=\"find\"") && !page.contains("value=\"d119.example.com\""), "{page}");
    // What is chosen stays chosen while another one is looked for.
    let page = text(&browse(&api, "/statistics/usage?find=D11&domain=d001.example.com").await);
    assert_eq!(boxes(&page), 11, "d110 to d119, and the chosen one");
    assert!(
        page.contains("<details open class=\"domain-picker\"") && page.contains("value=\"d119.example.com\""),
        "{page}"
    );
    assert_eq!(boxes(&text(&browse(&api, "/statistics/usage?find=nobody").await)), 0);
}
