#!/usr/bin/env bash
# Every event, in all four ways of running the function on a laptop, and what the
# artifacts of `sam build` must be. Installs Docker where it is missing, and stops
# the daemon again if it was started here.
#
# Usage: ci/sam.sh REHEARSAL-REPORT
set -eu
cd "$(dirname "$0")/.."
rehearsal_report=$1
target=${CARGO_TARGET_DIR:-$PWD/target}

install_docker() {
  local missing=()
  command -v docker >/dev/null && command -v dockerd >/dev/null || missing+=(docker.io)
  command -v busybox >/dev/null || missing+=(busybox-static)
  command -v iptables >/dev/null || missing+=(iptables)
  [ ${#missing[@]} -eq 0 ] && return
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
    apt-get install -qq --yes --no-install-recommends "${missing[@]}" >"$target/docker-install.log"
}

is_up() { docker version >/dev/null 2>&1; }

start_docker() {
  is_up && { echo "Docker's daemon runs already, and is left running"; return; }
  dockerd >"$target/dockerd.log" 2>&1 &
  daemon=$!
  trap 'kill "$daemon"; wait "$daemon" || true' EXIT
  until is_up; do
    kill -0 "$daemon" 2>/dev/null || { tail -5 "$target/dockerd.log"; return 1; }
    sleep 0.2
  done
}

# Lambda's image is pulled as on any laptop; where no registry is reached a small
# one is made.
base_image() {
  local image
  image=public.ecr.aws/lambda/provided:al2023-$(uname -m | sed s/aarch64/arm64/)
  if docker image inspect "$image" >/dev/null 2>&1; then
    export SAM_SKIP_PULL_IMAGE=true
  elif ! timeout 20 docker pull --quiet "$image"; then
    echo "$image cannot be pulled, so a small one is made"
    ci/base_image.sh && export SAM_SKIP_PULL_IMAGE=true
  fi
}

# The newest C library that a binary asks for; Amazon Linux 2023 has 2.34.
fits_amazon_linux() {
  local newest
  newest=$(objdump -T "$1" | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -1)
  [ -n "$newest" ] || { echo "$1 names no version of the C library"; return 1; }
  echo "$1 needs $newest"
  [ "$(printf '%s\n' "$newest" GLIBC_2.34 | sort -V | tail -1)" = GLIBC_2.34 ]
}

tools() { ls -d "$target"/rehearsal/aws-sam-cli-*/bin | head -1; }

sha_in() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["template"]["sha256"])' "$1"; }

install_docker
start_docker
base_image

if said=$(DOCKER_HOST=unix:///nowhere/docker.sock cargo rehearse sam 2>&1 >/dev/null); then
  echo 'cargo rehearse sam held without a daemon'
  exit 1
fi
echo "$said" | grep "Docker's daemon is not running"

cargo rehearse sam --all --json >"$target/sam.json"
SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 "$(tools)/sam" validate --lint
fits_amazon_linux "$target/release/bootstrap"
fits_amazon_linux .aws-sam/build/RegistrarFunction/bootstrap
[ "$(sha_in "$target/sam.json")" = "$(sha_in "$rehearsal_report")" ]
echo "SAM and the engine had the same template: $(sha_in "$target/sam.json")"

# Either it builds, or one sentence says what to install. Whether it does is seen
# without the optimizations, which are most of the time.
export CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
case $(uname -m) in x86_64) other=arm64 ;; *) other=x86_64 ;; esac
if said=$(cargo rehearse sam --architecture "$other" 2>&1); then
  file=.aws-sam/build/RegistrarFunction/bootstrap
  echo "built for $other: $(objdump -f "$file" 2>/dev/null | grep -m 1 'file format' || head -c 20 "$file" | od -An -tx1)"
else
  echo "$said" | grep 'rustup target add'
fi
