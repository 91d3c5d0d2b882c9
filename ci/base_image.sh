#!/usr/bin/env bash
# Makes a small base image under the name that SAM expects, for machines that
# reach no image registry. It holds this machine's C library and certificates and
# busybox, and stands in for Amazon Linux 2023 only as far as a static folder
# layout goes: what it cannot show, the age of the C library, ci/sam.sh checks on
# the binaries. Elsewhere SAM pulls the real image, and this is not needed.
set -eu

machine=$(uname -m)
case $machine in
  x86_64) architecture=x86_64 loader=/lib64/ld-linux-x86-64.so.2 ;;
  aarch64) architecture=arm64 loader=/lib/ld-linux-aarch64.so.1 ;;
  *) echo "Lambda has no architecture like $machine" >&2; exit 1 ;;
esac
libraries=/lib/$machine-linux-gnu
image=public.ecr.aws/lambda/provided:al2023-$architecture

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
cd "$root"
mkdir -p bin dev etc/ssl/certs opt proc usr/bin var/runtime var/task ".$(dirname "$loader")" ".$libraries"
mkdir -m 1777 tmp
cp "$(command -v busybox)" bin/busybox
for name in cat chmod env ls mkdir sh; do ln -s busybox "bin/$name"; done
cp -L "$loader" ".$loader"
for name in libc.so.6 libdl.so.2 libgcc_s.so.1 libm.so.6 libpthread.so.0 libresolv.so.2; do
  cp -L "$libraries/$name" ".$libraries/$name"
done
cp -L /etc/ssl/certs/ca-certificates.crt etc/ssl/certs/
echo 'root:x:0:0::/root:/bin/sh' >etc/passwd
tar -c . | docker import --change 'WORKDIR /var/task' - "$image"
