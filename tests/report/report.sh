#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# report.sh FLEXLLM -- the page that flexllm report writes: well-formed, whole
# with all data and with little, nothing fetched, every name escaped; and what
# is wrong gets one line and leaves the old page. Runs from the root.
set -u
flexllm=$1
data=tests/report
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
bad=0
cases=0

fault() { echo "FAULT: $*"; bad=$((bad + 1)); }

# page NAME ARGUMENT...: writes $tmp/page.html without a word
page() {
    name=$1
    shift
    cases=$((cases + 1))
    rm -f "$tmp/page.html"
    "$flexllm" report "$@" -o "$tmp/page.html" >"$tmp/out" 2>&1 ||
        fault "$name: exit $?: $(cat "$tmp/out")"
    [ -s "$tmp/out" ] && fault "$name: said $(cat "$tmp/out")"
    [ -s "$tmp/page.html" ] || { fault "$name: no page"; return; }
    xmllint --noout --nonet "$tmp/page.html" 2>"$tmp/out" ||
        fault "$name: not well-formed: $(head -3 "$tmp/out")"
    for id in dataflow time roofline memory resources pareto published \
        assumptions; do
        [ "$(xmllint --xpath "count(//section[@id='$id']/h2)" \
            "$tmp/page.html")" = 1 ] || fault "$name: section $id"
        grep -q "href=\"#$id\"" "$tmp/page.html" || fault "$name: link to $id"
    done
    grep -q '<meta name="viewport"' "$tmp/page.html" || fault "$name: viewport"
    # nothing is fetched: no element that could, no url() or @import in CSS,
    # and links only to sections and to sources
    for element in script link img iframe object embed image use base form; do
        [ "$(xmllint --xpath "count(//$element)" "$tmp/page.html")" = 0 ] ||
            fault "$name: <$element>"
    done
    [ "$(xmllint --xpath 'count(//@src|//@srcset|//@data|//@*[starts-with(
        name(),"on")])' "$tmp/page.html")" = 0 ] || fault "$name: src or on..."
    grep -qE 'url\(|@import' "$tmp/page.html" && fault "$name: CSS that fetches"
    [ "$(xmllint --xpath 'count(//@href[not(starts-with(., "#") or starts-with(
        ., "https://"))])' "$tmp/page.html")" = 0 ] || fault "$name: a link"
    [ "$(xmllint --xpath 'count(//*[not(self::a)]/@href)' "$tmp/page.html")" \
        = 0 ] || fault "$name: href of no <a>"
}

has() { grep -qF "$2" "$tmp/page.html" || fault "$1: not there: $2"; }
hasnot() { grep -qF "$2" "$tmp/page.html" && fault "$1: there: $2"; }

# count NAME XPATH NUMBER
count() {
    n=$(xmllint --xpath "count($2)" "$tmp/page.html")
    [ "$n" = "$3" ] || fault "$1: $n of $2, not $3"
}

# fails NAME STATUS PATTERN ARGUMENT...: one line, and the old page stays
fails() {
    name=$1
    want=$2
    pattern=$3
    shift 3
    cases=$((cases + 1))
    echo old >"$tmp/page.html"
    "$flexllm" report "$@" >"$tmp/out" 2>"$tmp/err"
    rc=$?
    [ $rc = "$want" ] || fault "$name: exit $rc, not $want"
    [ "$(wc -l <"$tmp/err")" = 1 ] || fault "$name: $(cat "$tmp/err")"
    grep -qE "$pattern" "$tmp/err" ||
        fault "$name: '$(cat "$tmp/err")' does not match '$pattern'"
    [ "$(cat "$tmp/page.html")" = old ] || fault "$name: the old page is gone"
    [ "$(find "$tmp" -name '*.tmp.*' | wc -l)" = 0 ] || fault "$name: left over"
}

command -v xmllint >/dev/null || {
    echo "report: no xmllint here: sh scripts/setup.sh installs it"
    exit 1
}

cases=$((cases + 1))
"$flexllm" report --help | grep -q '^EXIT STATUS' || fault "no --help"
"$flexllm" --help | grep -q '^  report ' || fault "not among the commands"

# ---- all data ----------------------------------------------------------------
page full $data/design.json --time $data/time.json --explore $data/explore.json
has full '25000.0'                 # tokens/s
has full 'prefill of 64 tokens'
has full '0.00225 J'
has full 'brew (prefill)'          # ran, is not drawn
has full 'Shuhai, arXiv 2005.04324' # the source of an efficiency
has full '210,000 &#xB1;&#xA0;20,000'
has full 'Prefill: brew.'           # never synthesised
has full 'fits into the room'
has full 'decode buffer w'
has full 'The front of a search for stories260K on u280, prompts of 64 tokens: 3 designs'
has full ', of 12,345 legal ones, found in 1.5 s'
has full 'prefill in 0.002 s, 50 % of the scarcest resource, two images; tp 4, wp 16.'
has full 'The closed formula gives -1.0 %'
has full 'arXiv 2601.15710'
count full "//section[@id='pareto']//path[@class='lmem dash']" 3
hasnot full 'class="absent"'
count full "//section[@id='dataflow']//svg" 2
count full "//section[@id='time']//*[@class='gantt']/svg" 8
has full 'Its last block of 8 tokens alone, once through the layers: 90,000 cycles'
count full "//section[@id='memory']//svg" 2
count full "//section[@id='memory']//rect" 68
count full "//section[@id='pareto']//circle" 8
count full "//section[@id='pareto']//path[@class='ldec']" 1
count full "//section[@id='roofline']//circle" 2
# parts of the cache's words are narrowed in prefill, not in decode
count full "//section[@id='dataflow']//text[.='parts']" 1
count full "//section[@id='dataflow']//text[.='3.0 % of 8']" 1

# ---- a run made now, of a small model ----------------------------------------
page run $data/design.json
count run "//section[@id='dataflow']//svg" 2
count run "//section[@id='dataflow']//text[.='linear']" 2
count run "//*[@class='gantt']" 3
has run 'prefill of 64 tokens'
hasnot run 'says nothing of resources'

# ---- little data -------------------------------------------------------------
tr -d '\n' <$data/time.json |
    sed 's/,  *"resources".*/}/; s/"prefill": {  *"gb_s".*"decode": {  *"gb_s"/"prefill": {}, "decode": {"gb_s"/
        s/"prefill_cycles": 600000/"prefill_cycles": 0/; s/"prefill_s": 0.002/"prefill_s": 0/' \
        >"$tmp/little.json"
page little $data/design.json --time "$tmp/little.json"
has little 'No prefill was timed'
has little 'says nothing of resources'
has little 'No search was given'
hasnot little ' J<'
count little "//section[@id='dataflow']//svg" 1
count little "//*[@class='absent']" 3
printf '{"model":"x/stories260K.json","device":"u280","points":[],"chosen":-1}' >"$tmp/none.json"
page none $data/design.json --time $data/time.json --explore "$tmp/none.json"
has none 'found no design that fits'
sed 's/"prompt": 64/"prompt": 65/' $data/explore.json >"$tmp/longer.json"
page longer $data/design.json --time $data/time.json \
    --explore "$tmp/longer.json"
hasnot longer 'cross: the timed run'
count longer "//section[@id='pareto']//path[@class='ldec']" 0
sed 's/"area": 0[.0-9]*/"area": null/; s/"objective"/"other"/
    s/"legal"/"other"/; s/"bound"/"other"/' $data/explore.json >"$tmp/bare.json"
page bare $data/design.json --time $data/time.json --explore "$tmp/bare.json"
count bare "//section[@id='pareto']//svg" 1
count bare "//section[@id='pareto']//path[@class='lmem dash']" 0

# ---- hostile names -----------------------------------------------------------
evil="<script>alert('x')</script>\\&amp;\\\\\"]]>" # JSON text, & and \ for sed
no_utf8=$(printf '\377')
sed "s|AMD Alveo U280|$evil|; s|Shuhai, arXiv|$evil|; s|\"u280\"|\"<i>\"|" \
    designs/devices/u280.json >"$tmp/evil_device.json"
cp designs/models/stories260K.json "$tmp/<u>.json"
sed "s|page test|$evil|; s|\"u280\"|\"$tmp/evil_device.json\"|
    s|\"stories260K\"|\"$tmp/<u>.json\"|" $data/design.json >"$tmp/evil.json"
LC_ALL=C sed "s|page test|$evil|; s|\"brew\"|\"<q>$no_utf8\"|
    s|\"match\", \"m|\"$evil\", \"m|" $data/time.json >"$tmp/evil_time.json"
sed "s|stories260K|<u>|; s|u280|<i>|; s|\"latency\"|\"$evil\"|
    s|\"wp\"|\"<s>\"|" $data/explore.json >"$tmp/evil_x.json"
page evil "$tmp/evil.json" --time "$tmp/evil_time.json" \
    --explore "$tmp/evil_x.json"
hasnot evil '<script'
hasnot evil "alert('x')"
for tag in i u s q; do
    hasnot evil "<$tag>"
    has evil "&#60;$tag&#62;"
done
has evil '&#60;q&#62;&#xFFFD;'
has evil '<h1>&#60;script&#62;alert(&#39;x&#39;)&#60;/script&#62;&#38;amp;&#34;]]&#62;</h1>'
count evil "//h1[contains(., '<script>alert')]" 1

# ---- what is wrong -----------------------------------------------------------
o="-o $tmp/page.html"
# shellcheck disable=SC2086 # $o is two words
{
    fails no-output 2 'name the page' $data/design.json
    fails no-design 1 "$tmp/absent" "$tmp/absent.json" $o
    fails lengths 2 'has its own' $data/design.json --time x --prompt 5 $o
    fails no-time 1 'absent.*cannot open' $data/design.json --time "$tmp/absent" $o
    echo '{"design": "page test",' >"$tmp/cut"
    fails cut 1 'cut, line [12]: this is not JSON' $data/design.json --time "$tmp/cut" $o
    echo '[1]' >"$tmp/list"
    fails list 1 'object' $data/design.json --time "$tmp/list" $o
    fails not-a-time 1 '"design" is missing' $data/design.json \
        --time $data/explore.json $o
    fails not-a-search 1 '"points" is missing' $data/design.json \
        --time $data/time.json --explore $data/time.json $o
    sed 's/u280/v80/' $data/explore.json >"$tmp/other.json"
    fails other-search 1 'for stories260K on v80, not' $data/design.json \
        --time $data/time.json --explore "$tmp/other.json" $o
    fails folder 1 'cannot write' $data/design.json --time $data/time.json \
        -o "$tmp/no/page.html"
}
# spoilt NAME PATTERN SED: the timed run changed by SED
spoilt() {
    sed "$3" $data/time.json >"$tmp/spoilt.json"
    cmp -s $data/time.json "$tmp/spoilt.json" && fault "$1: not changed"
    fails "$1" 1 "$2" $data/design.json --time "$tmp/spoilt.json" \
        -o "$tmp/page.html"
}
spoilt other-design "design 'other', not 'page test'" 's/page test/other/'
spoilt other-clock 'decode was timed at 251 MHz' 's/"decode": 250/"decode": 251/'
spoilt other-lanes 'another dwp than' 's/"dwp": 8/"dwp": 16/'
spoilt channel "no channel 'hbm77'" 's/hbm3/hbm77/'
spoilt digits 'activity.*digits' 's/1313000200/13x3000200/'
spoilt negative '"busy" is -0.7' 's/"busy": 0.7/"busy": -0.7/'
spoilt no-bound 'bound' 's/"bound_tok_s": 30000/"bound_tok_s": 0/'
spoilt text '"context" must be a number' 's/"context": 64/"context": "64"/'
spoilt kind '"dsp" is missing' 's/"dsp": 512, //'

# ---- the picture is of these designs -----------------------------------------
cases=$((cases + 1))
sed -n 's/^ *{"\([a-z]*\)", [0-9], [0-9]*, [A-Z]*, 0,.*/\1/p' report/graph.c |
    sort -u >"$tmp/drawn"
cat designs/llama*.[ch] | grep -oE 'FX_TASK(_AT)?\([a-z_]+' | sed 's/.*(//' |
    sort -u >"$tmp/tasks"
[ "$(wc -l <"$tmp/drawn")" -ge 25 ] || fault "graph.c: few nodes"
stale=$(comm -23 "$tmp/drawn" "$tmp/tasks" | tr '\n' ' ')
[ -z "$stale" ] || fault "report/graph.c draws what no design has: $stale"
echo "report: tasks not drawn: $(comm -13 "$tmp/drawn" "$tmp/tasks" |
    grep -v '_fork$\|^llama_\|^shard$' | tr '\n' ' ')"

echo "report: $cases cases, $bad faults"
[ $bad = 0 ]
