#!/usr/bin/env bash
# Makes the disk image: dmg.sh LipoScope.app OUT.dmg VERSION, on macOS. `python run.py build` calls it.
# LIPOSCOPE_SIGN     a "Developer ID Application" identity: the application and the image are signed with it.
# LIPOSCOPE_NOTARY   a profile stored by `xcrun notarytool store-credentials`: the image is notarised and stapled.
#                    Notarising sends the image to Apple and is the only step of a build that uses a network.
# Silent installation:  hdiutil attach OUT.dmg -nobrowse && cp -R /Volumes/LipoScope/LipoScope.app /Applications
set -euo pipefail

app=${1:?the application} out=${2:?the disk image} version=${3:?the version}
here=$(cd "$(dirname "$0")" && pwd)
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT

[ -d "$app" ] || { echo "$app is not there: freeze the program first." >&2; exit 2; }
if [ -n "${LIPOSCOPE_SIGN:-}" ]; then
  codesign --force --deep --options runtime --timestamp --entitlements "$here/entitlements.plist" \
    --sign "$LIPOSCOPE_SIGN" "$app"
  codesign --verify --deep --strict "$app"
fi
mkdir "$room/image"
cp -R "$app" "$room/image/"
ln -s /Applications "$room/image/Applications"
cp "$app/Contents/Resources/NOTICES.txt" "$app/Contents/Resources/LICENSE" "$room/image/"
rm -f "$out"
hdiutil create -volname "LipoScope" -srcfolder "$room/image" -fs APFS -format ULFO -quiet "$out"
if [ -n "${LIPOSCOPE_SIGN:-}" ]; then
  codesign --sign "$LIPOSCOPE_SIGN" --timestamp "$out"
fi
if [ -n "${LIPOSCOPE_NOTARY:-}" ]; then
  xcrun notarytool submit "$out" --keychain-profile "$LIPOSCOPE_NOTARY" --wait
  xcrun stapler staple "$out"
fi
hdiutil verify -quiet "$out"
echo "LipoScope $version is in $out"
