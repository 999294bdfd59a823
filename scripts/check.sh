#!/usr/bin/env bash
# Every check that needs no build. Runs them all, then fails if any of them failed.
# (A test checks that the generated references are up to date, because that needs the executable.)
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/servers.sh
source scripts/servers.sh

failed=()
check() {
    local name=$1
    shift
    say "Check: $name"
    "$@" || failed+=("$name")
}

lint() {
    local paths
    mapfile -t paths < <(swift_paths)
    swift format lint --strict --recursive --parallel "${paths[@]}"
}

# Python packages that some checks need.
ensure_checks() {
    ensure_venv .build/checks scripts/requirements/checks.txt
}

check_deploy() {
    if ! ensure_checks; then
        if in_ci; then return 1; fi
        note "PyYAML could not be installed: deploy/ is not checked"
        return 0
    fi
    if in_ci && ! command -v systemd-analyze >/dev/null; then
        echo "systemd-analyze is missing" >&2
        return 1
    fi
    .build/checks/bin/python scripts/check-deploy.py --self-test && .build/checks/bin/python scripts/check-deploy.py
}

# The servers that simulate clouds must accept what the clouds' own clients send, and refuse what is wrong.
check_cloud_servers() {
    if ! install_servers; then
        if in_ci; then return 1; fi
        note "the clients of the clouds could not be installed: scripts/cloud-servers is not checked"
        return 0
    fi
    "$servers_environment/bin/python" -B -W ignore -m unittest discover --quiet --start-directory scripts/cloud-servers
}

# That Prometheus and Grafana can use what deploy/monitoring has, and that each alert fires, clears and is explained.
check_monitoring() {
    if ! ensure_checks || ! command -v promtool >/dev/null; then
        if in_ci; then
            echo "PyYAML or promtool is missing" >&2
            return 1
        fi
        note "no PyYAML or no promtool here: deploy/monitoring is not checked"
        return 0
    fi
    .build/checks/bin/python scripts/check-monitoring.py --self-test && .build/checks/bin/python scripts/check-monitoring.py
}

# The values of the Helm chart and, where helm and terraform are, all of the chart and the form of the Terraform example.
check_chart() {
    if ! ensure_checks; then
        if in_ci; then return 1; fi
        note "jsonschema could not be installed: the Helm chart is not checked"
        return 0
    fi
    .build/checks/bin/python scripts/check-chart.py
}

lint_shell() {
    local scripts
    # The shell scripts in the source tree, recognised by their first line: .ci/run has no suffix.
    mapfile -t scripts < <(grep -lrE '^#!/usr/bin/env bash|^# shellcheck shell=bash' .ci scripts Benchmarks --include='*.sh' --include=run | sort)
    scripts+=(deploy/debian/{postinst,prerm,postrm})
    if ! ensure_checks; then
        if in_ci; then return 1; fi
        note "shellcheck could not be installed: ${#scripts[@]} shell scripts are not checked"
        return 0
    fi
    .build/checks/bin/shellcheck --external-sources "${scripts[@]}"
}

check "format (swift format lint --strict)" lint
check "layers" scripts/check-layers.py
check "layers: the check itself" scripts/check-layers.py --self-test
check "constructs" scripts/check-source.py
check "constructs: the check itself" scripts/check-source.py --self-test
check "versions (Swift, Debian, packages, images)" scripts/check-versions.py
check "versions: the check itself" scripts/check-versions.py --self-test
check "bill of materials: the script itself" scripts/sbom.py --self-test
check "manual pages: the script itself" scripts/man-pages.py --self-test
check "documentation of public symbols: the check itself" scripts/check-docs.py --self-test
check "what the documentation names (links, files, targets, keys, defaults)" scripts/check-mentions.py
check "what the documentation names: the check itself" scripts/check-mentions.py --self-test
check "shell scripts (shellcheck)" lint_shell
check "deploy (Dockerfile, compose file, systemd units), and the check itself" check_deploy
check "deploy/monitoring (promtool, runbook, dashboard), and the check itself" check_monitoring
check "Helm chart and Terraform example" check_chart
check "servers for tests that play clouds" check_cloud_servers
check "benchmark harness" python3 -B -m unittest discover --quiet -s Benchmarks -p 'test_*.py'

if [[ ${#failed[@]} -gt 0 ]]; then
    printf 'failed: %s\n' "${failed[@]}" >&2
    exit 1
fi
say "All checks passed"
