#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# report_check.sh PAGE.html [FOLDER] -- pictures of a page that flexllm report
# wrote, to look at: as a phone shows it (390 px), as a desk does (1280 px), in
# the dark, and as a PDF. Needs chromium (Debian: apt-get install chromium);
# writes phone.png, desk.png, dark.png and page.pdf into the folder
# (PAGE.check). Fails where the page is wider than the phone.
set -eu
[ $# -ge 1 ] || { echo "usage: report_check.sh PAGE.html [FOLDER]" >&2; exit 2; }
page=$(realpath "$1")
out=${2:-${1%.html}.check}
browser=$(command -v chromium || command -v chromium-browser ||
    command -v google-chrome) || {
    echo "report_check: no chromium here: apt-get install chromium" >&2
    exit 1
}
mkdir -p "$out"
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT

chrome() {
    "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars \
        --no-first-run --disable-extensions --virtual-time-budget=2000 \
        --user-data-dir="$profile" "$@" 2>"$profile/log" ||
        { cat "$profile/log" >&2; exit 1; }
}

# The page in a frame as wide as the phone, and its sizes out of the frame: a
# window of the browser itself cannot be that narrow.
measure() {
    cat >"$profile/frame.html" <<HTML
<iframe id="f" src="file://$page" style="border:0;width:$1px;height:600px"></iframe>
<script>
f.onload = () => { const d = f.contentDocument.documentElement;
  document.title = d.scrollWidth + " " + d.scrollHeight; }
</script>
HTML
    chrome --allow-file-access-from-files --dump-dom "file://$profile/frame.html" |
        sed -n 's/.*<title>\([0-9]* [0-9]*\)<.*/\1/p'
}

# shot WIDTH FILE [OPTION]: the whole length of the page
shot() {
    width=$1 file=$2
    shift 2
    size=$(measure "$width")
    height=${size#* }
    cat >"$profile/shot.html" <<HTML
<body style="margin:0"><iframe src="file://$page" style="border:0;width:${width}px;height:${height}px"></iframe></body>
HTML
    chrome --window-size="$width,$height" --screenshot="$out/$file" "$@" \
        "file://$profile/shot.html" >/dev/null
    echo "report_check: $out/$file: ${size% *} x $height"
    [ "${size% *}" -le "$width" ] || {
        echo "report_check: wider than $width px" >&2
        exit 1
    }
}

shot 390 phone.png
shot 1280 desk.png
shot 390 dark.png --blink-settings=preferredColorScheme=0
chrome --no-pdf-header-footer --print-to-pdf="$out/page.pdf" "file://$page" \
    >/dev/null
echo "report_check: $out/page.pdf"
