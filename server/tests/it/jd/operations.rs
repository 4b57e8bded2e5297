//! Each operation, by each SDK.

use callsheet::model::{Actor, Role};
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::stage::{Client, Sdk, key};
use crate::support::{DOMAIN, Database, PLAY, TestConsole, on_both_databases};

on_both_databases!(domains, notifications, recording, statistics);

const TIME: &str = "%Y-%m-%dT%H:%M:%SZ";

async fn domains(database: Database) {
    let console = TestConsole::start(database).await;
    for sdk in Sdk::ALL {
        let mut client = Client::of_admin(sdk, &console).await;
        let name = json!({ "publishDomain": DOMAIN });
        client.done("addLiveDomain", json!({ "publishDomain": DOMAIN, "playDomain": PLAY }));
        client.done("addLiveDomain", json!({ "publishDomain": "push.example.net", "playDomain": "play.example.net" }));

        let listed = client.done("describeLiveDomains", json!({}));
        assert_eq!([&listed["pageNumber"], &listed["pageSize"], &listed["totalCount"]], [1, 10, 2], "{sdk:?}");
        let first = &listed["domainDetails"][0];
        assert_eq!(first["publishDomains"][0]["publishDomain"], "push.example.net", "the newest first");
        assert_eq!(first["playDomains"][0]["playDomain"], "play.example.net");
        let next = client.done("describeLiveDomains", json!({ "pageNum": 2, "pageSize": 100 }));
        assert_eq!((&next["totalCount"], &next["domainDetails"]), (&json!(2), &json!([])));
        let exact = client.done("describeLiveDomains", name.clone());
        assert_eq!(exact["totalCount"], 1);
        assert_eq!(exact["domainDetails"][0]["publishDomains"][0]["domainStatus"], "online");
        let part = client.done("describeLiveDomains", json!({ "publishDomain": "example.com" }));
        assert_eq!(part["totalCount"], 0);

        let detail = client.done("describeLiveDomainDetail", name.clone());
        let domain = console.console.domains.get(&Actor::cli(), DOMAIN).await.expect("a domain");
        assert_eq!(detail["sourceId"], domain.id.0);
        let (push, play) = (&detail["publishDomains"][0], &detail["playDomains"][0]);
        assert_eq!((&push["domainStatus"], &push["publishDomainCname"]), (&json!("online"), &Value::Null));
        assert_eq!((&play["playDomain"], &play["playType"]), (&json!(PLAY), &json!("normal")));
        for time in [&push["createTime"], &play["updateTime"]] {
            assert_eq!(time.as_str().expect("a time").len(), "2018-10-21T10:00:00Z".len());
        }

        client.fails("deleteLiveDomain", name.clone(), 400, "FAILED_PRECONDITION");
        client.done("stopLiveDomain", name.clone());
        let stopped = client.done("describeLiveDomainDetail", name.clone());
        assert_eq!(stopped["publishDomains"][0]["domainStatus"], "offline");
        client.done("startLiveDomain", name.clone());
        let started = client.done("describeLiveDomainDetail", name.clone());
        assert_eq!(started["playDomains"][0]["domainStatus"], "online");
        for push in [DOMAIN, "push.example.net"] {
            client.done("stopLiveDomain", json!({ "publishDomain": push }));
            client.done("deleteLiveDomain", json!({ "publishDomain": push }));
        }
        client.fails("describeLiveDomainDetail", name, 404, "NOT_FOUND");
    }
    console.stop().await;
}

async fn notifications(database: Database) {
    let console = TestConsole::start(database).await;
    console.add_domain().await;
    for sdk in Sdk::ALL {
        let mut client = Client::of_admin(sdk, &console).await;
        for kind in ["Stream", "StreamRecord"] {
            let operation = |verb: &str| format!("{verb}Live{kind}NotifyConfig");
            let name = json!({ "publishDomain": DOMAIN });
            client.fails(&operation("describe"), name.clone(), 404, "NOT_FOUND");
            for address in ["http://127.0.0.1/hook?a=b", "https://hooks.example.org/直播"] {
                client.done(&operation("set"), json!({ "publishDomain": DOMAIN, "notifyUrl": address }));
                let shown = client.done(&operation("describe"), name.clone());
                assert_eq!(shown["publishDomain"], DOMAIN);
                assert!(shown["notifyUrl"].as_str().expect("an address").starts_with(&address[..16]), "{shown}");
            }
            client.done(&operation("delete"), name.clone());
            client.fails(&operation("describe"), name, 404, "NOT_FOUND");
        }
    }
    console.stop().await;
}

async fn recording(database: Database) {
    let console = TestConsole::start(database).await;
    console.add_domain().await;
    let settings = async || console.console.recordings.get(&Actor::cli(), DOMAIN).await.expect("settings");
    for sdk in Sdk::ALL {
        let mut client = Client::of_admin(sdk, &console).await;
        let template = |name: &str, period: i64| json!({ "template": name, "recordPeriod": period, "saveBucket": "tapes", "recordFileType": "FLV" });
        client.done("addCustomLiveStreamRecordTemplate", template("quarter", 15));
        let mut lesson = template("lesson-1_a", 90);
        lesson["saveEndpoint"] = json!("s3.example.com");
        client.done("addCustomLiveStreamRecordTemplate", lesson);
        client.fails("addCustomLiveStreamRecordTemplate", template("quarter", 30), 409, "ALREADY_EXISTS");

        let all = client.done("describeCustomLiveStreamRecordTemplates", json!({ "pageSize": 10 }));
        assert_eq!(all["totalCount"], 2, "{sdk:?}");
        let expected = json!({ "recordPeriod": 90, "saveBucket": "tapes", "saveEndpoint": "s3.example.com",
            "recordFileType": "flv", "template": "lesson-1_a" });
        assert_eq!(all["recordTemplates"][0], expected);
        let filters = json!([{ "name": "template", "operator": "eq", "values": ["quarter"] }]);
        let one = client.done("describeCustomLiveStreamRecordTemplates", json!({ "filters": filters }));
        assert_eq!((&one["totalCount"], &one["recordTemplates"][0]["template"]), (&json!(1), &json!("quarter")));

        let by = |template: &str| json!({ "publishDomain": DOMAIN, "template": template });
        client.fails("addLiveStreamDomainRecord", by("missing"), 404, "NOT_FOUND");
        client.done("addLiveStreamDomainRecord", by("quarter"));
        client.done("addLiveStreamDomainRecord", by("lesson-1_a"));
        let now = settings().await;
        assert_eq!((now.enabled, now.part_seconds, now.bucket.as_str()), (true, 5_400, "tapes"));
        let in_use = json!({ "template": "lesson-1_a" });
        client.fails("deleteCustomLiveStreamRecordTemplate", in_use.clone(), 400, "FAILED_PRECONDITION");
        client.fails("deleteLiveStreamDomainRecord", by("quarter"), 404, "NOT_FOUND");
        client.done("deleteLiveStreamDomainRecord", by("lesson-1_a"));
        assert!(!settings().await.enabled);
        client.fails("deleteLiveStreamDomainRecord", by("lesson-1_a"), 404, "NOT_FOUND");

        // What is changed by hand is no longer the template's.
        client.done("addLiveStreamDomainRecord", by("quarter"));
        console.record(60).await;
        client.fails("deleteLiveStreamDomainRecord", by("quarter"), 404, "NOT_FOUND");
        assert!(settings().await.enabled);
        for template in ["quarter", "lesson-1_a"] {
            client.done("deleteCustomLiveStreamRecordTemplate", json!({ "template": template }));
        }
        let gone = json!({ "template": "quarter" });
        client.fails("deleteCustomLiveStreamRecordTemplate", gone, 404, "NOT_FOUND");
    }
    console.stop().await;
}

async fn statistics(database: Database) {
    let console = TestConsole::start(database).await;
    console.add_domain().await;
    let midnight = Timestamp::now().as_second() / 86_400 * 86_400;
    let yesterday = Timestamp::from_second(midnight - 86_400).expect("a time");
    let at = |hours: i64, minutes: i64| yesterday + hours.hours() + minutes.minutes();
    let time = |time: Timestamp| time.strftime(TIME).to_string();
    let token = key(&console, Role::Admin, &[]).await.token;
    let post = async |path: &str, body: String| {
        let request = reqwest::Client::new().post(console.url(path)).bearer_auth(&token).body(body);
        let answer = request.header("content-type", "application/json").send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.expect("text"));
    };
    let line = |at: Timestamp, bytes: i64| {
        let at = at.strftime("%d/%b/%Y:%H:%M:%S +0000");
        format!("192.0.2.1 - - [{at}] \"GET /live/room_7.flv HTTP/1.1\" 200 {bytes} \"-\" \"player\"\n")
    };
    let log = line(at(10, 1), 3_000_000) + &line(at(10, 6), 6_000_000) + &line(at(11, 2), 1_500_000);
    post(&format!("/api/v1/access-logs?format=combined&domain={PLAY}"), log).await;
    let job = json!({ "jobId": "j", "output": "720p.mp4", "domain": PLAY, "status": "success", "codec": "h264",
        "width": 1280, "height": 720, "durationSeconds": 61.0, "finishedAt": time(at(12, 0)) });
    post("/api/v1/transcode-jobs", job.to_string()).await;

    let until = |from: Timestamp, to: Timestamp, more: Value| {
        let mut parameters = json!({ "startTime": time(from), "endTime": time(to) });
        for (name, value) in more.as_object().expect("parameters").iter().filter(|(_, value)| !value.is_null()) {
            parameters[name] = value.clone();
        }
        parameters
    };
    let point = |from: Timestamp, to: Timestamp, data: Value| json!({ "startTime": time(from), "endTime": time(to - 1.second()), "data": data });
    for sdk in Sdk::ALL {
        let mut client = Client::of_admin(sdk, &console).await;
        let mut ask = |operation: &str, parameters: Value| client.done(operation, parameters)["dataList"].take();
        let traffic = "describeLiveStreamTrafficData";
        let hour = until(at(10, 0), at(12, 0), json!({ "period": "hour", "domainName": PLAY }));
        let hours = [(10, 9_000_000), (11, 1_500_000)];
        let hours = hours.map(|(hour, bytes)| point(at(hour, 0), at(hour + 1, 0), json!({ "value": bytes })));
        assert_eq!(ask(traffic, hour), json!(hours), "{sdk:?}");
        let five = ask(traffic, until(at(10, 0), at(10, 15), json!({})));
        let fives = [(0, 3_000_000), (5, 6_000_000), (10, 0)];
        let fives = fives.map(|(minute, bytes)| point(at(10, minute), at(10, minute + 5), json!({ "value": bytes })));
        assert_eq!(five, json!(fives));
        assert_eq!(ask(traffic, until(at(10, 1), at(10, 12), json!({ "period": "oneMin" }))), five);
        let day = ask(traffic, until(at(10, 0), at(11, 0), json!({ "period": "day" })));
        assert_eq!(day, json!([point(at(0, 0), at(24, 0), json!({ "value": 10_500_000 }))]));
        assert!(day[0]["endTime"].as_str().expect("a time").ends_with("T23:59:59Z"));
        let follow = ask(traffic, until(at(10, 5), at(11, 30), json!({ "period": "followTime" })));
        assert_eq!(follow, json!([point(at(10, 5), at(11, 30), json!({ "value": 7_500_000 }))]));

        let bandwidth =
            ask("describeLiveStreamBandwidthData", until(at(6, 0), at(12, 0), json!({ "period": "sixHour" })));
        let peak = json!({ "value": 160_000, "maxValueTime": at(10, 5).as_second() });
        assert_eq!(bandwidth, json!([point(at(6, 0), at(12, 0), peak)]));

        let storage = ask("describeLiveFileStorageData", until(at(10, 0), at(11, 0), json!({})));
        assert_eq!(storage, json!([point(at(0, 0), at(24, 0), json!({ "size": 0 }))]));

        let transcoding = "describeLiveTranscodingDurationData";
        // 1.02 minutes.
        for (grade, seconds) in [("video_h264_hd_1", 61), ("video_h264_sd_1", 0), ("video_h265_hd_1", 0)] {
            // The old SDK knows no domain here.
            let domain = if sdk == Sdk::OldPython { Value::Null } else { json!(PLAY) };
            let days = ask(transcoding, until(at(1, 0), at(23, 0), json!({ "grade": grade, "domainName": domain })));
            assert_eq!(days, json!([point(at(0, 0), at(24, 0), json!({ "duration": seconds }))]), "{grade}");
        }
        let long = until(at(-48, 0), at(23, 0), json!({ "period": "year" }));
        let years = ask(transcoding, long);
        let sum: i64 =
            years.as_array().expect("years").iter().filter_map(|year| year["data"]["duration"].as_i64()).sum();
        assert_eq!(sum, 61);

        let count = ask("describeLivePublishStreamNum", until(at(10, 0), at(10, 10), json!({ "domainName": PLAY })));
        let none = [0, 5].map(|minute| point(at(10, minute), at(10, minute + 5), json!({ "count": 0 })));
        assert_eq!(count, json!(none));
    }
    console.stop().await;
}
