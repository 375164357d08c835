//! Flink's REST API.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

const BOUNDARY: &str = "part-of-a-form";

/// The JobManager at an address.
pub struct Rest<'a>(pub &'a str);

impl Rest<'_> {
    /// What it answers; `None` where it does not answer, or with an error.
    pub fn get(&self, path: &str) -> Option<Value> {
        self.ask("GET", path, "application/json", &[]).ok()
    }

    /// The ids of its jobs with their states; `None` where it does not answer.
    pub fn jobs(&self) -> Option<Vec<(String, String)>> {
        let answer = self.get("/jobs")?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Some(answer["jobs"].as_array()?.iter().map(|job| (text(&job["id"]), text(&job["status"]))).collect())
    }

    /// Runs the class `Count` of a jar as a job and gives its id, or what was said instead.
    pub fn submit(&self, jar: &Path) -> Result<String, String> {
        let content = std::fs::read(jar).expect("the jar");
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"jarfile\"; filename=\"count.jar\"\r\n\
             Content-Type: application/java-archive\r\n\r\n"
        );
        let body = [head.as_bytes(), &content, format!("\r\n--{BOUNDARY}--\r\n").as_bytes()].concat();
        let uploaded = self.ask("POST", "/jars/upload", &format!("multipart/form-data; boundary={BOUNDARY}"), &body)?;
        let file = uploaded["filename"].as_str().and_then(|path| path.rsplit('/').next()).ok_or("no name")?;
        let run = self.ask("POST", &format!("/jars/{file}/run"), "application/json", br#"{"entryClass": "Count"}"#)?;
        run["jobid"].as_str().map(str::to_owned).ok_or_else(|| run.to_string())
    }

    /// Stops the cluster as its own client does.
    pub fn stop_cluster(&self) -> Result<Value, String> {
        self.ask("DELETE", "/cluster", "application/json", &[])
    }

    fn ask(&self, method: &str, path: &str, content_type: &str, body: &[u8]) -> Result<Value, String> {
        let say = |error: std::io::Error| error.to_string();
        let address = format!("{}:8081", self.0).parse().expect("an address");
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5)).map_err(say)?;
        // The first run of a jar loads all of its classes.
        stream.set_read_timeout(Some(Duration::from_mins(1))).map_err(say)?;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: {content_type}\r\n\
             Content-Length: {}\r\n\r\n",
            self.0,
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat()).map_err(say)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).map_err(say)?;
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
        if !head.lines().next().is_some_and(|status| status.contains(" 20")) {
            return Err(format!("{}: {body}", head.lines().next().unwrap_or_default()));
        }
        serde_json::from_str(body).map_err(|error| format!("{error}: {body}"))
    }
}
