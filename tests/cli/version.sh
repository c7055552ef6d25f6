#!/bin/sh
# version: without git, as JSON, and the notices of what is linked in.
. tests/lib.sh

exits "the version" 0 "$farspan" version
is "is that of release.h" "$(cat "$work/out")" \
    "farspan $(sed -n 's/^#define VERSION "\(.*\)"$/\1/p' core/base/release.h)"
exits "--version" 0 "$farspan" --version
exits "as JSON" 0 "$farspan" version --json
is "one line" "$(wc -l <"$work/out")" 1
is "names its event" "$(field event <"$work/out")" result
for format in identity session fsr; do
    like "and the format $format" "$(field formats <"$work/out")" "\"$format\": \{\"major\": [0-9]+"
done

exits "the notices" 0 "$farspan" version --licenses
for name in libsodium libzstd libxxhash libstb libev libc-ares libjansson libxcb1 libxau libxdmcp \
    libc6-dev libgcc; do
    like "have $name" "$(grep '^====' "$work/out")" "^==== $name"
done
check "have ours" grep -q "ISC" "$work/out"
check "say how to link again" grep -q "make CC=" "$work/out"
check "have the LGPL" grep -q "GNU LESSER GENERAL PUBLIC LICENSE" "$work/out"
refuse "miss none" grep -q "was not on the machine" "$work/out"
refuse "have no GPL-only part" grep -qi "x264\|x265\|ffmpeg" "$work/out"
exits "the notices as JSON" 0 "$farspan" version --licenses --json
like "are one string" "$(field licenses <"$work/out" | head -n 1)" "^farspan is linked"
finish
