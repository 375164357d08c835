//! What keeps `serve` from starting.

/// What `serve` says, and how it ends, where it cannot start.
fn refused(arguments: &[&str]) -> (Option<i32>, String) {
    let program = env!("CARGO_BIN_EXE_flink-admission");
    let done = std::process::Command::new(program).arg("serve").args(arguments).output().unwrap();
    (done.status.code(), String::from_utf8_lossy(&done.stderr).into_owned())
}

#[test]
fn what_keeps_it_from_starting_is_said_with_what_to_do() {
    let (status, said) = refused(&[]);
    assert!(
        status == Some(2)
            && said.contains("--self-signed")
            && said.contains("--tls-cert")
            && said.contains("--cluster"),
        "{said}"
    );
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (status, said) = refused(&["--self-signed", "--listen", &address]);
    assert!(status == Some(2) && said.contains(&address) && said.contains("`--listen`"), "{said}");
    assert_eq!(said.matches("in use").count(), 1, "{said}");
    let policy = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(policy.path(), "spec: {serviceAccount: {name: flink, provision: true}}").unwrap();
    let (status, said) = refused(&["--self-signed", "--policy", policy.path().to_str().unwrap()]);
    assert!(status == Some(2) && said.contains("provision"), "{said}");
}
