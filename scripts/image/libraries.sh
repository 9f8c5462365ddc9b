#!/bin/sh
# libraries.sh ARCHITECTURE FOLDER: the C and C++ libraries that the executable needs, and nothing else, from Debian's
# packages for amd64 or arm64, unpacked into FOLDER with their copyright files. Installs nothing, so it works for either
# architecture on either, without emulation. Used by the Dockerfile and by scripts/image.ts.
set -eu
umask 022

arch=$1
folder=$2
case $arch in
amd64) triplet=x86_64-linux-gnu loader=lib64/ld-linux-x86-64.so.2 ;;
arm64) triplet=aarch64-linux-gnu loader=lib/ld-linux-aarch64.so.1 ;;
*)
  echo "$0: no executable for $arch" >&2
  exit 2
  ;;
esac
packages="libc6 libgcc-s1 libstdc++6"
# What the executable (Bun) and koffi, which it loads, ask for. The loader comes besides.
libraries="libc.so.6 libm.so.6 libpthread.so.0 libdl.so.2 libgcc_s.so.1 libstdc++.so.6"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/sources" "$work/root"
# Debian's own sources alone, with lists of our own, so that the machine's are left as they are.
cp /etc/apt/sources.list.d/debian.sources "$work/sources/" 2>/dev/null || cp /etc/apt/sources.list "$work/sources/debian.list"
cd "$work"
apt() {
  apt-get -qq -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache" -o Dir::Etc::SourceList=/dev/null \
    -o Dir::Etc::SourceParts="$work/sources" -o APT::Architecture="$arch" -o APT::Architectures="$arch" \
    -o APT::Sandbox::User=root -o Acquire::Languages=none "$@"
}
apt update
unpack() {
  apt download "$1:$arch"
  dpkg-deb --extract "$1"_*.deb root
}
for package in $packages; do unpack "$package"; done
# Where GCC's two have their copyright file.
common=$(readlink root/usr/share/doc/libstdc++6)
unpack "$common"

mkdir -p "$folder/$(dirname "$loader")" "$folder/lib/$triplet" "$folder/usr/share/doc"
for name in $libraries; do
  # Some packages have them below /lib, some below /usr/lib; the name is often a link to the file.
  cp --dereference "$(find root -name "$name" -path "*/$triplet/*")" "$folder/lib/$triplet/$name"
done
cp --dereference "$(find root -name "$(basename "$loader")" -path "*/$triplet/*")" "$folder/$loader"
for package in libc6 "$common"; do
  mkdir -p "$folder/usr/share/doc/$package"
  cp "root/usr/share/doc/$package/copyright" "$folder/usr/share/doc/$package/"
done
