#!/bin/sh
# Measures `unbroken zone` beside other tools: each pair interleaved, ROUNDS times; the verdicts must be equal; prints the
# medians of the ratios. Other load on the machine changes the seconds, and the ratios little.
# usage: benches/zone.sh FOLDER [WHAT]   FOLDER as `benches/zone-make.sh FOLDER 10000 100000 1000000` makes it
#   WHAT: floor (against bare ring), read (the reader by itself), verify, ldns (zones that ldns signed), compare, big-compare, big-verify and big-nsec3
#   (zones of 1,000,000); all (default): all of these; quick: all but big-nsec3 in 3 rounds, big-verify in one, about 11 minutes
#   on two cores of their own. SIZE: the owners of the zones that are verified (100000)
# builds: cargo bench --no-run --bench bare_ring --bench reader   (that makes the program too)
# needs: those; dnssec-verify, ldns-compare-zones; kzonecheck if there is one
set -eu
folder=$1
what=${2:-all}
size=${SIZE:-100000}
rounds=${ROUNDS:-5}
[ "$what" != quick ] || rounds=${ROUNDS:-3}
threads=${THREADS:-$(nproc)}
root=$(cd "$(dirname "$0")/.." && pwd)
program=${PROGRAM:-$root/target/release/unbroken}
built() { ls -t "$root"/target/release/deps/"$1"-* 2>/dev/null | grep -v '\.d$' | head -n 1; }
bare=${BARE:-$(built bare_ring)}
reader=${READER:-$(built reader)}
kzonecheck=${KZONECHECK:-kzonecheck}
cd "$folder"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Runs a shell line: seconds, peak KiB, and seconds of processor into $work/$1, its exit status back.
timed() {
    name=$1
    shift
    status=0
    /usr/bin/time -f '%e %M %U %S' -o "$work/time" sh -c "$*" >"$work/out" 2>"$work/err" || status=$?
    tail -n 1 "$work/time" >>"$work/$name"
    return "$status"
}

median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# $1 what, $2 line of ours, $3 line of the peer's, $4 and $5 the exit statuses that both must have
pair() {
    rm -f "$work/ours" "$work/peer"
    n=0
    while [ "$n" -lt "$rounds" ]; do
        timed ours "$2" && got=0 || got=$?
        [ "$got" = "$4" ] || { echo "$1: exit $got, expected $4"; cat "$work/out" "$work/err"; exit 1; }
        timed peer "$3" && got=0 || got=$?
        [ "$got" = "$5" ] || { echo "$1: the peer: exit $got, expected $5"; cat "$work/err"; exit 1; }
        n=$((n + 1))
    done
    ours=$(cut -d' ' -f1 "$work/ours" | median)
    peer=$(cut -d' ' -f1 "$work/peer" | median)
    memory=$(cut -d' ' -f2 "$work/ours" | median)
    theirs=$(cut -d' ' -f2 "$work/peer" | median)
    ratio=$(paste -d' ' "$work/ours" "$work/peer" | awk '{ print $5 / ($1 > 0 ? $1 : 0.01) }' | median)
    cpu=$(paste -d' ' "$work/ours" "$work/peer" | awk '{ o = $3 + $4; p = $7 + $8; print p / (o > 0 ? o : 0.01) }' | median)
    echo "$1 | $ours s, $((memory / 1024)) MiB | $peer s, $((theirs / 1024)) MiB | $ratio times as fast, $cpu times by processor time"
}

# The floor prints its own seconds: reading and preparing do not count.
floor() {
    rm -f "$work/ours" "$work/peer"
    n=0
    while [ "$n" -lt "$rounds" ]; do
        timed ours "$program zone verify $2 --threads $threads" || { cat "$work/out"; exit 1; }
        ours=$(sed -n 's/.* owners, \([0-9]*\) good signatures.*/\1/p' "$work/out")
        timed dropped "$bare $2 $threads"
        [ "$ours" = "$(cut -d' ' -f1 "$work/out")" ] || { echo "$1: other signatures"; exit 1; }
        cut -d' ' -f2,3 "$work/out" >>"$work/peer"
        n=$((n + 1))
    done
    ours=$(cut -d' ' -f1 "$work/ours" | median)
    peer=$(cut -d' ' -f1 "$work/peer" | median)
    ratio=$(paste -d' ' "$work/ours" "$work/peer" | awk '{ print $5 / $1 }' | median)
    cpu=$(paste -d' ' "$work/ours" "$work/peer" | awk '{ print $6 / ($3 + $4) }' | median)
    echo "$1 | $ours s | $peer s | $ratio of its speed, $cpu by processor time"
}

verify="$program zone verify --threads $threads"
compare="$program zone compare"
lines='awk "\$4 !~ /^(RRSIG|NSEC|NSEC3|NSEC3PARAM|DNSKEY|SOA|NS)\$/"'
echo "$(date -u +%Y-%m-%d), $threads threads, $rounds rounds, load $(cut -d' ' -f1-3 /proc/loadavg)"
began=$(date +%s)
wants() { [ "$what" = all ] || [ "$what" = "$1" ] || { [ "$what" = quick ] && [ "$1" != big-nsec3 ]; }; }
peer_verify="dnssec-verify -q -o bench.test"
if wants floor; then
    floor "verify $size P-256, bare ring" "$size-p256-nsec.zone"
fi
if wants read; then
    for zone in "100000-p256-nsec" "100000"; do
        "$reader" "$zone.zone" bench.test | sed "s/^/read $zone, /"
    done
fi
if wants verify; then
    for kind in p256-nsec p256-nsec3 ed25519-nsec; do
        pair "verify $size $kind, dnssec-verify" "$verify $size-$kind.zone" "$peer_verify $size-$kind.zone" 0 0
    done
    pair "verify 10000 p256-nsec, dnssec-verify" "$verify 10000-p256-nsec.zone" "$peer_verify 10000-p256-nsec.zone" 0 0
    if command -v "$kzonecheck" >/dev/null; then
        pair "verify 10000 RSA-2048, kzonecheck" "$verify 10000-rsa2048-nsec.zone" \
            "$kzonecheck -d on -o bench.test 10000-rsa2048-nsec.zone" 0 0
    fi
fi
if wants compare; then
    pair "compare 100k shuffled, ldns-compare-zones -a" "$compare 100000.zone 100000-other.zone --all" \
        "ldns-compare-zones -a 100000.zone 100000-other.zone" 1 0
    pair "compare signed 100k, awk sort comm" "$compare 100000-p256-nsec.zone 100000-p256-nsec3.zone" \
        "$lines 100000-p256-nsec.zone | LC_ALL=C sort >$work/a; $lines 100000-p256-nsec3.zone | LC_ALL=C sort >$work/b; LC_ALL=C comm -3 $work/a $work/b" 0 0
    if command -v "$kzonecheck" >/dev/null; then
        pair "read signed 100k (twice: compared with itself, --all), kzonecheck -d off (once)" \
            "$compare 100000-p256-nsec.zone 100000-p256-nsec.zone --all" \
            "$kzonecheck -d off -o bench.test 100000-p256-nsec.zone" 0 0
    fi
fi
if wants ldns; then
    for kind in nsec nsec3; do
        pair "verify 10000 of ldns-signzone, $kind, ldns-verify-zone" "$verify 10000-ldns-$kind.zone" \
            "ldns-verify-zone -V 0 10000-ldns-$kind.zone" 0 0
    done
    pair "compare what ldns and BIND signed, 10k" "$compare 10000-ldns-nsec.zone 10000-p256-nsec3.zone" \
        "$lines 10000-ldns-nsec.zone | LC_ALL=C sort >$work/a; $lines 10000-p256-nsec3.zone | LC_ALL=C sort >$work/b; LC_ALL=C comm -3 $work/a $work/b" 0 0
fi
if wants big-compare; then
    pair "compare 1M shuffled, ldns-compare-zones -a" "$compare 1000000.zone 1000000-other.zone --all" \
        "ldns-compare-zones -a 1000000.zone 1000000-other.zone" 1 0
fi
[ "$what" != quick ] || rounds=1
if wants big-verify; then
    pair "verify 1M P-256, dnssec-verify" "$verify 1000000-p256-nsec.zone" "$peer_verify 1000000-p256-nsec.zone" 0 0
fi
if wants big-nsec3; then
    pair "verify 1M P-256 NSEC3, dnssec-verify" "$verify 1000000-p256-nsec3.zone" "$peer_verify 1000000-p256-nsec3.zone" 0 0
fi
echo "load $(cut -d' ' -f1-3 /proc/loadavg) at the end, after $(($(date +%s) - began)) s"
