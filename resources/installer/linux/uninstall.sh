#!/bin/sh
# Takes this LipoScope away. What its users made stays in their data folders.
set -eu

HERE=$(cd "$(dirname "$0")" && pwd -P)
SILENT=""
case ${1:-} in
  "") ;;
  --silent) SILENT=yes ;;
  *) echo "'$1' is not known: use --silent or nothing." >&2; exit 2 ;;
esac
if [ ! -x "$HERE/LipoScope" ] || [ ! -e "$HERE/installed.txt" ]; then
  echo "$HERE is not a LipoScope that was installed: nothing was removed." >&2
  exit 2
fi
if [ -z "$SILENT" ] && [ -t 0 ]; then
  printf 'Remove LipoScope from %s? [y/N] ' "$HERE"
  read -r answer
  case $answer in [Yy]*) ;; *) echo "Nothing was removed."; exit 3 ;; esac
fi
while IFS= read -r file; do
  if [ -L "$file" ]; then
    [ "$(readlink "$file")" != "$HERE/LipoScope" ] || rm -f "$file"
  elif [ -f "$file" ]; then
    rm -f "$file"
  fi
done <"$HERE/installed.txt"
cd /
rm -rf "$HERE"
[ -n "$SILENT" ] || echo "LipoScope was removed. Worklists, scores and models stay in ~/.local/share/LipoScope."
