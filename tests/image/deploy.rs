//! The files in `deploy/`, against the schemas of those that read them.

use std::fs;
use std::process::Command;
use std::time::Duration;

use crate::support::{run, workspace};

#[test]
#[ignore = "needs the validator of make test"]
fn the_kubernetes_manifests_fit_their_schemas_and_a_wrong_one_does_not() {
    let validator = workspace().join("target/setup/kubernetes/bin/kubernetes-validate");
    let validate = |file: &std::path::Path| {
        run(
            Command::new(&validator).arg("--strict").arg(file),
            Duration::from_secs(60),
        )
    };
    let mut seen = 0;
    for file in fs::read_dir(workspace().join("deploy/kubernetes"))
        .unwrap()
        .flatten()
    {
        let ran = validate(&file.path());
        assert_eq!(ran.status, Some(0), "{}: {ran:?}", file.path().display());
        seen += 1;
    }
    assert_eq!(seen, 3);
    let manifest = fs::read_to_string(workspace().join("deploy/kubernetes/app.yaml")).unwrap();
    let wrong =
        std::env::temp_dir().join(format!("baseimage-test-wrong-{}.yaml", std::process::id()));
    fs::write(
        &wrong,
        manifest.replace("mountPath: /run", "mountpath: /run"),
    )
    .unwrap();
    let ran = validate(&wrong);
    fs::remove_file(&wrong).unwrap();
    assert_ne!(ran.status, Some(0), "{ran:?}");
}

#[test]
fn the_manifests_mount_a_folder_so_that_an_edit_is_live() {
    for name in ["app.yaml", "app-without-root.yaml"] {
        let manifest =
            fs::read_to_string(workspace().join("deploy/kubernetes").join(name)).unwrap();
        assert!(
            manifest.contains("mountPath: /etc/workaround-docker-2267, readOnly: true"),
            "{name}"
        );
        assert!(!manifest.contains("subPath:"), "{name}");
    }
}
