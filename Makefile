# make test   everything that must hold: format, lints, the wall around the core, cases, unit and integration tests
# make build  the release binary, target/release/flink-admission
# make image  the container image, without a container engine: an OCI layout, a file for `docker load` and the digest, in
#             target/images (deploy/image/README.md); the version that is in Cargo.toml
# make sbom   what is in it, as CycloneDX, beside it
# make deny   licences, sources and known holes of the crates, a part of `test`; holes where FLINK_ADMISSION_ADVISORIES names a
#             clone of RustSec's advisory-db
# make fidelity  what we believe of Flink and its operator beside their own classes and scripts, in full: FIDELITY_CASES
#             (10000) for each of eleven releases, or those of FLINK_ADMISSION_FIDELITY; other cases with FIDELITY_SEED
# make bench  what reviews cost, a few minutes on an idle machine; figures and aims, no verdict (what is measured: tests/bench/README.md)
# make fidelity-live  real clusters that lose their leader, and manifests with a fault each, on the real thing: a table of
#             both, half an hour; FIDELITY_ONLY="2.3.0 zookeeper" runs the lines with these words. Wants root, iproute2 and overlayfs
# make test-rollout  replicas that come, go and change under load, as often as is promised, and no create lost: a quarter of an
#             hour; `make test` has a shorter form
# make fuzz   the fuzz targets, FUZZ_SECONDS (600) each, on one core; skips without nightly and cargo-fuzz (tests/fuzz/README.md)
#
# Wanted: Rust, Go (etcd, kube-apiserver, kubectl and helm are built from source, once, outside the checkout), make; a JDK,
# python3 and Maven for the tests with real Flink processes and its operator (brought once, outside the checkout); Debian's apt
# and dpkg for the image, and root to look at it from inside.

SHELL := /bin/bash
CARGO ?= cargo
TARGET_DIRECTORY := $(or $(CARGO_TARGET_DIR),target)
# What the pure core must not depend on, directly or through others.
WALL := tokio|hyper|axum|rustls|kube|k8s-openapi

# Each step has both cores for itself, and what failed is the last thing said.
.NOTPARALLEL:
.PHONY: test fmt fmt-check clippy core-wall deny image sbom control-plane flink build cases cargo-test bench fidelity fidelity-live test-rollout fuzz clean

# The test runner comes last, so that its summary ends the output.
test: fmt-check clippy core-wall deny control-plane flink build cases cargo-test

fmt:
	$(CARGO) fmt --all

fmt-check:
	$(CARGO) fmt --all --check

clippy:
	$(CARGO) clippy --locked --all-targets --all-features -- -D warnings

core-wall:
	$(CARGO) check --locked --no-default-features
	@tree=$$($(CARGO) tree --locked --no-default-features -e normal --prefix none) || exit 1; \
	found=$$(grep -E '^($(WALL))\b' <<<"$$tree" | sort -u); \
	if [ -n "$$found" ]; then \
		echo "core-wall: the tree of --no-default-features has" $$found"; make them optional, part of \`webhook\`" >&2; \
		exit 1; \
	fi

# By cargo-deny, which is built once, outside the checkout.
deny:
	deploy/supply-chain/deny

# etcd, kube-apiserver, kube-controller-manager, kubectl and helm for the integration tests.
control-plane:
	tests/control-plane/build kube-controller-manager

# Releases of Flink, and its operator, for the tests that run them. Without them they say that they are skipped, and fail on CI.
flink:
	tests/flink/build 1.16.3 1.20.5 2.3.0 || [ "$$CI" != true ]
	tests/flink/operator/build || [ "$$CI" != true ]

build:
	$(CARGO) build --locked --release

# No part of `test`, which assembles an image of the program that it tests.
image:
	deploy/image/build

sbom:
	deploy/image/sbom

# The cases that must pass, where they lie beside the checkout.
cases: build
	tests/run-cases $(TARGET_DIRECTORY)/release/flink-admission

cargo-test:
	$(CARGO) test --locked --no-fail-fast

# No part of `test`, which asks three releases for 500 cases each. Optimised, since ten thousand cases cost us more than Flink.
# A newer operator that FLINK_ADMISSION_OPERATOR names is asked also how it flattens what is nested.
FIDELITY_CASES ?= 10000
fidelity: export CI = true
fidelity: export FLINK_ADMISSION_FIDELITY ?= all
fidelity: export FIDELITY_CASES := $(FIDELITY_CASES)
fidelity:
	tests/flink/build
	tests/flink/operator/build
	$(CARGO) test --locked --release --no-fail-fast --test fidelity --test scripts --test operator_classes -- --nocapture \
		$(if $(FLINK_ADMISSION_OPERATOR),--include-ignored)

# No part of `test`: a machine that does other things has other figures. The ratios come last.
bench:
	$(CARGO) bench --locked --bench review
	$(CARGO) bench --locked --bench load

# No part of `test`, but for its first line.
fidelity-live: control-plane
	tests/flink/build 1.15.4 1.16.3 1.18.1 1.19.3 1.20.5 2.3.0
	tests/flink/operator/build
	CI=true $(CARGO) test --locked --test failover --test operator -- --ignored --test-threads=1

# `test` does each once or twice.
test-rollout: control-plane
	CI=true FLINK_ADMISSION_ROLLOUT=full $(CARGO) test --locked --test rollout -- --include-ignored --nocapture --test-threads=1

# No part of `test` either: it looks for what nobody knows of yet, and takes as long as it is given.
FUZZ_SECONDS ?= 600
fuzz:
	tests/fuzz/run $(FUZZ_SECONDS)

clean:
	$(CARGO) clean
