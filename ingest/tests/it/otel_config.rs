//! The collector configurations that we hand out: each is YAML that a collector can read, and keeps the promises of
//! its README.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_yaml_ng::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../otel-config")
}

fn documents(text: &str) -> Vec<Value> {
    let documents = serde_yaml_ng::Deserializer::from_str(text);
    documents
        .map(|document| <Value as serde::Deserialize>::deserialize(document).unwrap())
        .collect()
}

/// Every collector configuration, those inside of manifests included, with where it is from.
fn configurations() -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for directory in [folder(), folder().join("kubernetes")] {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "yaml") {
                continue;
            }
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            for document in documents(&std::fs::read_to_string(&path).unwrap()) {
                if document.get("service").is_some() {
                    found.push((name.clone(), document));
                } else if let Some(text) = document["data"]["config.yaml"].as_str() {
                    found.extend(
                        documents(text)
                            .into_iter()
                            .map(|document| (name.clone(), document)),
                    );
                }
            }
        }
    }
    found
}

fn names(list: &Value) -> Vec<&str> {
    let list = list.as_sequence().map(Vec::as_slice).unwrap_or_default();
    list.iter().map(|name| name.as_str().unwrap()).collect()
}

#[test]
fn every_configuration_is_found() {
    let found: BTreeSet<String> = configurations().into_iter().map(|(name, _)| name).collect();
    let expected = [
        "agent.yaml",
        "daemonset.yaml",
        "gateway.yaml",
        "tail-sampling.yaml",
    ];
    assert_eq!(found, expected.map(str::to_owned).into());
    assert_eq!(configurations().len(), 5, "two are called gateway.yaml");
}

#[test]
fn every_signal_goes_from_otlp_to_brokle() {
    for (name, configuration) in configurations() {
        let pipelines = &configuration["service"]["pipelines"];
        for signal in ["traces", "logs", "metrics"] {
            let pipeline = &pipelines[signal];
            assert_eq!(names(&pipeline["receivers"]), ["otlp"], "{name} {signal}");
            assert_eq!(
                names(&pipeline["exporters"]),
                ["otlphttp/brokle"],
                "{name} {signal}"
            );
        }
    }
}

#[test]
fn what_a_pipeline_names_is_there_and_what_is_there_is_named() {
    for (name, configuration) in configurations() {
        let pipelines = configuration["service"]["pipelines"].as_mapping().unwrap();
        for kind in ["receivers", "processors", "exporters"] {
            let used: BTreeSet<&str> = pipelines
                .values()
                .flat_map(|pipeline| names(&pipeline[kind]))
                .collect();
            let section = configuration[kind].as_mapping().unwrap();
            let defined: BTreeSet<&str> = section.keys().map(|key| key.as_str().unwrap()).collect();
            assert_eq!(used, defined, "{name} {kind}");
        }
        let used: BTreeSet<&str> = names(&configuration["service"]["extensions"])
            .into_iter()
            .collect();
        let section = configuration["extensions"].as_mapping().unwrap();
        assert_eq!(
            used,
            section.keys().map(|key| key.as_str().unwrap()).collect(),
            "{name}"
        );
    }
}

#[test]
fn address_and_key_come_from_outside() {
    for (name, configuration) in configurations() {
        let exporter = &configuration["exporters"]["otlphttp/brokle"];
        let endpoint = exporter["endpoint"].as_str().unwrap();
        assert!(
            endpoint.starts_with("${env:BROKLE_ENDPOINT"),
            "{name}: {endpoint}"
        );
        assert_eq!(
            exporter["headers"]["X-API-Key"], "${env:BROKLE_API_KEY}",
            "{name}"
        );
        assert!(
            ["gzip", "zstd"].contains(&exporter["compression"].as_str().unwrap()),
            "{name}"
        );
    }
}

#[test]
fn nothing_is_acknowledged_before_it_is_in_a_bounded_queue_on_disk() {
    for (name, configuration) in configurations() {
        let exporter = &configuration["exporters"]["otlphttp/brokle"];
        let queue = &exporter["sending_queue"];
        assert_eq!(queue["storage"], "file_storage", "{name}");
        assert!(
            queue["queue_size"].as_u64().is_some_and(|size| size > 0),
            "{name}"
        );
        assert_eq!(
            configuration["extensions"]["file_storage"]["fsync"], true,
            "{name}"
        );
        assert_eq!(
            exporter["retry_on_failure"]["max_elapsed_time"], "0s",
            "{name}: it never gives up"
        );
        let pipelines = configuration["service"]["pipelines"].as_mapping().unwrap();
        for pipeline in pipelines.values() {
            let processors = names(&pipeline["processors"]);
            assert!(
                !processors.iter().any(|name| name.starts_with("batch")),
                "{name}: {processors:?}"
            );
            assert_eq!(processors.first(), Some(&"memory_limiter"), "{name}");
        }
    }
}

#[test]
fn whole_conversations_fit() {
    for (name, configuration) in configurations() {
        let grpc = &configuration["receivers"]["otlp"]["protocols"]["grpc"];
        assert_eq!(grpc["max_recv_msg_size_mib"], 64, "{name}");
    }
}

#[test]
fn manifests_hold_together() {
    for file in ["daemonset.yaml", "gateway.yaml"] {
        let text = std::fs::read_to_string(folder().join("kubernetes").join(file)).unwrap();
        let documents = documents(&text);
        let of_kind = |kind: &str| documents.iter().find(|document| document["kind"] == kind);
        let config = of_kind("ConfigMap").unwrap()["metadata"]["name"]
            .as_str()
            .unwrap();
        let account = of_kind("ServiceAccount").unwrap()["metadata"]["name"]
            .as_str()
            .unwrap();
        let workload = of_kind("DaemonSet").or_else(|| of_kind("StatefulSet")).unwrap();
        let pod = &workload["spec"]["template"]["spec"];
        assert_eq!(pod["serviceAccountName"], account, "{file}");
        assert_eq!(pod["volumes"][0]["configMap"]["name"], config, "{file}");
        assert_eq!(
            workload["spec"]["selector"]["matchLabels"], workload["spec"]["template"]["metadata"]["labels"],
            "{file}"
        );
        let container = &pod["containers"][0];
        let image = container["image"].as_str().unwrap();
        let (_, tag) = image.rsplit_once(':').unwrap();
        assert!(
            tag.starts_with(|first: char| first.is_ascii_digit()),
            "{file}: {image} is pinned"
        );
        assert!(container["resources"]["limits"]["memory"].is_string(), "{file}");
        let mounts = container["volumeMounts"].as_sequence().unwrap();
        assert!(
            mounts
                .iter()
                .any(|mount| mount["mountPath"] == "/var/lib/otelcol"),
            "{file}: the queue survives"
        );
        let of_secret: BTreeSet<&str> = container["env"]
            .as_sequence()
            .unwrap()
            .iter()
            .filter(|variable| variable["valueFrom"]["secretKeyRef"]["name"] == "brokle")
            .map(|variable| variable["name"].as_str().unwrap())
            .collect();
        assert_eq!(of_secret, ["BROKLE_API_KEY", "BROKLE_ENDPOINT"].into(), "{file}");
    }
}

#[test]
fn readmes_name_every_file() {
    for directory in [folder(), folder().join("kubernetes"), folder().join("sdk")] {
        let readme = std::fs::read_to_string(directory.join("README.md")).unwrap();
        for entry in std::fs::read_dir(&directory).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().to_string_lossy().into_owned();
            assert!(
                name == "README.md" || readme.contains(&format!("]({name}")),
                "{name}"
            );
        }
    }
}
