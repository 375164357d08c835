//! How the Deployment starts the program: what it does itself, and what it leaves to others.

use serde_json::Value;

use super::names::Names;
use crate::object::{annotation, label, list, text};

/// The arguments that matter here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Settings {
    is_known: bool,
    has_files: bool,
    is_by_chart: bool,
    has_bundle: bool,
    account: Option<String>,
    release: Option<String>,
    is_of_helm: bool,
}

impl Settings {
    /// Those of `deployment`; the defaults where it is not known.
    pub(super) fn of(deployment: Option<&Value>) -> Self {
        let Some(deployment) = deployment else { return Self::default() };
        let pod = ["spec", "template", "spec"];
        let containers = list(deployment, &["spec", "template", "spec", "containers"]);
        let words = containers.iter().flat_map(|container| {
            let words = ["command", "args"].into_iter().flat_map(|key| list(container, &[key]));
            words.filter_map(Value::as_str).flat_map(|word| word.split('='))
        });
        let words: Vec<&str> = words.collect();
        let has = |wanted: &str| words.contains(&wanted);
        let is_by_chart = words.windows(2).any(|pair| pair == ["--webhooks-by", "chart"]);
        let account = text(deployment, &[&pod[..], &["serviceAccountName"]].concat()).map(str::to_owned);
        let release = annotation(deployment, "meta.helm.sh/release-name");
        // Argo CD and Flux make what the chart renders without helm's annotation.
        let is_of_helm = release.is_some() || label(deployment, "app.kubernetes.io/managed-by") == Some("Helm");
        let release = release.or_else(|| label(deployment, "app.kubernetes.io/instance")).map(str::to_owned);
        let (has_files, has_bundle) = (has("--tls-cert"), has("--ca"));
        Self { is_known: true, has_files, is_by_chart, has_bundle, account, release, is_of_helm }
    }

    /// Whether the Deployment was there to be read; else the others answer with the defaults.
    pub(super) const fn is_known(&self) -> bool {
        self.is_known
    }

    /// Whether the program makes the authority.
    pub(super) const fn owns_authority(&self) -> bool {
        !self.has_files
    }

    /// Whether the program writes the bundle.
    pub(super) const fn writes_bundle(&self) -> bool {
        !self.has_files || self.has_bundle
    }

    /// Whether the program makes the webhook configurations.
    pub(super) const fn writes_configurations(&self) -> bool {
        !self.is_by_chart
    }

    /// The user that the replicas are to the API server.
    pub(super) fn account(&self, names: &Names) -> String {
        format!("system:serviceaccount:{}:{}", names.namespace, self.account.as_ref().unwrap_or(&names.service))
    }

    /// The command that brings back what was installed. Where the Deployment does not say by what, it is by the chart.
    pub(super) fn upgrade(&self, names: &Names) -> String {
        if self.is_known && !self.is_of_helm {
            return "kubectl apply -k DIRECTORY   # the kustomization that it was installed from".to_owned();
        }
        let release = self.release.as_ref().unwrap_or(&names.service);
        format!("helm upgrade --install {release} CHART --namespace {} --reset-then-reuse-values", names.namespace)
    }

    /// The command that gives the ServiceAccount its rights.
    pub(super) fn give_rights(&self, names: &Names) -> String {
        let value = if self.is_known && !self.is_of_helm { "" } else { " --set rbac.create=true" };
        format!("{}{value}", self.upgrade(names))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn arguments_are_read_in_both_forms() {
        let deployment = |arguments: Value| json!({"spec": {"template": {"spec": {"containers": [{"name": "x", "args": arguments}]}}}});
        let of = |arguments: Value| Settings::of(Some(&deployment(arguments)));
        for arguments in
            [json!(["--tls-cert=/a", "--webhooks-by=chart"]), json!(["--tls-cert", "/a", "--webhooks-by", "chart"])]
        {
            let settings = of(arguments);
            assert!(!settings.owns_authority() && !settings.writes_configurations() && !settings.writes_bundle());
        }
        let settings = of(json!(["--webhooks-by=program", "--service=chart"]));
        assert!(settings.owns_authority() && settings.writes_configurations() && settings.writes_bundle());
    }

    #[test]
    fn what_helm_did_not_install_is_not_helms_to_mend() {
        let names = Names::new("flink", "webhook");
        let upgrade = |metadata: Value| Settings::of(Some(&json!({"metadata": metadata}))).upgrade(&names);
        let instance = json!({"app.kubernetes.io/instance": "release"});
        assert!(upgrade(json!({"labels": instance})).starts_with("kubectl apply -k "));
        let labels = json!({"app.kubernetes.io/instance": "release", "app.kubernetes.io/managed-by": "Helm"});
        assert!(upgrade(json!({"labels": labels})).starts_with("helm upgrade --install release CHART"));
        let annotations = json!({"meta.helm.sh/release-name": "named"});
        assert!(
            upgrade(json!({"labels": instance, "annotations": annotations}))
                .starts_with("helm upgrade --install named ")
        );
        assert!(Settings::of(None).upgrade(&names).starts_with("helm upgrade --install webhook "));
    }
}
