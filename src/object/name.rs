//! Which names the API server lets an object have.

/// Characters of a DNS-1123 label.
const LABEL: usize = 63;
/// Those of a DNS-1123 subdomain; its parts have no bound of their own (apimachinery, `IsDNS1123Subdomain`).
const SUBDOMAIN: usize = 253;

/// Whether a namespace, a Service, a container or a volume can be called `text`: a DNS-1123 label, which means nothing else
/// in a URL.
#[must_use]
pub fn is_dns_label(text: &str) -> bool {
    text.len() <= LABEL && is_part(text)
}

/// Whether an object can be called `text` where its kind asks for no more: a DNS-1123 subdomain, in which there is no `/`
/// and no `..` either.
#[must_use]
pub fn is_dns_subdomain(text: &str) -> bool {
    text.len() <= SUBDOMAIN && text.split('.').all(is_part)
}

/// Lower-case letters and digits, and `-` between them.
fn is_part(text: &str) -> bool {
    let is_edge = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.first().is_some_and(is_edge)
        && bytes.last().is_some_and(is_edge)
        && bytes.iter().all(|byte| is_edge(byte) || *byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_has_no_dots_and_63_characters_at_most() {
        for name in ["0", "a", "flink-1", &"a".repeat(LABEL)] {
            assert!(is_dns_label(name) && is_dns_subdomain(name), "{name}");
        }
        for name in ["flink.a", &"a".repeat(LABEL + 1)] {
            assert!(!is_dns_label(name) && is_dns_subdomain(name), "{name}");
        }
    }

    #[test]
    fn what_has_a_meaning_in_a_url_is_no_name() {
        let long = "a".repeat(SUBDOMAIN + 1);
        let dots = [".", "..", "a..b", ".a", "a."];
        for name in ["", "a/../b", "a?watch=true", "a%2fb", "Flink", "-a", "a-", "ü", "a b", "a_b", &long] {
            assert!(!is_dns_label(name) && !is_dns_subdomain(name), "{name}");
        }
        assert!(dots.iter().all(|name| !is_dns_label(name) && !is_dns_subdomain(name)));
    }
}
