#!/bin/sh
# Installs LipoScope @VERSION@ for one user, or as root for everybody. Needs no network, no Python and no compiler.
set -eu
umask 022

VERSION=@VERSION@ SHA256=@SHA256@ MB=@MB@ GLIBC=@GLIBC@ MACHINE=@MACHINE@ LINE=@LINE@
SELF=$0 SILENT="" DESKTOP=yes CHECK=""
if [ "$(id -u)" = 0 ]; then
  TARGET=/opt/liposcope PREFIX=/usr/local
else
  TARGET=${HOME:?The installer needs to know HOME.}/.local/opt/liposcope PREFIX=$HOME/.local
fi

help() {
  cat <<TEXT
LipoScope $VERSION for Linux on $MACHINE.

  sh $(basename "$SELF") [--target DIR] [--prefix DIR] [--silent] [--no-desktop] [--check] [--help]

  --target DIR   where to install; default $TARGET
  --prefix DIR   where the menu's entry, its icon and the command 'liposcope' go; default $PREFIX
  --silent       ask nothing and say nothing but errors
  --no-desktop   none of those
  --check        only verify that this file is whole

An earlier LipoScope in DIR is replaced. DIR/uninstall.sh takes it away again; worklists, scores and models of yours
stay in your data folder.
TEXT
}

fail() { echo "$1" >&2; exit 2; }
say() { [ -n "$SILENT" ] || echo "$1"; }

while [ $# -gt 0 ]; do
  case $1 in
    --target) [ $# -ge 2 ] || fail "--target needs a folder."; TARGET=$2; shift ;;
    --target=*) TARGET=${1#--target=} ;;
    --prefix) [ $# -ge 2 ] || fail "--prefix needs a folder."; PREFIX=$2; shift ;;
    --prefix=*) PREFIX=${1#--prefix=} ;;
    --silent) SILENT=yes ;;
    --no-desktop) DESKTOP="" ;;
    --check) CHECK=yes ;;
    --help|-h) help; exit 0 ;;
    *) fail "'$1' is not known: use --target DIR, --prefix DIR, --silent, --no-desktop, --check or --help." ;;
  esac
  shift
done

payload() { tail -n "+$LINE" "$SELF"; }

[ "$(uname -s)" = Linux ] || fail "This installer is for Linux, this system is $(uname -s)."
[ "$(uname -m)" = "$MACHINE" ] || fail "This installer is for $MACHINE processors, this one is $(uname -m)."
for tool in tar xz sha256sum; do
  command -v "$tool" >/dev/null 2>&1 || fail "The installer needs $tool, which was not found: install it and run this again."
done
libc=$(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d' ' -f2)
if [ -n "$libc" ] && [ "$(printf '%s\n%s\n' "$GLIBC" "$libc" | sort -V | head -n 1)" != "$GLIBC" ]; then
  fail "LipoScope needs glibc $GLIBC or newer, this system has $libc: install it on a newer system."
fi

say "Verifying the installer"
found=$(payload | sha256sum | cut -d' ' -f1)
[ "$found" = "$SHA256" ] || fail "The installer is damaged (its checksum is $found, expected $SHA256): get it again."
if [ -n "$CHECK" ]; then say "The installer is whole."; exit 0; fi

case $TARGET in /*) ;; *) TARGET=$PWD/$TARGET ;; esac
case $PREFIX in /*) ;; *) PREFIX=$PWD/$PREFIX ;; esac
TARGET=${TARGET%/} SHARE=${PREFIX%/}/share BIN=${PREFIX%/}/bin
case $TARGET in ""|"${HOME:-}") fail "A folder of its own is needed: name one with --target." ;; esac
if [ -e "$TARGET" ] && [ ! -e "$TARGET/uninstall.sh" ]; then
  [ -d "$TARGET" ] && [ -z "$(ls -A "$TARGET")" ] || fail "$TARGET exists and is not a LipoScope: name another folder with --target."
fi
PARENT=$(dirname "$TARGET")
mkdir -p "$PARENT" || fail "$PARENT cannot be made: name another folder with --target."
free=$(df -Pm "$PARENT" | awk 'NR == 2 { print $4 }')
[ "$free" -gt "$((MB + 200))" ] || fail "LipoScope needs $((MB + 200)) MB in $PARENT, $free MB are free: make room and run this again."
if [ -z "$SILENT" ] && [ -t 0 ]; then
  printf 'Install LipoScope %s in %s? [Y/n] ' "$VERSION" "$TARGET"
  read -r answer
  case $answer in ""|[Yy]*) ;; *) echo "Nothing was installed."; exit 3 ;; esac
fi

PARTIAL=$TARGET.partial-$$ OLD=$TARGET.old-$$
trap 'rm -rf "$PARTIAL"' EXIT
trap 'exit 3' INT TERM HUP
mkdir "$PARTIAL" || fail "$PARENT cannot be written to: name another folder with --target."
say "Unpacking $MB MB"
payload | xz --decompress --stdout | tar --extract --no-same-owner --file - --directory "$PARTIAL" \
  || fail "The program could not be unpacked: the lines above say why. Nothing was changed."
if [ -e "$TARGET" ]; then mv "$TARGET" "$OLD"; fi
mv "$PARTIAL" "$TARGET"
rm -rf "$OLD"

if [ -n "$DESKTOP" ]; then
  mkdir -p "$SHARE/applications" "$SHARE/icons/hicolor/scalable/apps" "$BIN"
  quoted=$(printf '%s' "$TARGET" | sed -e 's/[\\&|]/\\&/g')
  sed -e "s|@TARGET@|$quoted|g" "$TARGET/liposcope.desktop" >"$SHARE/applications/liposcope.desktop"
  cp "$TARGET/liposcope.svg" "$SHARE/icons/hicolor/scalable/apps/liposcope.svg"
  ln -sf "$TARGET/LipoScope" "$BIN/liposcope"
  printf '%s\n' "$SHARE/applications/liposcope.desktop" "$SHARE/icons/hicolor/scalable/apps/liposcope.svg" \
    "$BIN/liposcope" >"$TARGET/installed.txt"
  if command -v update-desktop-database >/dev/null 2>&1; then
    update-desktop-database -q "$SHARE/applications" 2>/dev/null || true
  fi
else
  : >"$TARGET/installed.txt"
fi
say "LipoScope $VERSION is installed in $TARGET."
exit 0
