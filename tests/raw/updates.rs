//! What becomes of a completed role when it is updated.

use flink_admission::inject::former;
use serde_json::{Value, json};

use super::{POLICY, answer, args, deployment, facts, outcome};

#[test]
fn without_ha_the_address_goes_with_it() {
    let facts = facts("flink-conf.yaml", "jobmanager.rpc.address: invoices-jobmanager\n");
    let created = deployment("invoices-jobmanager", "flink:1.20.1", &json!(["jobmanager"]));
    let stored = outcome(&created, None, POLICY, &facts).stored;
    let off = json!(["jobmanager", "-D", "high-availability.type=NONE"]);
    let update = deployment("invoices-jobmanager", "flink:1.20.1", &off);
    let kept = outcome(&update, Some(&stored), POLICY, &facts).stored;
    assert!(!args(&kept).join(" ").contains("jobmanager.rpc.address"), "{:?}", args(&kept));
    assert_eq!(outcome(&kept, Some(&stored), POLICY, &facts).stored, kept, "a second review");
}

#[test]
fn an_update_that_sends_the_arguments_anew_gets_them_back() {
    let facts = facts("flink-conf.yaml", "jobmanager.rpc.address: invoices-jobmanager\n");
    let object = deployment("invoices-jobmanager", "flink:1.20.1", &json!(["jobmanager"]));
    let stored = outcome(&object, None, POLICY, &facts).stored;
    let mut update = stored.clone();
    update["spec"]["template"]["spec"]["containers"][0]["args"] = json!(["jobmanager"]);
    assert_eq!(outcome(&update, Some(&stored), POLICY, &facts).stored, stored);
}

/// Whether the arguments came to stay, as with `kubectl set image`, or are sent as they were, as with `kubectl apply`.
#[test]
fn a_session_that_takes_no_options_keeps_its_arguments_as_they_come() {
    let facts = facts("flink-conf.yaml", "jobmanager.rpc.address: invoices-jobmanager\n");
    let object = deployment("invoices-jobmanager", "flink:1.20.1", &json!(["jobmanager"]));
    let stored = outcome(&object, None, POLICY, &facts).stored;
    for args_of_update in [args(&stored), args(&object)] {
        let mut update = stored.clone();
        update["spec"]["template"]["spec"]["containers"][0]["args"] = json!(args_of_update);
        update["spec"]["template"]["spec"]["containers"][0]["image"] = json!("flink:1.14.6");
        let kept = outcome(&update, Some(&stored), POLICY, &facts).stored;
        assert_eq!(args(&kept), args_of_update);
        let decision = answer(&kept, &stored, &facts);
        insta::allow_duplicates! {
            insta::assert_snapshot!(decision.message, @r#"
            1 problem:
            spec.template.spec.containers[0].args["high-availability.type"]: `high-availability.type` was filled in as an argument, and the session JobManager of Flink 1.14.6 takes no options as arguments, so the cluster would restart without HA and lose its jobs; stay on Flink 1.15 or later, or write the HA options into the configuration file of both roles first [injected-value-missing]
            "#);
        }
        assert_eq!(decision.warnings, [""; 0]);
        // Back on a version that reads them they are put back.
        let mut back = kept.clone();
        back["spec"]["template"]["spec"]["containers"][0]["image"] = json!("flink:1.20.1");
        assert_eq!(outcome(&back, Some(&kept), POLICY, &facts).stored, stored);
    }
}

#[test]
fn an_update_to_a_command_that_takes_nothing_of_ours_is_told() {
    let facts = facts("flink-conf.yaml", "jobmanager.rpc.address: invoices-jobmanager\n");
    let object = deployment("invoices-jobmanager", "flink:1.20.1", &json!(["jobmanager"]));
    let stored = outcome(&object, None, POLICY, &facts).stored;
    let warnings = |args: Value| {
        let mut update = deployment("invoices-jobmanager", "flink:1.20.1", &args);
        update["spec"]["template"]["spec"]["serviceAccountName"] = json!("flink");
        let decision = answer(&update, &stored, &facts);
        assert!(decision.allowed, "{}", decision.message);
        decision.warnings.join("\n")
    };
    insta::assert_snapshot!(warnings(json!(["sh", "-c", "exec /docker-entrypoint.sh \"$@\"", "--", "jobmanager"])), @"spec.template.spec.containers[0].args: `high-availability.type`, which was filled in, may be lost, since a shell's text starts it, to which…; write HA into the configuration file, or use `args: [jobmanager]`, where it is put back [injected-value-missing]");
    insta::assert_snapshot!(warnings(json!(["env", "FLINK_PROPERTIES=a: b", "/docker-entrypoint.sh", "jobmanager"])), @"spec.template.spec.containers[0].args: `high-availability.type`, which was filled in, may be lost, since `env` in its command changes varia…; write HA into the configuration file, or use `args: [jobmanager]`, where it is put back [injected-value-missing]");
    insta::assert_snapshot!(warnings(json!(["/opt/run.sh"])), @"spec.template.spec.containers[0].args: `high-availability.type`, which was filled in, may be lost, since its command is not known to start …; write HA into the configuration file, or use `args: [jobmanager]`, where it is put back [injected-value-missing]");
    assert_eq!(
        warnings(json!(["sh", "-c", "exec bin/jobmanager.sh start-foreground -D high-availability.type=kubernetes"])),
        ""
    );
    assert_eq!(warnings(json!(["/opt/run.sh", "-Dhigh-availability.type=kubernetes"])), "");
    // A container of another name is another program.
    let mut other = deployment("invoices-jobmanager", "nginx", &json!(["nginx"]));
    other["spec"]["template"]["spec"]["containers"][0]["name"] = json!("proxy");
    assert!(former(&other, &stored).is_none());
    // And what we filled nothing into is nobody's loss.
    assert!(former(&deployment("invoices-jobmanager", "flink:1.20.1", &json!(["/opt/run.sh"])), &object).is_none());
}

#[test]
fn an_update_gets_no_new_defaults() {
    let facts = facts("flink-conf.yaml", "jobmanager.rpc.address: invoices-jobmanager\n");
    let old = deployment("invoices-jobmanager", "flink:1.20.1", &json!(["jobmanager"]));
    let mut update = old.clone();
    update["spec"]["replicas"] = json!(0);
    assert_eq!(outcome(&update, Some(&old), POLICY, &facts).patch.0, []);
}

#[test]
fn a_new_version_gets_the_names_it_reads() {
    let facts = facts("flink-conf.yaml", "jobmanager.rpc.address: invoices-jobmanager\n");
    let object = deployment("invoices-taskmanager", "flink:1.16.3", &json!(["taskmanager"]));
    let stored = outcome(&object, None, POLICY, &facts).stored;
    let mut update = stored.clone();
    update["spec"]["template"]["spec"]["containers"][0]["image"] = json!("flink:1.20.1");
    let after = outcome(&update, Some(&stored), POLICY, &facts).stored;
    assert!(args(&after).contains(&"-Dhigh-availability.type=kubernetes"), "{:?}", args(&after));
    assert!(!args(&after).contains(&"-Dhigh-availability=kubernetes"), "{:?}", args(&after));
}
